//! clone(2), called directly, with a stack of our own.
//!
//! libc's `fork` and `clone` are not used: they run handlers, take locks and reset state that a
//! child which only walks a prepared plan does not want, and none of them gives the parent's
//! suspension (`CLONE_VFORK`) together with a separate stack.

use super::stack::ChildStack;
use super::{Errno, Pid};
use std::ffi::c_void;

/// The namespace flags of clone(2), as the kernel spells them.
pub mod flags {
    pub const NEWNS: u32 = libc::CLONE_NEWNS as u32;
    pub const NEWCGROUP: u32 = libc::CLONE_NEWCGROUP as u32;
    pub const NEWUTS: u32 = libc::CLONE_NEWUTS as u32;
    pub const NEWIPC: u32 = libc::CLONE_NEWIPC as u32;
    pub const NEWUSER: u32 = libc::CLONE_NEWUSER as u32;
    pub const NEWPID: u32 = libc::CLONE_NEWPID as u32;
    pub const NEWNET: u32 = libc::CLONE_NEWNET as u32;
}

/// Whose memory the child runs in until it calls execve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// The parent's own (`CLONE_VM`), while the parent is suspended (`CLONE_VFORK`): nothing is
    /// copied, which makes this four times as fast as the other one.
    Shared,
    /// A copy-on-write copy, as fork(2) makes it. The parent runs on.
    Copied,
}

/// What the raw call starts on the new stack.
struct Entry<'a, T> {
    run: fn(&T) -> !,
    argument: &'a T,
}

extern "C" fn enter<T>(entry: *const c_void) -> ! {
    // SAFETY: `spawn` passes the address of its own local `Entry<T>`, and that frame is alive: in
    // shared memory its owner is suspended in clone until we are gone, in copied memory it is our
    // copy, which nothing else changes.
    let entry = unsafe { &*entry.cast::<Entry<'_, T>>() };
    (entry.run)(entry.argument)
}

/// Starts a child that runs `run(argument)` on `stack`, in the new namespaces that `namespaces`
/// names. The child ends with SIGCHLD to the parent.
///
/// With [`Memory::Shared`] this returns when the child has called execve or _exit. `run` has to
/// keep the child rule, or the child may deadlock or leave the parent's memory in a strange state;
/// but not in an unsound one, which is why this is a safe function: to the parent's only thread,
/// suspended meanwhile, the child is a call that never gave its borrows back.
///
/// Errors: as clone(2).
pub fn spawn<T>(
    namespaces: u32,
    memory: Memory,
    stack: &mut ChildStack,
    run: fn(&T) -> !,
    argument: &T,
) -> Result<Pid, Errno> {
    let memory_flags = match memory {
        Memory::Shared => libc::CLONE_VM | libc::CLONE_VFORK,
        Memory::Copied => 0,
    };
    let flags = (namespaces | memory_flags as u32 | libc::SIGCHLD as u32) as usize;
    let entry = Entry { run, argument };
    // SAFETY: the stack is a live private mapping that only this child uses (`&mut`); `enter::<T>`
    // never returns, so the child never comes back into this frame; the parent's registers and
    // stack are untouched by the child, which has its own stack pointer from the first instruction.
    let returned = unsafe {
        raw_clone(
            flags,
            stack.top(),
            enter::<T>,
            std::ptr::from_ref(&entry).cast(),
        )
    };
    Errno::from_ret(returned).map(|pid| pid as Pid)
}

/// The call itself. The child must not return through the parent's frame (its stack pointer is
/// another one), so parent and child part in assembly: the child calls `run(argument)` at once.
///
/// # Safety
/// `stack_top` must be the 16-byte aligned end of writable memory that nothing else uses, and
/// `run` must not return.
#[cfg(target_arch = "x86_64")]
unsafe fn raw_clone(
    flags: usize,
    stack_top: usize,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: the system call changes rax, rcx and r11 and keeps the rest. Only the child passes
    // `jnz`, and `call` pushes onto its own stack, which gives `run` the alignment the ABI wants.
    // rbp is cleared so that a debugger's backtrace ends there; the operands have registers by name,
    // because one of the compiler's choice could be rbp.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            in("r12") run,
            in("r13") argument,
            inlateout("rax") libc::SYS_clone as usize => returned,
            in("rdi") flags,
            in("rsi") stack_top,
            in("rdx") 0usize, // parent_tid: not asked for
            in("r10") 0usize, // child_tid: not asked for
            in("r8") 0usize,  // tls: the parent's, which is what a vfork child uses
            out("rcx") _,
            out("r11") _,
        );
    }
    returned
}

/// The same on arm64, whose argument order is flags, stack, parent_tid, tls, child_tid.
///
/// # Safety
/// As on x86_64.
#[cfg(target_arch = "aarch64")]
unsafe fn raw_clone(
    flags: usize,
    stack_top: usize,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: the system call changes x0 alone. Only the child passes `cbnz`; x29 is cleared so
    // that a backtrace ends there, and is none of the operands, which have registers by name.
    unsafe {
        core::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x10",
            "blr x9",
            "brk 1",
            "2:",
            in("x9") run,
            in("x10") argument,
            in("x8") libc::SYS_clone as usize,
            inlateout("x0") flags => returned,
            in("x1") stack_top,
            in("x2") 0usize,
            in("x3") 0usize,
            in("x4") 0usize,
        );
    }
    returned
}
