//! clone(2), called directly, with a stack for the child.
//!
//! libc's `fork` and `clone` are not used: they run handlers, take locks and reset state that a
//! child which only walks a prepared plan does not want, and none of them gives the parent's
//! suspension (`CLONE_VFORK`) together with a separate stack.
//!
//! A child that is to be born in another cgroup takes clone3(2), which says so. All others do not: filters
//! that cannot look into its arguments refuse it (docker's does), and old kernels do not have it.
//!
//! # The child's stack
//!
//! It is the part of the main stack that lies below the caller's frame, where the next call of the
//! caller's would put its own. In shared memory the caller is suspended until the child has left it,
//! and makes none; its frames, above, stay as they are, which is what a vfork(2) on one stack pointer
//! cannot promise. A child of copied memory has its own copy. Below, the kernel lets the stack grow,
//! up to its limit (RLIMIT_STACK), and keeps a gap free (`stack_guard_gap`): an overflow is a fault.
//!
//! A mapping of its own would be as good, but it takes two system calls, two mappings and a page that
//! is not there yet: 20 us of a start, measured, or 3 % of one from a pool.

use super::{Errno, Pid};
use std::ffi::c_void;
use std::os::fd::{AsRawFd, BorrowedFd};
use syscalls::{Sysno, syscall};

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

/// Starts a child that runs `run(argument)` on a stack of its own, in the new namespaces that `namespaces`
/// names. The child ends with SIGCHLD to the parent. It is born in `cgroup`, a directory of cgroup v2, or
/// where the parent is; see [`can_be_born_in_cgroup`].
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
    cgroup: Option<BorrowedFd<'_>>,
    run: fn(&T) -> !,
    argument: &T,
) -> Result<Pid, Errno> {
    let memory_flags = match memory {
        Memory::Shared => libc::CLONE_VM | libc::CLONE_VFORK,
        Memory::Copied => 0,
    };
    let flags = namespaces | memory_flags as u32;
    let entry = Entry { run, argument };
    let pointer = std::ptr::from_ref(&entry).cast();
    let returned = match cgroup {
        None => {
            let flags = flags as usize | libc::SIGCHLD as usize;
            // SAFETY: with CLONE_VM there is always CLONE_VFORK, so nothing of ours runs while the child uses
            // the memory below our frame; `enter::<T>` never returns, so the child never comes back into it.
            unsafe { raw_clone(flags, enter::<T>, pointer) }
        }
        Some(cgroup) => {
            let mut arguments = CloneArguments::new(flags, cgroup.as_raw_fd());
            // SAFETY: as above; the flags are the same but for the cgroup's.
            unsafe { raw_clone3(&mut arguments, enter::<T>, pointer) }
        }
    };
    Errno::from_ret(returned).map(|pid| pid as Pid)
}

/// The kernel's `struct clone_args`, as long as it was when it got `cgroup` (`CLONE_ARGS_SIZE_VER2`).
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    /// The lowest address; [`raw_clone3`] fills it in.
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// `CLONE_INTO_CGROUP`, which the C libraries do not all have.
const INTO_CGROUP: u64 = 0x2_0000_0000;

impl CloneArguments {
    fn new(flags: u32, cgroup: i32) -> Self {
        Self {
            flags: u64::from(flags) | INTO_CGROUP,
            exit_signal: libc::SIGCHLD as u64,
            // What the kernel is told; the child may use more, for the stack grows.
            stack_size: STACK as u64,
            // A number of -1 stays one that no descriptor has.
            cgroup: i64::from(cgroup) as u64,
            ..Self::default()
        }
    }
}

/// Bytes of the stack that clone3 is told of.
const STACK: usize = 4096;

/// Whether a child can be born in another cgroup: since Linux 5.7, if no filter is in the way.
pub fn can_be_born_in_cgroup() -> bool {
    let arguments = CloneArguments::new(0, -1);
    // SAFETY: the kernel reads the arguments and refuses them: no descriptor has such a number.
    let refused = unsafe {
        syscall!(
            Sysno::clone3,
            &raw const arguments,
            size_of::<CloneArguments>()
        )
    };
    // A kernel that does not know `cgroup` says E2BIG, one without clone3, and most filters, ENOSYS.
    refused == Err(Errno::EINVAL)
}

/// The call itself. The child must not return through the parent's frame (its stack pointer is
/// another one), so parent and child part in assembly: the child calls `run(argument)` at once.
///
/// # Safety
/// The flags must suspend the parent if they share its memory, and `run` must not return.
#[cfg(target_arch = "x86_64")]
unsafe fn raw_clone(
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
            "lea rsi, [rsp - 256]",
            "and rsi, -16",
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

/// The same by clone3, which wants the stack's lowest address: it is the same stack, with the same top.
///
/// # Safety
/// As with `raw_clone`.
#[cfg(target_arch = "x86_64")]
unsafe fn raw_clone3(
    arguments: &mut CloneArguments,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: as in `raw_clone`. Before the call the assembly writes the field `stack` of the arguments,
    // which are borrowed for that; the child's stack pointer is `stack + stack_size`, a multiple of 16.
    unsafe {
        core::arch::asm!(
            "lea rcx, [rsp - 256]",
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

/// The same on arm64, whose argument order is flags, stack, parent_tid, tls, child_tid.
///
/// # Safety
/// As on x86_64.
#[cfg(target_arch = "aarch64")]
unsafe fn raw_clone(
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
            "sub x1, sp, #256",
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
            out("x1") _,
            in("x2") 0usize,
            in("x3") 0usize,
            in("x4") 0usize,
        );
    }
    returned
}

/// clone3 on arm64.
///
/// # Safety
/// As on x86_64.
#[cfg(target_arch = "aarch64")]
unsafe fn raw_clone3(
    arguments: &mut CloneArguments,
    run: extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
) -> usize {
    let returned;
    // SAFETY: as in `raw_clone` above, and as on x86_64: the assembly writes the field `stack` of the
    // borrowed arguments before the call.
    unsafe {
        core::arch::asm!(
            "sub x2, sp, #256",
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
