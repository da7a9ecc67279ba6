//! From `process` of config.json, or of `exec --process`, to steps.
//!
//! ```text
//! birth         the OOM score; the first processors of an `exec`
//!                 ◀─ the cgroups are joined
//! in_cgroup     all processors of the cgroup; or the last of an `exec`
//!                 ◀─ namespaces; the root
//! session       setsid; the terminal
//! before_user   umask, limits, keyring, personality, scheduler, I/O priority; what it inherits is given to it; its label, not
//!               dumpable, bounding set, [filter, without no_new_privs]; everything of the host's is closed; working
//!               directory, HOME
//! user          groups, group, user, capabilities
//! before_execve working directory if it was closed to root, no_new_privs, default signals, a look for the command
//!                 ◀─ gate `start`; startContainer hooks
//! last          [filter, with no_new_privs]
//! ```
//!
//! What only a process outside may do for one in a new user namespace is done by [`outside`].

pub mod capabilities;
mod check;
mod environment;
mod inherited;
pub mod labels;
pub mod outside;

pub use inherited::Inherited;

use super::config::{Personality, Process};
use super::namespaces::NamespacesOf;
use crate::error::Error;
use crate::plan::process::ProcessStep;
use crate::plan::{ExecPlan, Step, command_of};
use crate::spec::limits::{NumberSet, ResourceLimit};
use crate::sys::capability::{CapabilitySet, Sets};
use crate::sys::keyring::Permissions;
use crate::sys::scheduler::Scheduling;
use crate::sys::signal::SignalSet;
use std::ffi::CString;

/// What a process depends on that is not in its part of config.json.
pub struct Surroundings<'a> {
    /// The namespaces of a container that begins. `None`: one more process of a container that runs.
    pub namespaces: Option<&'a NamespacesOf>,
    /// The capabilities that it can be given ([`capabilities::grantable`]).
    pub grantable: CapabilitySet,
    /// The id of the container whose keyring is joined. `None`: the process keeps the caller's.
    pub keyring: Option<&'a str>,
    pub personality: Option<Personality>,
    /// What the command inherits beside 0, 1 and 2.
    pub inherited: Inherited,
    /// The signals that the caller ignores, which the child would hand down.
    pub ignored: SignalSet,
    /// The step that loads the filter of system calls, if there is one.
    pub filter: Option<Step>,
}

/// The steps of a process, in their order; see the module.
#[derive(Default)]
pub struct ProcessSteps {
    pub birth: Vec<Step>,
    pub in_cgroup: Vec<Step>,
    pub session: Vec<Step>,
    pub before_user: Vec<Step>,
    pub user: Vec<Step>,
    pub before_execve: Vec<Step>,
    pub last: Vec<Step>,
}

/// The steps for `process`.
///
/// Errors: what contradicts itself, and what this machine cannot do as far as that is seen from here.
pub fn steps(process: &Process, surroundings: Surroundings<'_>) -> Result<ProcessSteps, Error> {
    check::check(process, surroundings.namespaces)?;
    let mut steps = ProcessSteps::default();
    match surroundings.namespaces {
        Some(namespaces) if namespaces.ids.is_some() => {}
        _ => steps.birth.extend(oom_score(process)),
    }
    match (surroundings.namespaces, &process.cpu_affinity) {
        (None, Some(_)) => (steps.birth, steps.in_cgroup) = processors(process, steps.birth)?,
        // (Of a first process nothing else is asked for.)
        _ => steps.in_cgroup.push(Step::from(ProcessStep::AllProcessors)),
    }
    steps.session.push(Step::NewSession);
    if process.terminal {
        // Only the leader of a session can take a controlling terminal, so after setsid.
        steps.session.push(Step::ControllingTerminal);
        steps.session.push(Step::StandardTerminal);
    }
    let mut filter = surroundings.filter;
    let early = filter.take_if(|_| !process.no_new_privileges);
    let inherited = surroundings.inherited;
    steps.before_user = attributes(
        process,
        &surroundings.namespaces,
        surroundings.keyring,
        surroundings.personality,
    );
    steps.before_user.extend(rights(process, early)?);
    // Before the first path of the container's own is looked up: a link of /proc/self/fd would lead out of the root
    // through whatever is open.
    let first_private = inherited.first_private();
    steps
        .before_user
        .push(Step::CloseDescriptorsFrom(first_private));
    let directory = &process.working_directory;
    steps
        .before_user
        .push(Step::from(ProcessStep::EnterDirectory(directory.clone())));
    if !environment::has_home(&process.environment) {
        steps
            .before_user
            .push(Step::from(ProcessStep::FindHome(process.user.id)));
    }
    steps.user = user(process, surroundings.namespaces, surroundings.grantable);
    steps
        .before_execve
        .push(Step::from(ProcessStep::EnterDirectoryAsUser(
            directory.clone(),
        )));
    if process.no_new_privileges {
        steps.before_execve.push(Step::NoNewPrivileges);
    }
    steps.before_execve.extend([
        Step::DefaultSignals(surroundings.ignored),
        Step::from(ProcessStep::FindCommand),
    ]);
    steps.last.extend(filter);
    Ok(steps)
}

fn oom_score(process: &Process) -> Option<Step> {
    let number = process.oom_score_adjustment?;
    Some(Step::OomScoreAdjustment(number.to_string().into()))
}

/// What is done before the cgroup is joined, after what there is, and what after it.
fn processors(process: &Process, mut before: Vec<Step>) -> Result<(Vec<Step>, Vec<Step>), Error> {
    let Some(affinity) = &process.cpu_affinity else {
        return Ok((before, Vec::new()));
    };
    let step = |name: &str, list: &Option<String>| -> Result<Option<Step>, Error> {
        let Some(list) = list
            .as_deref()
            .map(str::trim)
            .filter(|list| !list.is_empty())
        else {
            return Ok(None);
        };
        match NumberSet::new(list.as_bytes()) {
            Some(set) => Ok(Some(Step::from(ProcessStep::Processors(set)))),
            None => Err(Error::refused(
                format!("process.execCPUAffinity.{name} {list}"),
                "it is no list of processors (0-3,7)",
            )),
        }
    };
    before.extend(step("initial", &affinity.initial)?);
    let after = step("final", &affinity.last)?;
    Ok((before, after.into_iter().collect()))
}

/// What the process is besides its rights.
fn attributes(
    process: &Process,
    namespaces: &Option<&NamespacesOf>,
    keyring: Option<&str>,
    personality: Option<Personality>,
) -> Vec<Step> {
    let mut steps = Vec::with_capacity(16);
    steps.push(Step::Umask(process.user.umask.unwrap_or(DEFAULT_UMASK)));
    // After the mounts and files of the set-up, which are not the command's to be limited by; before the user changes, for
    // raising a hard limit takes a capability.
    let limits = process.resource_limits.iter().map(|limit| {
        Step::ResourceLimit(ResourceLimit {
            resource: limit.resource,
            soft: limit.soft,
            hard: limit.hard,
        })
    });
    steps.extend(limits);
    if let Some(id) = keyring {
        let permissions = namespaces.map(|namespaces| match namespaces.ids {
            // In a user namespace who looks for it from outside is another user.
            Some(_) => Permissions::FOUND_BY_OTHERS,
            None => Permissions::FOUND_BY_USER,
        });
        let name = CString::new(format!("_ses.{id}")).unwrap_or_default();
        steps.push(Step::from(ProcessStep::Keyring { name, permissions }));
    }
    steps.push(match personality {
        // Whatever the caller's is.
        None | Some(Personality::Linux) => Step::UsualPersonality,
        Some(Personality::Linux32) => Step::from(ProcessStep::Personality(PER_LINUX32)),
    });
    if let Some(scheduler) = process.scheduler {
        steps.push(Step::from(ProcessStep::Scheduling(Scheduling {
            policy: scheduler.policy,
            flags: scheduler.flags,
            nice: scheduler.nice,
            priority: scheduler.priority,
            runtime: scheduler.runtime,
            deadline: scheduler.deadline,
            period: scheduler.period,
        })));
    }
    if let Some(priority) = process.io_priority {
        steps.push(Step::from(ProcessStep::IoPriority {
            class: priority.class,
            level: priority.level,
        }));
    }
    if process.user.id != 0 {
        // Whoever made them is root, of the container or of the host. While there is CAP_CHOWN.
        steps.push(Step::from(ProcessStep::GiveStandard {
            user: process.user.id,
            is_terminal: process.terminal,
        }));
    }
    steps
}

/// Files that the container's processes make are not writable by others, as runc has it.
const DEFAULT_UMASK: u32 = 0o022;

/// linux/personality.h: uname(2) tells of a machine of 32 bits.
const PER_LINUX32: u32 = 8;

/// What is left of the rights that anything in the container can get; and `filter`, if it takes rights to be loaded.
fn rights(process: &Process, filter: Option<Step>) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::with_capacity(6);
    // While this process's files in /proc are still its own.
    steps.extend(labels::steps(process)?);
    // Before anything is given up: whoever has the user and the few capabilities that are left could open our memory.
    // execve resets it.
    steps.push(Step::NotDumpable);
    // While we may: it takes CAP_SETPCAP.
    steps.push(Step::BoundingSet(process.bounding()));
    // It takes CAP_SYS_ADMIN, which goes below.
    steps.extend(filter);
    Ok(steps)
}

fn user(
    process: &Process,
    namespaces: Option<&NamespacesOf>,
    grantable: CapabilitySet,
) -> Vec<Step> {
    let set = |set: CapabilitySet| set.common(grantable);
    let sets = process.capabilities.map_or(
        Sets {
            permitted: CapabilitySet::NONE,
            effective: CapabilitySet::NONE,
            inheritable: CapabilitySet::NONE,
            ambient: CapabilitySet::NONE,
        },
        |sets| Sets {
            permitted: set(sets.permitted),
            effective: set(sets.effective),
            inheritable: set(sets.inheritable),
            ambient: set(sets.ambient),
        },
    );
    let mut steps = Vec::with_capacity(6);
    if process.user.id != 0 && sets.permitted != CapabilitySet::NONE {
        // Or the change from root to another user would empty the set that they are to be taken from.
        steps.push(Step::KeepCapabilitiesOfUser);
    }
    // Groups before the user: an ordinary user may not change groups any more.
    if !namespaces.is_some_and(|namespaces| namespaces.denies_groups) {
        let groups = process.user.additional_groups.clone();
        steps.push(Step::from(ProcessStep::Groups(groups)));
    }
    steps.push(Step::Group(process.user.group));
    steps.push(Step::User(process.user.id));
    // The change has set it anew.
    steps.push(Step::NotDumpable);
    steps.push(Step::from(ProcessStep::CapabilitySets(sets)));
    steps
}

/// The execve at the end.
///
/// Errors: what is no variable of an environment.
pub fn command(process: &Process, inherited: Inherited) -> Result<ExecPlan, Error> {
    let mut variables = environment::prepare(&process.environment)?;
    variables.extend(inherited.variables());
    let home = (!environment::has_home(&process.environment)).then(environment::home);
    Ok(command_of(&process.arguments, variables, home))
}
