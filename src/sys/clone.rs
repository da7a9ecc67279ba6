//! clone(2), called directly, with a stack for the child.
//!
//! libc's `fork` and `clone` are not used: they run handlers, take locks and reset state that a
//! child which only walks a prepared plan does not want, and none of them gives the parent's
//! suspension (`CLONE_VFORK`) together with a separate stack.
//!
//! A child that is to be born in another cgroup takes clone3(2), which says so. All others do not: filters
//! that cannot look into its arguments refuse it (docker's does), and old kernels do not have it.
//!
//! No child runs in our memory while we do: one that shares it has us suspended. The two exceptions have files of their own:
//! about the one nothing can be chosen (`network_maker.rs`), and the other one's parent has nothing to come back to
//! (`clone_beside.rs`).
//!
//! # The child's stack
//!
//! A child's stack is the part of the main stack below the caller's frame, where the next call of the
//! caller's would put its own. In shared memory the caller is suspended until the child has left it,
//! and makes none; its frames, above, stay as they are, which is what a vfork(2) on one stack pointer
//! cannot promise. A child of copied memory has its own copy. Below, the kernel lets the stack grow,
//! up to its limit (RLIMIT_STACK), and keeps a gap free (`stack_guard_gap`): an overflow is a fault.
//!
//! A mapping of its own would be as good, but it takes two system calls, two mappings and a page that
//! is not there yet: 20 us of a start, measured, or 3 % of one from a pool.

use super::arch::{CloneArguments, STACK, raw_clone, raw_clone3};
use super::in_child::InChild;
use super::{Errno, Pid, memory_guest};
use std::ffi::c_void;
use std::os::fd::{AsRawFd, BorrowedFd};
use syscalls::{Sysno, syscall};

/// Namespaces that a child gets anew. There are no other flags of clone(2) in it: a child that ran in our memory beside us, or
/// shared our descriptors, cannot be asked for by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewNamespaces(u32);

impl NewNamespaces {
    pub const NONE: Self = Self(0);
    pub const MOUNT: Self = Self(libc::CLONE_NEWNS as u32);
    pub const CGROUP: Self = Self(libc::CLONE_NEWCGROUP as u32);
    pub const UTS: Self = Self(libc::CLONE_NEWUTS as u32);
    pub const IPC: Self = Self(libc::CLONE_NEWIPC as u32);
    pub const USER: Self = Self(libc::CLONE_NEWUSER as u32);
    pub const PID: Self = Self(libc::CLONE_NEWPID as u32);
    pub const NETWORK: Self = Self(libc::CLONE_NEWNET as u32);
    /// unshare(2) and setns(2) alone know it: clone(2) has its signal there (see `start`).
    pub const TIME: Self = Self(0x80);

    /// The namespaces of a number that the kernel has told, if it is a namespace's.
    pub(super) const fn of(flag: u32) -> Self {
        Self(flag)
    }

    pub(super) const fn flags(self) -> u32 {
        self.0
    }

    /// The namespaces of both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether all of `others` are among them.
    pub const fn contain(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
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
struct StackEntry<'a, T> {
    run: fn(InChild, &T) -> !,
    argument: &'a T,
}

extern "C" fn enter<T>(entry: *const c_void) -> ! {
    // SAFETY: `spawn` passes the address of its own local `StackEntry<T>`, and that frame is alive: in
    // shared memory its owner is suspended in clone until we are gone, in copied memory it is our
    // copy, which nothing else changes.
    let entry = unsafe { &*entry.cast::<StackEntry<'_, T>>() };
    (entry.run)(InChild::new(), entry.argument)
}

/// Starts a child that runs `run(argument)` on a stack of its own, in the new namespaces that `namespaces`
/// names. The child ends with SIGCHLD to the parent. It is born in `cgroup`, a directory of cgroup v2, or
/// where the parent is; see [`can_be_born_in_cgroup`].
///
/// With [`Memory::Shared`] this returns when the child has called execve or _exit. `run` has to
/// keep the child rule, or the child may deadlock or leave the parent's memory in a strange state;
/// but not in an unsound one, which is why this is a safe function: to the parent's only thread,
/// suspended meanwhile, the child is a call that never gave its borrows back. `run` borrows nothing but `argument`: it is
/// a plain function. (What the child opens is a number of its own table: it means nothing to the parent.)
///
/// Errors: as clone(2).
pub fn spawn<T>(
    namespaces: NewNamespaces,
    memory: Memory,
    cgroup: Option<BorrowedFd<'_>>,
    run: fn(InChild, &T) -> !,
    argument: &T,
) -> Result<Pid, Errno> {
    let memory_flags = match memory {
        Memory::Shared => libc::CLONE_VM | libc::CLONE_VFORK,
        Memory::Copied => 0,
    };
    let namespaces = namespaces.without(NewNamespaces::TIME);
    start(namespaces.0 | memory_flags as u32, cgroup, run, argument)
}

/// Starts a child of our own parent (`CLONE_PARENT`), in a copy of our memory and in these new namespaces, which runs `run(argument)`: it ends with
/// SIGCHLD to that parent, whose death is what a death signal of its own tells of.
///
/// Errors: as clone(2); ENOMEM also where children go to a PID namespace whose first process has ended.
pub fn spawn_sibling<T>(
    _: InChild,
    namespaces: NewNamespaces,
    run: fn(InChild, &T) -> !,
    argument: &T,
) -> Result<Pid, Errno> {
    let namespaces = namespaces.without(NewNamespaces::TIME);
    start(
        namespaces.0 | libc::CLONE_PARENT as u32,
        None,
        run,
        argument,
    )
}

fn start<T>(
    flags: u32,
    cgroup: Option<BorrowedFd<'_>>,
    run: fn(InChild, &T) -> !,
    argument: &T,
) -> Result<Pid, Errno> {
    let entry = StackEntry { run, argument };
    let pointer = std::ptr::from_ref(&entry).cast();
    let returned = match cgroup {
        None => {
            let flags = flags as usize | libc::SIGCHLD as usize;
            // SAFETY: with CLONE_VM there is always CLONE_VFORK, so nothing of ours runs while the child uses
            // the memory below our frame; `enter::<T>` never returns, so the child never comes back into it. What a
            // guest of the child's borrows from it then (`clone_beside.rs`) begins `ROOM` below our frame: we only wait
            // meanwhile, in one system call, and no signal has a handler.
            unsafe { raw_clone(flags, enter::<T>, pointer) }
        }
        Some(cgroup) => {
            let mut arguments = CloneArguments::new(flags, cgroup.as_raw_fd());
            // SAFETY: as above; the flags are the same but for the cgroup's.
            unsafe { raw_clone3(&mut arguments, enter::<T>, pointer) }
        }
    };
    if flags & libc::CLONE_VM as u32 != 0 {
        memory_guest::await_end();
    }
    Errno::from_ret(returned).map(|pid| pid as Pid)
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
