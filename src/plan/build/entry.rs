//! The plan of one more process in a container that runs (`exec`).
//!
//! Who is in the container may be hostile, and sees whatever is in its PID namespace. So nothing is born there that has more
//! than its own processes have:
//!
//! ```text
//! mydocker ─ clone ─▶ one who enters                    in no PID namespace but mydocker's: the container does not see it
//!    │                  its cgroups, first of all
//!    │                  not dumpable; limits of a process
//!    │                  all namespaces at once (setns of a pidfd); with the user namespace the rights over the others,
//!    │                  which an ordinary user has by it alone: so it is not mydocker itself that joins the PID namespace
//!    │                  a terminal; 0, 1 and 2; everything else of the host's is closed
//!    │                  user, groups, capabilities, no_new_privs
//!    └── clone (CLONE_PARENT) ─▶ the command's process  in the PID namespace, mydocker's own child
//!                       death signal, session, terminal, working directory, filter; execve
//! ```
//!
//! A container with CAP_SYS_PTRACE may attach to the second one as soon as it is there (CVE-2016-9962), and finds the
//! command's own rights and files. It finds no memory that mydocker uses, for the second is in a copy; and what a copy
//! would tell of the caller's is not in it either where such a container is entered, for then it is a copy of `mydocker
//! init`, by re-exec. The mount namespace is entered with the others, and whatever is looked up by a path of the
//! container's after that (CVE-2024-21626) is looked up when no descriptor of the host's is open.

use super::{makes_terminal, process};
use crate::plan::root::RootStep;
use crate::plan::{InitPlan, Standard, Step};
use crate::spec::{ContainerSpec, Identity, Namespace};
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use std::borrow::Cow;
use std::ffi::CString;

/// Where what the parent has opened lies, by slot.
pub const PROCESS: u8 = 0;
pub const ROOT: u8 = 1;

/// What follows 0, 1 and 2.
const FIRST_PRIVATE: u32 = 3;

/// How a container that runs is entered.
pub struct Entry {
    /// The namespaces of the container that are not the caller's.
    pub namespaces: Vec<Namespace>,
    /// The files by which its cgroups are joined.
    pub joins: Vec<CString>,
    /// The signals that the caller ignores, which the child would hand down.
    pub ignored: SignalSet,
    /// Whether the command ends with mydocker.
    pub ends_with_caller: bool,
}

/// Writes the plan for one more process in the container that `spec` describes; `standard` is where its 0, 1 and 2 come
/// from, `filter` that of its system calls.
pub fn enter(
    spec: &ContainerSpec,
    entry: Entry,
    standard: Standard,
    filter: Option<Cow<'static, [Instruction]>>,
) -> InitPlan {
    let Entry {
        namespaces,
        joins,
        ignored,
        ends_with_caller,
    } = entry;
    let mut birth = vec![Step::DeathSignal];
    let joins = (0..).zip(joins);
    birth.extend(joins.map(|(slot, path)| Step::JoinCgroup { slot, path }));
    // While the /proc that is seen is one in which we are, and may be written.
    let score = spec.process.oom_score_adjustment;
    birth.extend(score.map(|number| Step::OomScoreAdjustment(number.text().into())));
    let (before_birth, after_it) = match spec.process.no_new_privileges {
        // Last of all: the calls before it need not be among those that it allows.
        true => (None, filter),
        // Without that it takes CAP_SYS_ADMIN, which goes before the command's process is born.
        false => (filter, None),
    };
    let mut container = Vec::with_capacity(32);
    go_in(&mut container, spec, namespaces);
    streams(&mut container, spec, standard);
    process::surroundings(&mut container, &spec.process);
    process::bound(&mut container, &spec.process);
    container.extend(before_birth.map(Step::Filter));
    process::become_user(&mut container, &spec.process, &spec.identity, standard);
    if spec.process.no_new_privileges {
        container.push(Step::NoNewPrivileges);
    }
    if let Standard::Streams(streams) = standard
        && streams.own() != [None; 3]
    {
        container.push(Step::OpenDevices(streams.own()));
    }
    InitPlan {
        forerunner: Vec::new(),
        birth,
        container,
        reaper: None,
        enters: true,
        process: of_command(spec, standard, ignored, ends_with_caller, after_it),
        command: process::command(&spec.process),
        premounted: 0,
        timed: false,
        tells_status: false,
    }
}

/// Into the container, as its root.
fn go_in(steps: &mut Vec<Step>, spec: &ContainerSpec, namespaces: Vec<Namespace>) {
    // A re-exec has reset it. Before we are anywhere where someone could look.
    steps.push(Step::NotDumpable);
    let resources = spec.process.resources.iter().copied();
    // To raise one takes a capability over the kernel's first user namespace.
    steps.extend(resources.map(Step::ResourceLimit));
    let joins_user = namespaces.contains(&Namespace::User);
    let joins_mounts = namespaces.contains(&Namespace::Mount);
    if !namespaces.is_empty() {
        steps.push(Step::Enter(namespaces));
    }
    if spec.root.is_none() && joins_mounts {
        // With a root of its own that of the mount namespace is the container's.
        steps.push(Step::ChangeRoot);
    }
    if let (Identity::Ranged { .. }, true) = (&spec.identity, joins_user) {
        // Its root, or we would be no one there.
        steps.extend([Step::Groups(Vec::new()), Step::Group(0), Step::User(0)]);
    }
    if joins_user {
        // More capabilities, or another user, have reset both.
        steps.extend([Step::NotDumpable, Step::DeathSignal]);
    }
    process::confirm(steps, spec);
}

/// What becomes 0, 1 and 2, and that nothing else is open.
fn streams(steps: &mut Vec<Step>, spec: &ContainerSpec, standard: Standard) {
    if let Standard::Streams(streams) = standard
        && streams.are_prepared()
    {
        steps.push(Step::StandardStreams(streams.prepared()));
    }
    // Before any path of the container's is looked up.
    steps.push(Step::CloseAllButTerminal(FIRST_PRIVATE));
    if let Standard::Terminal(settings) = standard {
        if makes_terminal(spec) {
            let step = RootStep::AnotherTerminal(settings);
            steps.push(Step::Root(Box::new(step)));
        }
        steps.push(Step::StandardTerminal);
    }
    steps.push(Step::Umask(process::UMASK));
}

/// What the command's process does for itself.
fn of_command(
    spec: &ContainerSpec,
    standard: Standard,
    ignored: SignalSet,
    ends_with_caller: bool,
    filter: Option<Cow<'static, [Instruction]>>,
) -> Vec<Step> {
    let mut steps = Vec::with_capacity(8);
    if ends_with_caller {
        steps.push(Step::DeathSignal);
    }
    steps.push(Step::NewSession);
    if let Standard::Terminal(_) = standard {
        steps.push(Step::ControllingTerminal);
    }
    steps.push(Step::CloseDescriptors);
    let directory = spec.process.working_directory.iter();
    steps.extend(directory.map(|path| Step::WorkingDirectory(path.clone())));
    steps.push(Step::DefaultSignals(ignored));
    steps.extend(filter.map(Step::Filter));
    steps
}
