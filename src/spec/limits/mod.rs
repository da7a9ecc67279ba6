//! What the container may use: the limits of its cgroup, those of each of its processes, and its time.

mod list;
mod resource;
pub mod size;

pub use list::NumberSet;
pub use resource::ResourceLimit;

use crate::error::Error;
use crate::field::Field;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Microseconds in which the processor time that `--cpus` grants may be used up, as docker has it.
pub const PERIOD: u64 = 100_000;

/// Microseconds: the kernel takes no shorter quota and no shorter period.
const SHORTEST: u64 = 1000;

/// Microseconds: the kernel takes no longer period.
const LONGEST_PERIOD: u64 = 1_000_000;

/// What is asked of a cgroup. `None` and nothing in a list: not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<u64>,
    pub swap: Swap,
    /// Bytes that are taken away last when the host is short of memory.
    pub reservation: Option<u64>,
    pub quota: Option<Quota>,
    /// Microseconds after which the processor time is granted anew; [`PERIOD`] if no one has said.
    pub period: Option<u64>,
    /// A share of the processors where they are short: 1024 is what others have who asked for nothing.
    pub shares: Option<u64>,
    pub processors: Option<NumberSet>,
    /// Memory nodes.
    pub nodes: Option<NumberSet>,
    pub processes: Option<u64>,
    /// A share of the disks, 10 to 1000.
    pub weight: Option<u64>,
    pub devices: Vec<DeviceLimit>,
    /// Processor time that all of its processes may use together.
    pub cpu_time: Option<Duration>,
    /// What is used is to be counted, whatever is limited.
    pub is_counted: bool,
    /// The cgroup below which to be, from the top of each hierarchy; else where the caller is.
    pub parent: Option<CString>,
}

/// How much processor time may be used up in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The field that asked for it.
    pub field: Field,
    /// Microseconds.
    pub time: u64,
}

/// `--memory-swap`, which is about memory and swap together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Swap {
    /// Not asked for. docker's default: as much swap as memory, where swap can be limited.
    #[default]
    AsMuchAsMemory,
    /// Bytes, at least those of memory.
    Total(u64),
    Unlimited,
}

/// What is limited of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// A share, 10 to 1000, and no limit.
    Weight,
    ReadBytes,
    WriteBytes,
    ReadOperations,
    WriteOperations,
}

/// A limit of what is read from or written to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLimit {
    pub field: Field,
    pub traffic: Traffic,
    pub path: CString,
    /// Bytes or operations in each second, or the share.
    pub rate: u64,
}

impl Limits {
    /// The limits that `wishes`, options with their values, ask for, or that it is counted what is used; `None` if no cgroup has anything to do
    /// with them. Of one given twice the last counts, but for those of devices, which add up.
    pub fn new(
        wishes: &[(&'static str, OsString)],
        is_counted: bool,
    ) -> Result<Option<Self>, Error> {
        let mut limits = Self {
            is_counted,
            ..Self::default()
        };
        for (name, value) in wishes {
            limits.grant(name, value)?;
        }
        let is_given = |option| wishes.iter().any(|(name, _)| *name == option);
        if is_given("cpus") && (is_given("cpu-quota") || is_given("cpu-period")) {
            return Err(Error::refused(
                "--cpus",
                "it cannot be given together with --cpu-quota or --cpu-period, which say the same",
            ));
        }
        if let Some(memory) = limits.memory {
            if matches!(limits.swap, Swap::Total(total) if total < memory) {
                return Err(Error::refused(
                    "--memory-swap",
                    "it is memory and swap together, and has to be at least what --memory is",
                ));
            }
            if limits.reservation.is_some_and(|reserved| reserved > memory) {
                return Err(Error::refused(
                    "--memory-reservation",
                    "it has to be at most what --memory is",
                ));
            }
        } else if matches!(limits.swap, Swap::Total(_)) {
            return Err(Error::refused("--memory-swap", "it needs --memory"));
        }
        let nothing = Self {
            // Without a limit of memory there is nothing that swap could be as much as.
            swap: limits.swap,
            ..Self::default()
        };
        Ok((limits != nothing).then_some(limits))
    }

    fn grant(&mut self, name: &'static str, value: &OsStr) -> Result<(), Error> {
        let bytes = value.as_bytes();
        let whole = || size::whole_number(bytes);
        let refused = |reason| {
            let named = [b"--", name.as_bytes(), b" ", bytes].concat();
            Error::refused(named, reason)
        };
        match name {
            "memory" => self.memory = memory(name, bytes)?,
            "memory-reservation" => self.reservation = memory(name, bytes)?,
            "memory-swap" => {
                self.swap = match memory(name, bytes)? {
                    Some(total) => Swap::Total(total),
                    None if bytes == b"-1" => Swap::Unlimited,
                    None => Swap::AsMuchAsMemory,
                }
            }
            "cpus" => {
                let billionths = size::billionths(bytes)
                    .ok_or_else(|| refused("it takes a number, 0.5 for half a processor"))?;
                let quota = billionths * u128::from(PERIOD) / 1_000_000_000;
                self.quota = match u64::try_from(quota) {
                    Ok(0) if billionths == 0 => None,
                    Ok(time) if time >= SHORTEST => Some(Quota {
                        field: Field::Cpus,
                        time,
                    }),
                    Ok(_) => return Err(refused("the kernel's smallest is 0.01")),
                    Err(_) => return Err(refused("no machine has as many")),
                };
            }
            "cpu-quota" => {
                self.quota = match bytes {
                    b"-1" | b"0" => None,
                    _ => whole()
                        .filter(|time| *time >= SHORTEST)
                        .map(|time| {
                            Some(Quota {
                                field: Field::CpuQuota,
                                time,
                            })
                        })
                        .ok_or_else(|| refused("it takes microseconds, 1000 or more"))?,
                }
            }
            "cpu-period" => {
                self.period = between(whole(), SHORTEST, LONGEST_PERIOD)
                    .ok_or_else(|| refused("it takes microseconds, 1000 to 1000000"))?;
            }
            "cpu-time" => {
                let time = seconds(bytes).ok_or_else(|| match is_beyond_counting(bytes) {
                    true => refused(BEYOND_COUNTING),
                    false => refused("it takes a number of seconds above 0, 2 or 0.5"),
                })?;
                self.cpu_time = Some(time);
            }
            "cpu-shares" => {
                self.shares = between(whole(), 2, 262_144)
                    .ok_or_else(|| refused("it takes a number from 2 to 262144"))?;
            }
            "cpuset-cpus" | "cpuset-mems" => {
                let set = NumberSet::new(bytes)
                    .ok_or_else(|| refused("it takes a list of numbers, 0-3,7"))?;
                let wish = match name {
                    "cpuset-cpus" => &mut self.processors,
                    _ => &mut self.nodes,
                };
                *wish = Some(set);
            }
            "pids-limit" => {
                self.processes = match bytes {
                    b"-1" => None,
                    _ => between(whole(), 1, u64::MAX)
                        .ok_or_else(|| refused("it takes a number, or -1 for no limit"))?,
                };
            }
            "blkio-weight" => {
                self.weight = between(whole(), 10, 1000).ok_or_else(|| refused(WEIGHTS))?;
            }
            "cgroup-parent" => self.parent = Some(parent(bytes).map_err(refused)?),
            name => {
                let limit = DeviceLimit::new(name, bytes).map_err(refused)?;
                self.devices.push(limit);
            }
        }
        Ok(())
    }
}

const WEIGHTS: &str = "it takes a number from 10 to 1000";

/// The smallest page that a kernel counts memory in; of less it makes nothing at all.
const PAGE: u64 = 4096;

/// A size, or `None` for no limit.
fn memory(name: &str, text: &[u8]) -> Result<Option<u64>, Error> {
    let option = || [b"--", name.as_bytes(), b" ", text].concat();
    if text == b"-1" {
        return Ok(None);
    }
    match size::bytes(text) {
        None => Err(Error::refused(
            option(),
            "it takes a size, 64m or 1.5g, or -1 for no limit",
        )),
        Some(0) => Ok(None),
        Some(bytes @ 1..PAGE) => {
            let mut reason = format!("{bytes} bytes are less than the kernel counts in");
            if size::whole_number(text).is_some() {
                reason = format!("{bytes} bytes, did you mean {bytes}m?");
            }
            Err(Error::refused_for(option(), reason))
        }
        bytes => Ok(bytes),
    }
}

/// A number in these bounds, with docker's 0 for none.
fn between(number: Option<u64>, least: u64, most: u64) -> Option<Option<u64>> {
    match number? {
        0 => Some(None),
        number if (least..=most).contains(&number) => Some(Some(number)),
        _ => None,
    }
}

/// A path without surprises, and without the slashes around it.
fn parent(text: &[u8]) -> Result<CString, &'static str> {
    let trimmed = text.strip_prefix(b"/").unwrap_or(text);
    let trimmed = trimmed.strip_suffix(b"/").unwrap_or(trimmed);
    let strange = |part: &[u8]| part.is_empty() || part == b"." || part == b"..";
    if text.is_empty() || !trimmed.is_empty() && trimmed.split(|byte| *byte == b'/').any(strange) {
        return Err("it takes a path from the top of the hierarchy, without . and ..");
    }
    CString::new(trimmed).map_err(|_| "it has a NUL")
}

impl DeviceLimit {
    /// `PATH:RATE`.
    fn new(name: &'static str, text: &[u8]) -> Result<Self, &'static str> {
        let (field, traffic) = match name {
            "device-read-bps" => (Field::ReadBytes, Traffic::ReadBytes),
            "device-write-bps" => (Field::WriteBytes, Traffic::WriteBytes),
            "device-read-iops" => (Field::ReadOperations, Traffic::ReadOperations),
            "device-write-iops" => (Field::WriteOperations, Traffic::WriteOperations),
            _ => (Field::DeviceWeight, Traffic::Weight),
        };
        let wanted = "it takes DEVICE:RATE, /dev/sda:10mb for bytes or /dev/sda:100 for operations";
        let colon = text.iter().rposition(|byte| *byte == b':').ok_or(wanted)?;
        let (path, rate) = text.split_at(colon);
        let rate = rate.strip_prefix(b":").unwrap_or(rate);
        let rate = match traffic {
            Traffic::ReadBytes | Traffic::WriteBytes => size::bytes(rate),
            Traffic::ReadOperations | Traffic::WriteOperations => size::whole_number(rate),
            Traffic::Weight => {
                let weight = between(size::whole_number(rate), 10, 1000).flatten();
                Some(weight.ok_or("it takes DEVICE:WEIGHT, with a weight from 10 to 1000")?)
            }
        };
        let rate = rate.filter(|rate| *rate != 0).ok_or(wanted)?;
        if path.is_empty() {
            return Err(wanted);
        }
        Ok(Self {
            field,
            traffic,
            path: CString::new(path).map_err(|_| wanted)?,
            rate,
        })
    }
}

/// `--oom-score-adj`: how soon the kernel ends it when the host is out of memory.
pub fn oom_score_adjustment(value: Option<&OsString>) -> Result<Option<i32>, Error> {
    let Some(value) = value else {
        return Ok(None);
    };
    let number = value.to_str().and_then(|text| text.parse().ok());
    number
        .filter(|number| (-1000..=1000).contains(number))
        .map(Some)
        .ok_or_else(|| {
            let named = [b"--oom-score-adj ", value.as_bytes()].concat();
            Error::refused(named, "it takes a number from -1000 to 1000")
        })
}

/// `--timeout`: how long the command may run, and how long it may take to end then.
pub fn timeout(value: Option<&OsString>) -> Result<Option<(Duration, Option<Duration>)>, Error> {
    let Some(value) = value else {
        return Ok(None);
    };
    let mut parts = value.as_bytes().splitn(2, |byte| *byte == b':');
    let refused = |part: &[u8]| {
        let named = [b"--timeout ", value.as_bytes()].concat();
        let reason = match is_beyond_counting(part) {
            true => BEYOND_COUNTING,
            false => {
                "it takes a number of seconds above 0, 2 or 0.5; behind a colon how long its end may take, 5:2"
            }
        };
        Error::refused(named, reason)
    };
    let mut time = || match parts.next() {
        None => Ok(None),
        Some(part) => seconds(part).map(Some).ok_or_else(|| refused(part)),
    };
    let after = time()?;
    let grace = time()?;
    Ok(after.map(|after| (after, grace)))
}

/// `--output-limit`: bytes.
pub fn output(value: Option<&OsString>) -> Result<Option<u64>, Error> {
    let Some(value) = value else {
        return Ok(None);
    };
    size::bytes(value.as_bytes()).map(Some).ok_or_else(|| {
        let named = [b"--output-limit ", value.as_bytes()].concat();
        Error::refused(named, "it takes a size, 64k or 1.5m")
    })
}

const BEYOND_COUNTING: &str =
    "no more than 18446744073 seconds can be counted (584 years); without it there is no limit";

/// Whether what is no time for [`seconds`] would be one if it were less.
fn is_beyond_counting(text: &[u8]) -> bool {
    let whole = text.split(|byte| *byte == b'.').next().unwrap_or(text);
    // As many digits as the longest time has.
    whole.len() > 10 && whole.iter().all(u8::is_ascii_digit)
}

fn seconds(text: &[u8]) -> Option<Duration> {
    let nanoseconds = u64::try_from(size::billionths(text)?).ok()?;
    (nanoseconds != 0).then(|| Duration::from_nanos(nanoseconds))
}

/// The limits of each process, a later one of a resource in the place of an earlier.
pub fn resources(wishes: &[OsString]) -> Result<Vec<ResourceLimit>, Error> {
    let mut limits: Vec<ResourceLimit> = Vec::new();
    for wish in wishes {
        let limit = ResourceLimit::new(wish)?;
        limits.retain(|earlier| earlier.resource != limit.resource);
        limits.push(limit);
    }
    Ok(limits)
}

#[cfg(test)]
mod tests;
