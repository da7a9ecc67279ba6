//! The plan of one more process in a container of an engine's. How it comes into the container, and why so, `plan/build/entry.rs`
//! tells: one who enters does all that takes rights, and bears the command's process when it has none left.
//!
//! The steps of a process are those of a container's first ([`process`](crate::oci::process)), each done where it can be: what
//! takes rights over the host, or the host's /proc, before the container is entered; the rest by the one who has entered;
//! and what is a process's own by the command's.

use crate::oci::process::ProcessSteps;
use crate::plan::process::ProcessStep;
use crate::plan::root::RootStep;
use crate::plan::{ExecPlan, Gate, InitPlan, Step};
use crate::spec::Namespace;
use crate::terminal_settings::TerminalSettings;
use std::ffi::CString;

/// How a container is entered.
pub struct Entering {
    /// The namespaces of the container that are not the runtime's.
    pub namespaces: Vec<Namespace>,
    /// The files by which its cgroups are joined.
    pub joins: Vec<CString>,
    /// Whether a user namespace is entered that has a root.
    pub has_root: bool,
    /// Whether groups may be set in it.
    pub sets_groups: bool,
    /// What the terminal looks like, if there is one.
    pub terminal: Option<TerminalSettings>,
    /// The first descriptor that the command does not inherit.
    pub first_private: u32,
    /// Whether the command ends with mydocker.
    pub ends_with_caller: bool,
    /// Whether it is written down who the command is before it runs.
    pub is_recorded: bool,
}

/// Writes the plan.
pub fn enter(entering: Entering, steps: ProcessSteps, command: ExecPlan) -> InitPlan {
    let Entering {
        namespaces,
        joins,
        has_root,
        sets_groups,
        terminal,
        first_private,
        ends_with_caller,
        is_recorded,
    } = entering;
    let mut birth = vec![Step::DeathSignal];
    birth.extend(steps.birth);
    let joins = (0..).zip(joins);
    birth.extend(joins.map(|(slot, path)| Step::JoinCgroup { slot, path }));
    birth.extend(steps.in_cgroup);
    let mut sorted = Sorted {
        finds_command: !steps.last.is_empty(),
        ..Sorted::default()
    };
    let all = [
        steps.session,
        steps.before_user,
        steps.user,
        steps.before_execve,
    ];
    all.into_iter()
        .flatten()
        .for_each(|step| sorted.add(step, sets_groups));
    // A re-exec has reset it. Before we are anywhere where someone could look.
    let mut container = vec![Step::NotDumpable];
    container.append(&mut sorted.outside);
    go_in(&mut container, namespaces, has_root);
    // Before any path of the container's is looked up.
    container.push(Step::CloseAllButTerminal(first_private));
    if let Some(settings) = terminal {
        let step = RootStep::AnotherTerminal(settings);
        container.extend([Step::Root(Box::new(step)), Step::StandardTerminal]);
    }
    container.append(&mut sorted.entered);
    let mut process = Vec::with_capacity(12);
    if ends_with_caller {
        process.push(Step::DeathSignal);
    }
    process.append(&mut sorted.session);
    if is_recorded {
        process.push(Step::Await(Gate::Recorded));
    }
    process.push(Step::CloseDescriptorsFrom(first_private));
    process.append(&mut sorted.own);
    process.extend(steps.last);
    InitPlan {
        forerunner: Vec::new(),
        birth,
        container,
        reaper: None,
        enters: true,
        process,
        command,
        premounted: 0,
        timed: false,
        tells_status: false,
    }
}

/// Into the container, as its root.
fn go_in(steps: &mut Vec<Step>, namespaces: Vec<Namespace>, becomes_root: bool) {
    let joins_user = namespaces.contains(&Namespace::User);
    let joins_mounts = namespaces.contains(&Namespace::Mount);
    if !namespaces.is_empty() {
        steps.push(Step::Enter(namespaces));
    }
    if !joins_mounts {
        // That of another mount namespace is the container's.
        steps.push(Step::ChangeRoot);
    }
    if becomes_root {
        // Or it would be no one there.
        steps.extend([Step::Group(0), Step::User(0)]);
    }
    if joins_user {
        // More capabilities, or another user, have reset both.
        steps.extend([Step::NotDumpable, Step::DeathSignal]);
    }
}

/// The steps of a process by where they are done.
#[derive(Default)]
struct Sorted {
    /// Before the container is entered.
    outside: Vec<Step>,
    /// By the one who has entered.
    entered: Vec<Step>,
    /// By the command's process: its session first,
    session: Vec<Step>,
    /// and the rest, when it is known and nothing of the host's is open.
    own: Vec<Step>,
    /// Whether the command is looked for before a filter is loaded, which may be in execve's way.
    finds_command: bool,
}

impl Sorted {
    fn add(&mut self, step: Step, sets_groups: bool) {
        let list = match &step {
            Step::ResourceLimit(_) => &mut self.outside,
            Step::NewSession | Step::ControllingTerminal => &mut self.session,
            Step::DefaultSignals(_) => &mut self.own,
            // The plan has its own places for these.
            Step::CloseDescriptorsFrom(_) | Step::StandardTerminal => return,
            Step::Process(of_process) => match **of_process {
                ProcessStep::Scheduling(_)
                | ProcessStep::IoPriority { .. }
                | ProcessStep::Label { .. } => &mut self.outside,
                // Where nothing comes between it and execve, that tells as much.
                ProcessStep::FindCommand if !self.finds_command => return,
                ProcessStep::FindCommand => &mut self.own,
                // It would look for why it may not in the container's /proc, in which it is not.
                ProcessStep::Groups(_) if !sets_groups => return,
                _ => &mut self.entered,
            },
            _ => &mut self.entered,
        };
        list.push(step);
    }
}
