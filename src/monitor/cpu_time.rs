//! `--cpu-time`: how much processor time all of a container may use.
//!
//! The kernel tells no one that a cgroup has used so much, so it is asked: when what is left could be used up, at the
//! earliest, with every processor at work for the container. That is seldom while much is left, and what is
//! asked costs some microseconds.

use crate::cgroup::ProcessorTime;
use crate::error::Error;
use crate::spec::limits::NumberSet;
use std::time::{Duration, Instant};

/// How soon it is asked again at the earliest. The kernel's count of a process that runs is as old as the last tick of
/// its clock, 10 ms at most.
const SHORTEST: Duration = Duration::from_millis(4);

/// The shortest pause for a container that has done nothing since: it may be asleep, or stopped, for hours.
const SHORTEST_AT_REST: Duration = Duration::from_millis(10);

/// Where the kernel does not tell how many processors there are: it is asked more often than need be.
const MANY: u32 = 64;

pub struct CpuTime {
    counted: ProcessorTime,
    most: Duration,
    processors: u32,
    /// What had been used when it was asked last.
    used: Duration,
    /// When it is asked next. `None`: never, for it takes longer than clocks count.
    next: Option<Instant>,
}

impl CpuTime {
    pub fn new(counted: ProcessorTime, most: Duration) -> Self {
        Self {
            counted,
            most,
            processors: processors().unwrap_or(MANY),
            used: Duration::ZERO,
            next: Some(Instant::now()),
        }
    }

    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether more has been used than may be; asked now.
    pub fn is_over(&mut self) -> Result<bool, Error> {
        let used = self.counted.used()?;
        let left = self.most.saturating_sub(used);
        let shortest = match used == std::mem::replace(&mut self.used, used) {
            true => SHORTEST_AT_REST,
            false => SHORTEST,
        };
        self.next = Instant::now().checked_add(shortest.max(left / self.processors));
        Ok(used > self.most)
    }
}

/// How many processors the machine has: the container may be allowed more of them than we are.
fn processors() -> Option<u32> {
    let listed = std::fs::read("/sys/devices/system/cpu/online").ok()?;
    NumberSet::new(listed.trim_ascii_end()).map(|set| set.count())
}
