//! The signals that ask a process to end: SIGTERM, SIGINT and SIGHUP, which kill at once by default, whatever a producer
//! still has to send.
//!
//! A handler may do next to nothing, and the thread it interrupts may be busy for long. So it writes one byte, and a
//! thread of ours, which sleeps until then, has done what is to be done, and kills the process by the same signal: the
//! parent sees what it always saw. Whoever ignores or handles a signal by itself is left alone. This file must not know
//! what is done at the end, and no other program's code may run on its threads.

use std::ffi::c_int;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{io, mem, ptr};

use crate::fence::fence;
use crate::fork;
use crate::life::locked;

#[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "hurd"))]
use libc::__errno_location as errno;
#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
use libc::__error as errno;

const SIGNALS: [(c_int, &str); 3] = [
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGINT, "SIGINT"),
    (libc::SIGHUP, "SIGHUP"),
];

/// A second signal within this time is the first one, sent twice: `timeout` sends to the process and to its group.
const ECHO: Duration = Duration::from_millis(500);

/// The stack of our threads: enough for a flush, which is no deep recursion.
const STACK: usize = 256 * 1024;

/// Where the handler writes, and the process that reads there. 0: none.
static BELL: AtomicI32 = AtomicI32::new(-1);
static OWNER: AtomicI32 = AtomicI32::new(0);

/// Held while handlers are installed or taken away.
static CHANGING: Mutex<()> = Mutex::new(());

/// What is done when such a signal has come.
#[derive(Clone, Copy)]
pub struct Ending {
    /// Called once, with the name of the signal, on a thread of its own.
    pub run: fn(&'static str),
    /// How long it may take; after that the process is killed all the same.
    pub patience: fn() -> Duration,
}

extern "C" fn noted(signal: c_int) {
    // SAFETY: the address of this thread's errno, which the interrupted code may be about to read.
    let kept = unsafe { *errno() };
    // SAFETY: getpid, sigaction, raise and write are allowed in a handler; the byte lives through the call.
    unsafe {
        if libc::getpid() == OWNER.load(Ordering::Relaxed) {
            let byte = signal as u8;
            libc::write(BELL.load(Ordering::Relaxed), ptr::from_ref(&byte).cast(), 1);
        } else {
            // A forked child: the reader is its parent. The default action comes when this handler returns.
            set(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        *errno() = kept;
    }
}

/// What the handler is called in a `sigaction`.
fn ours() -> libc::sighandler_t {
    let noted: extern "C" fn(c_int) = noted;
    noted as libc::sighandler_t
}

/// What happens now at a signal.
fn disposition(signal: c_int) -> libc::sighandler_t {
    // SAFETY: all zero is a sigaction; the call writes it and changes nothing.
    unsafe {
        let mut now: libc::sigaction = mem::zeroed();
        if libc::sigaction(signal, ptr::null(), &mut now) == 0 {
            now.sa_sigaction
        } else {
            libc::SIG_IGN
        }
    }
}

fn set(signal: c_int, action: libc::sighandler_t) {
    // SAFETY: a sigaction that is written whole; the handler stays mapped, for this library is never unloaded.
    unsafe {
        let mut new: libc::sigaction = mem::zeroed();
        new.sa_sigaction = action;
        libc::sigemptyset(&mut new.sa_mask);
        if action != libc::SIG_DFL {
            new.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
            for (other, _) in SIGNALS {
                libc::sigaddset(&mut new.sa_mask, other);
            }
        }
        libc::sigaction(signal, &new, ptr::null_mut());
    }
}

/// Run `f` with every signal blocked: what threads it starts have them blocked for good.
pub fn unsignalled<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: two sets that the calls fill; only the mask of this thread is changed, and then restored.
    unsafe {
        let mut all: libc::sigset_t = mem::zeroed();
        let mut old: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old);
        let done = f();
        libc::pthread_sigmask(libc::SIG_SETMASK, &old, ptr::null_mut());
        done
    }
}

/// From now on, each of SIGTERM, SIGINT and SIGHUP that would kill this process has `ending` run first. Signals that are
/// ignored or handled stay as they are. A second signal kills at once, unless it comes within half a second. May be called
/// again, also in a forked child.
///
/// Error: no descriptor or no thread was to be had; nothing is changed.
pub fn watch_signals(ending: Ending) -> io::Result<()> {
    fork::watch();
    let _alone = locked(&CHANGING);
    // SAFETY: no arguments.
    let me = unsafe { libc::getpid() };
    if OWNER.load(Ordering::Relaxed) != me {
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        let done = bell.try_clone()?;
        unsignalled(|| start("rdk:signal", move || listen(ear, done, ending)))?;
        // Never closed: a handler may be about to write.
        BELL.store(bell.into_raw_fd(), Ordering::Relaxed);
        OWNER.store(me, Ordering::Relaxed);
    }
    for (signal, _) in SIGNALS {
        let now = disposition(signal);
        if now == libc::SIG_DFL || now == ours() {
            set(signal, ours());
        }
    }
    Ok(())
}

/// Let signals kill again at once, where [`watch_signals`] has changed that.
pub fn unwatch_signals() {
    let _alone = locked(&CHANGING);
    for (signal, _) in SIGNALS {
        if disposition(signal) == ours() {
            set(signal, libc::SIG_DFL);
        }
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.to_string()).stack_size(STACK);
    thread.spawn(run).map(|_| ())
}

/// The next signal, or 0 for the end of the ending; None when the time is up.
fn next(ear: &mut UnixStream) -> Option<c_int> {
    let mut byte = [0u8];
    loop {
        match ear.read(&mut byte) {
            Ok(1) => return Some(c_int::from(byte[0])),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Or somebody has closed our descriptors.
            _ => return None,
        }
    }
}

/// The thread that waits for a signal.
fn listen(mut ear: UnixStream, mut done: UnixStream, ending: Ending) {
    let first = next(&mut ear);
    let Some((signal, name)) = SIGNALS.iter().find(|(signal, _)| Some(*signal) == first) else {
        return unwatch_signals();
    };
    let began = Instant::now();
    let until = began + (ending.patience)();
    // On another thread, so that nothing that it meets can keep the process alive: a stderr that nobody reads.
    let run = move || {
        let run = || {
            #[cfg(feature = "plant")]
            plant::point("end_on_signal");
            (ending.run)(name);
        };
        // After a panic once more, or messages would be lost.
        if fence(run).is_none() {
            fence(run);
        }
        let _ = done.write(&[0]);
    };
    if start("rdk:end", run).is_err() {
        die(*signal);
    }
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || ear.set_read_timeout(Some(left)).is_err() {
            die(*signal);
        }
        match next(&mut ear) {
            Some(again) if again != 0 && began.elapsed() < ECHO => {}
            Some(again) if again != 0 => die(again),
            _ => die(*signal),
        }
    }
}

/// Die by this signal, as if nobody had been in its way.
fn die(signal: c_int) -> ! {
    set(signal, libc::SIG_DFL);
    // SAFETY: a set that the calls fill, the mask of this thread, and a signal to this thread, which kills the process.
    unsafe {
        let mut it: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&mut it);
        libc::sigaddset(&mut it, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &it, ptr::null_mut());
        libc::raise(signal);
        // The first process of a container has no default actions. A shell would say 128 and the number.
        libc::_exit(128 + signal)
    }
}
