//! Reads resources.

use super::super::{
    BlockIo, Cpu, DeviceKind, DeviceRule, DeviceWeight, Memory, Network, Resources, Throttle,
    Throttled,
};
use super::words::{choice, given_text, items, named, pairs, quoted, refuse};
use crate::json::{Fault, StrictReader};
use crate::sys::device::Device;

pub fn resources(reader: &mut StrictReader<'_>) -> Result<Resources, Fault> {
    let mut resources = Resources::default();
    reader.object(&mut |reader, name| {
        match name {
            "devices" => resources.devices = items(reader, device_rule)?,
            "memory" => resources.memory = memory(reader)?,
            "cpu" => resources.cpu = cpu(reader)?,
            "pids" => resources.processes = processes(reader)?,
            "blockIO" => resources.block_io = block_io(reader)?,
            "hugepageLimits" => resources.huge_pages = items(reader, huge_page)?,
            "network" => resources.network = network(reader)?,
            "rdma" => refuse(reader)?,
            "unified" => resources.unified = pairs(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(resources)
}

const RULE_KINDS: &[(&str, Option<DeviceKind>)] = &[
    ("", None),
    ("a", None),
    ("c", Some(DeviceKind::Character)),
    ("b", Some(DeviceKind::Block)),
];

fn device_rule(reader: &mut StrictReader<'_>) -> Result<DeviceRule, Fault> {
    let mut rule = DeviceRule {
        allow: false,
        kind: None,
        major: None,
        minor: None,
        read: false,
        write: false,
        make: false,
    };
    let mut has_access = false;
    reader.object(&mut |reader, name| {
        match name {
            "allow" => rule.allow = reader.boolean()?,
            "type" => rule.kind = choice(reader, RULE_KINDS)?,
            "major" => rule.major = number_or_all(reader)?,
            "minor" => rule.minor = number_or_all(reader)?,
            "access" => has_access = access(&mut rule, &reader.text()?)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    // A rule without it would do nothing.
    match has_access {
        true => Ok(rule),
        false => Err(Fault::missing("access")),
    }
}

/// -1 stands for all.
fn number_or_all(reader: &mut StrictReader<'_>) -> Result<Option<u32>, Fault> {
    let number = reader.between(-1, u32::MAX.into())?;
    Ok(u32::try_from(number).ok())
}

fn access(rule: &mut DeviceRule, letters: &str) -> Result<bool, Fault> {
    for letter in letters.chars() {
        match letter {
            'r' => rule.read = true,
            'w' => rule.write = true,
            'm' => rule.make = true,
            // runc passes over it, and so there are such files.
            'a' => {}
            _ => {
                return Err(Fault::new(format!(
                    "{}: it is to be of r, w and m",
                    quoted(letters)
                )));
            }
        }
    }
    Ok(rule.read || rule.write || rule.make)
}

fn memory(reader: &mut StrictReader<'_>) -> Result<Memory, Fault> {
    let mut memory = Memory::default();
    reader.object(&mut |reader, name| {
        match name {
            "limit" => memory.limit = Some(reader.whole()?),
            "reservation" => memory.reservation = Some(reader.whole()?),
            "swap" => memory.swap = Some(reader.whole()?),
            "kernel" => memory.kernel = Some(reader.whole()?),
            "kernelTCP" => memory.kernel_tcp = Some(reader.whole()?),
            "swappiness" => memory.swappiness = Some(reader.whole()?),
            "disableOOMKiller" => memory.disable_oom_killer = Some(reader.boolean()?),
            "useHierarchy" => memory.use_hierarchy = Some(reader.boolean()?),
            "checkBeforeUpdate" => memory.check_before_update = Some(reader.boolean()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(memory)
}

fn cpu(reader: &mut StrictReader<'_>) -> Result<Cpu, Fault> {
    let mut cpu = Cpu::default();
    reader.object(&mut |reader, name| {
        match name {
            "shares" => cpu.shares = Some(reader.whole()?),
            "quota" => cpu.quota = Some(reader.whole()?),
            "burst" => cpu.burst = Some(reader.whole()?),
            "period" => cpu.period = Some(reader.whole()?),
            "realtimeRuntime" => cpu.realtime_runtime = Some(reader.whole()?),
            "realtimePeriod" => cpu.realtime_period = Some(reader.whole()?),
            "cpus" => cpu.processors = given_text(reader)?,
            "mems" => cpu.memory_nodes = given_text(reader)?,
            "idle" => cpu.idle = Some(reader.whole()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(cpu)
}

fn processes(reader: &mut StrictReader<'_>) -> Result<Option<i64>, Fault> {
    let mut limit = None;
    reader.object(&mut |reader, name| {
        match name {
            "limit" => limit = Some(reader.whole()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(limit)
}

fn block_io(reader: &mut StrictReader<'_>) -> Result<BlockIo, Fault> {
    let mut block_io = BlockIo::default();
    reader.object(&mut |reader, name| {
        let of = match name {
            "weight" => {
                block_io.weight = Some(reader.whole()?);
                return Ok(());
            }
            "leafWeight" => {
                block_io.leaf_weight = Some(reader.whole()?);
                return Ok(());
            }
            "weightDevice" => {
                block_io.weights = items(reader, device_weight)?;
                return Ok(());
            }
            "throttleReadBpsDevice" => Throttled::ReadBytes,
            "throttleWriteBpsDevice" => Throttled::WriteBytes,
            "throttleReadIOPSDevice" => Throttled::ReadOperations,
            "throttleWriteIOPSDevice" => Throttled::WriteOperations,
            _ => return reader.skip(),
        };
        reader.list(&mut |reader| {
            let (device, rate) = throttle(reader)?;
            block_io.throttles.push(Throttle { device, of, rate });
            Ok(())
        })
    })?;
    Ok(block_io)
}

fn device_weight(reader: &mut StrictReader<'_>) -> Result<DeviceWeight, Fault> {
    let mut numbers = Numbers::default();
    let (mut weight, mut leaf_weight) = (None, None);
    reader.object(&mut |reader, name| {
        match name {
            "weight" => weight = Some(reader.whole()?),
            "leafWeight" => leaf_weight = Some(reader.whole()?),
            name => numbers.take(reader, name)?,
        }
        Ok(())
    })?;
    Ok(DeviceWeight {
        device: numbers.device()?,
        weight,
        leaf_weight,
    })
}

fn throttle(reader: &mut StrictReader<'_>) -> Result<(Device, u64), Fault> {
    let mut numbers = Numbers::default();
    let mut rate = None;
    reader.object(&mut |reader, name| {
        match name {
            "rate" => rate = Some(reader.whole()?),
            name => numbers.take(reader, name)?,
        }
        Ok(())
    })?;
    let rate = rate.ok_or_else(|| Fault::missing("rate"))?;
    Ok((numbers.device()?, rate))
}

/// The numbers of a device, as members of what is said of it.
#[derive(Default)]
struct Numbers {
    major: Option<u32>,
    minor: Option<u32>,
}

impl Numbers {
    fn take(&mut self, reader: &mut StrictReader<'_>, name: &str) -> Result<(), Fault> {
        match name {
            "major" => self.major = Some(reader.whole()?),
            "minor" => self.minor = Some(reader.whole()?),
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn device(&self) -> Result<Device, Fault> {
        Ok(Device {
            major: self.major.ok_or_else(|| Fault::missing("major"))?,
            minor: self.minor.ok_or_else(|| Fault::missing("minor"))?,
        })
    }
}

fn huge_page(reader: &mut StrictReader<'_>) -> Result<(String, u64), Fault> {
    let (mut size, mut limit) = (None, None);
    reader.object(&mut |reader, name| {
        match name {
            // The second is what runc takes as well, whose reader does not tell them apart.
            "pageSize" | "pagesize" => size = Some(page_size(&reader.text()?)?),
            "limit" => limit = Some(reader.whole()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok((
        size.ok_or_else(|| Fault::missing("pageSize"))?,
        limit.ok_or_else(|| Fault::missing("limit"))?,
    ))
}

/// A size of huge pages, checked, for it becomes a part of a file's name.
fn page_size(size: &str) -> Result<String, Fault> {
    let units = size.trim_start_matches(|letter: char| letter.is_ascii_digit());
    match units.len() < size.len() && matches!(units, "KB" | "MB" | "GB") {
        true => Ok(size.to_owned()),
        false => Err(Fault::new(format!(
            "{}: it is to be a number and KB, MB or GB",
            quoted(size)
        ))),
    }
}

fn network(reader: &mut StrictReader<'_>) -> Result<Network, Fault> {
    let mut network = Network::default();
    reader.object(&mut |reader, name| {
        match name {
            "classID" => network.class = Some(reader.whole()?),
            "priorities" => network.priorities = items(reader, priority)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(network)
}

fn priority(reader: &mut StrictReader<'_>) -> Result<(String, u32), Fault> {
    let (mut interface, mut priority) = (None, None);
    reader.object(&mut |reader, name| {
        match name {
            "name" => interface = Some(named(&reader.text()?)?.to_owned()),
            "priority" => priority = Some(reader.whole()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok((
        interface.ok_or_else(|| Fault::missing("name"))?,
        priority.ok_or_else(|| Fault::missing("priority"))?,
    ))
}
