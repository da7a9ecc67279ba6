//! arm64.

use crate::sys::arch::clone_arguments::{CloneArguments, ROOM, STACK};
use crate::sys::arch::processor::Processor;
use std::ffi::c_void;
use syscalls::Sysno;

mod reaper;

pub const PROCESSOR: Processor = Processor::Aarch64;

/// What an ELF header calls it (`EM_AARCH64`).
pub const MACHINE: u16 = 183;

/// What that of a 32-bit program calls it (`EM_ARM`).
pub const MACHINE_OF_32_BITS: u16 = 40;

/// Bytes of the largest page that a kernel may be built with.
pub const LARGEST_PAGE: usize = 65_536;

/// fstatat(2), which has two names.
pub const FSTATAT: Sysno = Sysno::fstatat;

/// Ends the process by a fault.
pub fn fault() -> ! {
    // SAFETY: the instruction is undefined for good, so that nothing comes after it.
    unsafe { core::arch::asm!("udf #0", options(noreturn, nostack)) }
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
    // SAFETY: the system call changes x0 alone. The stack pointer is always a multiple of 16, and there
    // is no red zone to leave out. Only the child passes `cbnz`; x29 is cleared so
    // that a backtrace ends there, and is none of the operands, which have registers by name.
    unsafe {
        core::arch::asm!(
            "sub x1, sp, #{room}",
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x10",
            "blr x9",
            "brk 1",
            "2:",
            room = const ROOM,
            in("x9") run,
            in("x10") argument,
            in("x8") libc::SYS_clone as usize,
            inlateout("x0") flags => returned,
            out("x1") _,
            in("x2") 0usize,
            in("x3") 0usize,
            in("x4") 0usize,
        );
    }
    returned
}

/// clone3(2), which wants the stack's lowest address: it is the same stack, with the same top.
///
/// # Safety
/// As on x86_64.
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
            "sub x2, sp, #{room}",
            "sub x2, x2, #{size}",
            "str x2, [x0, #{stack}]",
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x10",
            "blr x9",
            "brk 1",
            "2:",
            size = const STACK,
            stack = const core::mem::offset_of!(CloneArguments, stack),
            room = const ROOM,
            in("x9") run,
            in("x10") argument,
            in("x8") Sysno::clone3 as usize,
            inlateout("x0") std::ptr::from_mut(arguments) => returned,
            in("x1") size_of::<CloneArguments>(),
            out("x2") _,
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
            in("x1") stack,
            in("x2") start,
            in("x3") 0usize,
            in("x4") end,
        );
    }
    returned
}
