//! Calls of librdkafka into the C library that come here instead: the shared library is linked so (`--wrap`, in its build
//! script). It must not change anything about them but what is said here.
//!
//! - Pipes, and the connections that the mock cluster accepts, are close-on-exec: no program that a script starts inherits
//!   them.
//! - Waits are measured by the monotonic clock. C's own wait goes by the clock of the day, and would last a day longer when
//!   somebody puts that back a day.

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod here {
    use libc::{c_int, pthread_cond_t, pthread_mutex_t, sockaddr, socklen_t, timespec};

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

    // C11's condition variables and mutexes are those of POSIX in this C library, which passes them on just so.
    unsafe extern "C" fn cnd_timedwait(
        condition: *mut pthread_cond_t,
        mutex: *mut pthread_mutex_t,
        until: *const timespec,
    ) -> c_int {
        // SAFETY: the caller's own argument, a time of the day that it has made a moment ago.
        let left = nanoseconds(unsafe { &*until }).saturating_sub(now(libc::CLOCK_REALTIME));
        let until = now(libc::CLOCK_MONOTONIC).saturating_add(left.max(0));
        let until = timespec {
            tv_sec: until / SECOND,
            tv_nsec: until % SECOND,
        };
        // SAFETY: the caller's own arguments, and a time that lives through the call.
        match unsafe { pthread_cond_clockwait(condition, mutex, libc::CLOCK_MONOTONIC, &until) } {
            0 => 0,               // thrd_success
            libc::ETIMEDOUT => 4, // thrd_timedout
            _ => 2,               // thrd_error
        }
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
    wrapper!("cnd_timedwait", cnd_timedwait);
}

/// Called where clients are made, so that the linker takes this file with them.
#[inline(never)]
pub(crate) fn here() {}
