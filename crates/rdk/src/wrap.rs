//! Calls of librdkafka into the C library that come here instead, and three of its own (`refetch.rs`): the shared library is
//! linked so (`--wrap`, in its build script). It must not change anything about them but what is said here.
//!
//! - Pipes, and the connections that the mock cluster accepts, are close-on-exec: no program that a script starts inherits
//!   them.
//! - Waits are measured by the monotonic clock. C's own wait goes by the clock of the day, and would last a day longer when
//!   somebody puts that back a day.
//! - A wait without end has one inside [`within`]: some calls wait for an answer that may never come.

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    /// Until when this thread waits where librdkafka would wait for ever.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs a call of librdkafka: where it would wait for ever on this thread, it gives up after `patience`, and the call
/// fails with `__TIMED_OUT`. What it has asked for may still be done. Only where the wrappers below are linked, in the
/// shared library on some systems; elsewhere it waits as ever.
pub(crate) fn within<T>(patience: Duration, call: impl FnOnce() -> T) -> T {
    let _earlier = Bound(UNTIL.replace(Some(Instant::now() + patience)));
    call()
}

/// What was before, and is again when this goes, also while a panic unwinds.
struct Bound(Option<Instant>);

impl Drop for Bound {
    fn drop(&mut self) {
        UNTIL.set(self.0);
    }
}

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod here {
    use libc::{c_int, pthread_cond_t, pthread_mutex_t, sockaddr, socklen_t, timespec};

    use crate::refetch::{buf_retry, handle_offset_fetch, offset_fetch_request};

    extern "C" {
        // The GNU C library has it since 2.30.
        fn pthread_cond_clockwait(
            condition: *mut pthread_cond_t,
            mutex: *mut pthread_mutex_t,
            clock: libc::clockid_t,
            until: *const timespec,
        ) -> c_int;
    }

    unsafe extern "C" fn pipe(ends: *mut c_int) -> c_int {
        // SAFETY: the caller's own argument.
        unsafe { libc::pipe2(ends, libc::O_CLOEXEC) }
    }

    unsafe extern "C" fn accept(socket: c_int, from: *mut sockaddr, length: *mut socklen_t) -> c_int {
        // SAFETY: the caller's own arguments.
        unsafe { libc::accept4(socket, from, length, libc::SOCK_CLOEXEC) }
    }

    const SECOND: i64 = 1_000_000_000;

    fn now(clock: libc::clockid_t) -> i64 {
        let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: fills a time of ours. These clocks exist.
        unsafe { libc::clock_gettime(clock, &mut time) };
        nanoseconds(&time)
    }

    fn nanoseconds(time: &timespec) -> i64 {
        time.tv_sec.saturating_mul(SECOND).saturating_add(time.tv_nsec)
    }

    const SUCCESS: c_int = 0; // thrd_success
    const ERROR: c_int = 2; // thrd_error
    const TIMED_OUT: c_int = 4; // thrd_timedout

    /// Waits until that time of the monotonic clock.
    ///
    /// # Safety
    /// A condition variable, and its mutex, which this thread holds.
    unsafe fn wait_until(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, until: i64) -> c_int {
        let until = timespec {
            tv_sec: until / SECOND,
            tv_nsec: until % SECOND,
        };
        // SAFETY: the caller's own contract, and a time that lives through the call.
        match unsafe { pthread_cond_clockwait(condition, mutex, libc::CLOCK_MONOTONIC, &until) } {
            0 => SUCCESS,
            libc::ETIMEDOUT => TIMED_OUT,
            _ => ERROR,
        }
    }

    // C11's condition variables and mutexes are those of POSIX in this C library, which passes them on just so.
    unsafe extern "C" fn cnd_wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int {
        if let Some(until) = super::UNTIL.get() {
            let left = until.saturating_duration_since(std::time::Instant::now());
            let until = now(libc::CLOCK_MONOTONIC).saturating_add(i64::try_from(left.as_nanos()).unwrap_or(i64::MAX));
            // SAFETY: the caller's own arguments.
            return unsafe { wait_until(condition, mutex, until) };
        }
        // SAFETY: the caller's own arguments.
        match unsafe { libc::pthread_cond_wait(condition, mutex) } {
            0 => SUCCESS,
            _ => ERROR,
        }
    }

    unsafe extern "C" fn cnd_timedwait(
        condition: *mut pthread_cond_t,
        mutex: *mut pthread_mutex_t,
        until: *const timespec,
    ) -> c_int {
        // SAFETY: the caller's own argument, a time of the day that it has made a moment ago.
        let left = nanoseconds(unsafe { &*until }).saturating_sub(now(libc::CLOCK_REALTIME));
        // SAFETY: the caller's own arguments.
        unsafe { wait_until(condition, mutex, now(libc::CLOCK_MONOTONIC).saturating_add(left.max(0))) }
    }

    #[cfg(target_arch = "x86_64")]
    macro_rules! jump {
        () => {
            "jmp {function}"
        };
    }
    #[cfg(target_arch = "aarch64")]
    macro_rules! jump {
        () => {
            "b {function}"
        };
    }

    // Hidden names for the linker: an exported Rust function would be exported from the shared library as well.
    macro_rules! wrapper {
        ($name:literal, $function:ident) => {
            std::arch::global_asm!(
                ".pushsection .text.rdk_wrap,\"ax\",%progbits",
                concat!(".globl __wrap_", $name),
                concat!(".hidden __wrap_", $name),
                concat!(".type __wrap_", $name, ",%function"),
                concat!("__wrap_", $name, ":"),
                jump!(),
                ".popsection",
                function = sym $function,
            );
        };
    }
    wrapper!("pipe", pipe);
    wrapper!("accept", accept);
    wrapper!("cnd_wait", cnd_wait);
    wrapper!("cnd_timedwait", cnd_timedwait);
    wrapper!("rd_kafka_OffsetFetchRequest", offset_fetch_request);
    wrapper!("rd_kafka_handle_OffsetFetch", handle_offset_fetch);
    wrapper!("rd_kafka_buf_retry", buf_retry);

    #[cfg(target_arch = "x86_64")]
    macro_rules! jump_to_real {
        ($name:literal) => {
            concat!("jmp qword ptr [rip + __real_", $name, "@GOTPCREL]")
        };
    }
    #[cfg(target_arch = "aarch64")]
    macro_rules! jump_to_real {
        ($name:literal) => {
            concat!(
                "adrp x16, :got:__real_",
                $name,
                "\n",
                "ldr x16, [x16, :got_lo12:__real_",
                $name,
                "]\n",
                "br x16"
            )
        };
    }

    // The function that a wrapper stands for. Weak: where nothing is wrapped there is none, and nobody asks for it.
    macro_rules! real {
        ($name:literal, $ours:literal) => {
            std::arch::global_asm!(
                ".pushsection .text.rdk_wrap,\"ax\",%progbits",
                concat!(".weak __real_", $name),
                concat!(".globl ", $ours),
                concat!(".hidden ", $ours),
                concat!(".type ", $ours, ",%function"),
                concat!($ours, ":"),
                jump_to_real!($name),
                ".popsection",
            );
        };
    }
    real!("rd_kafka_OffsetFetchRequest", "rdk_real_offset_fetch_request");
    real!("rd_kafka_handle_OffsetFetch", "rdk_real_handle_offset_fetch");
    real!("rd_kafka_buf_retry", "rdk_real_buf_retry");
}

/// Called where clients are made, so that the linker takes this file with them.
#[inline(never)]
pub(crate) fn here() {}
