//! What a container has used up to a moment.

use crate::cgroup::{Load, Opened};
use crate::store::{Process, State};
use crate::sys::process_start;
use std::time::Instant;

pub struct Sample {
    pub at: Instant,
    /// `None`: it has no cgroup of its own.
    pub load: Option<Load>,
    /// Bytes that have come over its network, and gone. `None`: that is not seen.
    pub network: Option<[u64; 2]>,
}

impl Sample {
    /// `None`: it has just ended.
    pub fn take(state: &State) -> Option<Self> {
        let load = match state.cgroups.is_empty() {
            true => None,
            false => Some(Opened::by(&state.cgroups).ok()?.load()),
        };
        Some(Self {
            at: Instant::now(),
            load,
            network: network(state.first?),
        })
    }

    pub fn is_counted(&self) -> bool {
        self.load.is_some()
    }
}

/// What has come and gone over the interfaces of a network namespace, but for what stays in it. Nothing of the host's own:
/// that is not the container's.
fn network(first: Process) -> Option<[u64; 2]> {
    let namespace = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/net")).ok();
    let pid = first.pid.to_string();
    let is_hosts = namespace(&pid).is_some_and(|its| Some(its) == namespace("self"));
    let counted = std::fs::read_to_string(format!("/proc/{pid}/net/dev")).ok()?;
    // After it was read: the pid has not become another's before.
    if first.state() != Ok(process_start::State::Alive) {
        return None;
    }
    Some(if is_hosts { [0, 0] } else { sum(&counted) })
}

/// Of the lines of proc_pid_net(5)'s `dev`: `  eth0: BYTES` and seven others that have come, then as many that have gone.
fn sum(counted: &str) -> [u64; 2] {
    let mut sums = [0u64; 2];
    for line in counted.lines() {
        let Some((name, numbers)) = line.split_once(':') else {
            continue;
        };
        if name.trim_ascii() == "lo" {
            continue;
        }
        let numbers: Vec<u64> = numbers
            .split_ascii_whitespace()
            .map(|number| number.parse().unwrap_or(0))
            .collect();
        for (sum, at) in sums.iter_mut().zip([0, 8]) {
            *sum = sum.saturating_add(numbers.get(at).copied().unwrap_or(0));
        }
    }
    sums
}

/// Bytes that the machine has.
pub fn memory_of_host() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let mut lines = text.lines();
    let total = lines.find_map(|line| {
        let kibibytes = line.strip_prefix("MemTotal:")?.strip_suffix("kB")?;
        kibibytes.trim_ascii().parse::<u64>().ok()
    });
    total.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn interfaces_are_added_up() {
        let counted = "Inter-|   Receive                                                |  Transmit\n \
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls \
             carrier compressed\n    \
             lo:   900       9    0    0    0     0          0         0      900       9    0    0    0     0       0          0\n  \
             eth0:    10       1    0    0    0     0          0         0       20       1    0    0    0     0       0          0\n\
             veth@1:300 1 0 0 0 0 0 0 400 1 0 0 0 0 0 0\n";
        assert_eq!(sum(counted), [310, 420]);
        assert_eq!(sum(""), [0, 0]);
    }
}
