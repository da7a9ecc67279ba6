//! x86_64.

use crate::sys::arch::clone_arguments::{CloneArguments, ROOM, STACK};
use crate::sys::arch::processor::Processor;
use std::ffi::c_void;
use syscalls::Sysno;

mod reaper;

pub const PROCESSOR: Processor = Processor::X86_64;

/// What an ELF header calls it (`EM_X86_64`).
pub const MACHINE: u16 = 62;

/// What that of a 32-bit program calls it (`EM_386`).
pub const MACHINE_OF_32_BITS: u16 = 3;

/// Bytes of the largest page that a kernel may be built with.
pub const LARGEST_PAGE: usize = 4096;

/// fstatat(2), which has two names.
pub const FSTATAT: Sysno = Sysno::newfstatat;

/// Ends the process by a fault.
pub fn fault() -> ! {
    // SAFETY: the instruction is undefined for good, so that nothing comes after it.
    unsafe { core::arch::asm!("ud2", options(noreturn, nostack)) }
}

/// The call itself. The child must not return through the parent's frame (its stack pointer is
/// another one), so parent and child part in assembly: the child calls `run(argument)` at once.
///
/// # Safety
/// The flags must suspend the parent if they share its memory, and `run` must not return.
pub unsafe fn raw_clone(
    flags: usize,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: the system call changes rax, rcx and r11 and keeps the rest. The child's stack begins
    // below the red zone, the 128 bytes under its stack pointer that a function may use without saying
    // so, at a multiple of 16. Only the child passes `jnz`, and `call` pushes onto its stack, which
    // gives `run` the alignment the ABI wants. rbp is cleared so that a debugger's backtrace ends
    // there; the operands have registers by name, because one of the compiler's choice could be rbp.
    unsafe {
        core::arch::asm!(
            "lea rsi, [rsp - {room}]",
            "and rsi, -16",
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            room = const ROOM,
            in("r12") run,
            in("r13") argument,
            inlateout("rax") libc::SYS_clone as usize => returned,
            in("rdi") flags,
            out("rsi") _,
            in("rdx") 0usize, // parent_tid: not asked for
            in("r10") 0usize, // child_tid: not asked for
            in("r8") 0usize,  // tls: the parent's, which is what a vfork child uses
            out("rcx") _,
            out("r11") _,
        );
    }
    returned
}

/// clone3(2), which wants the stack's lowest address: it is the same stack, with the same top.
///
/// # Safety
/// As with `raw_clone`.
pub unsafe fn raw_clone3(
    arguments: &mut CloneArguments,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: as in `raw_clone`. Before the call the assembly writes the field `stack` of the arguments,
    // which are borrowed for that; the child's stack pointer is `stack + stack_size`, a multiple of 16.
    unsafe {
        core::arch::asm!(
            "lea rcx, [rsp - {room}]",
            "and rcx, -16",
            "sub rcx, {size}",
            "mov [rdi + {stack}], rcx",
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            size = const STACK,
            stack = const core::mem::offset_of!(CloneArguments, stack),
            room = const ROOM,
            in("r12") run,
            in("r13") argument,
            inlateout("rax") Sysno::clone3 as usize => returned,
            in("rdi") std::ptr::from_mut(arguments),
            in("rsi") size_of::<CloneArguments>(),
            out("rcx") _,
            out("r11") _,
        );
    }
    returned
}

/// clone(2) for a child that is to run beside its parent, in its memory, on the stack that ends at `stack`: the kernel writes
/// its pidfd or its pid to `start`, and a zero to `end` when it has left the memory, if the flags say so.
///
/// # Safety
/// The stack must be no one else's for as long as the child lives, and its end a multiple of 16; `run` must not return, and
/// may touch nothing that the parent changes meanwhile but atomically.
pub unsafe fn raw_clone_beside(
    flags: usize,
    stack: *mut c_void,
    start: *mut i32,
    end: *mut u32,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: as in `raw_clone`, with the stack that the caller has for the child.
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
            in("rsi") stack,
            in("rdx") start,
            in("r10") end,
            in("r8") 0usize,
            out("rcx") _,
            out("r11") _,
        );
    }
    returned
}
