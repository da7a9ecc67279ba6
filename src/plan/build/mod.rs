//! From the specification to the plan. The order of the steps is decided here, and each place has
//! its reason beside it.

mod alone;
mod boxed;
mod c_string;
pub mod entry;
mod layers;
mod mounts;
mod name_files;
mod process;
mod root;

pub use alone::{alone, is_possible as can_be_alone};
pub use boxed::{FilterLoads, into_box};
pub use layers::check_options;
pub use process::command_of;
pub use root::makes_terminal;

use super::root::{BindMount, FileSystem, KernelFs, MountKernelFs, Way};
use super::{Gate, InitPlan, Reaper, Standard, Step};
use crate::spec::{
    ContainerSpec, Devices, FirstProcess, Identity, JoinTarget, Namespace, RootSpec,
};
use crate::sys::MountFlags;
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use std::borrow::Cow;
use std::ffi::CString;

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
        forerunner: Vec::new(),
        birth,
        container: container(spec, network, standard),
        reaper,
        enters: false,
        process: process::process(entry, spec, standard, ignored, filter, reaper),
        command: process::command(&spec.process),
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
    /// A process makes it while the root is built. It takes a root of the container's own.
    Beside,
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
        join_namespaces(spec, &mut birth);
        entry.extend(joins);
        entry.extend(top);
    } else {
        // Before the rest, so that everything that follows counts.
        birth.extend(joins);
        // While the /proc that is seen is one in which we are.
        birth.extend(score);
        identity(spec, &mut birth);
        join_namespaces(spec, &mut birth);
        birth.extend(top);
    }
    (birth, entry)
}

fn identity(spec: &ContainerSpec, steps: &mut Vec<Step>) {
    if let Identity::Ranged { .. } = spec.identity {
        steps.extend([
            // Many ids are mapped by who has CAP_SETUID outside; until then we are no one here, and could make
            // no file.
            Step::Await(Gate::IdsMapped),
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

/// Enters the namespaces that are joined: after the cgroups, which the user in another user namespace may not write to. The
/// PID namespace is the launcher's to join, for its children, and the mount namespace comes last.
fn join_namespaces(spec: &ContainerSpec, steps: &mut Vec<Step>) {
    for (slot, (namespace, target)) in (0..).zip(spec.namespaces.joined()) {
        if matches!(namespace, Namespace::Pid | Namespace::Mount) {
            continue;
        }
        steps.push(join(namespace, slot, target));
        if namespace == Namespace::User {
            // Its root, or we would be no one there. The change of the user clears the death signal.
            steps.extend([Step::Group(0), Step::User(0), Step::DeathSignal]);
        }
    }
}

fn join(namespace: Namespace, slot: u8, target: &JoinTarget) -> Step {
    Step::JoinNamespace {
        namespace,
        slot,
        name: target.name().into_owned(),
    }
}

fn container(spec: &ContainerSpec, network: NetworkSource, standard: Standard) -> Vec<Step> {
    let mut steps = Vec::with_capacity(if spec.root.is_some() { 32 } else { 6 });

    let joined = (0..).zip(spec.namespaces.joined());
    let mounts = joined
        .filter(|(_, (namespace, _))| *namespace == Namespace::Mount)
        .map(|(slot, (namespace, target))| join(namespace, slot, target));
    steps.extend(mounts);
    if spec.namespaces.is_new(Namespace::Mount) {
        mounts_of(spec, network, standard, &mut steps);
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
        if streams.are_prepared() {
            // Here, where a reaper has not been born, which needs none of them.
            steps.push(Step::StandardStreams(streams.prepared()));
        }
    }
    steps
}

/// What is mounted in a new mount namespace, and what is set by the new proc.
fn mounts_of(
    spec: &ContainerSpec,
    network: NetworkSource,
    standard: Standard,
    steps: &mut Vec<Step>,
) {
    if let Some(root) = &spec.root {
        root::before_private(root, steps);
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
            root::steps(spec, root, network, standard, steps);
        }
        None => {
            steps.push(proc(spec));
            if network == NetworkSource::Clone {
                steps.extend(settings(spec));
            }
        }
    }
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
fn proc(spec: &ContainerSpec) -> Step {
    let bound = MountFlags::NOSUID.and(MountFlags::NOEXEC);
    let user_namespace = spec.is_in_user_namespace();
    // (Of a namespace that is joined the host's would show others.)
    let way = if !spec.namespaces.is_callers(Namespace::Pid) || !user_namespace {
        Way::Fresh(FileSystem {
            option: None,
            target: c"/proc".into(),
            kind: c"proc".into(),
            // What lies in /proc is neither programs nor devices.
            flags: bound.and(MountFlags::NODEV),
            data: CString::default(),
            optional: false,
        })
    } else {
        // The host's PID namespace seen from a new user namespace: the kernel lets only the owner
        // of a PID namespace mount a proc of it, so the host's is bound (with what is mounted in
        // it: a part that the host covered must not come to light), and then restricted, because a
        // bind takes no other flags.
        Way::Bound(Box::new(BindMount {
            option: None,
            path: c"/proc".into(),
            slot: None,
            target: c"/proc".into(),
            recursive: true,
            flags: bound,
            recursive_flags: false,
            devices: Devices::None,
            is_device: false,
            optional: false,
        }))
    };
    Step::MountKernelFs(Box::new(MountKernelFs {
        kernel_fs: KernelFs::Proc,
        in_root: false,
        user_namespace,
        way,
    }))
}
