//! Hints, for the errnos that mislead: what the kernel may have meant. Where one errno has several causes, the facts
//! that tell them apart are read ([`host`]), and what was not seen is not said.

pub mod host;
mod usual;

use crate::field::Field;
use crate::report::Clue;
use crate::sys::Errno;
use crate::sys::capability::SYS_ADMIN;
use host::Host;
use std::borrow::Cow;
use usual::usual;

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
    /// All namespaces of a container's process.
    EnterContainer,
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
    Schedule,
    SetUser,
    Bound,
    SetCapabilities,
    Filter,
    ReExecute,
    Execve,
    OpenTerminal,
    /// One of a container that runs.
    OpenDevice,
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
            "new namespaces take CAP_SYS_ADMIN, which an ordinary user does not have, and not every root (in a \
             container?); a user namespace gives it",
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

pub const NOT_IN_PATH: &str = "not found in the container's PATH";

/// The hint for a word that was looked for along PATH, where an image may have been meant.
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
