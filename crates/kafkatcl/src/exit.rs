//! The end of the process: every producer is flushed and every group left, within one bound, and what could not be
//! delivered is counted on stderr. It must not call scripts: the interpreter may be half gone.

use rdk::{Client, EventKind, Kind, Timeout};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long `delete` and `exit` may wait for deliveries, in milliseconds.
static BOUND_MS: AtomicI64 = AtomicI64::new(10_000);

/// The bound on flushing.
pub fn bound() -> Duration {
    Duration::from_millis(BOUND_MS.load(Ordering::Relaxed).max(0).unsigned_abs())
}

/// Sets the bound on flushing.
pub fn set_bound(ms: i32) {
    BOUND_MS.store(i64::from(ms.max(0)), Ordering::Relaxed);
}

/// Asks Tcl to call us when the process ends. Once per process.
pub fn install() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| tclstubs::at_exit(leave));
}

/// Writes a line on stderr. If that cannot be written, there is nobody to tell.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Failed deliveries that have not been told yet, by client: a burst is told once a second, and the rest when the process
/// ends at the latest.
static UNTOLD: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Keeps failed deliveries for later.
pub fn keep_untold(name: &str, lost: usize) {
    let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
    #[cfg(feature = "plant")]
    plant::point("poison_untold");
    *untold.entry(name.to_string()).or_default() += lost;
}

/// Takes back what was kept for a client.
pub fn take_untold(name: &str) -> usize {
    UNTOLD
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(name)
        .unwrap_or(0)
}

/// Says on stderr what was not delivered.
pub fn warn_lost(name: &str, lost: usize, why: &str) {
    #[cfg(feature = "plant")]
    let lost = if plant::hit("quiet_loss") { 0 } else { lost };
    if lost > 0 {
        let noun = if lost == 1 { "message was" } else { "messages were" };
        say(&format!("kafka: {lost} {noun} not delivered ({name}{why})"));
    }
}

fn leave() {
    let until = Instant::now() + bound();
    let mut clients = Vec::new();
    // In a forked child these are the child's own: it has no say over those of its parent.
    rdk::for_each_live(&mut |client| clients.push(client.clone()));
    for client in clients.iter().filter(|c| c.kind() == Kind::Producer) {
        let mut failed = 0;
        let left = flush(client, until, &mut |lost| failed += lost);
        let name = client.name();
        warn_lost(&name, left + failed + take_untold(&name), " at exit");
    }
    // Only subscribers are members of a group; a consumer handle with partitions that were started by hand would never be
    // closed.
    for client in clients
        .iter()
        .filter(|c| c.kind() == Kind::Consumer && c.reports_commits())
    {
        close_group(client, until);
    }
    // The clients are left running: Tcl does not unload us, and the process ends now.
    static LEFT: Mutex<Vec<Client>> = Mutex::new(Vec::new());
    LEFT.lock().unwrap_or_else(PoisonError::into_inner).append(&mut clients);
}

/// Waits until nothing is left to deliver or the time is up; `failed` is told how many deliveries failed meanwhile.
/// Returns how many messages are left.
fn flush(client: &Client, until: Instant, failed: &mut dyn FnMut(usize)) -> usize {
    let Ok(queue) = client.main_queue() else {
        return client.out_queue_len();
    };
    loop {
        while let Some(event) = queue.poll(Timeout::NONE) {
            if event.kind() == EventKind::Delivery {
                failed(event.messages().filter(|m| m.code() != rdk::Code::NO_ERROR).count());
            }
        }
        let left = client.messages_waiting(&queue);
        if left == 0 || Instant::now() >= until {
            return left;
        }
        // The call tells librdkafka not to wait for fuller batches; a report ends the wait that follows.
        let _ = client.flush(Timeout::ms(1));
        if let Some(event) = queue.poll(Timeout::ms(20)) {
            if event.kind() == EventKind::Delivery {
                failed(event.messages().filter(|m| m.code() != rdk::Code::NO_ERROR).count());
            }
        }
    }
}

/// Leaves the group within the time, so that its members need not wait for this one's session to end. What was seen is
/// committed first, unless the script commits by itself.
pub fn close_group(client: &Client, until: Instant) {
    // Only a member of a group has a consumer queue.
    let Ok(own) = client.consumer_queue() else { return };
    if client
        .effective()
        .iter()
        .any(|(name, value)| name == "enable.auto.commit" && value == "true")
    {
        commit_seen(client, &own, until);
    }
    drop(own);
    let Ok(queue) = client.new_queue() else { return };
    if client.close_start(&queue).is_err() {
        return;
    }
    while !client.closed() && Instant::now() < until {
        if let Some(event) = queue.poll(Timeout::ms(50)) {
            if event.kind() == EventKind::Rebalance {
                answer_rebalance(client, &event);
            }
        }
    }
}

/// Commits what was seen and waits for the broker's answer, which comes to the main queue. While the group rebalances,
/// brokers refuse: then the rebalance is answered and the commit repeated. (The commit that closing makes by itself is
/// not repeated.)
fn commit_seen(client: &Client, own: &rdk::Queue, until: Instant) {
    if client.assignment().map_or(true, |list| list.is_empty()) {
        return;
    }
    let Ok(main) = client.main_queue() else { return };
    // A group that cannot be reached must not use up the time that leaving it needs.
    let until = until.min(Instant::now() + Duration::from_secs(3));
    'again: while Instant::now() < until && client.commit(None, true).is_ok() {
        while Instant::now() < until {
            while let Some(event) = own.poll(Timeout::NONE) {
                // Messages that come now are dropped unseen; nothing of them is committed.
                if event.kind() == EventKind::Rebalance {
                    answer_rebalance(client, &event);
                }
            }
            match main.poll(Timeout::ms(20)) {
                Some(event) if event.kind() == EventKind::Commit => {
                    if event.error().code == rdk::Code::REBALANCE_IN_PROGRESS {
                        continue 'again;
                    }
                    return;
                }
                _ => {}
            }
        }
    }
}

/// Does what a rebalance event asks for. Returns the partitions that were taken away.
pub fn answer_rebalance(client: &Client, event: &rdk::Event<'_>) -> Option<rdk::PartitionList> {
    let partitions = event.partitions().unwrap_or_else(rdk::PartitionList::new);
    let cooperative = client.rebalance_protocol() == "COOPERATIVE";
    let assign = event.error().code == rdk::Code::ASSIGN_PARTITIONS;
    let done = match (assign, cooperative) {
        (true, true) => client.incremental_assign(&partitions),
        (true, false) => client.assign(Some(&partitions)),
        (false, true) => client.incremental_unassign(&partitions),
        // No list at all: an empty one would be an assignment, and the member would never rejoin.
        (false, false) => client.assign(None),
    };
    if done.is_err() && !cooperative {
        // Whatever went wrong, an unanswered rebalance would keep the whole group waiting.
        let _ = client.assign(None);
    }
    (!assign).then_some(partitions)
}
