//! What an errno means most often, whatever the host shows.

use super::{Doing, TOO_MANY};
use crate::sys::Errno;

/// The hint for `errno` from what was being done. Each of the tables below has subjects of its own.
pub fn usual(doing: Doing, errno: Errno) -> Option<&'static str> {
    let tables = [of_namespaces, of_limits, of_process, of_mounts];
    tables.into_iter().find_map(|table| table(doing, errno))
}

/// What the errno of a namespace means: one that is made, joined or entered.
fn of_namespaces(doing: Doing, errno: Errno) -> Option<&'static str> {
    match (doing, errno) {
        (
            Doing::Clone {
                user_namespace: true,
            },
            Errno::EPERM | Errno::EACCES,
        ) => Some(
            "no user namespace may be made here, and nothing that can be read says why (a security module?)",
        ),
        (Doing::Clone { .. }, Errno::ENOSPC | Errno::EUSERS) => Some(TOO_MANY),
        (Doing::Clone { .. }, Errno::EINVAL) => {
            Some("the kernel was built without one of these namespaces")
        }
        (Doing::Clone { .. }, Errno::EAGAIN) => {
            Some("a limit on processes is reached (ulimit -u, or the pids cgroup)")
        }
        (Doing::JoinNamespace, Errno::EPERM) => Some(
            "it belongs to another user namespace: who may join it is root there (an ordinary user's container is in a \
             user namespace of its own)",
        ),
        (Doing::EnterContainer, Errno::ESRCH) => Some("the container has ended meanwhile"),
        (Doing::EnterContainer, Errno::EPERM) => Some(
            "a container is entered by who has started it, or by root; and its command must be a program that this user \
             may read",
        ),
        (Doing::EnterContainer, Errno::EINVAL) => {
            Some("by the pidfd of a process it takes Linux 5.8")
        }
        (Doing::JoinNamespace, Errno::EINVAL) => Some("it is no namespace of this kind"),
        (Doing::MakeMountsPrivate, Errno::EINVAL) => {
            Some("/ is not a mount point: mydocker cannot run in a chroot")
        }
        (Doing::MountProc { .. }, Errno::ENOENT) => {
            Some("the directory /proc is missing; make it: mkdir /proc")
        }
        (Doing::MountProc { .. }, Errno::ENODEV) => Some("the kernel was built without procfs"),
        (Doing::PivotRoot, Errno::EINVAL | Errno::EXDEV) => {
            Some("this is a chroot: mydocker needs the root that its mount namespace has")
        }
        _ => None,
    }
}

/// What the errno of a limit means.
fn of_limits(doing: Doing, errno: Errno) -> Option<&'static str> {
    match (doing, errno) {
        (Doing::JoinCgroup, Errno::EACCES | Errno::EPERM) => Some(
            "a process is moved by who may write to cgroup.procs of the cgroup that holds both, the old place \
             and the new one",
        ),
        (Doing::JoinCgroup, Errno::ENOENT | Errno::ENODEV) => Some("someone has removed it"),
        (Doing::AdjustOomScore, Errno::EACCES | Errno::EPERM) => {
            Some("to lower it takes CAP_SYS_RESOURCE")
        }
        (Doing::AdjustOomScore, Errno::ENOENT) => Some("it needs a proc mounted on /proc"),
        (Doing::Schedule, Errno::EPERM) => Some(
            "it takes CAP_SYS_NICE, or a limit (RLIMIT_RTPRIO, RLIMIT_NICE); in a cpu cgroup of v1 a real-time policy also takes a share \
             (cpu.rt_runtime_us), and SCHED_DEADLINE all processors",
        ),
        (Doing::LimitResource, Errno::EPERM) => Some(
            "a limit is raised above the caller's own hard one (ulimit -H) by who has CAP_SYS_RESOURCE",
        ),
        _ => None,
    }
}

/// What an errno means where the command's process is made: who it is, what it may, where it works.
fn of_process(doing: Doing, errno: Errno) -> Option<&'static str> {
    match (doing, errno) {
        (Doing::SetGroups, Errno::EPERM) => Some("this user namespace forbids to change groups"),
        (Doing::ControllingTerminal, Errno::EPERM) => {
            Some("the terminal already belongs to another session")
        }
        (Doing::Bound, Errno::EPERM) => Some("it takes CAP_SETPCAP"),
        (Doing::Filter, Errno::EACCES) => Some("without no_new_privs it takes CAP_SYS_ADMIN"),
        (Doing::SetUser, Errno::EINVAL) => Some("this user namespace has no such id"),
        (Doing::SetUser, Errno::EPERM) => Some("it takes CAP_SETUID and CAP_SETGID"),
        (Doing::Execve, Errno::ENOEXEC) => {
            Some("a script needs a #! line, a program must be built for this machine")
        }
        (Doing::Execve, Errno::EACCES) => {
            Some("it is no executable file, or a directory on the way is closed")
        }
        (Doing::Execve, Errno::E2BIG) => Some("arguments and environment are too long"),
        (Doing::OpenTerminal, Errno::ENOSPC | Errno::EIO) => {
            Some("no pseudo-terminal is left, or devpts is not mounted")
        }
        (Doing::OpenDevice, Errno::ENODEV | Errno::ENOENT | Errno::ELOOP | Errno::EXDEV) => {
            Some("the container has removed its /dev/null, or has put something else there")
        }
        (Doing::ChangeDirectory, Errno::EACCES) => {
            Some("it, or a directory on the way to it, is closed to the command's user")
        }
        (Doing::ChangeDirectory, Errno::EXDEV) => Some("it leads out of the container"),
        _ => None,
    }
}

/// What the errno of a mount in the container's root means.
fn of_mounts(doing: Doing, errno: Errno) -> Option<&'static str> {
    match (doing, errno) {
        (Doing::FindTarget, Errno::ENOTDIR) => {
            Some("a directory can be mounted on a directory only")
        }
        (Doing::FindTarget, Errno::EISDIR) => Some("a file can be mounted on a file only"),
        (Doing::FindDevice, Errno::ENODEV) => Some("it is no device"),
        (Doing::BindDevices, Errno::ENODEV) => Some(
            "one of its null, zero, full, random, urandom and tty is not the device of that name",
        ),
        (Doing::BindDevices, Errno::ENOENT) => {
            Some("it lacks one of null, zero, full, random, urandom and tty")
        }
        (Doing::CopyMount, Errno::EINVAL) => {
            Some("an ordinary user can bind a directory with all that is mounted below it only")
        }
        (Doing::CopyMount, Errno::ENOSYS) => {
            Some("a bind of / and one that is slave or shared take Linux 5.2")
        }
        (Doing::EnterLayer, Errno::ESTALE | Errno::ENOTDIR | Errno::ELOOP) => {
            Some("it has been replaced while the container was started")
        }
        (Doing::MountOverlay, Errno::EPERM) => {
            Some("an overlay of an ordinary user's takes Linux 5.11")
        }
        (Doing::MountOverlay, Errno::ENODEV) => Some("the kernel has no overlayfs"),
        (Doing::MountTmpfs, Errno::EINVAL) => Some(
            "a value among its options is none that the kernel takes (its log says which: dmesg)",
        ),
        (Doing::MountOverlay, Errno::ELOOP) => {
            Some("a directory is given twice, or lies in another")
        }
        (Doing::MountOverlay, Errno::EBUSY) => Some("another overlay uses this upper directory"),
        _ => None,
    }
}
