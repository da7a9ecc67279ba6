//! What the programs of this folder stand on: system calls, an entry point and clone, without a C
//! library, whose start-up would be measured along.
//!
//! The benchmark compiles them by rustc alone, so `unsafe` is here and not in `src/sys`: they share
//! nothing with mydocker, or they would not be a measure of it.

#![allow(dead_code, reason = "each program uses a part of it")]

use core::arch::{asm, global_asm};

pub const CAPSET: usize = if X86 { 126 } else { 91 };
pub const CLOCK_GETTIME: usize = if X86 { 228 } else { 113 };
pub const CLONE: usize = if X86 { 56 } else { 220 };
pub const CLOSE_RANGE: usize = 436;
pub const CLOSE: usize = if X86 { 3 } else { 57 };
pub const DUP3: usize = if X86 { 292 } else { 24 };
pub const EXECVE: usize = if X86 { 59 } else { 221 };
pub const EXIT_GROUP: usize = if X86 { 231 } else { 94 };
pub const GETRANDOM: usize = if X86 { 318 } else { 278 };
pub const IOCTL: usize = if X86 { 16 } else { 29 };
pub const KEYCTL: usize = if X86 { 250 } else { 219 };
pub const MOUNT: usize = if X86 { 165 } else { 40 };
pub const NANOSLEEP: usize = if X86 { 35 } else { 101 };
pub const OPENAT: usize = if X86 { 257 } else { 56 };
pub const PERSONALITY: usize = if X86 { 135 } else { 92 };
pub const PIPE2: usize = if X86 { 293 } else { 59 };
pub const PRCTL: usize = if X86 { 157 } else { 167 };
pub const READ: usize = if X86 { 0 } else { 63 };
pub const RT_SIGACTION: usize = if X86 { 13 } else { 134 };
pub const RT_SIGPROCMASK: usize = if X86 { 14 } else { 135 };
pub const RT_SIGTIMEDWAIT: usize = if X86 { 128 } else { 137 };
pub const SECCOMP: usize = if X86 { 317 } else { 277 };
pub const SETHOSTNAME: usize = if X86 { 170 } else { 161 };
pub const SETSID: usize = if X86 { 112 } else { 157 };
pub const SOCKET: usize = if X86 { 41 } else { 198 };
pub const UMASK: usize = if X86 { 95 } else { 166 };
pub const SET_TID_ADDRESS: usize = if X86 { 218 } else { 96 };
pub const WAIT4: usize = if X86 { 61 } else { 260 };
pub const WRITE: usize = if X86 { 1 } else { 64 };

const X86: bool = cfg!(target_arch = "x86_64");

/// One system call; above -4096 as an unsigned number it is an errno.
///
/// # Safety
/// As the call's own manual page.
pub unsafe fn call(number: usize, arguments: [usize; 6]) -> usize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel changes rax, rcx and r11; what it does to memory is the caller's promise.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, in("r8") e, in("r9") f, out("rcx") _, out("r11") _, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the kernel changes x0; what it does to memory is the caller's promise.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a => result, in("x1") b, in("x2") c,
            in("x3") d, in("x4") e, in("x5") f, options(nostack));
    }
    result
}

/// clone(2) with `flags` on the stack that ends at `stack`, where the child runs `run(argument)`.
///
/// # Safety
/// `stack` is the 16-byte aligned end of memory that nothing else uses while the child runs.
pub unsafe fn clone(
    flags: usize,
    stack: usize,
    run: extern "C" fn(usize) -> !,
    argument: usize,
) -> usize {
    let result;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: only the child passes `jnz`; it has its own stack and never returns.
    unsafe {
        asm!("syscall", "test rax, rax", "jnz 2f", "mov rdi, r13", "call r12", "ud2", "2:",
            in("r12") run, in("r13") argument, inlateout("rax") CLONE => result, in("rdi") flags,
            in("rsi") stack, in("rdx") 0, in("r10") 0, in("r8") 0, out("rcx") _, out("r11") _);
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: only the child passes `cbnz`; it has its own stack and never returns.
    unsafe {
        asm!("svc 0", "cbnz x0, 2f", "mov x0, x10", "blr x9", "brk 1", "2:",
            in("x9") run, in("x10") argument, in("x8") CLONE, inlateout("x0") flags => result,
            in("x1") stack, in("x2") 0, in("x3") 0, in("x4") 0);
    }
    result
}

/// exit_group(2).
pub fn exit(code: usize) -> ! {
    loop {
        // SAFETY: no pointers, and it does not return.
        unsafe { call(EXIT_GROUP, [code, 0, 0, 0, 0, 0]) };
    }
}

/// A call that must work: if it does not, the process ends with `code`.
///
/// # Safety
/// As [`call`].
pub unsafe fn must(code: usize, number: usize, arguments: [usize; 6]) -> usize {
    // SAFETY: the caller's promise.
    let result = unsafe { call(number, arguments) };
    if result > usize::MAX - 4096 {
        exit(code);
    }
    result
}

// The kernel enters with argc, argv and envp on the stack and nothing pushed; a function wants the
// stack as a call leaves it.
#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "mov rdi, rsp", "call {}", "ud2", sym super::start);
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x0, sp", "bl {}", "brk 1", sym super::start);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}
