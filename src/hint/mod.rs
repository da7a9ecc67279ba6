//! Hints, for the errnos that mislead: what the kernel may have meant. Where one errno has several causes, the facts
//! that tell them apart are read ([`host`]), and what was not seen is not said.

pub mod host;

use crate::field::Field;
use crate::report::Clue;
use crate::sys::Errno;
use crate::sys::capability::SYS_ADMIN;
use host::Host;
use std::borrow::Cow;

/// What is said after an errno.
pub type Hint = Cow<'static, str>;

/// What was being done when an errno came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Clone {
        user_namespace: bool,
    },
    /// Of this kind, as the kernel's sysctls name it.
    MakeNamespace(&'static str),
    JoinNamespace,
    MapUser,
    SetGroups,
    MakeMountsPrivate,
    MountProc {
        user_namespace: bool,
    },
    ControllingTerminal,
    JoinCgroup,
    AdjustOomScore,
    LimitResource,
    SetUser,
    Bound,
    SetCapabilities,
    Filter,
    ReExecute,
    Execve,
    OpenTerminal,
    JoinKeyring,
    ChangeDirectory,
    FindTarget,
    FindDirectory,
    FindDevice,
    BindDevices,
    CopyMount,
    MountOverlay,
    /// A directory of an overlay that is looked up before.
    EnterLayer,
    MountTmpfs,
    PivotRoot,
    OtherMount,
}

/// The hint for `errno` from what was being done, if the errno alone would mislead.
#[cold]
#[inline(never)]
pub fn hint(doing: Doing, errno: Errno) -> Option<Hint> {
    seen(doing, errno, &Host::here())
        .or_else(|| advice(doing, errno).map(Cow::Owned))
        .or_else(|| usual(doing, errno).map(Cow::Borrowed))
}

/// The cause, where the host shows it.
fn seen(doing: Doing, errno: Errno, host: &Host) -> Option<Hint> {
    match (doing, errno) {
        (_, Errno::EPERM | Errno::EACCES) => {}
        (Doing::MakeNamespace(kind), Errno::ENOSPC | Errno::EUSERS) => {
            return Some(too_many(&[kind]));
        }
        // A copy that is attached nowhere yet counts as one.
        (Doing::CopyMount, Errno::ENOSPC) => return Some(too_many(&["mnt"])),
        _ => return None,
    }
    let cause = match doing {
        Doing::Clone {
            user_namespace: true,
        } => host.user_namespaces_are_refused(),
        Doing::Clone {
            user_namespace: false,
        } if host.lacks(SYS_ADMIN) => Some(
            "new namespaces take CAP_SYS_ADMIN, which this root does not have (a container?); an ordinary user \
             gets them by a user namespace",
        ),
        Doing::Clone {
            user_namespace: false,
        } => host.filter(),
        Doing::MapUser if host.is_unreadable() => Some(
            "the kernel lets an ordinary user map ids from a readable program alone: chmod a+r the file of mydocker",
        ),
        Doing::MountProc {
            user_namespace: true,
        } => {
            let cover = host.cover_of_proc()?;
            return Some(Cow::Owned(format!(
                "the kernel allows a new proc only where the existing one is wholly visible; here {cover} is covered, \
                 as in containers"
            )));
        }
        _ => None,
    };
    cause.map(Cow::Borrowed)
}

/// Why no namespace of these kinds, as the kernel's sysctls name them, could be made (ENOSPC).
#[cold]
#[inline(never)]
pub fn too_many(kinds: &[&str]) -> Hint {
    match Host::here().forbidden(kinds) {
        Some(kind) => Cow::Owned(format!(
            "user.max_{kind}_namespaces is 0: no such namespaces are allowed here"
        )),
        None => Cow::Borrowed(TOO_MANY),
    }
}

const TOO_MANY: &str =
    "a limit on namespaces is reached, of number (user.max_*_namespaces) or of nesting";

/// What an errno means most often, and what to wish for instead or in addition.
fn advice(doing: Doing, errno: Errno) -> Option<String> {
    Some(match (doing, errno) {
        (Doing::SetCapabilities, Errno::EPERM) => Field::AddedCapabilities.between(
            "",
            " names one that the caller does not have, or that this kernel does not know",
        ),
        (Doing::Filter, Errno::EINVAL | Errno::ENOSYS) => Field::NoSeccomp.between(
            "the kernel was built without filters; ",
            " does without one",
        ),
        (Doing::ReExecute, Errno::ENOENT) => {
            Field::InProcess.between("re-exec needs a proc mounted on /proc; try ", "")
        }
        (Doing::OpenTerminal, Errno::ENOENT | Errno::ENODEV) => {
            Field::Terminal.between("", " needs /dev/ptmx and a devpts mounted on /dev/pts")
        }
        (Doing::JoinKeyring, Errno::EDQUOT) => Field::CallersKeyring.between(
            "the caller has as many keys as it may (/proc/sys/kernel/keys/maxkeys); ",
            " does without one",
        ),
        (Doing::JoinKeyring, Errno::EPERM) => {
            Field::CallersKeyring.between("a filter forbids it; ", " does without one")
        }
        (Doing::ChangeDirectory, Errno::ENOENT) => {
            let own = "it has to be there: mydocker makes it only in a root of the container's own";
            own.to_owned() + &Field::Root.aside(" (", ")")
        }
        (Doing::FindTarget, Errno::ENOENT) => {
            Field::RootDirectory.between("it is not there, or a link to nothing: make it in ", "")
                + &Field::Overlay.between(", or add ", ", which makes it in memory")
        }
        (Doing::FindTarget | Doing::FindDirectory, Errno::EROFS) => {
            Field::RootDirectory.between("it is not there: make it in ", "")
                + &Field::Overlay.between(", or add ", " (in /sys nothing can be made)")
        }
        (Doing::FindTarget | Doing::FindDirectory, Errno::EACCES) => Field::Overlay.between(
            "it is not there, and the root may not be written by this user; add ",
            "",
        ),
        (Doing::MountOverlay, Errno::EINVAL) => Field::Upper.between(
            "the kernel's log says why (dmesg): ",
            "'s file system without extended attributes, a mount below an ordinary user's layer, ...",
        ),
        _ => return None,
    })
}

/// What an errno means most often.
fn usual(doing: Doing, errno: Errno) -> Option<&'static str> {
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
        (Doing::JoinNamespace, Errno::EINVAL) => Some("it is no namespace of this kind"),
        (Doing::SetGroups, Errno::EPERM) => Some("this user namespace forbids to change groups"),
        (Doing::MakeMountsPrivate, Errno::EINVAL) => {
            Some("/ is not a mount point: mydocker cannot run in a chroot")
        }
        (Doing::MountProc { .. }, Errno::ENOENT) => {
            Some("the directory /proc is missing; make it: mkdir /proc")
        }
        (Doing::MountProc { .. }, Errno::ENODEV) => Some("the kernel was built without procfs"),
        (Doing::ControllingTerminal, Errno::EPERM) => {
            Some("the terminal already belongs to another session")
        }
        (Doing::JoinCgroup, Errno::EACCES | Errno::EPERM) => Some(
            "a process is moved by who may write to cgroup.procs of the cgroup that holds both, the old place \
             and the new one",
        ),
        (Doing::JoinCgroup, Errno::ENOENT | Errno::ENODEV) => Some("someone has removed it"),
        (Doing::AdjustOomScore, Errno::EACCES | Errno::EPERM) => {
            Some("to lower it takes CAP_SYS_RESOURCE")
        }
        (Doing::AdjustOomScore, Errno::ENOENT) => Some("it needs a proc mounted on /proc"),
        (Doing::LimitResource, Errno::EPERM) => Some(
            "a limit is raised above the caller's own hard one (ulimit -H) by who has CAP_SYS_RESOURCE",
        ),
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
        (Doing::ChangeDirectory, Errno::EACCES) => {
            Some("it, or a directory on the way to it, is closed to the command's user")
        }
        (Doing::ChangeDirectory, Errno::EXDEV) => Some("it leads out of the container"),
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
        (Doing::PivotRoot, Errno::EINVAL | Errno::EXDEV) => {
            Some("this is a chroot: mydocker needs the root that its mount namespace has")
        }
        _ => None,
    }
}

/// What the file of a command tells of why it cannot be executed.
pub fn of_file(clue: Clue) -> Option<&'static str> {
    match clue {
        Clue::None | Clue::NotThere => None,
        Clue::Closed => Some("a directory on the way to it is closed to this user"),
        Clue::Directory => Some("it is a directory"),
        Clue::NoExec => {
            Some("it lies on a mount that is noexec, from which nothing can be executed")
        }
        Clue::NoBit => Some("it is no executable file (chmod +x makes it one)"),
        Clue::NotForUser => Some("this user may not execute it"),
        Clue::CarriageReturn => Some(
            "its #! line ends in a carriage return, as lines do on DOS, which is taken for a part of the \
             interpreter's name",
        ),
        Clue::MissingInterpreter => Some("the interpreter that its #! line names is missing"),
        Clue::RefusedInterpreter => Some(
            "the interpreter that its #! line names cannot be executed (its mode, or a mount that is noexec)",
        ),
        Clue::MissingLoader => {
            Some("the loader that it names is missing: it is linked dynamically")
        }
        Clue::RefusedLoader => Some(
            "the loader that it names cannot be executed (its mode, or a mount that is noexec)",
        ),
        Clue::MissingLoaderOfInterpreter => Some(
            "the interpreter that its #! line names is linked dynamically, and the loader that it names is missing",
        ),
        Clue::InterpreterIsScript => Some(
            "the interpreter that its #! line names is a script, whose own one is missing or cannot be executed",
        ),
        Clue::CircleOfInterpreters => Some(
            "the interpreter that its #! line names is a script, so is that one's, and so on: too many",
        ),
        Clue::UnusableInterpreter => Some(
            "the interpreter that its #! line names is neither a script with a #! line nor a program for this machine",
        ),
        Clue::NoInterpreter => {
            Some("its #! line names no interpreter; a shell's is written #!/bin/sh")
        }
        Clue::LongFirstLine => Some(
            "its #! line is too long: the kernel reads no more than 256 bytes of it (128 before Linux 5.1)",
        ),
        Clue::LateFirstLine => Some(
            "its #! has to come first, and a byte order mark or white space, which is not seen, stands before it",
        ),
        Clue::NoFirstLine => {
            Some("it is a text without a #! line; a shell's script begins with #!/bin/sh")
        }
        Clue::Empty => Some("it is empty"),
        Clue::ForAnotherMachine => Some(
            "it is a program for another kind of machine than this one (uname -m), and no emulator is registered",
        ),
        Clue::For32Bit => {
            Some("it is a 32-bit program, which this kernel does not run (IA32_EMULATION, COMPAT)")
        }
        Clue::Damaged => Some("it is damaged, or a part of a program"),
    }
}

/// For E2BIG, where arguments and environment are no longer than any kernel takes.
#[cold]
#[inline(never)]
pub fn no_room_for_arguments() -> String {
    Field::OwnMemory.between(
        "arguments and environment are short: the limit of memory (",
        ", or the caller's) leaves no room for them",
    )
}

/// For EAGAIN of a reaper's fork.
#[cold]
#[inline(never)]
pub fn too_few_processes() -> String {
    Field::Processes.between("", " is too little for ")
        + &Field::Reaper.between("", " and a command")
}

/// The hints for a command that was not found: which of the kinds it is.
pub const NOT_THERE: &str = "no such file in the container";
pub const WITH_BLANKS: &str = "it is one word with blanks in it; a command and its arguments are words of their own, without quotes";
pub const NO_SUCH_FILE: &str =
    "no such file in the container, or the interpreter or loader that it names is missing";

/// The hint for a word that was looked for along PATH.
#[cold]
#[inline(never)]
pub fn not_in_path() -> String {
    Field::Command.between(
        "not found in the container's PATH (there are no images: ",
        " comes first)",
    )
}

/// The hint for a word that is an image's name.
#[cold]
#[inline(never)]
pub fn no_images() -> String {
    Field::OwnRoot.between(
        "there are no images: umoci, skopeo or docker export makes a directory for ",
        " (mydocker help roots)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_errnos_have_hints_and_others_none() {
        let rootless = Doing::Clone {
            user_namespace: true,
        };
        let contains = |doing, errno, text| usual(doing, errno).unwrap().contains(text);
        assert!(contains(rootless, Errno::EPERM, "nothing that can be read"));
        assert!(contains(rootless, Errno::ENOSPC, "limit"));
        assert!(contains(Doing::MakeMountsPrivate, Errno::EINVAL, "chroot"));
        assert_eq!(usual(Doing::SetUser, Errno::ENOMEM), None);
    }

    /// The line before them has the operation, the object and the errno, and is to have at most 200 characters in all.
    #[test]
    fn what_a_file_tells_fits_a_line() {
        let of_files = Clue::ALL.iter().filter_map(|clue| of_file(*clue));
        let others = [NOT_THERE, NO_SUCH_FILE, WITH_BLANKS];
        let named = [not_in_path(), no_images()];
        for hint in of_files
            .chain(others)
            .chain(named.iter().map(|hint| hint.as_str()))
        {
            assert!(hint.len() <= 125, "{}: {hint}", hint.len());
        }
        let all: std::collections::HashSet<_> = Clue::ALL.into_iter().map(of_file).collect();
        // All but two have words of their own.
        assert_eq!(all.len(), Clue::ALL.len() - 1);
    }
}
