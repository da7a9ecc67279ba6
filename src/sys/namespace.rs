//! Namespaces that are entered after they were made: unshare(2) and setns(2).

use super::clone::NewNamespaces;
use super::{Errno, descriptor, facts};
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

/// Moves this process into a new mount namespace, in which nothing is mounted but an empty directory that no one can change:
/// its root and its working directory. Since Linux 7.1.
///
/// Errors: EINVAL where the kernel has no such namespaces.
pub fn new_empty_mounts() -> Result<(), Errno> {
    const UNSHARE_EMPTY_MNTNS: u32 = 0x0010_0000;
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::unshare, UNSHARE_EMPTY_MNTNS) }.map(drop)
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

/// unshare(2): a new time namespace, in which this process is not itself: the children are that it makes from then on, and who
/// joins it by /proc/self/ns/time_for_children. Its clocks may be set until someone is in it.
pub fn new_time() -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::unshare, NewNamespaces::TIME.flags()) }.map(drop)
}

/// setns(2): moves this process into a namespace that is there, of this kind. `file` is the namespace, or a pidfd of a
/// process that is in it (Linux 5.8). A PID namespace is for the children that are made from then on; with a mount
/// namespace, root and working directory become its own root, the topmost of what is mounted there.
///
/// Errors: EINVAL if it is no namespace of this kind.
pub fn join(file: BorrowedFd<'_>, kind: NewNamespaces) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::setns, file.as_raw_fd(), kind.flags()) }.map(drop)
}

/// What a file is that is to stand for a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceFile {
    Namespace(NewNamespaces),
    /// The file stands for no namespace.
    None,
}

/// Looks at the file, ioctl_ns(2).
pub fn look(file: BorrowedFd<'_>) -> NamespaceFile {
    const NS_GET_NSTYPE: u32 = 0xb703;
    // A device might take the call for another one.
    match facts::file_system(file) {
        Ok(found) if found.is_nsfs() => {}
        Ok(found) if found.is_proc() => return by_name(file),
        _ => return NamespaceFile::None,
    }
    // SAFETY: the kernel takes no argument and answers a number.
    match unsafe { syscall!(Sysno::ioctl, file.as_raw_fd(), NS_GET_NSTYPE, 0) } {
        Ok(kind) => NamespaceFile::Namespace(NewNamespaces::of(kind as u32)),
        Err(_) => by_name(file),
    }
}

/// Before Linux 4.11 the link in /proc tells the kind: `net:[4026531840]`, which is no path.
fn by_name(file: BorrowedFd<'_>) -> NamespaceFile {
    let kinds = [
        ("user", NewNamespaces::USER),
        ("mnt", NewNamespaces::MOUNT),
        ("pid", NewNamespaces::PID),
        ("uts", NewNamespaces::UTS),
        ("ipc", NewNamespaces::IPC),
        ("net", NewNamespaces::NETWORK),
        ("cgroup", NewNamespaces::CGROUP),
        ("time", NewNamespaces::TIME),
    ];
    let name = descriptor::name_in_proc(file);
    let link = std::fs::read_link(std::path::Path::new(&*name.to_string_lossy()));
    let link = link.unwrap_or_default();
    let link = link.to_string_lossy();
    let kind = kinds.into_iter().find(|(kind, _)| {
        let rest = link.strip_prefix(kind);
        rest.is_some_and(|rest| rest.starts_with(":["))
    });
    kind.map_or(NamespaceFile::None, |(_, kind)| {
        NamespaceFile::Namespace(kind)
    })
}
