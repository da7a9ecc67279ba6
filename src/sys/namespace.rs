//! Namespaces that are entered after they were made: unshare(2) and setns(2).

use super::{Errno, descriptor};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// The network namespace that this process is in, as a file that keeps it alive.
pub fn own_network() -> Result<OwnedFd, Errno> {
    descriptor::open(c"/proc/self/ns/net", libc::O_RDONLY, 0)
}

/// Moves this process into a new network namespace.
pub fn new_network() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::unshare, libc::CLONE_NEWNET) }.map(drop)
}

/// Whether this process's cgroup namespace is the kernel's first, in which /proc/self/cgroup tells of every
/// cgroup from the top of its hierarchy.
pub fn is_initial_cgroup() -> bool {
    // PROC_CGROUP_INIT_INO, which is the same on every kernel that has them.
    is_numbered("cgroup", 0xEFFF_FFFB)
}

/// Whether this process's user namespace is the kernel's first, in which every id is one, and whose root owns what is in
/// no other. (Where no proc tells, it is not.)
pub fn is_initial_user() -> bool {
    // PROC_USER_INIT_INO
    is_numbered("user", 0xEFFF_FFFD)
}

fn is_numbered(kind: &str, number: u32) -> bool {
    let link = std::fs::read_link(format!("/proc/self/ns/{kind}"));
    link.is_ok_and(|link| link.as_os_str() == format!("{kind}:[{number}]").as_str())
}

/// Makes the cgroups that this process is in the tops of what it sees of their hierarchies.
///
/// Errors: EINVAL where the kernel has no cgroup namespaces.
pub fn new_cgroup() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::unshare, libc::CLONE_NEWCGROUP) }.map(drop)
}

/// Moves this process into the mount namespace that `file` is: root and working directory become the
/// namespace's own root, the topmost of what is mounted there.
pub fn enter_mounts(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setns, file.as_raw_fd(), libc::CLONE_NEWNS) }.map(drop)
}

/// Moves this process into the network namespace that `file` is.
///
/// Errors: EINVAL if it is no network namespace.
pub fn enter_network(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setns, file.as_raw_fd(), libc::CLONE_NEWNET) }.map(drop)
}
