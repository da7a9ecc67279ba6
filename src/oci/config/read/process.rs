//! Reads a process.

use super::super::{
    CapabilitySets, ConsoleSize, ExecCpuAffinity, IoPriority, Process, ResourceLimit, Scheduler,
    User,
};
use super::words::{absolute, choice, chosen, given, given_text, id, items, strings};
use crate::json::{Fault, StrictReader, shown};
use crate::spec;
use crate::sys::capability::{self, CapabilitySet};
use std::ffi::CString;

pub fn process(reader: &mut StrictReader<'_>) -> Result<Process, Fault> {
    let mut process = Process::default();
    reader.object(&mut |reader, name| {
        match name {
            "terminal" => process.terminal = reader.boolean()?,
            "consoleSize" => process.console_size = Some(console_size(reader)?),
            "user" => process.user = user(reader)?,
            "args" => process.arguments = strings(reader)?,
            "env" => process.environment = environment(reader)?,
            "cwd" => process.working_directory = absolute(reader)?,
            "capabilities" => {
                let unknown = &mut process.unknown_capabilities;
                process.capabilities = Some(capability_sets(reader, unknown)?);
            }
            "rlimits" => process.resource_limits = resource_limits(reader)?,
            "noNewPrivileges" => process.no_new_privileges = reader.boolean()?,
            "apparmorProfile" => process.apparmor_profile = given(reader)?,
            "selinuxLabel" => process.selinux_label = given(reader)?,
            "oomScoreAdj" => {
                process.oom_score_adjustment = Some(reader.between(-1000, 1000)? as i32);
            }
            "scheduler" => process.scheduler = Some(scheduler(reader)?),
            "ioPriority" => process.io_priority = Some(io_priority(reader)?),
            "execCPUAffinity" => process.cpu_affinity = Some(cpu_affinity(reader)?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if process.arguments.is_empty() {
        return Err(Fault::new("there is to be at least one").inside("args"));
    }
    if process.working_directory.is_empty() {
        return Err(Fault::missing("cwd"));
    }
    Ok(process)
}

fn console_size(reader: &mut StrictReader<'_>) -> Result<ConsoleSize, Fault> {
    let mut size = ConsoleSize {
        height: 0,
        width: 0,
    };
    reader.object(&mut |reader, name| {
        match name {
            "height" => size.height = reader.whole()?,
            "width" => size.width = reader.whole()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(size)
}

fn user(reader: &mut StrictReader<'_>) -> Result<User, Fault> {
    let mut user = User::default();
    reader.object(&mut |reader, name| {
        match name {
            "uid" => user.id = id(reader)?,
            "gid" => user.group = id(reader)?,
            "umask" => user.umask = Some(reader.between(0, 0o777)? as u32),
            "additionalGids" => user.additional_groups = items(reader, id)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(user)
}

/// `NAME=value` each; of a name that is there twice the last one.
fn environment(reader: &mut StrictReader<'_>) -> Result<Vec<CString>, Fault> {
    let mut environment = items(reader, |reader| {
        let variable = reader.text()?;
        match variable.find('=') {
            None | Some(0) => Err(Fault::new(format!(
                "{}: it is to be NAME=value",
                super::words::quoted(&variable)
            ))),
            Some(_) => CString::new(&*variable).map_err(|_| Fault::new("it has a NUL in it")),
        }
    })?;
    keep_last(&mut environment);
    Ok(environment)
}

/// Of variables that are there twice leaves the last one, as runc does; a program would find the first.
pub fn keep_last(environment: &mut Vec<CString>) {
    let name = |index: usize| {
        let bytes = environment[index].to_bytes();
        let end = bytes.iter().position(|byte| *byte == b'=');
        &bytes[..end.unwrap_or(bytes.len())]
    };
    let mut by_name: Vec<usize> = (0..environment.len()).collect();
    by_name.sort_by_key(|index| name(*index));
    let mut earlier: Vec<usize> = by_name
        .windows(2)
        .filter(|two| name(two[0]) == name(two[1]))
        .map(|two| two[0])
        .collect();
    if earlier.is_empty() {
        return;
    }
    earlier.sort_unstable();
    let mut index = 0;
    environment.retain(|_| {
        index += 1;
        earlier.binary_search(&(index - 1)).is_err()
    });
}

fn capability_sets(
    reader: &mut StrictReader<'_>,
    unknown: &mut Vec<String>,
) -> Result<CapabilitySets, Fault> {
    let none = CapabilitySet::NONE;
    let mut sets = CapabilitySets {
        bounding: none,
        effective: none,
        permitted: none,
        inheritable: none,
        ambient: none,
    };
    reader.object(&mut |reader, name| {
        let set = match name {
            "bounding" => &mut sets.bounding,
            "effective" => &mut sets.effective,
            "permitted" => &mut sets.permitted,
            "inheritable" => &mut sets.inheritable,
            "ambient" => &mut sets.ambient,
            _ => return reader.skip(),
        };
        reader.list(&mut |reader| {
            let name = reader.text()?;
            let known = name.strip_prefix("CAP_");
            match known.and_then(|name| capability::number(name.as_bytes())) {
                Some(number) => *set = set.with(number),
                None => unknown.push(shown(&name)),
            }
            Ok(())
        })
    })?;
    unknown.sort_unstable();
    unknown.dedup();
    Ok(sets)
}

fn resource_limits(reader: &mut StrictReader<'_>) -> Result<Vec<ResourceLimit>, Fault> {
    let mut limits: Vec<ResourceLimit> = Vec::new();
    reader.list(&mut |reader| {
        let limit = resource_limit(reader)?;
        if limits.iter().any(|other| other.resource == limit.resource) {
            return Err(Fault::new("there is a limit of this type before it").inside("type"));
        }
        limits.push(limit);
        Ok(())
    })?;
    Ok(limits)
}

fn resource_limit(reader: &mut StrictReader<'_>) -> Result<ResourceLimit, Fault> {
    let (mut resource, mut soft, mut hard) = (None, 0, 0);
    reader.object(&mut |reader, name| {
        match name {
            "type" => resource = Some(resource_number(&reader.text()?)?),
            "soft" => soft = reader.whole()?,
            "hard" => hard = reader.whole()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if soft > hard {
        return Err(Fault::new(format!("{soft} is above hard, {hard}")).inside("soft"));
    }
    Ok(ResourceLimit {
        resource: resource.ok_or_else(|| Fault::missing("type"))?,
        soft,
        hard,
    })
}

fn resource_number(name: &str) -> Result<u32, Fault> {
    let known = name.strip_prefix("RLIMIT_").and_then(|rest| {
        let is_small = rest.bytes().any(|letter| letter.is_ascii_lowercase());
        let known = spec::limits::ResourceLimit::number(rest.to_ascii_lowercase().as_bytes());
        known.filter(|_| !is_small)
    });
    known.ok_or_else(|| Fault::new(format!("{}: there is no such limit", shown(name))))
}

/// linux/sched.h.
const POLICIES: &[(&str, u32)] = &[
    ("SCHED_OTHER", 0),
    ("SCHED_FIFO", 1),
    ("SCHED_RR", 2),
    ("SCHED_BATCH", 3),
    ("SCHED_ISO", 4),
    ("SCHED_IDLE", 5),
    ("SCHED_DEADLINE", 6),
];
const SCHEDULER_FLAGS: &[(&str, u64)] = &[
    ("SCHED_FLAG_RESET_ON_FORK", 0x01),
    ("SCHED_FLAG_RECLAIM", 0x02),
    ("SCHED_FLAG_DL_OVERRUN", 0x04),
    ("SCHED_FLAG_KEEP_POLICY", 0x08),
    ("SCHED_FLAG_KEEP_PARAMS", 0x10),
    ("SCHED_FLAG_UTIL_CLAMP_MIN", 0x20),
    ("SCHED_FLAG_UTIL_CLAMP_MAX", 0x40),
];

fn scheduler(reader: &mut StrictReader<'_>) -> Result<Scheduler, Fault> {
    let mut scheduler = Scheduler::default();
    let mut policy = None;
    reader.object(&mut |reader, name| {
        match name {
            "policy" => policy = Some(choice(reader, POLICIES)?),
            "nice" => scheduler.nice = reader.whole()?,
            "priority" => scheduler.priority = reader.between(0, i32::MAX.into())? as u32,
            "flags" => reader.list(&mut |reader| {
                scheduler.flags |= chosen(&reader.text()?, SCHEDULER_FLAGS)?;
                Ok(())
            })?,
            "runtime" => scheduler.runtime = reader.whole()?,
            "deadline" => scheduler.deadline = reader.whole()?,
            "period" => scheduler.period = reader.whole()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    scheduler.policy = policy.ok_or_else(|| Fault::missing("policy"))?;
    Ok(scheduler)
}

/// linux/ioprio.h.
const IO_CLASSES: &[(&str, u32)] = &[
    ("IOPRIO_CLASS_RT", 1),
    ("IOPRIO_CLASS_BE", 2),
    ("IOPRIO_CLASS_IDLE", 3),
];

fn io_priority(reader: &mut StrictReader<'_>) -> Result<IoPriority, Fault> {
    let (mut class, mut level) = (None, 0);
    reader.object(&mut |reader, name| {
        match name {
            "class" => class = Some(choice(reader, IO_CLASSES)?),
            "priority" => level = reader.between(0, 7)? as u32,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(IoPriority {
        class: class.ok_or_else(|| Fault::missing("class"))?,
        level,
    })
}

fn cpu_affinity(reader: &mut StrictReader<'_>) -> Result<ExecCpuAffinity, Fault> {
    let mut affinity = ExecCpuAffinity::default();
    reader.object(&mut |reader, name| {
        match name {
            "initial" => affinity.initial = given_text(reader)?,
            "final" => affinity.last = given_text(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(affinity)
}
