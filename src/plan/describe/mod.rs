//! What a step is about, for the message when it fails.

mod capability;
mod root;

use super::{InitPlan, Prepared, Purpose, Step};
use crate::docker::image;
use crate::error::{Error, ExitCode, printable};
use crate::field::Field;
use crate::hint::{self, Doing, Hint};
use crate::report::{Clue, Failed};
use crate::spec::limits::ResourceLimit;
use crate::standard_streams;
use crate::sys::Errno;

/// What `step` does, in a few words.
pub fn name_step(step: &Step) -> String {
    if let Step::Root(step) = step {
        return root::name(step);
    }
    let (operation, object, _) = words(step);
    match printable(&object) {
        empty if empty.is_empty() => operation.to_owned(),
        object if operation.is_empty() => object,
        object => format!("{operation} {object}"),
    }
}

/// `step` of `plan` failed.
pub fn describe_failure(plan: &InitPlan, step: &Step, failed: Failed) -> Error {
    describe_step(step, failed).because(capability::cause(plan, step, failed))
}

fn describe_step(step: &Step, failed: Failed) -> Error {
    let errno = failed.errno;
    if let Step::Root(step) = step {
        return root::describe(step, failed);
    }
    let (operation, object, doing) = words(step);
    if let (Step::ConfirmProcessors(_) | Step::ConfirmMemoryNodes(_), Errno::ERANGE) = (step, errno)
    {
        // Found by our own look.
        let subject = [operation.as_bytes(), b" ", &object].concat();
        let reason = "the kernel does not keep the container to it, though its cgroup says so";
        return Error::refused(subject, reason);
    }
    let operation = match step {
        // Nothing else asks for it.
        Step::WorkingDirectory(_) => format!("{}: {operation}", Field::WorkingDirectory),
        _ => operation.to_owned(),
    };
    Error::new(operation, object, errno).because(doing.and_then(|doing| hint::hint(doing, errno)))
}

fn words(step: &Step) -> (&'static str, Vec<u8>, Option<Doing>) {
    match step {
        // Its words depend on the part that failed, so it has its own.
        Step::Root(step) => ("", root::name(step).into_bytes(), None),
        Step::JoinCgroup { path: file, .. } => (
            "join the cgroup by",
            file.to_bytes().to_vec(),
            Some(Doing::JoinCgroup),
        ),
        Step::CgroupNamespace => (
            "unshare",
            b"the cgroup namespace".to_vec(),
            Some(Doing::MakeNamespace("cgroup")),
        ),
        Step::ConfirmProcessors(set) => {
            let object = format!("{} {set}", Field::Processors);
            ("confirm", object.into(), None)
        }
        Step::ConfirmMemoryNodes(set) => {
            let object = format!("{} {set}", Field::MemoryNodes);
            ("confirm", object.into(), None)
        }
        Step::OomScoreAdjustment(number) => (
            Field::OomScoreAdjustment.spelled(),
            number.clone(),
            Some(Doing::AdjustOomScore),
        ),
        Step::ResourceLimit(limit) => (
            Field::ResourceLimit.spelled(),
            ResourceLimit::name(limit.resource).into(),
            Some(Doing::LimitResource),
        ),
        Step::AwaitIds => ("wait for", b"ids to be mapped from outside".to_vec(), None),
        Step::AwaitReaper => (
            "wait for",
            b"the reaper to execute its own program".to_vec(),
            None,
        ),
        Step::DenySetgroups => (
            "write deny to",
            b"/proc/self/setgroups".to_vec(),
            Some(Doing::MapUser),
        ),
        Step::MapUser(line) => (
            "write uid_map",
            line.trim_ascii_end().to_vec(),
            Some(Doing::MapUser),
        ),
        Step::MapGroup(line) => (
            "write gid_map",
            line.trim_ascii_end().to_vec(),
            Some(Doing::MapUser),
        ),
        Step::KeepCapabilities => ("keep", b"capabilities across execve".to_vec(), None),
        Step::MakeMountsPrivate => (
            "make mounts private below",
            b"/".to_vec(),
            Some(Doing::MakeMountsPrivate),
        ),
        Step::Mount(mount) => {
            let (operation, doing) = match mount.purpose {
                Purpose::Proc { user_namespace } => {
                    ("mount proc on", Some(Doing::MountProc { user_namespace }))
                }
                Purpose::BindProc => ("bind the host's proc on", None),
                Purpose::RestrictProc => ("set nosuid,nodev,noexec on", None),
            };
            (operation, mount.target.to_bytes().to_vec(), doing)
        }
        Step::NetworkFromPool => (
            "enter a network namespace of the pool (setns)",
            Vec::new(),
            Some(Doing::MakeNamespace("net")),
        ),
        Step::Hostname(name) => ("sethostname", name.clone(), None),
        Step::OpenNetwork(_) => (
            "open the network to all users by",
            b"/proc/sys/net/ipv4".to_vec(),
            None,
        ),
        Step::Sysctl { path, .. } => (
            "",
            [
                Field::Sysctl.between("", ": write /proc/sys/").as_bytes(),
                path.to_bytes(),
            ]
            .concat(),
            None,
        ),
        Step::DomainName(name) => ("setdomainname", name.clone(), None),
        Step::LoopbackUp => ("set up network interface", b"lo".to_vec(), None),
        Step::NewSession => ("start a new session (setsid)", Vec::new(), None),
        Step::SessionKeyring => (
            "join",
            b"a new session keyring (keyctl)".to_vec(),
            Some(Doing::JoinKeyring),
        ),
        Step::UsualPersonality => ("set", b"the personality to Linux".to_vec(), None),
        Step::ControllingTerminal => (
            "make the terminal the controlling one (TIOCSCTTY)",
            Vec::new(),
            Some(Doing::ControllingTerminal),
        ),
        Step::StandardTerminal => (
            "make the terminal",
            b"stdin, stdout and stderr".to_vec(),
            None,
        ),
        Step::GivePipes { which, user } => {
            let numbered = (0..).zip(which).filter(|(_, is_pipe)| **is_pipe);
            let names: Vec<&str> = numbered
                .map(|(number, _)| standard_streams::name(number))
                .collect();
            let object = format!("{}, which are pipes, to {user}", names.join(" and "));
            ("give", object.into(), None)
        }
        Step::StandardStreams(prepared) => (
            "make",
            streams(prepared.map(|one| one.map(prepared_name))),
            None,
        ),
        Step::Umask(mask) => ("umask", format!("{mask:03o}").into(), None),
        Step::Groups(groups) => ("setgroups", list(groups), Some(Doing::SetGroups)),
        Step::Group(group) => ("setresgid", list(&[*group]), Some(Doing::SetUser)),
        Step::User(user) => ("setresuid", list(&[*user]), Some(Doing::SetUser)),
        Step::WorkingDirectory(path) => (
            "change directory to",
            path.to_bytes().to_vec(),
            Some(Doing::ChangeDirectory),
        ),
        Step::BoundingSet(_) => (
            "take capabilities out of",
            b"the bounding set".to_vec(),
            Some(Doing::Bound),
        ),
        Step::KeepCapabilitiesOfUser => ("prctl", b"PR_SET_KEEPCAPS".to_vec(), None),
        Step::Capabilities { .. } => (
            "set",
            b"the command's capabilities".to_vec(),
            Some(Doing::SetCapabilities),
        ),
        Step::Filter(_) => (
            "load",
            b"the filter of system calls (seccomp)".to_vec(),
            Some(Doing::Filter),
        ),
        Step::NotDumpable => ("prctl", b"PR_SET_DUMPABLE".to_vec(), None),
        Step::NoNewPrivileges => ("prctl", b"PR_SET_NO_NEW_PRIVS".to_vec(), None),
        Step::DefaultSignals(_) => ("reset", b"signals".to_vec(), None),
        Step::CloseDescriptors => ("close", b"inherited descriptors".to_vec(), None),
        Step::DeathSignal => ("prctl", b"PR_SET_PDEATHSIG".to_vec(), None),
    }
}

/// `/dev/null stdin, a pipe stdout`: what becomes which of 0, 1 and 2.
fn streams(names: [Option<&str>; 3]) -> Vec<u8> {
    let numbered = (0..).zip(names);
    let told = numbered
        .filter_map(|(number, name)| Some(format!("{} {}", name?, standard_streams::name(number))));
    told.collect::<Vec<String>>().join(", ").into_bytes()
}

fn prepared_name(prepared: Prepared) -> &'static str {
    match prepared {
        Prepared::HostsNull => "/dev/null",
        Prepared::Pipe => "a pipe",
    }
}

fn list(ids: &[u32]) -> Vec<u8> {
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    ids.join(",").into_bytes()
}

/// execve failed with `errno`, and this is what to say and to exit with: 127 if there is no such
/// command, 126 if it cannot be executed. dash's rule, by errno.
pub fn describe_execve(plan: &InitPlan, candidate: u32, errno: Errno, clue: Clue) -> Error {
    let command = &plan.command;
    let typed = command
        .arguments
        .strings()
        .first()
        .map(|name| name.to_bytes())
        .filter(|name| !name.is_empty())
        .unwrap_or(b"''");
    let not_found = matches!(
        errno,
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::ELOOP
    );
    // The file that was found, which PATH may have decided.
    let file = usize::try_from(candidate)
        .ok()
        .and_then(|candidate| command.candidates.get(candidate))
        .map_or(typed, |file| file.to_bytes());
    if let Some(hint) = hint::of_file(clue) {
        let exit = if not_found && clue != Clue::CircleOfInterpreters {
            ExitCode::NOT_FOUND
        } else {
            ExitCode::NOT_EXECUTABLE
        };
        return Error::new("exec", file, errno)
            .hint_instead(hint)
            .exit_with(exit);
    }
    if not_found {
        let hint = if image::is_meant(typed) {
            Some(hint::no_images().into())
        } else if typed.contains(&b' ') {
            Some(hint::WITH_BLANKS.into())
        } else if command.searched {
            Some(hint::not_in_path().into())
        } else {
            let words = match clue {
                Clue::NotThere => Some(hint::NOT_THERE),
                _ => (errno == Errno::ENOENT).then_some(hint::NO_SUCH_FILE),
            };
            words.map(Hint::Borrowed)
        };
        return Error::new("exec", typed, errno)
            .hint(hint)
            .exit_with(ExitCode::NOT_FOUND);
    }
    let cause = if errno == Errno::E2BIG && command.is_short() {
        Some(hint::no_room_for_arguments().into())
    } else {
        hint::hint(Doing::Execve, errno)
    };
    Error::new("exec", file, errno)
        .because(cause)
        .exit_with(ExitCode::NOT_EXECUTABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::wire::samples::assert_told_apart;
    use crate::plan::{ExecPlan, Mount};
    use crate::sys::MountFlags;
    use crate::sys::process::StringArray;
    use std::collections::HashSet;
    use std::ffi::CString;

    #[test]
    fn every_step_has_words_of_its_own() {
        assert_told_apart(|step| {
            let message = describe_step(step, Errno::EPERM.into()).to_string();
            assert!(message.contains("(EPERM)"), "{message}");
            message
        });
    }

    /// So has each purpose of a mount.
    #[test]
    fn a_mounts_words_are_its_purposes() {
        let named = |purpose| {
            name_step(&Step::Mount(Box::new(Mount {
                purpose,
                source: None,
                target: c"/proc".into(),
                kind: None,
                flags: MountFlags::NONE,
            })))
        };
        let purposes = [
            Purpose::Proc {
                user_namespace: true,
            },
            Purpose::BindProc,
            Purpose::RestrictProc,
        ];
        let names: HashSet<String> = purposes.into_iter().map(named).collect();
        assert_eq!(names.len(), purposes.len());
    }

    /// Under a small limit of memory the kernel cannot copy any arguments, and says that they are too many.
    #[test]
    fn short_arguments_are_not_too_long() {
        let list = |word: &str| StringArray::new(vec![CString::new(word).unwrap()]);
        for (word, hint) in [
            ("true".into(), "(the container's, "),
            ("x".repeat(1 << 17), "too long"),
        ] {
            let plan = InitPlan {
                birth: Vec::new(),
                container: Vec::new(),
                reaper: None,
                process: Vec::new(),
                command: ExecPlan {
                    searched: true,
                    candidates: vec![c"/bin/true".into()],
                    arguments: list(&word),
                    environment: list("A=B"),
                },
                premounted: 0,
                timed: false,
                tells_status: false,
            };
            let error = describe_execve(&plan, 0, Errno::E2BIG, Clue::None).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
