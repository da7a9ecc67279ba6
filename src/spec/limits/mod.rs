//! What the container may use: the limits of its cgroup, those of each of its processes, and its time.

mod list;
mod resource;

pub use list::{NumberSet, whole_number};
pub use resource::ResourceLimit;

use super::Conflict;
use crate::field::Field;
use std::ffi::CString;
use std::time::Duration;

/// Microseconds after which processor time is granted anew if no one has said, the kernel's own.
pub const PERIOD: u64 = 100_000;

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
    /// What asked for it.
    pub field: Field,
    /// Microseconds.
    pub time: u64,
}

/// The limit of memory and swap together.
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
    /// These limits, if a cgroup has anything to do with them.
    ///
    /// Errors: limits that contradict each other.
    pub(super) fn checked(self) -> Result<Option<Self>, Conflict> {
        if let Some(memory) = self.memory {
            if matches!(self.swap, Swap::Total(total) if total < memory) {
                return Err(Conflict::MemoryAndSwapBelowMemory);
            }
            if self.reservation.is_some_and(|reserved| reserved > memory) {
                return Err(Conflict::ReservationAboveMemory);
            }
        } else if matches!(self.swap, Swap::Total(_)) {
            return Err(Conflict::SwapWithoutMemory);
        }
        let nothing = Self {
            // Without a limit of memory there is nothing that swap could be as much as.
            swap: self.swap,
            ..Self::default()
        };
        Ok((self != nothing).then_some(self))
    }
}
