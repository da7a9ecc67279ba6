//! `linux.resources`, written to a container's cgroups: each part to the hierarchy of v1 that has its controller, and else to
//! v2. In runc's order, and with runc's words where one fails. 0 is "not asked for" in most, as in runc.

mod convert;
mod v1;
mod v2;

use super::devices::Asked;
use super::open::Members;
use crate::cgroup::{Directory, Version};
use crate::error::Error;
use crate::oci::config::{BlockIo, Cpu, Memory, Resources};
use crate::sys::Errno;
use crate::sys::device::Device;
use std::ffi::CString;

/// A cgroup, by whose files something is limited.
#[derive(Clone, Copy)]
struct Files<'a>(&'a Directory);

impl Files<'_> {
    fn write(self, file: &str, value: impl ToString) -> Result<(), Error> {
        let value = value.to_string();
        let name = CString::new(file).unwrap_or_default();
        self.0.write(&name, value.as_bytes()).map_err(|errno| {
            let operation = format!("write {value} to");
            Error::new(operation, self.0.path_of(&name).to_bytes(), errno)
        })
    }

    /// [`Self::write`], unless there is no such file.
    fn write_if_there(self, file: &str, value: impl ToString) -> Result<(), Error> {
        match self.write(file, value) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(()),
            done => done,
        }
    }

    fn read(self, file: &str) -> Result<String, Error> {
        let name = CString::new(file).unwrap_or_default();
        let failed = |errno| Error::new("read", self.0.path_of(&name).to_bytes(), errno);
        self.0.read(&name).map_err(failed)
    }

    fn number(self, file: &str) -> Option<u64> {
        self.read(file).ok()?.parse().ok()
    }
}

/// What can be asked for, by the controller that has it: in the order in which it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Cpuset,
    Memory,
    Cpu,
    Processes,
    BlockIo,
    HugePages,
    NetworkClass,
    NetworkPriorities,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Cpuset,
        Self::Memory,
        Self::Cpu,
        Self::Processes,
        Self::BlockIo,
        Self::HugePages,
        Self::NetworkClass,
        Self::NetworkPriorities,
    ];

    fn v1_name(self) -> &'static str {
        match self {
            Self::Cpuset => "cpuset",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Processes => "pids",
            Self::BlockIo => "blkio",
            Self::HugePages => "hugetlb",
            Self::NetworkClass => "net_cls",
            Self::NetworkPriorities => "net_prio",
        }
    }

    /// `None`: v2 has none.
    fn v2_name(self) -> Option<&'static str> {
        match self {
            Self::BlockIo => Some("io"),
            Self::NetworkClass | Self::NetworkPriorities => None,
            other => Some(other.v1_name()),
        }
    }

    fn is_asked(self, resources: &Resources) -> bool {
        match self {
            Self::Cpuset => is_cpuset_asked(&resources.cpu),
            Self::Memory => is_memory_asked(&resources.memory),
            Self::Cpu => is_cpu_asked(&resources.cpu),
            Self::Processes => resources.processes.is_some(),
            Self::BlockIo => resources.block_io != BlockIo::default(),
            Self::HugePages => !resources.huge_pages.is_empty(),
            Self::NetworkClass => is_some(resources.network.class.map(u64::from)),
            Self::NetworkPriorities => !resources.network.priorities.is_empty(),
        }
    }
}

fn is_some(number: Option<u64>) -> bool {
    number.is_some_and(|number| number != 0)
}

/// A list that is asked for: an empty one is not.
fn list(list: Option<&String>) -> Option<&String> {
    list.filter(|list| !list.is_empty())
}

fn number(number: Option<i64>) -> Option<i64> {
    number.filter(|number| *number != 0)
}

fn is_cpuset_asked(cpu: &Cpu) -> bool {
    list(cpu.processors.as_ref()).is_some() || list(cpu.memory_nodes.as_ref()).is_some()
}

fn is_memory_asked(memory: &Memory) -> bool {
    let numbers = [memory.limit, memory.reservation, memory.swap];
    numbers.into_iter().any(|one| number(one).is_some())
        || memory.swappiness.is_some()
        || memory.disable_oom_killer == Some(true)
}

fn is_cpu_asked(cpu: &Cpu) -> bool {
    is_some(cpu.shares)
        || is_some(cpu.period)
        || is_some(cpu.realtime_period)
        || number(cpu.quota).is_some()
        || number(cpu.realtime_runtime).is_some()
        || cpu.burst.is_some()
        || cpu.idle.is_some()
}

/// The controllers that v2 has to have for what is asked, if v1 does not have them.
pub fn needed_of_v2(resources: &Resources, has_v1: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let asked = Part::ALL.into_iter();
    let asked = asked.filter(|part| part.is_asked(resources) && !has_v1(part.v1_name()));
    asked.filter_map(Part::v2_name).collect()
}

/// Whether anything is limited that takes a cgroup: devices are not.
pub fn is_any_asked(resources: &Resources) -> bool {
    Part::ALL.iter().any(|part| part.is_asked(resources)) || !resources.unified.is_empty()
}

/// Whether controllers are asked for that a threaded cgroup cannot have.
pub fn needs_domain(resources: &Resources) -> bool {
    [Part::Memory, Part::BlockIo, Part::Cpu, Part::HugePages]
        .iter()
        .any(|part| part.is_asked(resources))
}

/// Has them limit what is asked. What is not asked stays as it is.
///
/// Errors: one cannot be set; what was set before it stays.
#[cold]
#[inline(never)]
pub fn set(members: &Members, resources: &Resources) -> Result<(), Error> {
    for part in Part::ALL {
        if !part.is_asked(resources) {
            continue;
        }
        let of_v1 = members.of_v1(part.v1_name());
        let of_v2 = || members.of_v2().filter(|_| part.v2_name().is_some());
        match of_v1
            .map(|member| (member, Version::V1))
            .or_else(|| Some((of_v2()?, Version::V2)))
        {
            Some((member, Version::V1)) => v1::set(part, Files(member), resources)?,
            Some((member, Version::V2)) => v2::set(part, Files(member), resources)?,
            None => {
                return Err(Error::told(&format!(
                    "cannot set {} limit: container could not join or create cgroup",
                    part.v1_name()
                )));
            }
        }
    }
    if resources.unified.is_empty() {
        return Ok(());
    }
    match members.of_v2().filter(|_| !members.has_any_of_v1()) {
        Some(v2) => v2::set_unified(Files(v2), &resources.unified),
        None => Err(no_unified()),
    }
}

pub fn no_unified() -> Error {
    Error::told("invalid configuration: cannot use unified on cgroup v1")
}

/// Has them keep to what is asked of devices.
///
/// Errors: as above; or there is nothing that keeps a container from devices.
pub fn set_devices(members: &Members, asked: Asked<'_>) -> Result<(), Error> {
    match (members.v1("devices"), members.v2()) {
        (Some(v1), _) => asked.set_v1(&v1.directory, v1.is_new),
        (None, Some(v2)) => asked.set_v2(&v2.directory, v2.is_new),
        (None, None) => Err(Error::told(
            "cgroup: subsystem does not exist: neither the devices controller of v1 nor v2 is there, and nothing else \
             keeps the container from devices",
        )),
    }
}

fn device(device: Device) -> String {
    format!("{}:{}", device.major, device.minor)
}

/// Of each size the pages in use, and those that are reserved, which kernels know since Linux 5.7.
fn set_huge_pages(files: Files<'_>, pages: &[(String, u64)], suffix: &str) -> Result<(), Error> {
    for (size, limit) in pages {
        files.write(&format!("hugetlb.{size}{suffix}"), limit)?;
        files.write_if_there(&format!("hugetlb.{size}.rsvd{suffix}"), limit)?;
    }
    Ok(())
}

/// The processors and memory nodes of a cgroup, before a process is in it.
pub fn set_cpuset(directory: &Directory, cpu: &Cpu) -> Result<(), Error> {
    v1::set_cpuset(Files(directory), cpu)
}
