//! What the container may use: the limits of its cgroup, those of each of its processes, and its time.

mod cgroup_path;
mod list;
mod resource;

pub use cgroup_path::CgroupPath;
pub use list::{NumberSet, whole_number};
pub use resource::ResourceLimit;

use super::Conflict;
use crate::field::Field;
use std::ffi::CString;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Microseconds after which processor time is granted anew if no one has said, the kernel's own.
pub const PERIOD: u64 = 100_000;

/// Bytes that can be limited: of less than its smallest page the kernel makes nothing at all.
pub const MEMORY: RangeInclusive<u64> = 4096..=u64::MAX;

/// Microseconds that the kernel takes for a quota.
pub const QUOTAS: RangeInclusive<u64> = 1000..=u64::MAX;

/// Microseconds that the kernel takes for a period.
pub const PERIODS: RangeInclusive<u64> = 1000..=1_000_000;

/// The shares of processors that the kernel takes.
pub const SHARES: RangeInclusive<u64> = 2..=262_144;

/// The weights of block I/O that the kernel takes.
pub const WEIGHTS: RangeInclusive<u64> = 10..=1000;

/// What is asked of a cgroup. `None` and nothing in a list: not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
    /// A share of the disks.
    pub weight: Option<u64>,
    pub devices: Vec<DeviceLimit>,
    /// Processor time that all of its processes may use together.
    pub cpu_time: Option<Duration>,
    /// What is used is to be counted, whatever is limited.
    pub is_counted: bool,
    /// The container stays, to be frozen, counted and limited while it runs: it is to be in cgroups of its own wherever
    /// there can be some, whatever is limited. Where there are none it starts without.
    pub is_kept: bool,
    /// The cgroup below which to be, from the top of each hierarchy; else where the caller is.
    pub parent: Option<CgroupPath>,
}

/// How much processor time may be used up in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// What asked for it.
    pub field: Field,
    /// Microseconds.
    pub time: u64,
}

/// The limit of memory and swap together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Swap {
    /// Not asked for. docker's default: as much swap as memory, where swap can be limited.
    #[default]
    AsMuchAsMemory,
    /// Bytes, at least those of memory.
    Total(u64),
    Unlimited,
}

/// What is limited of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// A share, and no limit.
    Weight,
    ReadBytes,
    WriteBytes,
    ReadOperations,
    WriteOperations,
}

/// A limit of what is read from or written to a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceLimit {
    pub traffic: Traffic,
    pub path: CString,
    /// Bytes or operations in each second, or the share.
    pub rate: u64,
}

impl DeviceLimit {
    pub fn field(&self) -> Field {
        match self.traffic {
            Traffic::Weight => Field::DeviceWeight,
            Traffic::ReadBytes => Field::ReadBytes,
            Traffic::WriteBytes => Field::WriteBytes,
            Traffic::ReadOperations => Field::ReadOperations,
            Traffic::WriteOperations => Field::WriteOperations,
        }
    }

    fn is_in_range(&self) -> bool {
        match self.traffic {
            Traffic::Weight => WEIGHTS.contains(&self.rate),
            _ => self.rate != 0,
        }
    }
}

impl Limits {
    /// What is asked for, if a cgroup has anything to do with it.
    ///
    /// Errors: what the kernel would not take, and limits that contradict each other.
    pub(super) fn checked(self) -> Result<Option<Self>, Conflict> {
        if self == Self::default() {
            return Ok(None);
        }
        self.check()?;
        let nothing = Self {
            // Without a limit of memory there is nothing that swap could be as much as.
            swap: self.swap,
            ..Self::default()
        };
        Ok((self != nothing).then_some(self))
    }

    /// Whether no more is asked for than cgroups where there can be some.
    pub fn can_do_without(&self) -> bool {
        let least = Self {
            swap: self.swap,
            is_kept: self.is_kept,
            ..Self::default()
        };
        *self == least
    }

    #[cold]
    #[inline(never)]
    fn check(&self) -> Result<(), Conflict> {
        if let Some(field) = self.out_of_range() {
            return Err(Conflict::LimitOutOfRange(field));
        }
        let Some(memory) = self.memory else {
            return match self.swap {
                Swap::Total(_) => Err(Conflict::SwapWithoutMemory),
                Swap::AsMuchAsMemory | Swap::Unlimited => Ok(()),
            };
        };
        if matches!(self.swap, Swap::Total(total) if total < memory) {
            return Err(Conflict::MemoryAndSwapBelowMemory);
        }
        if self.reservation.is_some_and(|reserved| reserved > memory) {
            return Err(Conflict::ReservationAboveMemory);
        }
        Ok(())
    }

    /// The first limit that is none of those which the kernel takes.
    fn out_of_range(&self) -> Option<Field> {
        let quota = self.quota;
        let values = [
            (self.memory, MEMORY, Field::Memory),
            (self.reservation, MEMORY, Field::MemoryReservation),
            (
                quota.map(|quota| quota.time),
                QUOTAS,
                quota.map_or(Field::CpuQuota, |quota| quota.field),
            ),
            (self.period, PERIODS, Field::CpuPeriod),
            (self.shares, SHARES, Field::CpuShares),
            (self.processes, 1..=u64::MAX, Field::Processes),
            (self.weight, WEIGHTS, Field::BlockWeight),
        ];
        let is_out = |(value, range, _): &(Option<u64>, RangeInclusive<u64>, Field)| {
            value.is_some_and(|value| !range.contains(&value))
        };
        let found = values.into_iter().find(is_out).map(|(_, _, field)| field);
        let device = || self.devices.iter().find(|limit| !limit.is_in_range());
        found.or_else(|| device().map(DeviceLimit::field))
    }
}
