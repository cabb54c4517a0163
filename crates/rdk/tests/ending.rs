//! The end of a process: the gate, and the signals that ask for it. Both are for good, so each test runs its part in a
//! process of its own: this very program again, told by the environment what to do.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdk::*;
use support::*;

const PART: &str = "RDK_TEST_PART";

/// Run this part in a process of its own.
fn start(part: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "part", "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Each time it says a line that ends with "ready", give it the next signals; how it died and what else it said.
fn signalled(part: &str, turns: &[&[i32]]) -> (Option<i32>, Option<i32>, String) {
    let mut child = start(part);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for signals in turns {
        let mut line = String::new();
        while !line.trim_end().ends_with("ready") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "{part} ended early");
        }
        for signal in *signals {
            // SAFETY: a child of ours that nobody has waited for.
            unsafe { libc::kill(child.id().try_into().unwrap(), *signal) };
        }
    }
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let status = child.wait().unwrap();
    (status.signal(), status.code(), rest)
}

fn say(words: &str) {
    println!("{words}");
}

fn sleep_long() -> ! {
    std::thread::sleep(Duration::from_secs(30));
    std::process::exit(9)
}

fn quick() -> Duration {
    Duration::from_millis(100)
}

fn patient() -> Duration {
    Duration::from_secs(20)
}

/// Not a test by itself.
#[test]
fn part() {
    let Ok(part) = std::env::var(PART) else { return };
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        // A test that runs in the background, or under nohup, begins with some of them ignored.
        // SAFETY: no handler of ours is involved.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    match part.as_str() {
        "gate" => gate_of_threads(),
        "gate held" => gate_that_holds(),
        "said" => {
            let run = |name: &'static str| say(&format!("at {name}"));
            watch_signals(Ending { run, patience: patient }).unwrap();
        }
        "hangs" => {
            let run = |_| sleep_long();
            watch_signals(Ending { run, patience: quick }).unwrap();
        }
        "hangs long" => {
            let run = |_| {
                std::thread::sleep(Duration::from_millis(700)); // an echo is not meant here
                say("hanging, ready");
                sleep_long()
            };
            watch_signals(Ending { run, patience: patient }).unwrap();
        }
        "slow" => {
            let run = |name: &'static str| {
                say("begun, ready");
                std::thread::sleep(Duration::from_millis(100));
                say(&format!("at {name}"));
            };
            watch_signals(Ending { run, patience: patient }).unwrap();
        }
        "panics" => {
            std::panic::set_hook(Box::new(|_| {}));
            let run = |_| panic!("planted");
            watch_signals(Ending { run, patience: patient }).unwrap();
        }
        "unwatched" => {
            let run = |name: &'static str| say(&format!("at {name}"));
            watch_signals(Ending { run, patience: patient }).unwrap();
            unwatch_signals();
        }
        "ignored" => {
            // SAFETY: no handler of ours is involved.
            unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
            let run = |name: &'static str| say(&format!("at {name}"));
            watch_signals(Ending { run, patience: patient }).unwrap();
        }
        "fork" => {
            let run = |name: &'static str| say(&format!("at {name}"));
            watch_signals(Ending { run, patience: patient }).unwrap();
            // SAFETY: the child calls only what is allowed after fork: kill itself, and _exit.
            let status = unsafe {
                let pid = libc::fork();
                if pid == 0 {
                    libc::kill(libc::getpid(), libc::SIGTERM);
                    libc::_exit(3);
                }
                let mut status = 0;
                libc::waitpid(pid, &mut status, 0);
                status
            };
            assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGTERM);
        }
        _ => panic!("no such part: {part}"),
    }
    say("ready");
    sleep_long();
}

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Four threads produce without end, and the gate is closed: from then on `TAKEN` stands still.
fn closing(holding: bool) -> (Vec<std::thread::JoinHandle<Code>>, Client, usize) {
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let client = producer(
        &mock,
        Delivery::FailuresOnly,
        &[("queue.buffering.max.messages", "10000000")],
    );
    let threads = (0..4)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || {
                let topic = client.topic("t", None).unwrap();
                loop {
                    match topic.produce(0, Some(b"x"), None) {
                        Ok(()) => {
                            TAKEN.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(error) => return error.code,
                    }
                }
            })
        })
        .collect();
    wait("messages", || (TAKEN.load(Ordering::SeqCst) > 10_000).then_some(()));
    close_gate(holding);
    assert!(client.empty_by(Instant::now() + Duration::from_secs(10)));
    let waiting = client.out_queue_len();
    std::mem::forget(mock);
    (threads, client, waiting)
}

fn gate_of_threads() {
    let (threads, client, _) = closing(false);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Code::STATE);
    }
    client.flush(Timeout::ms(20_000)).unwrap();
    assert!(gate_closed());
    hold_if_closed(); // does not
    std::process::exit(5);
}

fn gate_that_holds() {
    let (threads, client, before) = closing(true);
    // Nothing comes in any more: what waits only gets less.
    let start = Instant::now();
    let mut last = before;
    while start.elapsed() < Duration::from_millis(200) {
        let now = client.out_queue_len();
        assert!(now <= last, "{now} after {last}");
        last = now;
        std::thread::yield_now();
    }
    assert!(threads.iter().all(|thread| !thread.is_finished()));
    std::process::exit(6);
}

#[test]
fn the_gate_lets_nobody_in_while_it_is_closed() {
    for (part, code) in [("gate", 5), ("gate held", 6)] {
        let status = start(part).wait().unwrap();
        assert_eq!(status.code(), Some(code), "{part}");
    }
}

#[test]
fn a_signal_runs_the_ending_and_kills() {
    for (signal, name) in [
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGHUP, "SIGHUP"),
    ] {
        assert_eq!(
            signalled("said", &[&[signal]]),
            (Some(signal), None, format!("at {name}\n"))
        );
    }
}

#[test]
fn an_ending_that_hangs_or_panics_does_not_keep_the_process() {
    let start = Instant::now();
    assert_eq!(signalled("hangs", &[&[libc::SIGTERM]]).0, Some(libc::SIGTERM));
    assert_eq!(signalled("panics", &[&[libc::SIGTERM]]).0, Some(libc::SIGTERM));
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_second_signal_kills_at_once_unless_it_is_an_echo() {
    let start = Instant::now();
    for second in [libc::SIGTERM, libc::SIGINT] {
        // Sent before the first one has come, it would be one with it.
        let turns: [&[i32]; 2] = [&[libc::SIGTERM], &[second]];
        assert_eq!(signalled("hangs long", &turns).0, Some(second));
    }
    assert!(start.elapsed() < Duration::from_secs(15));
    // At the same time: the ending runs to its end.
    let turns: [&[i32]; 2] = [&[libc::SIGTERM, libc::SIGTERM], &[libc::SIGTERM]];
    assert_eq!(
        signalled("slow", &turns),
        (Some(libc::SIGTERM), None, "at SIGTERM\n".to_string())
    );
}

#[test]
fn what_is_ignored_or_not_watched_is_left_alone() {
    assert_eq!(
        signalled("unwatched", &[&[libc::SIGTERM]]),
        (Some(libc::SIGTERM), None, String::new())
    );
    let both = [libc::SIGHUP, libc::SIGINT];
    assert_eq!(
        signalled("ignored", &[&both]),
        (Some(libc::SIGINT), None, "at SIGINT\n".to_string())
    );
}

#[test]
fn a_forked_child_dies_by_itself() {
    assert_eq!(
        signalled("fork", &[&[libc::SIGTERM]]),
        (Some(libc::SIGTERM), None, "at SIGTERM\n".to_string())
    );
}
