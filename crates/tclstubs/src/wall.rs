//! The wall: a call into Tcl that no unwinding passes. A script may end its thread in the middle of a callback
//! (`thread::exit`): glibc's `pthread_exit` then unwinds the stack, and aborts the process when it meets the frames of a
//! panic fence. At the wall the stack seems to end; there glibc stops unwinding and leaves the thread at once. The frames
//! behind the wall are never resumed: what they own stays as it is. It must not be used where no script can run.

use std::ffi::c_void;

type Run = unsafe extern "C" fn(*mut c_void);

// An undefined return address is how a stack says that it ends here. Who debugs sees no callers behind it.
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
std::arch::global_asm!(
    ".pushsection .text.tclstubs_wall,\"ax\",@progbits",
    ".globl tclstubs_wall",
    ".hidden tclstubs_wall",
    ".type tclstubs_wall,@function",
    "tclstubs_wall:",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "push rbp",
    "mov rbp, rsp",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "pop rbp",
    "ret",
    ".cfi_endproc",
    ".size tclstubs_wall, . - tclstubs_wall",
    ".popsection",
);

#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "aarch64"))]
std::arch::global_asm!(
    ".pushsection .text.tclstubs_wall,\"ax\",@progbits",
    ".globl tclstubs_wall",
    ".hidden tclstubs_wall",
    ".type tclstubs_wall,@function",
    "tclstubs_wall:",
    ".cfi_startproc",
    ".cfi_undefined x30",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "mov x9, x0",
    "mov x0, x1",
    "blr x9",
    "ldp x29, x30, [sp], #16",
    "ret",
    ".cfi_endproc",
    ".size tclstubs_wall, . - tclstubs_wall",
    ".popsection",
);

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
extern "C" {
    fn tclstubs_wall(run: Run, data: *mut c_void);
}

/// Elsewhere threads end without unwinding, or nobody has tried.
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
unsafe fn tclstubs_wall(run: Run, data: *mut c_void) {
    // SAFETY: the caller's contract.
    unsafe { run(data) }
}

/// Runs `call`, which calls Tcl and nothing else, behind the wall. It must own nothing and must not panic.
pub(crate) fn behind<R: Copy>(call: impl FnOnce() -> R + Copy) -> R {
    struct Job<F, R> {
        call: F,
        result: Option<R>,
    }
    unsafe extern "C" fn run<F: FnOnce() -> R + Copy, R: Copy>(data: *mut c_void) {
        // SAFETY: the job of `behind`, which waits for us.
        let job = unsafe { &mut *data.cast::<Job<F, R>>() };
        job.result = Some((job.call)());
    }
    fn entry<F: FnOnce() -> R + Copy, R: Copy>(_: &Job<F, R>) -> Run {
        run::<F, R>
    }
    let mut job = Job { call, result: None };
    let data = (&raw mut job).cast::<c_void>();
    // SAFETY: `data` is a job of the type that `run` expects, and lives until the call returns. The wall keeps to the
    // calling convention. If the thread ends inside, this frame is never resumed, and it owns nothing.
    unsafe { tclstubs_wall(entry(&job), data) };
    match job.result {
        Some(result) => result,
        None => unreachable!("the wall has not called"),
    }
}
