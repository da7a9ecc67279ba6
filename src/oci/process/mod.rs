//! From `process` of config.json, or of `exec --process`, to steps.
//!
//! ```text
//! birth         the OOM score; the first processors of an `exec`: before namespaces and cgroups are joined
//! session       setsid; the terminal
//! before_user   umask, limits, keyring, personality, scheduler, I/O priority, not dumpable, bounding set, descriptors closed,
//!               working directory, label, [filter, without no_new_privs]
//! user          groups, group, user, capabilities
//! before_execve no_new_privs, default signals, a look for the command
//!                 ◀─ gate `start`; startContainer hooks
//! last          [filter, with no_new_privs]
//! ```

mod inherited;

pub use inherited::Inherited;

use super::config::{Personality, Process};
use super::namespaces::NamespacesOf;
use crate::error::Error;
use crate::plan::{ExecPlan, Step, command_of};
use crate::spec::limits::ResourceLimit;
use crate::sys::capability::CapabilitySet;
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use std::borrow::Cow;

/// What a process depends on that is not in its part of config.json.
pub struct Surroundings<'a> {
    /// The namespaces of a container that begins. `None`: one more process of a container that runs.
    pub namespaces: Option<&'a NamespacesOf>,
    /// The id of the container whose keyring is joined. `None`: the process keeps the caller's.
    pub keyring: Option<&'a str>,
    pub personality: Option<Personality>,
    /// What the command inherits beside 0, 1 and 2.
    pub inherited: Inherited,
    /// The signals that the caller ignores, which the child would hand down.
    pub ignored: SignalSet,
    pub filter: Option<Cow<'static, [Instruction]>>,
}

/// The steps of a process, in their order; see the module.
#[derive(Default)]
pub struct ProcessSteps {
    pub birth: Vec<Step>,
    pub session: Vec<Step>,
    pub before_user: Vec<Step>,
    pub user: Vec<Step>,
    pub before_execve: Vec<Step>,
    pub last: Vec<Step>,
}

/// The steps for `process`.
pub fn steps(process: &Process, surroundings: Surroundings<'_>) -> Result<ProcessSteps, Error> {
    let mut steps = ProcessSteps::default();
    let score = process.oom_score_adjustment;
    let score = score.map(|number| Step::OomScoreAdjustment(number.to_string().into()));
    steps.birth.extend(score);
    steps.session.push(Step::NewSession);
    if process.terminal {
        steps.session.push(Step::ControllingTerminal);
        steps.session.push(Step::StandardTerminal);
    }
    let mut filter = surroundings.filter.map(Step::Filter);
    let sets = process.capabilities;
    let bounding = sets.map_or(CapabilitySet::NONE, |sets| sets.bounding);
    steps.before_user = vec![Step::Umask(process.user.umask.unwrap_or(0o022))];
    let limits = process.resource_limits.iter().map(|limit| {
        Step::ResourceLimit(ResourceLimit {
            resource: limit.resource,
            soft: limit.soft,
            hard: limit.hard,
        })
    });
    steps.before_user.extend(limits);
    if surroundings.keyring.is_some() {
        steps.before_user.push(Step::SessionKeyring);
    }
    steps.before_user.push(Step::UsualPersonality);
    steps.before_user.push(Step::NotDumpable);
    steps.before_user.push(Step::BoundingSet(bounding));
    if !process.no_new_privileges {
        steps.before_user.extend(filter.take());
    }
    steps.user = user(process);
    steps.before_execve = vec![
        Step::CloseDescriptors,
        Step::WorkingDirectory(process.working_directory.clone()),
    ];
    if process.no_new_privileges {
        steps.before_execve.push(Step::NoNewPrivileges);
    }
    steps
        .before_execve
        .push(Step::DefaultSignals(surroundings.ignored));
    steps.last.extend(filter);
    Ok(steps)
}

fn user(process: &Process) -> Vec<Step> {
    let held = process
        .capabilities
        .map_or(CapabilitySet::NONE, |sets| sets.permitted);
    vec![
        Step::KeepCapabilitiesOfUser,
        Step::Groups(process.user.additional_groups.clone()),
        Step::Group(process.user.group),
        Step::User(process.user.id),
        Step::NotDumpable,
        Step::Capabilities {
            held,
            required: held,
            ambient: false,
        },
    ]
}

/// The execve at the end.
pub fn command(process: &Process, inherited: Inherited) -> ExecPlan {
    let mut environment = process.environment.clone();
    environment.extend(inherited.variables());
    command_of(&process.arguments, environment)
}
