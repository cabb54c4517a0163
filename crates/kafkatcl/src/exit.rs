//! The end of the process, by `exit` or by a signal: every producer is flushed and every group left, within one bound,
//! and what could not be delivered is counted on stderr. It must not call scripts: the interpreter may be half gone, and
//! at a signal this is not its thread.

use rdk::{Client, Event, EventKind, Kind, Queue, Status, Timeout};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
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

/// Is the end by a signal ours to look after? And is there something to look after: was a producer opened?
static ON_SIGNAL: AtomicBool = AtomicBool::new(true);
static PRODUCING: AtomicBool = AtomicBool::new(false);

/// `flush_on_signal`.
pub fn on_signal() -> bool {
    ON_SIGNAL.load(Ordering::Relaxed)
}

/// Sets `flush_on_signal`.
///
/// # Errors
/// No thread can be started.
pub fn set_on_signal(wanted: bool) -> std::io::Result<()> {
    ON_SIGNAL.store(wanted, Ordering::Relaxed);
    if !wanted {
        rdk::unwatch_signals();
    } else if PRODUCING.load(Ordering::Relaxed) {
        return watch();
    }
    Ok(())
}

/// A producer was opened: from now on there is something to lose.
pub fn producing() {
    PRODUCING.store(true, Ordering::Relaxed);
    if on_signal() {
        // Without a thread for it a signal kills at once, as it always did; and who gets no thread finds out soon.
        let _ = watch();
    }
}

fn watch() -> std::io::Result<()> {
    rdk::watch_signals(rdk::Ending {
        run: |signal| end(&format!(" at {signal}"), true),
        // The bound is kept by the flush itself; this is for what hangs all the same.
        patience: || bound() + Duration::from_secs(5),
    })
}

/// Writes a line on stderr. If that cannot be written, there is nobody to tell.
pub fn say(line: &str) {
    // In one call: another process may be writing to the same file.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Messages that were not delivered.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub count: usize,
    /// How many of them were on their way, so that the broker may have got them.
    pub unsure: usize,
}

impl Lost {
    /// What a report says.
    pub fn of(message: &rdk::Message<'_>) -> Lost {
        let failed = message.code() != rdk::Code::NO_ERROR;
        Lost {
            count: usize::from(failed),
            unsure: usize::from(failed && message.status() != Status::NotPersisted),
        }
    }

    /// None at all?
    pub fn is_none(&self) -> bool {
        self.count == 0
    }

    /// Messages without a report.
    pub fn unreported(count: usize) -> Lost {
        Lost { count, unsure: count }
    }
}

impl std::ops::AddAssign for Lost {
    fn add_assign(&mut self, more: Lost) {
        self.count += more.count;
        self.unsure += more.unsure;
    }
}

impl std::ops::SubAssign for Lost {
    fn sub_assign(&mut self, less: Lost) {
        self.count = self.count.saturating_sub(less.count);
        self.unsure = self.unsure.saturating_sub(less.unsure);
    }
}

/// What failed and has not been told to anybody yet.
#[derive(Clone, Copy, Default)]
struct Untold {
    /// To be said on stderr: a burst is said once a second, and the rest when the process ends at the latest.
    to_say: Lost,
    /// Drawn for a callback that has not been called yet; when the process ends it never will be.
    to_call: Lost,
}

/// By client. A failed delivery is noted here before its event is given back, for only until then librdkafka counts the
/// message; so whoever sees that nothing waits any more, on whatever thread, finds it here.
static UNTOLD: Mutex<BTreeMap<String, Untold>> = Mutex::new(BTreeMap::new());

fn untold() -> MutexGuard<'static, BTreeMap<String, Untold>> {
    UNTOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps failed deliveries for later.
pub fn keep_untold(name: &str, lost: Lost) {
    let mut all = untold();
    #[cfg(feature = "plant")]
    plant::point("poison_untold");
    all.entry(name.to_string()).or_default().to_say += lost;
}

/// Failed deliveries wait for a callback.
pub fn will_call(name: &str, lost: Lost) {
    untold().entry(name.to_string()).or_default().to_call += lost;
}

/// They wait no more: the callback is called now; or it is not (`in_vain`), and they are to be said.
pub fn calls(name: &str, lost: Lost, in_vain: bool) {
    if lost.is_none() {
        return;
    }
    let mut all = untold();
    let mine = all.entry(name.to_string()).or_default();
    mine.to_call -= lost;
    if in_vain {
        mine.to_say += lost;
    }
}

/// Says on stderr what a client did not deliver: these messages, and those that were kept.
pub fn say_untold(name: &str, more: Lost, why: &str) {
    // Said under the lock: the process may be killed as soon as another thread finds nothing left to say.
    let mut all = untold();
    let mut lost = more;
    if let Some(mine) = all.get_mut(name) {
        lost += std::mem::take(&mut mine.to_say);
        if mine.to_call.count == 0 {
            all.remove(name);
        }
    }
    warn_lost(name, lost, why);
}

/// The same for all clients, at the end: no callback will be called any more.
fn say_all_untold(mut more: BTreeMap<String, Lost>, why: &str) {
    let mut all = untold();
    for (name, mine) in std::mem::take(&mut *all) {
        let lost = more.entry(name).or_default();
        *lost += mine.to_say;
        *lost += mine.to_call;
    }
    for (name, lost) in more {
        warn_lost(&name, lost, why);
    }
}

fn warn_lost(name: &str, lost: Lost, why: &str) {
    let Lost { count, unsure } = lost;
    #[cfg(feature = "plant")]
    let count = if plant::hit("quiet_loss") { 0 } else { count };
    if count > 0 {
        let noun = if count == 1 { "message was" } else { "messages were" };
        let but = match unsure {
            0 => String::new(),
            _ => format!("; a broker may have got {unsure} of them"),
        };
        say(&format!("kafka: {count} {noun} not delivered ({name}{why}{but})"));
    }
}

/// What Tcl calls at `exit`.
fn leave() {
    end(" at exit", false);
    // A signal came first, or meanwhile: it decides how the process ends.
    rdk::hold_if_closed();
}

/// Ends all clients, once per process: who comes second waits for the first.
fn end(why: &str, signal: bool) {
    static OVER: Mutex<bool> = Mutex::new(false);
    rdk::close_gate(signal);
    let Some(mut over) = lock_at_end(&OVER) else { return };
    if !*over {
        end_clients(why);
        // Not before: after a panic it is called once more.
        *over = true;
    }
}

/// The lock; none in a forked child whose parent held it at the moment of the fork.
fn lock_at_end<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    if !rdk::forked() {
        return Some(mutex.lock().unwrap_or_else(PoisonError::into_inner));
    }
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poison)) => Some(poison.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn end_clients(why: &str) {
    let until = Instant::now() + bound();
    let mut clients = Vec::new();
    // In a forked child these are the child's own: it has no say over those of its parent.
    rdk::for_each_live(&mut |client| clients.push(client.clone()));
    for client in &clients {
        client.empty_by(until);
    }
    let producers = clients.iter().filter(|c| c.kind() == Kind::Producer);
    say_all_untold(flush(producers.map(Leaving::new).collect(), until), why);
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

/// A producer on its way out.
struct Leaving {
    client: Client,
    queue: Option<Queue>,
    lost: Lost,
}

impl Leaving {
    fn new(client: &Client) -> Leaving {
        Leaving {
            client: client.clone(),
            queue: client.main_queue().ok(),
            lost: Lost::default(),
        }
    }

    /// Takes what waits on the queue and counts what failed.
    fn take(&mut self, timeout: Timeout) {
        let next = |timeout| self.queue.as_ref().and_then(|q| q.poll(timeout));
        let mut event: Option<Event<'_>> = next(timeout);
        while let Some(taken) = event {
            if taken.kind() == EventKind::Delivery {
                for message in taken.messages() {
                    self.lost += Lost::of(&message);
                }
            }
            drop(taken);
            event = next(Timeout::NONE);
        }
    }

    /// Waits no message any more, neither for the broker nor for its report to be taken? The call also tells librdkafka
    /// not to wait for fuller batches.
    fn is_done(&self) -> bool {
        self.client.flush(Timeout::ms(1)).is_ok()
    }
}

/// Waits until nothing is left to deliver or the time is up, and then gives up what is left. Returns what was not
/// delivered, by client.
fn flush(mut producers: Vec<Leaving>, until: Instant) -> BTreeMap<String, Lost> {
    let mut lost = BTreeMap::new();
    settle(&mut producers, until, &mut lost);
    for left in &producers {
        // Its threads would go on: what they delivered after the count would be counted and delivered.
        let _ = left.client.purge(true, true);
    }
    settle(&mut producers, Instant::now() + Duration::from_secs(1), &mut lost);
    for left in producers {
        let waiting = left.queue.as_ref().map_or(0, |q| left.client.messages_waiting(q));
        let mut all = left.lost;
        all += Lost::unreported(waiting.max(1));
        lost.insert(left.client.name(), all);
    }
    lost
}

/// Takes reports until each producer is done, or the time is up; removes those that are.
fn settle(producers: &mut Vec<Leaving>, until: Instant, lost: &mut BTreeMap<String, Lost>) {
    loop {
        producers.retain_mut(|one| {
            one.take(Timeout::NONE);
            let done = one.is_done();
            if done {
                lost.insert(one.client.name(), one.lost);
            }
            !done
        });
        if producers.is_empty() || Instant::now() >= until {
            return;
        }
        // A report ends the wait; the others are not kept waiting for long.
        let wait = i64::try_from(20 / producers.len()).unwrap_or(0).max(1);
        for one in producers.iter_mut() {
            one.take(Timeout::ms(wait));
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
