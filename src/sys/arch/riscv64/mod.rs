//! 64-bit RISC-V.

use crate::sys::arch::clone_arguments::{CloneArguments, ROOM, STACK};
use crate::sys::arch::processor::Processor;
use std::ffi::c_void;
use syscalls::Sysno;

mod reaper;

pub const PROCESSOR: Processor = Processor::Riscv64;

/// What an ELF header calls it (`EM_RISCV`).
pub const MACHINE: u16 = 243;

/// What that of a 32-bit program calls it (RISC-V of 32 bits has the same).
pub const MACHINE_OF_32_BITS: u16 = 243;

/// Bytes of the largest page that a kernel may be built with.
pub const LARGEST_PAGE: usize = 4096;

/// fstatat(2), which has two names.
pub const FSTATAT: Sysno = Sysno::newfstatat;

/// Ends the process by a fault.
pub fn fault() -> ! {
    // SAFETY: the instruction is undefined for good, so that nothing comes after it.
    unsafe { core::arch::asm!("unimp", options(noreturn, nostack)) }
}

/// clone(2), whose arguments are here flags, stack, parent_tid, tls, child_tid. Parent and child part in assembly, as on
/// x86_64.
///
/// # Safety
/// As on x86_64.
pub unsafe fn raw_clone(
    flags: usize,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: the system call changes a0 alone. The stack pointer is always a multiple of 16, and there is no red zone
    // to leave out. Only the child passes `bnez`; s0 is cleared so that a backtrace ends there, and is none
    // of the operands, which have registers by name.
    unsafe {
        core::arch::asm!(
            "addi a1, sp, -{room}",
            "ecall",
            "bnez a0, 2f",
            "mv s0, zero",
            "mv a0, t2",
            "jalr t1",
            "unimp",
            "2:",
            room = const ROOM,
            in("t1") run,
            in("t2") argument,
            in("a7") libc::SYS_clone as usize,
            inlateout("a0") flags => returned,
            out("a1") _,
            in("a2") 0usize,
            in("a3") 0usize,
            in("a4") 0usize,
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
    // SAFETY: as in `raw_clone` above, and as on x86_64: the assembly writes the field `stack` of the
    // borrowed arguments before the call.
    unsafe {
        core::arch::asm!(
            "addi a2, sp, -{room}",
            "li t0, {size}",
            "sub a2, a2, t0",
            "sd a2, {stack}(a0)",
            "ecall",
            "bnez a0, 2f",
            "mv s0, zero",
            "mv a0, t2",
            "jalr t1",
            "unimp",
            "2:",
            size = const STACK,
            stack = const core::mem::offset_of!(CloneArguments, stack),
            room = const ROOM,
            in("t1") run,
            in("t2") argument,
            in("a7") Sysno::clone3 as usize,
            inlateout("a0") std::ptr::from_mut(arguments) => returned,
            in("a1") size_of::<CloneArguments>(),
            out("a2") _,
            out("t0") _,
        );
    }
    returned
}

/// clone(2) for a child that is to run beside its parent, in its memory, on the stack that ends at `stack`: the kernel writes
/// its pidfd or its pid to `start`, and a zero to `end` when it has left the memory, if the flags say so.
///
/// # Safety
/// As on x86_64.
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
            "ecall",
            "bnez a0, 2f",
            "mv s0, zero",
            "mv a0, t2",
            "jalr t1",
            "unimp",
            "2:",
            in("t1") run,
            in("t2") argument,
            in("a7") libc::SYS_clone as usize,
            inlateout("a0") flags => returned,
            in("a1") stack,
            in("a2") start,
            in("a3") 0usize,
            in("a4") end,
        );
    }
    returned
}
