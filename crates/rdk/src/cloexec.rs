//! Descriptors that no program inherits. librdkafka makes its pipes, and the mock cluster the connections that it accepts,
//! without close-on-exec: whatever a script starts would hold them open. The shared library is linked so that these calls
//! of librdkafka come here instead (`--wrap`, in its build script). It must not change anything else about them.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod wrap {
    use libc::{c_int, sockaddr, socklen_t};

    unsafe extern "C" fn pipe(ends: *mut c_int) -> c_int {
        // SAFETY: the caller's own argument.
        unsafe { libc::pipe2(ends, libc::O_CLOEXEC) }
    }

    unsafe extern "C" fn accept(socket: c_int, from: *mut sockaddr, length: *mut socklen_t) -> c_int {
        // SAFETY: the caller's own arguments.
        unsafe { libc::accept4(socket, from, length, libc::SOCK_CLOEXEC) }
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
}

/// Called where clients are made, so that the linker takes this file with them.
#[inline(never)]
pub(crate) fn here() {}
