//! The files of cgroup v2.

use super::{Files, Part, convert, is_cpu_asked, number};
use crate::error::Error;
use crate::oci::config::{BlockIo, Cpu, Memory, Resources, Throttled};
use crate::sys::Errno;

pub fn set(part: Part, files: Files<'_>, resources: &Resources) -> Result<(), Error> {
    match part {
        Part::Cpuset => super::v1::set_cpuset(files, &resources.cpu),
        Part::Memory => set_memory(files, resources.memory),
        Part::Cpu => set_cpu(files, &resources.cpu),
        Part::Processes => resources.processes.map_or(Ok(()), |processes| {
            files.write("pids.max", convert::processes(processes))
        }),
        Part::BlockIo => set_block_io(files, &resources.block_io),
        Part::HugePages => super::set_huge_pages(files, &resources.huge_pages, ".max"),
        // It has none.
        Part::NetworkClass | Part::NetworkPriorities => Ok(()),
    }
}

fn set_memory(files: Files<'_>, memory: Memory) -> Result<(), Error> {
    let limit = number(memory.limit);
    let together = number(memory.swap);
    if memory.check_before_update == Some(true) {
        leave_what_is_used(files, limit, together)?;
    }
    if let Some(swap) = convert::swap_alone(limit.unwrap_or(0), together.unwrap_or(0))? {
        match files.write("memory.swap.max", convert::limit(swap)) {
            // This kernel counts none, so there is nothing to limit.
            Err(error) if error.errno() == Some(Errno::ENOENT) && swap <= 0 => {}
            done => done?,
        }
    }
    for (file, value) in [
        ("memory.max", limit),
        ("memory.low", number(memory.reservation)),
    ] {
        if let Some(value) = value {
            files.write(file, convert::limit(value))?;
        }
    }
    Ok(())
}

/// A limit below what is used kills in v2: `checkBeforeUpdate`.
fn leave_what_is_used(
    files: Files<'_>,
    limit: Option<i64>,
    together: Option<i64>,
) -> Result<(), Error> {
    // In a new one there is nothing.
    let Some(usage) = files.number("memory.current") else {
        return Ok(());
    };
    for (name, limit) in [("memory+swap", together), ("memory", limit)] {
        let limit = limit.and_then(|limit| u64::try_from(limit).ok());
        if let Some(limit) = limit.filter(|limit| *limit <= usage) {
            let message = format!("rejecting {name} limit {limit} <= usage {usage}");
            return Err(Error::told(&message));
        }
    }
    Ok(())
}

fn set_cpu(files: Files<'_>, cpu: &Cpu) -> Result<(), Error> {
    if !is_cpu_asked(cpu) {
        return Ok(());
    }
    if let Some(idle) = cpu.idle {
        files.write("cpu.idle", idle)?;
    }
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0) {
        files.write("cpu.weight", convert::weight_of_shares(shares))?;
    }
    let quota = number(cpu.quota);
    let period = cpu.period.filter(|period| *period != 0);
    let set_burst = || {
        cpu.burst
            .map_or(Ok(()), |burst| files.write("cpu.max.burst", burst))
    };
    let is_left = match set_burst() {
        // A burst of more than the quota is refused before that is set.
        Err(error) if error.errno() == Some(Errno::EINVAL) && quota.is_some() => true,
        done => {
            done?;
            false
        }
    };
    if quota.is_some() || period.is_some() {
        let quota = quota.filter(|quota| *quota > 0);
        let quota = quota.map_or("max".to_owned(), |quota| quota.to_string());
        files.write("cpu.max", format!("{quota} {}", period.unwrap_or(100_000)))?;
    }
    if is_left { set_burst() } else { Ok(()) }
}

fn set_block_io(files: Files<'_>, io: &BlockIo) -> Result<(), Error> {
    const OF_BFQ: &str = "io.bfq.weight";
    let of_bfq = files.read(OF_BFQ).ok();
    if let Some(weight) = io.weight.filter(|weight| *weight != 0) {
        match &of_bfq {
            Some(_) => files.write(OF_BFQ, weight)?,
            None => files.write("io.weight", convert::weight_of_block_io(weight))?,
        }
    }
    // Since Linux 5.4 a disk has a weight of its own, and more than a number is shown.
    if of_bfq.is_some_and(|shown| shown.parse::<u64>().is_err()) {
        for of in &io.weights {
            let device = super::device(of.device);
            let weight = of.weight.unwrap_or(0);
            files.write(OF_BFQ, format!("{device} {weight}\n"))?;
        }
    }
    for throttle in &io.throttles {
        let name = match throttle.of {
            Throttled::ReadBytes => "rbps",
            Throttled::WriteBytes => "wbps",
            Throttled::ReadOperations => "riops",
            Throttled::WriteOperations => "wiops",
        };
        let device = super::device(throttle.device);
        files.write("io.max", format!("{device} {name}={}", throttle.rate))?;
    }
    Ok(())
}

/// Files as they are named, each line of a value by itself.
pub fn set_unified(files: Files<'_>, unified: &[(String, String)]) -> Result<(), Error> {
    let controllers = files.read("cgroup.controllers").unwrap_or_default();
    for (file, value) in unified {
        if file.contains('/') {
            let message = format!("unified resource {file:?} must be a file name (no slashes)");
            return Err(Error::told(&message));
        }
        for line in value.lines() {
            let Err(error) = files.write(file, line) else {
                continue;
            };
            let has =
                |name: &str| name == "cgroup" || controllers.split(' ').any(|one| one == name);
            let is_missing = matches!(
                error.errno(),
                Some(Errno::ENOENT | Errno::EACCES | Errno::EPERM)
            );
            return Err(match file.split_once('.') {
                None if is_missing => Error::told(&format!(
                    "unified resource {file:?} must be in the form CONTROLLER.PARAMETER"
                )),
                Some((name, _)) if is_missing && !has(name) => Error::told(&format!(
                    "unified resource {file:?} can't be set: controller {name:?} not available"
                )),
                _ => error.behind(&format!("unable to set unified resource {file:?}")),
            });
        }
    }
    Ok(())
}
