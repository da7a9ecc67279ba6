//! What makes the command's process, and the execve at its end: done by PID 1, or by PID 2 under a reaper.

use crate::plan::{ExecPlan, Gate, Reaper, Standard, Step};
use crate::seccomp;
use crate::spec::{ContainerSpec, DEFAULT_PATH, Identity, ProcessSpec};
use crate::sys::capability::CapabilitySet;
use crate::sys::process::StringArray;
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use std::borrow::Cow;
use std::ffi::CString;

/// Files that the container's processes make are not writable by others.
pub(super) const UMASK: u32 = 0o022;

/// The longest path that the kernel takes, its terminator included (PATH_MAX).
const LONGEST_PATH: usize = 4096;

/// What makes the command's process, after what it begins with.
pub(super) fn process(
    mut steps: Vec<Step>,
    spec: &ContainerSpec,
    standard: Standard,
    ignored: SignalSet,
    filter: Option<Cow<'static, [Instruction]>>,
    reaper: Option<Reaper>,
) -> Vec<Step> {
    let mut awaited = reaper.map(|_| Step::Await(Gate::ReaperReady));
    // To wait takes system calls, which someone's filter need not allow.
    let waits_last = awaited.is_some() && filter.as_deref().is_none_or(seccomp::lets_wait);
    let mut filter = filter.map(Step::Filter);
    session(&mut steps, standard);
    limits(&mut steps, spec);
    surroundings(&mut steps, &spec.process);
    // Before anything is given up. In shared memory (see launch) this process's memory is mydocker's, and whoever has
    // the user and the few capabilities that are left could open it: a root of another container that shares our PID
    // namespace, say. It stays with mydocker, whom no one needs to look into either; execve resets the command's.
    steps.push(Step::NotDumpable);
    bound(&mut steps, &spec.process);
    if !spec.process.no_new_privileges {
        if !waits_last {
            steps.extend(awaited.take());
        }
        // Without that it takes CAP_SYS_ADMIN, which goes below.
        steps.extend(filter.take());
    }
    become_user(&mut steps, &spec.process, &spec.identity, standard);
    if !waits_last {
        steps.extend(awaited.take());
    }
    before_execve(&mut steps, &spec.process, ignored);
    // Last of all: the calls above need not be among those that it allows.
    steps.extend(filter);
    // Or even after it: the reaper has as much to do, on another processor.
    steps.extend(awaited);
    steps
}

/// Out of the caller's session, and into one with the container's terminal.
fn session(steps: &mut Vec<Step>, standard: Standard) {
    // Without a terminal too: in the caller's session /dev/tty would be the caller's terminal, and
    // TIOCSTI would type into it.
    steps.push(Step::NewSession);
    if let Standard::Terminal(_) = standard {
        // Only the leader of a session can take a controlling terminal, so after setsid.
        steps.push(Step::ControllingTerminal);
        steps.push(Step::StandardTerminal);
    }
}

fn limits(steps: &mut Vec<Step>, spec: &ContainerSpec) {
    steps.push(Step::Umask(UMASK));
    // After the mounts and files of the set-up, which are not the command's to be limited by; before the user
    // changes, because raising a hard limit takes a capability.
    let resources = spec.process.resources.iter().copied();
    steps.extend(resources.map(Step::ResourceLimit));
    confirm(steps, spec);
}

/// What is left of the rights that anything in the container can get.
pub(super) fn bound(steps: &mut Vec<Step>, process: &ProcessSpec) {
    let bounding = process.capabilities.bounding;
    if bounding != CapabilitySet::ALL {
        // While we may: it takes CAP_SETPCAP.
        steps.push(Step::BoundingSet(bounding));
    }
}

/// That the cgroups' limits hold.
pub(super) fn confirm(steps: &mut Vec<Step>, spec: &ContainerSpec) {
    if let Some(limits) = &spec.limits {
        // When the cgroups are joined; before the filter, which need not allow to ask.
        let processors = limits.processors.iter().cloned();
        steps.extend(processors.map(Step::ConfirmProcessors));
        let nodes = limits.nodes.iter().cloned();
        steps.extend(nodes.map(Step::ConfirmMemoryNodes));
    }
}

/// What the process would have of the caller's otherwise.
pub(super) fn surroundings(steps: &mut Vec<Step>, process: &ProcessSpec) {
    if process.new_keyring {
        // The caller's keys (of encrypted directories, of network file systems) are not the container's. Before
        // the user changes: it counts among the caller's keys, and the host's root may have many.
        steps.push(Step::SessionKeyring);
    }
    // Whatever the caller's is: to ask first would cost as much. Before the filter, which allows only the harmless ones.
    steps.push(Step::UsualPersonality);
}

/// The command's ids and capabilities.
pub(super) fn become_user(
    steps: &mut Vec<Step>,
    process: &ProcessSpec,
    identity: &Identity,
    standard: Standard,
) {
    let capabilities = &process.capabilities;
    let Becoming {
        user,
        group,
        supplementary,
    } = Becoming::new(identity);
    if user.is_some() && capabilities.held != CapabilitySet::NONE {
        // Or the change from root to another user would empty the set that they are to be taken from.
        steps.push(Step::KeepCapabilitiesOfUser);
    }
    if let Standard::Streams(streams) = standard {
        let which = streams.pipes();
        if let (Some(user), true) = (streams.given_to, which != [false; 3]) {
            // While there is CAP_CHOWN.
            steps.push(Step::GivePipes { which, user });
        }
    }
    // Groups before the user: an ordinary user may not change groups any more.
    if let Some(groups) = supplementary {
        steps.push(Step::Groups(groups.to_vec()));
    }
    steps.extend(group.map(Step::Group));
    if let Some(user) = user {
        steps.push(Step::User(user));
        // The change has set it anew, to what fs.suid_dumpable says, which need not be 0 (proc_sys_fs(5)).
        steps.push(Step::NotDumpable);
    }
    if user.is_some() || group.is_some() {
        // It has cleared that, too, which only a change of the ids or more capabilities do (prctl(2); `commit_creds`): what
        // follows does not. A PID 1 that changes its credentials later still loses it; only the reaper never does. A
        // process outside that watches mydocker and kills for it would cost every start what few need.
        steps.push(Step::DeathSignal);
    }
    if !capabilities.are_callers() {
        // Nothing below needs one. (What was kept for the set-up goes here too.)
        steps.push(Step::Capabilities {
            held: capabilities.held,
            required: capabilities.required,
            ambient: capabilities.ambient,
        });
    }
}

/// Where the command starts, and what is closed and reset before the execve.
fn before_execve(steps: &mut Vec<Step>, process: &ProcessSpec, ignored: SignalSet) {
    // Before the first path of the container's own is looked up: a link of /proc/self/fd would lead out of the root
    // through whatever is open. After all that needs one: the terminal, /dev/null. (The reaper's gate, a pipe, leads nowhere.)
    steps.push(Step::CloseDescriptors);
    // As the user, with no more rights: a directory that is closed to them stays closed.
    if let Some(directory) = &process.working_directory {
        steps.push(Step::WorkingDirectory(directory.clone()));
    }
    if process.no_new_privileges {
        // A set-user-ID program would run with the host's root's rights on the host's files. As PID 1 it
        // would also lose the death signal and could outlive mydocker.
        steps.push(Step::NoNewPrivileges);
    }
    steps.push(Step::DefaultSignals(ignored));
}

/// Whom the command's process still has to become, each if it has to.
pub(super) struct Becoming<'a> {
    user: Option<u32>,
    group: Option<u32>,
    supplementary: Option<&'a [u32]>,
}

impl<'a> Becoming<'a> {
    pub(super) fn new(identity: &'a Identity) -> Self {
        match identity {
            Identity::Set {
                user,
                group,
                supplementary,
            } => Self {
                user: *user,
                group: *group,
                supplementary: supplementary.as_deref(),
            },
            // It is root with no other groups by then.
            Identity::Ranged {
                user,
                group,
                supplementary,
                ids: _,
            } => Self {
                user: (*user != 0).then_some(*user),
                group: (*group != 0).then_some(*group),
                supplementary: (!supplementary.is_empty()).then_some(supplementary),
            },
            // It has been from the beginning.
            Identity::Mapped { .. } => Self {
                user: None,
                group: None,
                supplementary: None,
            },
        }
    }

    /// To whom something belongs that is made for the command. `None`: to whom makes it.
    pub(super) fn owner(&self) -> Option<(u32, u32)> {
        (self.user.is_some() || self.group.is_some())
            .then(|| (self.user.unwrap_or(0), self.group.unwrap_or(0)))
    }
}

pub(super) fn command(process: &ProcessSpec) -> ExecPlan {
    command_of(&process.arguments, process.environment.clone(), None)
}

/// The execve of these arguments, the command's name first, with this environment, and a last variable that is found out
/// later ([`StringArray::with_room`]).
pub fn command_of(
    arguments: &[CString],
    environment: Vec<CString>,
    last: Option<(CString, u32)>,
) -> ExecPlan {
    let first = arguments.first();
    let name = first.map_or(&b""[..], |name| name.to_bytes());
    let searched = !name.contains(&b'/');
    let candidates = if searched {
        let mut variables = environment.iter();
        let path = variables.find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
        search(name, path.unwrap_or(DEFAULT_PATH))
    } else {
        first.cloned().into_iter().collect()
    };
    ExecPlan {
        searched,
        candidates,
        arguments: StringArray::new(arguments.to_vec()),
        environment: StringArray::with_room(environment, last),
    }
}

/// The files that execvp(3) would try: an empty element of PATH is the working directory, an empty
/// name is nothing at all.
fn search(name: &[u8], path: &[u8]) -> Vec<CString> {
    if name.is_empty() {
        return Vec::new();
    }
    path.split(|byte| *byte == b':')
        .map(|directory| match directory {
            b"" => name.to_vec(),
            directory => [directory, b"/", name].concat(),
        })
        .filter(|file| file.len() < LONGEST_PATH)
        .filter_map(|file| CString::new(file).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_those_of_execvp() {
        let found = |name: &str, path: &str| -> Vec<String> {
            search(name.as_bytes(), path.as_bytes())
                .into_iter()
                .map(|file| file.into_string().unwrap())
                .collect()
        };
        assert_eq!(found("sh", "/bin:/usr/bin"), ["/bin/sh", "/usr/bin/sh"]);
        assert_eq!(found("sh", "a::b:"), ["a/sh", "sh", "b/sh", "sh"]);
        assert_eq!(found("sh", ""), ["sh"]);
        assert!(found("", "/bin").is_empty());
        assert_eq!(
            found("sh", &format!("/{}:/bin", "x".repeat(5000))),
            ["/bin/sh"]
        );
    }
}
