//! What limits the container as a whole: the options of its cgroup.

mod time;

pub use time::{of_processors, output, timeout};

use super::size;
use crate::docker::RunArgs;
use crate::error::Error;
use crate::field::Field;
use crate::spec::limits::{
    CgroupPath, DeviceLimit, Limits, MEMORY, NumberSet, PERIOD, PERIODS, QUOTAS, Quota, SHARES,
    Swap, Traffic, WEIGHTS, whole_number,
};
use std::ffi::{CString, OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;

/// The limits that the arguments ask for.
pub fn asked(arguments: &RunArgs) -> Result<Limits, Error> {
    let limits = read(&arguments.limits)?;
    Ok(Limits {
        is_counted: arguments.report_cgroup,
        is_kept: arguments.stays,
        ..limits
    })
}

/// The limits that `wishes`, options with their values, ask for. Of one given twice the last counts, but for those of
/// devices, which add up.
fn read(wishes: &[(&'static str, OsString)]) -> Result<Limits, Error> {
    let mut limits = Limits::default();
    for (name, value) in wishes {
        grant(&mut limits, &Wish::new(name, value))?;
    }
    let is_given = |option| wishes.iter().any(|(name, _)| *name == option);
    if is_given("cpus") && (is_given("cpu-quota") || is_given("cpu-period")) {
        return Err(Error::refused(
            "--cpus",
            "it cannot be given together with --cpu-quota or --cpu-period, which say the same",
        ));
    }
    Ok(limits)
}

/// An option without its dashes, and its value.
struct Wish<'a> {
    name: &'static str,
    text: &'a [u8],
}

impl<'a> Wish<'a> {
    fn new(name: &'static str, value: &'a OsStr) -> Self {
        let text = value.as_bytes();
        Self { name, text }
    }

    fn whole(&self) -> Option<u64> {
        whole_number(self.text)
    }

    fn named(&self) -> Vec<u8> {
        [b"--", self.name.as_bytes(), b" ", self.text].concat()
    }

    fn refused(&self, reason: &'static str) -> Error {
        Error::refused(self.named(), reason)
    }
}

fn grant(limits: &mut Limits, wish: &Wish<'_>) -> Result<(), Error> {
    match wish.name {
        "memory" => limits.memory = memory(wish)?,
        "memory-reservation" => limits.reservation = memory(wish)?,
        "memory-swap" => {
            limits.swap = match memory(wish)? {
                Some(total) => Swap::Total(total),
                None if wish.text == b"-1" => Swap::Unlimited,
                None => Swap::AsMuchAsMemory,
            }
        }
        "cpus" => limits.quota = cpus(wish)?,
        "cpu-quota" => limits.quota = quota(wish)?,
        "cpu-period" => {
            limits.period = between(wish.whole(), PERIODS)
                .ok_or_else(|| wish.refused("it takes microseconds, 1000 to 1000000"))?;
        }
        "cpu-time" => {
            let time = time::of_processors(wish.text).map_err(|reason| wish.refused(reason))?;
            limits.cpu_time = Some(time);
        }
        "cpu-shares" => {
            limits.shares = between(wish.whole(), SHARES)
                .ok_or_else(|| wish.refused("it takes a number from 2 to 262144"))?;
        }
        "cpuset-cpus" => limits.processors = Some(numbers(wish)?),
        "cpuset-mems" => limits.nodes = Some(numbers(wish)?),
        "pids-limit" => {
            limits.processes = match wish.text {
                b"-1" => None,
                _ => between(wish.whole(), 1..=u64::MAX)
                    .ok_or_else(|| wish.refused("it takes a number, or -1 for no limit"))?,
            };
        }
        "blkio-weight" => {
            limits.weight = between(wish.whole(), WEIGHTS)
                .ok_or_else(|| wish.refused("it takes a number from 10 to 1000"))?;
        }
        "cgroup-parent" => {
            let refused =
                || wish.refused("it takes a path from the top of the hierarchy, without . and ..");
            limits.parent = Some(CgroupPath::new(wish.text).ok_or_else(refused)?);
        }
        name => {
            let limit = device_limit(name, wish.text).map_err(|reason| wish.refused(reason))?;
            limits.devices.push(limit);
        }
    }
    Ok(())
}

/// Processors, as a part of the period that the kernel has.
fn cpus(wish: &Wish<'_>) -> Result<Option<Quota>, Error> {
    let billionths = size::billionths(wish.text)
        .ok_or_else(|| wish.refused("it takes a number, 0.5 for half a processor"))?;
    let quota = billionths * u128::from(PERIOD) / 1_000_000_000;
    match u64::try_from(quota) {
        Ok(0) if billionths == 0 => Ok(None),
        Ok(time) if QUOTAS.contains(&time) => Ok(Some(Quota {
            field: Field::Cpus,
            time,
        })),
        Ok(_) => Err(wish.refused("the kernel's smallest is 0.01")),
        Err(_) => Err(wish.refused("no machine has as many")),
    }
}

fn quota(wish: &Wish<'_>) -> Result<Option<Quota>, Error> {
    if matches!(wish.text, b"-1" | b"0") {
        return Ok(None);
    }
    let time = wish.whole().filter(|time| QUOTAS.contains(time));
    let time = time.ok_or_else(|| wish.refused("it takes microseconds, 1000 or more"))?;
    Ok(Some(Quota {
        field: Field::CpuQuota,
        time,
    }))
}

fn numbers(wish: &Wish<'_>) -> Result<NumberSet, Error> {
    NumberSet::new(wish.text).ok_or_else(|| wish.refused("it takes a list of numbers, 0-3,7"))
}

/// A size, or `None` for no limit.
fn memory(wish: &Wish<'_>) -> Result<Option<u64>, Error> {
    if wish.text == b"-1" {
        return Ok(None);
    }
    match size::bytes(wish.text) {
        None => Err(wish.refused("it takes a size, 64m or 1.5g, or -1 for no limit")),
        Some(0) => Ok(None),
        Some(bytes) if !MEMORY.contains(&bytes) => {
            let mut reason = format!("{bytes} bytes are less than the kernel counts in");
            if wish.whole().is_some() {
                reason = format!("{bytes} bytes, did you mean {bytes}m?");
            }
            Err(Error::refused_for(wish.named(), reason))
        }
        bytes => Ok(bytes),
    }
}

/// A number in these bounds, with docker's 0 for none.
fn between(number: Option<u64>, bounds: RangeInclusive<u64>) -> Option<Option<u64>> {
    match number? {
        0 => Some(None),
        number if bounds.contains(&number) => Some(Some(number)),
        _ => None,
    }
}

/// `PATH:RATE`.
fn device_limit(name: &str, text: &[u8]) -> Result<DeviceLimit, &'static str> {
    let traffic = match name {
        "device-read-bps" => Traffic::ReadBytes,
        "device-write-bps" => Traffic::WriteBytes,
        "device-read-iops" => Traffic::ReadOperations,
        "device-write-iops" => Traffic::WriteOperations,
        _ => Traffic::Weight,
    };
    let wanted = "it takes DEVICE:RATE, /dev/sda:10mb for bytes or /dev/sda:100 for operations";
    let colon = text.iter().rposition(|byte| *byte == b':').ok_or(wanted)?;
    let (path, rate) = text.split_at(colon);
    let rate = rate.strip_prefix(b":").unwrap_or(rate);
    let rate = match traffic {
        Traffic::ReadBytes | Traffic::WriteBytes => size::bytes(rate),
        Traffic::ReadOperations | Traffic::WriteOperations => whole_number(rate),
        Traffic::Weight => {
            let weight = between(whole_number(rate), WEIGHTS).flatten();
            Some(weight.ok_or("it takes DEVICE:WEIGHT, with a weight from 10 to 1000")?)
        }
    };
    let rate = rate.filter(|rate| *rate != 0).ok_or(wanted)?;
    if path.is_empty() {
        return Err(wanted);
    }
    Ok(DeviceLimit {
        traffic,
        path: CString::new(path).map_err(|_| wanted)?,
        rate,
    })
}

#[cfg(test)]
mod tests;
