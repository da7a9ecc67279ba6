//! What a container's cgroups have counted.

use super::directory::Directory;
use super::{Controller, Version};
use std::ffi::CStr;

/// What is known at a container's end. `None`: no cgroup of it counts that, or this kernel does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes.
    pub memory_peak: Option<u64>,
    /// Microseconds, of all its processes.
    pub processor_time: Option<u64>,
    /// Nanoseconds of it, in programs and in the kernel.
    pub user_time: Option<u64>,
    pub system_time: Option<u64>,
    /// Processes that the kernel has ended because memory was short.
    pub oom_kills: Option<u64>,
    /// Whether it was the container's own limit that was reached.
    pub own_limit_reached: bool,
    /// The most processes and threads that there were at a time.
    pub processes_peak: Option<u64>,
}

impl Usage {
    /// Adds what `directory` counts.
    pub(super) fn add(
        &mut self,
        directory: &Directory,
        version: Version,
        controllers: &[Controller],
    ) {
        if version == Version::V2 {
            let counted = |name| named(directory, c"cpu.stat", name);
            self.processor_time = counted("usage_usec").or(self.processor_time);
            let nanoseconds = |name| Some(counted(name)?.saturating_mul(1000));
            self.user_time = nanoseconds("user_usec").or(self.user_time);
            self.system_time = nanoseconds("system_usec").or(self.system_time);
        }
        for controller in controllers {
            match (controller, version) {
                (Controller::Memory, _) => {
                    self.memory_peak = number(
                        directory,
                        match version {
                            Version::V1 => c"memory.max_usage_in_bytes",
                            Version::V2 => c"memory.peak",
                        },
                    );
                    self.add_oom(directory, version);
                }
                (Controller::CpuAccounting, Version::V1) => {
                    let nanoseconds = number(directory, c"cpuacct.usage");
                    self.processor_time = nanoseconds.map(|nanoseconds| nanoseconds / 1000);
                    // What a tick of the clock meets, so of a short run nothing: it tells the parts, and not the sum.
                    let part = |file, name| {
                        let ticks = || named(directory, c"cpuacct.stat", name);
                        number(directory, file).or_else(ticks)
                    };
                    let parts = part(c"cpuacct.usage_user", "user")
                        .zip(part(c"cpuacct.usage_sys", "system"));
                    (self.user_time, self.system_time) = match nanoseconds.zip(parts) {
                        Some((sum, parts)) => {
                            let user = share(sum, parts);
                            (Some(user), Some(sum - user))
                        }
                        None => (None, None),
                    };
                }
                (Controller::Pids, _) => self.processes_peak = number(directory, c"pids.peak"),
                _ => {}
            }
        }
    }

    /// Adds whether memory was short, of a cgroup that has its controller.
    pub(super) fn add_oom(&mut self, directory: &Directory, version: Version) {
        let file = match version {
            Version::V1 => c"memory.oom_control",
            Version::V2 => c"memory.events",
        };
        self.oom_kills = named(directory, file, "oom_kill");
        if self.oom_kills.is_none_or(|kills| kills == 0) {
            return;
        }
        self.own_limit_reached = match version {
            Version::V1 => is_at_its_limit(directory, version),
            Version::V2 => named(directory, file, "oom").is_some_and(|times| times > 0),
        };
    }
}

/// What of `sum` is the first of two parts, by their weights. As the kernel does: all of it if none of it is known.
fn share(sum: u64, (part, other): (u64, u64)) -> u64 {
    let whole = u128::from(part) + u128::from(other);
    let share = (u128::from(sum) * u128::from(part)).checked_div(whole);
    share.map_or(sum, |share| u64::try_from(share).unwrap_or(sum))
}

/// Whether a cgroup that has the memory controller has come to its own limit.
pub fn is_at_its_limit(directory: &Directory, version: Version) -> bool {
    match version {
        // Neither tells all: a large request fails far below the limit, and the counters of failures are not kept
        // for memory and swap together by every kernel.
        Version::V1 => [
            (
                c"memory.max_usage_in_bytes",
                c"memory.limit_in_bytes",
                c"memory.failcnt",
            ),
            (
                c"memory.memsw.max_usage_in_bytes",
                c"memory.memsw.limit_in_bytes",
                c"memory.memsw.failcnt",
            ),
        ]
        .into_iter()
        .any(|(peak, limit, failures)| {
            let both = number(directory, peak).zip(number(directory, limit));
            both.is_some_and(|(peak, limit)| is_reached(peak, limit))
                || number(directory, failures) > Some(0)
        }),
        Version::V2 => {
            let times = named(directory, c"memory.events", "max");
            times.is_some_and(|times| times > 0)
        }
    }
}

/// Memory is taken in portions, so the last ones before a limit may never be.
fn is_reached(peak: u64, limit: u64) -> bool {
    peak >= limit - limit / 64
}

pub fn number(directory: &Directory, file: &CStr) -> Option<u64> {
    directory.read(file).ok()?.parse().ok()
}

#[cold]
#[inline(never)]
pub fn named(directory: &Directory, file: &CStr, name: &str) -> Option<u64> {
    field(&directory.read(file).ok()?, name)
}

/// The number behind `name` in a file of lines `name number`.
pub fn field(content: &str, name: &str) -> Option<u64> {
    let mut lines = content.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{field, share};

    #[test]
    fn shares_add_up() {
        assert_eq!(share(100, (3, 1)), 75);
        assert_eq!(share(7, (0, 0)), 7);
        assert_eq!(share(7, (0, 5)), 0);
        assert_eq!(share(u64::MAX, (u64::MAX, 0)), u64::MAX);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0";
        assert_eq!(field(events, "oom"), Some(3));
        assert_eq!(field(events, "oom_kill"), Some(2));
        assert_eq!(field(events, "oom_"), None);
        assert_eq!(field("oom_kill_disable 0\nunder_oom 0", "oom_kill"), None);
    }
}
