//! What a container uses while it runs.

use super::{Opened, Version};
use crate::cgroup::Controller;
use crate::cgroup::directory::Directory;
use crate::cgroup::usage::{named, number};
use std::ffi::CStr;
use std::time::Duration;

/// `None`: no cgroup of the container counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub memory: Option<MemoryLoad>,
    /// Of all processes that there are and were.
    pub processor_time: Option<Duration>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Bytes that were read from disks, and written.
    pub blocks: Option<[u64; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLoad {
    /// Bytes, without those of files that were not used lately: the kernel takes these back at any time. As docker
    /// counts.
    pub used: u64,
    /// `None`: as much as the machine has.
    pub limit: Option<u64>,
}

impl Opened {
    #[cold]
    #[inline(never)]
    pub fn load(&self) -> Load {
        let with = |controller| self.with(controller);
        let time_of_v1 = self.of_v1(Controller::CpuAccounting);
        Load {
            memory: with(Controller::Memory)
                .and_then(|(directory, version)| memory(directory, version)),
            processor_time: match (time_of_v1, self.of_v2()) {
                (Some(v1), _) => number(v1, c"cpuacct.usage").map(Duration::from_nanos),
                (None, Some(v2)) => named(v2, c"cpu.stat", "usage_usec").map(Duration::from_micros),
                (None, None) => None,
            },
            processes: with(Controller::Pids)
                .and_then(|(directory, _)| number(directory, c"pids.current")),
            blocks: with(Controller::Io).and_then(|(directory, version)| match version {
                Version::V1 => blocks_of_v1(directory),
                Version::V2 => directory
                    .read(c"io.stat")
                    .ok()
                    .map(|stat| blocks_of_v2(&stat)),
            }),
        }
    }
}

fn memory(directory: &Directory, version: Version) -> Option<MemoryLoad> {
    let (usage, limit, idle) = match version {
        Version::V1 => (
            c"memory.usage_in_bytes",
            c"memory.limit_in_bytes",
            "total_inactive_file",
        ),
        Version::V2 => (c"memory.current", c"memory.max", "inactive_file"),
    };
    let usage = number(directory, usage)?;
    let idle = named(directory, c"memory.stat", idle).unwrap_or(0);
    Some(MemoryLoad {
        used: usage.saturating_sub(idle),
        // v1 has a number for none, almost as large as can be.
        limit: number(directory, limit).filter(|limit| *limit < 1 << 62),
    })
}

/// What all disks have done, whoever schedules it, and in the cgroups of its own that a container has made.
fn blocks_of_v1(directory: &Directory) -> Option<[u64; 2]> {
    const FILES: [&CStr; 3] = [
        c"blkio.bfq.io_service_bytes_recursive",
        c"blkio.throttle.io_service_bytes_recursive",
        // Before Linux 5.5.
        c"blkio.throttle.io_service_bytes",
    ];
    let read = FILES.iter().filter_map(|file| directory.read(file).ok());
    let sums = read.map(|content| {
        ["Read", "Write"].map(|kind| {
            // 8:0 Read 4096
            let lines = content.lines().filter_map(|line| {
                let mut words = line.split(' ').skip(1);
                (words.next() == Some(kind)).then(|| words.next()?.parse::<u64>().ok())?
            });
            lines.sum()
        })
    });
    sums.reduce(|one, other| if other == [0, 0] { one } else { other })
}

fn blocks_of_v2(stat: &str) -> [u64; 2] {
    ["rbytes=", "wbytes="].map(|key| {
        // 8:0 rbytes=4096 wbytes=0 rios=1
        let mut words = stat.split_ascii_whitespace();
        let numbers = words.by_ref();
        numbers
            .filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok())
            .sum()
    })
}
