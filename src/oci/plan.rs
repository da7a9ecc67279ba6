//! The plan of a container's first process: which steps come in which order.

use super::config::{Config, NamespaceKind, Process};
use super::hooks;
use super::mounts::Mounts;
use super::namespaces::NamespacesOf;
use super::process::{Inherited, ProcessSteps, command};
use super::sysctl;
use crate::error::Error;
use crate::plan::hook::HookMoment;
use crate::plan::process::ProcessStep;
use crate::plan::root::RootStep;
use crate::plan::{Gate, InitPlan, Step};
use crate::spec::Namespace;
use std::ffi::CString;

/// What the plan is made of.
pub struct Parts<'a> {
    pub config: &'a Config,
    pub process: &'a Process,
    pub namespaces: &'a mut NamespacesOf,
    pub mounts: &'a mut Mounts,
    pub steps: ProcessSteps,
    /// The files by which the cgroups are joined, by slot.
    pub joins: Vec<CString>,
    pub inherited: Inherited,
    /// Whether it waits for `start`.
    pub waits: bool,
    /// Whether mydocker is awake while the child works, and writes down which process is the first before that outlives
    /// mydocker.
    pub is_recorded: bool,
}

/// Whether mydocker has something to do when the mounts are made.
pub fn needs_runtime(config: &Config) -> bool {
    let hooks = &config.hooks;
    let inner = [&hooks.create_container, &hooks.start_container];
    let runtimes = [&hooks.prestart, &hooks.create_runtime];
    let mut hooks = runtimes.into_iter().chain(inner);
    hooks.any(|hooks| !hooks.is_empty()) || !config.linux.network_devices.is_empty()
}

/// Errors: what contradicts itself.
pub fn plan(parts: Parts<'_>) -> Result<InitPlan, Error> {
    let command = command(parts.process, parts.inherited)?;
    let Parts {
        config,
        namespaces,
        mounts,
        steps,
        joins,
        waits,
        is_recorded,
        ..
    } = parts;
    let joins = (0..).zip(joins);
    let joins = joins.map(|(slot, path)| Step::JoinCgroup { slot, path });

    // Until it is written down that there is this process no one could find it: it ends with mydocker.
    let mut birth = vec![Step::DeathSignal];
    // Before the rest, so that everything that follows counts.
    birth.extend(joins);
    birth.extend(steps.in_cgroup);
    // While the /proc that is seen is one in which we are.
    birth.extend(steps.birth);
    let mut forerunner = Vec::new();
    if let Some(step) = namespaces.forerunner.take() {
        // With the rights of mydocker, which the first process has not any more.
        forerunner.append(&mut birth);
        forerunner.push(step);
        birth.push(Step::DeathSignal);
    }
    let is_other_user = !namespaces.birth.is_empty();
    birth.append(&mut namespaces.birth);
    if is_other_user {
        // The change of the user has cleared it.
        birth.push(Step::DeathSignal);
    }

    let mut container = std::mem::take(&mut namespaces.container);
    container.append(&mut mounts.before_gate);
    let directory = &parts.process.working_directory;
    if directory.to_bytes() != b"/" {
        // While the root may be written: as runc has it, one that is missing is made.
        let step = RootStep::MakeWorkingDirectory {
            path: directory.clone(),
            owner: None,
        };
        container.push(Step::Root(Box::new(step)));
    }
    if needs_runtime(config) {
        container.push(Step::Await(Gate::Runtime));
    }
    let hooks = &config.hooks;
    container.extend(hooks::steps(
        &hooks.create_container,
        HookMoment::CreateContainer,
    ));
    container.append(&mut mounts.enter);
    names(config, namespaces, &mut container)?;
    if namespaces.is_new(Namespace::Network) {
        container.push(Step::LoopbackUp);
    }
    // While /proc/sys may be written.
    container.extend(sysctl::steps(config, namespaces)?);
    container.append(&mut mounts.restrict);

    let mut process = steps.session;
    if waits {
        // Before there is a filter.
        process.push(Step::from(ProcessStep::EndWhenAsked));
    }
    process.extend(steps.before_user);
    process.extend(steps.user);
    // As above.
    process.push(Step::DeathSignal);
    process.extend(steps.before_execve);
    if is_recorded {
        process.push(Step::Await(Gate::Recorded));
    }
    process.push(Step::OutliveParent);
    // A listener goes to mydocker, who is gone when the container is started. Otherwise the wait need not be among the calls
    // that a filter lets pass; hooks are under it.
    let mut filter = steps.last;
    if filter.iter().any(|step| step.gate().is_some()) {
        process.append(&mut filter);
    }
    if waits {
        process.push(Step::Await(Gate::Start));
    }
    process.append(&mut filter);
    process.extend(hooks::steps(
        &hooks.start_container,
        HookMoment::StartContainer,
    ));
    Ok(InitPlan {
        forerunner,
        birth,
        container,
        reaper: None,
        enters: false,
        process,
        command,
        premounted: u8::try_from(mounts.premounted.len())
            .map_err(|_| Error::refused("mounts", "there are too many that are handed in"))?,
        timed: false,
        tells_status: false,
    })
}

/// Host name and domain name, of a UTS namespace that is the container's.
fn names(config: &Config, namespaces: &NamespacesOf, steps: &mut Vec<Step>) -> Result<(), Error> {
    let has_own = namespaces.has_own(NamespaceKind::Uts);
    let names = [
        (
            &config.hostname,
            "unable to set hostname without a private UTS namespace",
        ),
        (
            &config.domain_name,
            "unable to set domainname without a private UTS namespace",
        ),
    ];
    for (name, refusal) in names {
        if name.as_ref().is_some_and(|name| !name.is_empty()) && !has_own {
            return Err(Error::told(refusal));
        }
    }
    let given = |name: &Option<Vec<u8>>| name.clone().filter(|name| !name.is_empty());
    steps.extend(given(&config.hostname).map(Step::Hostname));
    steps.extend(given(&config.domain_name).map(Step::DomainName));
    Ok(())
}
