//! What contradicts itself in `process` of config.json, or what its container has not.

use crate::error::Error;
use crate::oci::config::{Process, Scheduler};
use crate::oci::namespaces::NamespacesOf;
use crate::spec::IdMap;
use crate::spec::limits::ResourceLimit;
use std::collections::HashSet;

pub fn check(process: &Process, namespaces: Option<&NamespacesOf>) -> Result<(), Error> {
    limits(process)?;
    if let Some(scheduler) = &process.scheduler {
        self::scheduler(scheduler)?;
    }
    ids(process, namespaces)
}

fn limits(process: &Process) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for limit in &process.resource_limits {
        let name = || format!("process.rlimits RLIMIT_{}", name(limit.resource));
        if limit.soft > limit.hard {
            return Err(Error::refused(
                name(),
                "the soft limit is above the hard one",
            ));
        }
        if !seen.insert(limit.resource) {
            return Err(Error::refused(name(), "it is there twice"));
        }
    }
    Ok(())
}

fn name(resource: u32) -> String {
    ResourceLimit::name(resource).to_uppercase()
}

/// What sched_setattr(2) would ignore, or refuse without saying why.
fn scheduler(scheduler: &Scheduler) -> Result<(), Error> {
    const OTHER: u32 = libc::SCHED_OTHER as u32;
    const FIFO: u32 = libc::SCHED_FIFO as u32;
    const ROUND_ROBIN: u32 = libc::SCHED_RR as u32;
    const BATCH: u32 = libc::SCHED_BATCH as u32;
    const DEADLINE: u32 = 6; // SCHED_DEADLINE
    let Scheduler {
        policy,
        nice,
        priority,
        flags: _,
        runtime,
        deadline,
        period,
    } = *scheduler;
    if matches!(policy, OTHER | BATCH) && !(-20..=19).contains(&nice) {
        let subject = format!("process.scheduler.nice {nice}");
        return Err(Error::refused(subject, "it is not from -20 to 19"));
    }
    if priority != 0 && !matches!(policy, FIFO | ROUND_ROBIN) {
        let subject = format!("process.scheduler.priority {priority}");
        let reason = "scheduler.priority can only be specified for SchedFIFO or SchedRR policy";
        return Err(Error::refused(subject, reason));
    }
    if policy != DEADLINE && (runtime, deadline, period) != (0, 0, 0) {
        let reason =
            "scheduler runtime/deadline/period can only be specified for SchedDeadline policy";
        return Err(Error::refused("process.scheduler", reason));
    }
    Ok(())
}

/// Ids that the container's user namespace does not have. Of one that is joined the kernel says so.
fn ids(process: &Process, namespaces: Option<&NamespacesOf>) -> Result<(), Error> {
    let user = &process.user;
    let single = [("uid", user.id, true), ("gid", user.group, false)];
    let additional = user.additional_groups.iter();
    let additional = additional.map(|group| ("additionalGids", *group, false));
    for (name, id, is_user) in single.into_iter().chain(additional) {
        let subject = || format!("process.user.{name} {id}");
        // "No change" to the kernel: the process would stay who it is.
        if id == u32::MAX {
            return Err(Error::refused(subject(), "it is no id"));
        }
        let Some(ids) = namespaces.and_then(|namespaces| namespaces.ids.as_ref()) else {
            continue;
        };
        let (maps, mappings) = match is_user {
            true => (&ids.users, "uidMappings"),
            false => (&ids.groups, "gidMappings"),
        };
        if !maps.iter().any(|map| has(map, id)) {
            let ranges: Vec<String> = maps.iter().map(range).collect();
            let reason = format!(
                "it is not mapped in the container's user namespace: linux.{mappings} has {}",
                ranges.join(", ")
            );
            return Err(Error::refused_for(subject(), reason));
        }
    }
    let denies = namespaces.is_some_and(|namespaces| namespaces.denies_groups);
    if denies && !user.additional_groups.is_empty() {
        return Err(Error::refused(
            "process.user.additionalGids",
            "cannot set any additional groups in a rootless container: an ordinary user who maps its own group alone has to \
             give up setgroups(2)",
        ));
    }
    Ok(())
}

fn has(map: &IdMap, id: u32) -> bool {
    id >= map.inside && id - map.inside < map.count
}

fn range(map: &IdMap) -> String {
    match map.count {
        1 => map.inside.to_string(),
        count => format!("{} to {}", map.inside, map.inside.saturating_add(count - 1)),
    }
}
