//! From the specification to the plan. The order of the steps is decided here, and each place has
//! its reason beside it.

mod layers;
mod root;
mod text;

pub use layers::check_options;
pub use root::makes_terminal;

use super::{ExecPlan, InitPlan, Mount, Purpose, Reaper, Standard, Step};
use crate::spec::{ContainerSpec, FirstProcess, Identity, Namespace, ProcessSpec, RootSpec};
use crate::sys::MountFlags;
use crate::sys::capability::CapabilitySet;
use crate::sys::process::StringArray;
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use std::borrow::Cow;
use std::ffi::CString;

/// Files that the container's processes make are not writable by others.
const UMASK: u32 = 0o022;

/// The longest path that the kernel takes, its terminator included (PATH_MAX).
const LONGEST_PATH: usize = 4096;

/// Writes the plan for `spec`. `ignored` are the signals that the caller ignores, which the child
/// would hand down to the command; `standard` is where its 0, 1 and 2 come from; `joins` are
/// the files by which the container's cgroups are joined; `filter` is that of its system calls.
pub fn build(
    spec: &ContainerSpec,
    network: NetworkSource,
    ignored: SignalSet,
    standard: Standard,
    joins: Vec<CString>,
    filter: Option<Cow<'static, [Instruction]>>,
) -> InitPlan {
    let reaper = match spec.first_process {
        _ if spec.has_keeper() => Some(Reaper::Keeper),
        FirstProcess::Reaper => Some(Reaper::FirstProcess),
        FirstProcess::Command => None,
    };
    let (birth, entry) = birth_and_entry(spec, reaper, joins);
    InitPlan {
        birth,
        container: container(spec, network, standard),
        reaper,
        process: process(entry, spec, standard, ignored, filter, reaper),
        command: command(spec),
        premounted: spec.root.as_ref().map_or(0, premounted),
        timed: false,
        tells_status: false,
    }
}

/// Where the container's network comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkSource {
    /// The clone makes it, or it is the host's.
    Clone,
    /// From the pool, which has been called.
    Pool,
}

/// How many mounts the parent hands in.
fn premounted(root: &RootSpec) -> u8 {
    if !root.is_premounted {
        return 0;
    }
    let binds = u8::try_from(root.early().count()).unwrap_or(u8::MAX);
    root.handed_directories().saturating_add(binds)
}

/// What the first process begins with, and what the command's begins with under a reaper.
fn birth_and_entry(
    spec: &ContainerSpec,
    reaper: Option<Reaper>,
    joins: Vec<CString>,
) -> (Vec<Step>, Vec<Step>) {
    let joins = (0..).zip(joins);
    let joins = joins.map(|(slot, path)| Step::JoinCgroup { slot, path });
    let score = spec.process.oom_score_adjustment;
    let score = score.map(|number| Step::OomScoreAdjustment(number.text().into()));
    // When we are in our cgroups: the namespace's top is where its maker is. The clone would make one whose top is the
    // parent's.
    let is_top = spec.limits.is_some() && spec.namespaces.is_new(Namespace::Cgroup);
    let top = is_top.then_some(Step::CgroupNamespace);

    // Whatever holds the start up from here on: whoever ends mydocker ends it.
    let (mut birth, mut entry) = (vec![Step::DeathSignal], Vec::with_capacity(12));
    if reaper.is_some() {
        // Its child begins without one.
        entry.push(Step::DeathSignal);
    }
    if reaper == Some(Reaper::Keeper) {
        // The keeper stays outside: it has to outlive the command, and the kernel ends who is inside when memory is short.
        // But who has become the root of many ids may not write its own score any more.
        match spec.identity {
            Identity::Ranged { .. } => birth.extend(score),
            Identity::Set { .. } | Identity::Mapped { .. } => entry.extend(score),
        }
        identity(spec, &mut birth);
        entry.extend(joins);
        entry.extend(top);
    } else {
        // Before the rest, so that everything that follows counts.
        birth.extend(joins);
        // While the /proc that is seen is one in which we are.
        birth.extend(score);
        identity(spec, &mut birth);
        birth.extend(top);
    }
    (birth, entry)
}

fn identity(spec: &ContainerSpec, steps: &mut Vec<Step>) {
    if let Identity::Ranged { .. } = spec.identity {
        steps.extend([
            // Many ids are mapped by who has CAP_SETUID outside; until then we are no one here, and could make
            // no file.
            Step::AwaitIds,
            // The caller's groups are not the container's. While we may: before the user.
            Step::Groups(Vec::new()),
            Step::Group(0),
            Step::User(0),
            // The change of the user has cleared it.
            Step::DeathSignal,
        ]);
        return;
    }
    let Identity::Mapped { user, group } = spec.identity else {
        return;
    };
    steps.extend([
        // Before gid_map, or the kernel refuses that one: an ordinary user could otherwise drop a
        // group that a file's permissions deny something to (user_namespaces(7)).
        Step::DenySetgroups,
        Step::MapUser(user.line().into_bytes()),
        Step::MapGroup(group.line().into_bytes()),
    ]);
    if user.inside != 0 {
        // A re-exec comes before the mounts, and execve leaves only the user 0 its capabilities.
        steps.push(Step::KeepCapabilities);
    }
}

fn container(spec: &ContainerSpec, network: NetworkSource, standard: Standard) -> Vec<Step> {
    let mut steps = Vec::with_capacity(if spec.root.is_some() { 32 } else { 6 });

    if let Some(root) = &spec.root {
        root::before_private(root, &mut steps);
    }
    // Before any mount: a new mount namespace is a copy whose mounts still share with their
    // originals, and where / is shared a mount in one appears in the other.
    steps.push(Step::MakeMountsPrivate);
    match &spec.root {
        Some(root) => {
            if network == NetworkSource::Pool {
                // A sysfs shows the network devices of the namespace that it is mounted in.
                steps.push(Step::NetworkFromPool);
            }
            root::steps(spec, root, standard, &mut steps);
        }
        None => {
            proc(spec, &mut steps);
            if network == NetworkSource::Clone {
                steps.extend(settings(spec));
            }
        }
    }

    if let Some(name) = &spec.hostname {
        steps.push(Step::Hostname(name.bytes().to_vec()));
    }
    // Beside it, in the same new UTS namespace.
    let domain = spec.domain_name.iter();
    steps.extend(domain.map(|name| Step::DomainName(name.bytes().to_vec())));
    if network == NetworkSource::Pool {
        if spec.root.is_none() {
            // Last of what is set up, so that the pool has had time to answer.
            steps.push(Step::NetworkFromPool);
            // In the pool's it is done already.
            steps.extend(settings(spec));
        }
    } else if spec.namespaces.is_new(Namespace::Network) {
        // A new network namespace has its loopback down, and programs that talk to 127.0.0.1 are
        // many.
        steps.push(Step::LoopbackUp);
    }
    if let Standard::Streams(streams) = standard {
        let prepared = streams.prepared();
        if prepared != [None; 3] {
            // Here, where a reaper has not been born, which needs none of them.
            steps.push(Step::StandardStreams(prepared));
        }
    }
    steps
}

/// What is set in the container's own namespaces, when they are all there: by a proc, before it is read-only.
fn settings(spec: &ContainerSpec) -> impl Iterator<Item = Step> {
    // As docker has it, if the network namespace is a new one.
    let is_own = spec.namespaces.is_new(Namespace::Network);
    let open = is_own.then(|| Step::OpenNetwork(spec.identity.groups().into_bytes()));
    // After that, for someone has asked for them.
    let asked = spec.sysctls.iter().map(|setting| Step::Sysctl {
        path: Box::new(setting.path.clone()),
        value: setting.value.clone(),
    });
    open.into_iter().chain(asked)
}

/// /proc shows the PID namespace of whoever mounted it, so a new namespace needs a new mount.
fn proc(spec: &ContainerSpec, steps: &mut Vec<Step>) {
    // What lies in /proc is neither programs nor devices.
    let restrictions = MountFlags::NOSUID
        .and(MountFlags::NODEV)
        .and(MountFlags::NOEXEC);
    let user_namespace = spec.is_in_user_namespace();
    let mount = |purpose, source: &CString, kind, flags| {
        Step::Mount(Box::new(Mount {
            purpose,
            source: Some(source.clone()),
            target: c"/proc".into(),
            kind,
            flags,
        }))
    };
    if spec.namespaces.is_new(Namespace::Pid) || !user_namespace {
        let name: CString = c"proc".into();
        let kind = Some(name.clone());
        steps.push(mount(
            Purpose::Proc { user_namespace },
            &name,
            kind,
            restrictions,
        ));
    } else {
        // The host's PID namespace seen from a new user namespace: the kernel lets only the owner
        // of a PID namespace mount a proc of it, so the host's is bound (with what is mounted in
        // it: a part that the host covered must not come to light), and then restricted, because a
        // bind takes no other flags.
        let path: CString = c"/proc".into();
        let bind = MountFlags::BIND.and(MountFlags::RECURSIVE);
        steps.push(mount(Purpose::BindProc, &path, None, bind));
        let remount = MountFlags::BIND.and(MountFlags::REMOUNT).and(restrictions);
        steps.push(mount(Purpose::RestrictProc, &path, None, remount));
    }
}

/// What makes the command's process, after what it begins with.
fn process(
    mut steps: Vec<Step>,
    spec: &ContainerSpec,
    standard: Standard,
    ignored: SignalSet,
    filter: Option<Cow<'static, [Instruction]>>,
    reaper: Option<Reaper>,
) -> Vec<Step> {
    // Without a terminal too: in the caller's session /dev/tty would be the caller's terminal, and
    // TIOCSTI would type into it.
    steps.push(Step::NewSession);
    if let Standard::Terminal(_) = standard {
        // Only the leader of a session can take a controlling terminal, so after setsid.
        steps.push(Step::ControllingTerminal);
        steps.push(Step::StandardTerminal);
    }
    steps.push(Step::Umask(UMASK));
    // After the mounts and files of the set-up, which are not the command's to be limited by; before the user
    // changes, because raising a hard limit takes a capability.
    steps.extend(
        spec.process
            .resources
            .iter()
            .copied()
            .map(Step::ResourceLimit),
    );
    if let Some(limits) = &spec.limits {
        // When the cgroups are joined; before the filter, which need not allow to ask.
        let processors = limits.processors.iter().cloned();
        steps.extend(processors.map(Step::ConfirmProcessors));
        let nodes = limits.nodes.iter().cloned();
        steps.extend(nodes.map(Step::ConfirmMemoryNodes));
    }

    let ProcessSpec {
        capabilities,
        no_new_privileges,
        new_keyring,
        ..
    } = &spec.process;
    if *new_keyring {
        // The caller's keys (of encrypted directories, of network file systems) are not the container's. Before
        // the user changes: it counts among the caller's keys, and the host's root may have many.
        steps.push(Step::SessionKeyring);
    }
    // Whatever the caller's is: to ask first would cost as much. Before the filter, which allows only the harmless ones.
    steps.push(Step::UsualPersonality);
    let mut awaited = reaper.map(|_| Step::AwaitReaper);
    let mut filter = filter.map(Step::Filter);
    // Before anything is given up. In shared memory (see launch) this process's memory is mydocker's, and whoever has
    // the user and the few capabilities that are left could open it: a root of another container that shares our PID
    // namespace, say. It stays with mydocker, whom no one needs to look into either; execve resets the command's.
    steps.push(Step::NotDumpable);
    if capabilities.bounding != CapabilitySet::ALL {
        // While we may: it takes CAP_SETPCAP.
        steps.push(Step::BoundingSet(capabilities.bounding));
    }
    if !no_new_privileges {
        // To wait takes system calls, which the filter need not allow.
        steps.extend(awaited.take());
        // Without that it takes CAP_SYS_ADMIN, which goes below.
        steps.extend(filter.take());
    }
    let Becoming {
        user,
        group,
        supplementary,
    } = Becoming::new(&spec.identity);
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
    // As late as its gate is open: the reaper has as much to do.
    steps.extend(awaited);
    // Before the first path of the container's own is looked up: a link of /proc/self/fd would lead out of the root
    // through whatever is open. After all that needs one: the terminal, /dev/null, the reaper's gate.
    steps.push(Step::CloseDescriptors);
    // As the user, with no more rights: a directory that is closed to them stays closed.
    if let Some(directory) = &spec.process.working_directory {
        steps.push(Step::WorkingDirectory(directory.clone()));
    }
    if *no_new_privileges {
        // A set-user-ID program would run with the host's root's rights on the host's files. As PID 1 it
        // would also lose the death signal and could outlive mydocker.
        steps.push(Step::NoNewPrivileges);
    }
    steps.push(Step::DefaultSignals(ignored));
    // Last of all: the calls above need not be among those that it allows.
    steps.extend(filter);
    steps
}

/// Whom the command's process still has to become, each if it has to.
struct Becoming<'a> {
    user: Option<u32>,
    group: Option<u32>,
    supplementary: Option<&'a [u32]>,
}

impl<'a> Becoming<'a> {
    fn new(identity: &'a Identity) -> Self {
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
    fn owner(&self) -> Option<(u32, u32)> {
        (self.user.is_some() || self.group.is_some())
            .then(|| (self.user.unwrap_or(0), self.group.unwrap_or(0)))
    }
}

fn command(spec: &ContainerSpec) -> ExecPlan {
    let name = spec
        .process
        .arguments
        .first()
        .map_or(&b""[..], |name| name.to_bytes());
    let searched = !name.contains(&b'/');
    let candidates = if searched {
        let path = spec
            .process
            .environment
            .iter()
            .find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
        search(name, path.unwrap_or(crate::spec::DEFAULT_PATH))
    } else {
        spec.process
            .arguments
            .first()
            .cloned()
            .into_iter()
            .collect()
    };
    ExecPlan {
        searched,
        candidates,
        arguments: StringArray::new(spec.process.arguments.clone()),
        environment: StringArray::new(spec.process.environment.clone()),
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
