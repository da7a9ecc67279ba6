//! What is written for each limit: files of v1 and of v2, and their values.
//!
//! The kernel's texts on them are Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.

use super::{Controller, Version};
use crate::field::Field;
use crate::spec::limits::{Limits, PERIOD, Swap, Traffic};
use std::ffi::CStr;

/// One limit.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Who asked.
    pub field: Field,
    /// The file and what to write; where there is no such file, the next.
    pub ways: Vec<(&'static CStr, String)>,
    /// No one has asked for it by name, so it is no error where the kernel has no such file.
    pub if_there: bool,
    /// The file that shows the value when it holds. The kernel takes some that do not.
    pub shown_by: Option<&'static CStr>,
}

impl Setting {
    fn new(field: Field, file: &'static CStr, value: String) -> Self {
        Self {
            field,
            ways: vec![(file, value)],
            if_there: false,
            shown_by: None,
        }
    }

    fn if_there(mut self) -> Self {
        self.if_there = true;
        self
    }

    /// No limit in its stead: what a new cgroup has. `None`: each has to have one.
    #[cold]
    #[inline(never)]
    pub fn lifted(&self) -> Option<Self> {
        let ways = self.ways.iter().map(|(file, _)| {
            let none = match file.to_bytes() {
                b"memory.limit_in_bytes"
                | b"memory.memsw.limit_in_bytes"
                | b"memory.soft_limit_in_bytes"
                | b"cpu.cfs_quota_us" => "-1",
                b"cpu.cfs_period_us" => "100000",
                b"cpu.shares" => "1024",
                b"memory.max" | b"memory.swap.max" | b"pids.max" => "max",
                b"memory.low" => "0",
                b"cpu.max" => "max 100000",
                b"cpu.weight" | b"io.weight" | b"io.bfq.weight" | b"blkio.bfq.weight" => "100",
                b"blkio.weight" => "500",
                _ => return None,
            };
            Some((*file, none.to_owned()))
        });
        Some(Self {
            field: self.field,
            ways: ways.collect::<Option<_>>()?,
            if_there: self.if_there,
            shown_by: None,
        })
    }

    fn or(mut self, file: &'static CStr, value: String) -> Self {
        self.ways.push((file, value));
        self
    }

    fn shown_by(mut self, file: &'static CStr) -> Self {
        self.shown_by = Some(file);
        self
    }
}

/// What `limits` ask of `controller`, in the order in which it has to be written. `devices` are the numbers
/// of theirs, as the kernel prints them.
#[cold]
#[inline(never)]
pub fn settings(
    limits: &Limits,
    devices: &[String],
    controller: Controller,
    version: Version,
) -> Result<Vec<Setting>, TooMany> {
    let mut settings = Vec::new();
    match (controller, version) {
        (Controller::Memory, Version::V1) => memory_v1(limits, &mut settings),
        (Controller::Memory, Version::V2) => memory_v2(limits, &mut settings),
        (Controller::Cpu, Version::V1) => {
            if let Some(period) = limits.period {
                // Before the quota, which may be longer than the period that the kernel has (100 ms) would allow.
                let file = c"cpu.cfs_period_us";
                settings.push(Setting::new(Field::CpuPeriod, file, period.to_string()));
            }
            if let Some(quota) = limits.quota {
                let file = c"cpu.cfs_quota_us";
                settings.push(Setting::new(quota.field, file, quota.time.to_string()));
            }
            if let Some(shares) = limits.shares {
                settings.push(Setting::new(
                    Field::CpuShares,
                    c"cpu.shares",
                    shares.to_string(),
                ));
            }
        }
        (Controller::Cpu, Version::V2) => {
            if limits.quota.is_some() || limits.period.is_some() {
                let quota = limits
                    .quota
                    .map_or("max".into(), |quota| quota.time.to_string());
                let field = limits.quota.map_or(Field::CpuPeriod, |quota| quota.field);
                let value = format!("{quota} {}", limits.period.unwrap_or(PERIOD));
                settings.push(Setting::new(field, c"cpu.max", value));
            }
            if let Some(shares) = limits.shares {
                let value = weight_of(shares)?.to_string();
                settings.push(Setting::new(Field::CpuShares, c"cpu.weight", value));
            }
        }
        // Nothing can be asked of them: the one only counts, and the other is told later.
        (Controller::CpuAccounting | Controller::Freezer, _) => {}
        (Controller::Cpuset, version) => cpuset(limits, version, &mut settings),
        (Controller::Pids, _) => {
            if let Some(processes) = limits.processes {
                settings.push(Setting::new(
                    Field::Processes,
                    c"pids.max",
                    processes.to_string(),
                ));
            }
        }
        (Controller::Io, version) => io(limits, devices, version, &mut settings),
    }
    Ok(settings)
}

/// More shares than v2 can tell from each other.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

/// The weight of v2 that stands for so many shares of v1: 100 for 1024, as in the scheduler itself, which
/// turns the one into the other (`cpu_weight_write_u64`). So containers have the same part on both.
fn weight_of(shares: u64) -> Result<u64, TooMany> {
    let weight = (shares * 100 + 512) / 1024;
    if weight > 10_000 {
        return Err(TooMany);
    }
    Ok(weight.max(1))
}

fn memory_v1(limits: &Limits, settings: &mut Vec<Setting>) {
    if let Some(memory) = limits.memory {
        // Before the one of memory and swap together, which may not be below it.
        let file = c"memory.limit_in_bytes";
        settings.push(Setting::new(Field::Memory, file, memory.to_string()));
        let both = c"memory.memsw.limit_in_bytes";
        let twice = memory.saturating_mul(2).to_string();
        match limits.swap {
            Swap::AsMuchAsMemory => {
                settings.push(Setting::new(Field::Memory, both, twice).if_there());
            }
            Swap::Total(total) => {
                settings.push(Setting::new(Field::MemoryAndSwap, both, total.to_string()));
            }
            // As it is.
            Swap::Unlimited => {}
        }
    }
    if let Some(reserved) = limits.reservation {
        let file = c"memory.soft_limit_in_bytes";
        settings.push(Setting::new(
            Field::MemoryReservation,
            file,
            reserved.to_string(),
        ));
    }
}

fn memory_v2(limits: &Limits, settings: &mut Vec<Setting>) {
    if let Some(memory) = limits.memory {
        settings.push(Setting::new(
            Field::Memory,
            c"memory.max",
            memory.to_string(),
        ));
        // Of swap alone, here.
        let swap = c"memory.swap.max";
        match limits.swap {
            Swap::AsMuchAsMemory => {
                let setting = Setting::new(Field::Memory, swap, memory.to_string());
                settings.push(setting.if_there());
            }
            Swap::Total(total) => {
                let rest = total.saturating_sub(memory).to_string();
                settings.push(Setting::new(Field::MemoryAndSwap, swap, rest));
            }
            Swap::Unlimited => {}
        }
    }
    if let Some(reserved) = limits.reservation {
        let file = c"memory.low";
        settings.push(Setting::new(
            Field::MemoryReservation,
            file,
            reserved.to_string(),
        ));
    }
}

fn cpuset(limits: &Limits, version: Version, settings: &mut Vec<Setting>) {
    for (set, field, file, v1, v2) in [
        (
            &limits.processors,
            Field::Processors,
            c"cpuset.cpus",
            c"cpuset.effective_cpus",
            c"cpuset.cpus.effective",
        ),
        (
            &limits.nodes,
            Field::MemoryNodes,
            c"cpuset.mems",
            c"cpuset.effective_mems",
            c"cpuset.mems.effective",
        ),
    ] {
        let Some(set) = set else { continue };
        // v2 takes anything, and so does v1 where it is mounted with `cpuset_v2_mode`; what the cgroup above does not
        // have is not granted.
        let shown_by = match version {
            Version::V1 => v1,
            Version::V2 => v2,
        };
        settings.push(Setting::new(field, file, set.to_string()).shown_by(shown_by));
    }
}

/// v1 calls it blkio.
fn io(limits: &Limits, devices: &[String], version: Version, settings: &mut Vec<Setting>) {
    if let Some(weight) = limits.weight {
        settings.push(match version {
            Version::V1 => {
                Setting::new(Field::BlockWeight, c"blkio.bfq.weight", weight.to_string())
                    .or(c"blkio.weight", weight.to_string())
            }
            Version::V2 => Setting::new(Field::BlockWeight, c"io.bfq.weight", weight.to_string())
                .or(c"io.weight", io_weight(weight).to_string()),
        });
    }
    for (limit, device) in limits.devices.iter().zip(devices) {
        let (field, rate) = (limit.field(), limit.rate);
        let line = format!("{device} {rate}");
        let maximum = |file, key| match version {
            Version::V1 => Setting::new(field, file, line.clone()),
            Version::V2 => Setting::new(field, c"io.max", format!("{device} {key}={rate}")),
        };
        settings.push(match (limit.traffic, version) {
            (Traffic::ReadBytes, _) => maximum(c"blkio.throttle.read_bps_device", "rbps"),
            (Traffic::WriteBytes, _) => maximum(c"blkio.throttle.write_bps_device", "wbps"),
            (Traffic::ReadOperations, _) => maximum(c"blkio.throttle.read_iops_device", "riops"),
            (Traffic::WriteOperations, _) => maximum(c"blkio.throttle.write_iops_device", "wiops"),
            (Traffic::Weight, Version::V1) => {
                let setting = Setting::new(field, c"blkio.bfq.weight_device", line.clone());
                setting.or(c"blkio.weight_device", line)
            }
            (Traffic::Weight, Version::V2) => {
                let setting = Setting::new(field, c"io.bfq.weight", line);
                setting.or(c"io.weight", format!("{device} {}", io_weight(rate)))
            }
        });
    }
}

/// docker's 10 to 1000 as 1 to 10000, the ends on the ends.
fn io_weight(weight: u64) -> u64 {
    1 + weight.saturating_sub(10) * 9999 / 990
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::limits::{DeviceLimit, NumberSet, Quota};

    fn written(limits: &Limits, controller: Controller, version: Version) -> Vec<String> {
        settings(limits, &["8:0".to_owned()], controller, version)
            .unwrap()
            .iter()
            .map(|setting| {
                let ways: Vec<String> = setting
                    .ways
                    .iter()
                    .map(|(file, value)| format!("{}={value}", file.to_str().unwrap()))
                    .collect();
                ways.join(" or ")
            })
            .collect()
    }

    #[test]
    fn memory_and_swap() {
        let mut limits = Limits {
            memory: Some(100),
            reservation: Some(50),
            ..Limits::default()
        };
        for (swap, old, new) in [
            (
                Swap::AsMuchAsMemory,
                Some("memory.memsw.limit_in_bytes=200"),
                Some("memory.swap.max=100"),
            ),
            (
                Swap::Total(130),
                Some("memory.memsw.limit_in_bytes=130"),
                Some("memory.swap.max=30"),
            ),
            (Swap::Unlimited, None, None),
        ] {
            limits.swap = swap;
            let old = ["memory.limit_in_bytes=100"].into_iter().chain(old);
            let old: Vec<&str> = old.chain(["memory.soft_limit_in_bytes=50"]).collect();
            assert_eq!(written(&limits, Controller::Memory, Version::V1), old);
            let new = ["memory.max=100"].into_iter().chain(new);
            let new: Vec<&str> = new.chain(["memory.low=50"]).collect();
            assert_eq!(written(&limits, Controller::Memory, Version::V2), new);
        }
    }

    #[test]
    fn shares_are_the_schedulers_weights() {
        for (shares, weight) in [
            (2, 1),
            (512, 50),
            (1024, 100),
            (2048, 200),
            (102_400, 10_000),
        ] {
            assert_eq!(weight_of(shares), Ok(weight), "{shares}");
        }
        assert_eq!(weight_of(262_144), Err(TooMany));
    }

    #[test]
    fn the_rest() {
        let limits = Limits {
            quota: Some(Quota {
                field: Field::Cpus,
                time: 50_000,
            }),
            shares: Some(1024),
            processors: NumberSet::new(b"0"),
            processes: Some(7),
            weight: Some(1000),
            devices: vec![DeviceLimit {
                traffic: Traffic::WriteBytes,
                path: c"/dev/sda".into(),
                rate: 9,
            }],
            ..Limits::default()
        };
        for (controller, old, new) in [
            (Controller::Memory, &[][..], &[][..]),
            (
                Controller::Cpu,
                &["cpu.cfs_quota_us=50000", "cpu.shares=1024"],
                &["cpu.max=50000 100000", "cpu.weight=100"],
            ),
            (Controller::CpuAccounting, &[], &[]),
            (Controller::Cpuset, &["cpuset.cpus=0"], &["cpuset.cpus=0"]),
            (Controller::Pids, &["pids.max=7"], &["pids.max=7"]),
            (
                Controller::Io,
                &[
                    "blkio.bfq.weight=1000 or blkio.weight=1000",
                    "blkio.throttle.write_bps_device=8:0 9",
                ],
                &["io.bfq.weight=1000 or io.weight=10000", "io.max=8:0 wbps=9"],
            ),
        ] {
            assert_eq!(written(&limits, controller, Version::V1), old);
            assert_eq!(written(&limits, controller, Version::V2), new);
        }
    }
}
