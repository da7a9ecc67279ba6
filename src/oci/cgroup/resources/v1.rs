//! The files of cgroup v1.

use super::{Files, Part, convert, is_some, list, number};
use crate::error::Error;
use crate::oci::config::{BlockIo, Cpu, Memory, Resources, Throttled};
use crate::sys::Errno;

pub fn set(part: Part, files: Files<'_>, resources: &Resources) -> Result<(), Error> {
    match part {
        Part::Cpuset => set_cpuset(files, &resources.cpu),
        Part::Memory => set_memory(files, resources.memory),
        Part::Cpu => set_cpu(files, &resources.cpu),
        Part::Processes => resources.processes.map_or(Ok(()), |processes| {
            files.write("pids.max", convert::processes(processes))
        }),
        Part::BlockIo => set_block_io(files, &resources.block_io),
        Part::HugePages => super::set_huge_pages(files, &resources.huge_pages, ".limit_in_bytes"),
        Part::NetworkClass => resources
            .network
            .class
            .map_or(Ok(()), |class| files.write("net_cls.classid", class)),
        Part::NetworkPriorities => {
            let mut all = resources.network.priorities.iter();
            all.try_for_each(|(interface, priority)| {
                files.write("net_prio.ifpriomap", format!("{interface} {priority}"))
            })
        }
    }
}

pub fn set_cpuset(files: Files<'_>, cpu: &Cpu) -> Result<(), Error> {
    for (file, value) in [
        ("cpuset.cpus", &cpu.processors),
        ("cpuset.mems", &cpu.memory_nodes),
    ] {
        if let Some(value) = list(value.as_ref()) {
            files.write(file, value)?;
        }
    }
    Ok(())
}

const LIMIT: &str = "memory.limit_in_bytes";
const WITH_SWAP: &str = "memory.memsw.limit_in_bytes";

fn set_memory(files: Files<'_>, memory: Memory) -> Result<(), Error> {
    let limit = number(memory.limit);
    let mut together = number(memory.swap);
    // Unlimited memory is unlimited swap, where the kernel counts that.
    if limit == Some(-1) && together.is_none() && files.read(WITH_SWAP).is_ok() {
        together = Some(-1);
    }
    let set_limit = || limit.map_or(Ok(()), |limit| set_limit(files, limit));
    let set_together = || together.map_or(Ok(()), |value| files.write(WITH_SWAP, value));
    // Memory may not be above memory and swap together, at no time.
    let is_raised = together
        .filter(|_| limit.is_some())
        .is_some_and(|together| {
            let now = files.number(LIMIT).unwrap_or(0);
            together == -1 || u64::try_from(together).is_ok_and(|together| now < together)
        });
    if is_raised {
        set_together()?;
        set_limit()?;
    } else {
        set_limit()?;
        set_together()?;
    }
    // Kernel memory is not set: the kernel has given that up.
    if let Some(reservation) = number(memory.reservation) {
        files.write("memory.soft_limit_in_bytes", reservation)?;
    }
    if memory.disable_oom_killer == Some(true) {
        files.write("memory.oom_control", 1)?;
    }
    match memory.swappiness {
        // -1, as some write it.
        None | Some(u64::MAX) => Ok(()),
        Some(swappiness @ 0..=100) => files.write("memory.swappiness", swappiness),
        Some(other) => Err(Error::told(&format!(
            "invalid memory swappiness value: {other} (valid range is 0-100)"
        ))),
    }
}

/// The kernel takes back what it can, and refuses where that is not enough.
fn set_limit(files: Files<'_>, limit: i64) -> Result<(), Error> {
    let error = match files.write(LIMIT, limit) {
        Err(error) if error.errno() == Some(Errno::EBUSY) => error,
        done => return done,
    };
    let read = |file| files.number(file);
    let found = read("memory.usage_in_bytes").zip(read("memory.max_usage_in_bytes"));
    Err(found.map_or(error, |(usage, peak)| {
        Error::told(&format!(
            "unable to set memory limit to {limit} (current usage: {usage}, peak usage: {peak})"
        ))
    }))
}

fn set_cpu(files: Files<'_>, cpu: &Cpu) -> Result<(), Error> {
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0) {
        files.write("cpu.shares", shares)?;
        // The kernel takes the nearest that it can have.
        let set = files.number("cpu.shares").unwrap_or(shares);
        if set != shares {
            let which = if shares > set { "maximum" } else { "minimum" };
            let message = format!("the {which} allowed cpu-shares is {set}");
            return Err(Error::told(&message));
        }
    }
    let quota = number(cpu.quota);
    let period = cpu.period.filter(|period| *period != 0);
    // Of two that depend on each other the kernel refuses one before the other is set.
    let later = |done: Result<(), Error>| match done {
        Err(error) if error.errno() == Some(Errno::EINVAL) && quota.is_some() => Ok(true),
        done => done.map(|()| false),
    };
    let set_period = || period.map_or(Ok(()), |period| files.write("cpu.cfs_period_us", period));
    // Since Linux 5.14.
    let set_burst = || {
        cpu.burst.map_or(Ok(()), |burst| {
            files.write_if_there("cpu.cfs_burst_us", burst)
        })
    };
    let period_is_left = later(set_period())?;
    let burst_is_left = later(set_burst())?;
    if let Some(quota) = quota {
        files.write("cpu.cfs_quota_us", quota)?;
    }
    if period_is_left {
        set_period()?;
    }
    if burst_is_left {
        set_burst()?;
    }
    if let Some(idle) = cpu.idle {
        files.write("cpu.idle", idle)?;
    }
    set_realtime(files, cpu)
}

fn set_realtime(files: Files<'_>, cpu: &Cpu) -> Result<(), Error> {
    let runtime = number(cpu.realtime_runtime);
    let set_period = || match cpu.realtime_period {
        Some(period) if is_some(cpu.realtime_period) => files.write("cpu.rt_period_us", period),
        _ => Ok(()),
    };
    let is_left = match set_period() {
        Err(error) if error.errno() == Some(Errno::EINVAL) && runtime.is_some() => true,
        done => {
            done?;
            false
        }
    };
    if let Some(runtime) = runtime {
        files.write("cpu.rt_runtime_us", runtime)?;
    }
    if is_left { set_period() } else { Ok(()) }
}

fn set_block_io(files: Files<'_>, io: &BlockIo) -> Result<(), Error> {
    // Of the scheduler that there is.
    let name = match files.read("blkio.weight") {
        Ok(_) => "blkio.weight",
        Err(_) => "blkio.bfq.weight",
    };
    let asked = |weight: Option<u16>| weight.filter(|weight| *weight != 0);
    if let Some(weight) = asked(io.weight) {
        files.write(name, weight)?;
    }
    if let Some(weight) = asked(io.leaf_weight) {
        files.write("blkio.leaf_weight", weight)?;
    }
    for of in &io.weights {
        let device = super::device(of.device);
        if let Some(weight) = asked(of.weight) {
            files.write(&format!("{name}_device"), format!("{device} {weight}"))?;
        }
        if let Some(weight) = asked(of.leaf_weight) {
            files.write("blkio.leaf_weight_device", format!("{device} {weight}"))?;
        }
    }
    for throttle in &io.throttles {
        let file = match throttle.of {
            Throttled::ReadBytes => "blkio.throttle.read_bps_device",
            Throttled::WriteBytes => "blkio.throttle.write_bps_device",
            Throttled::ReadOperations => "blkio.throttle.read_iops_device",
            Throttled::WriteOperations => "blkio.throttle.write_iops_device",
        };
        let device = super::device(throttle.device);
        files.write(file, format!("{device} {}", throttle.rate))?;
    }
    Ok(())
}
