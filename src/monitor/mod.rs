//! What the parent does while the command runs: hand signals on, and wait.

mod channel;
mod console;
mod cpu_time;
pub mod desk;
pub mod detached;
mod disposition;
mod group;
mod keys;
pub mod line;
pub mod relay;
pub mod signals;
mod supervisor;

use crate::cgroup::Usage;
use crate::error::ExitCode;
use crate::sys::process::{Ended, ResourceUsage};
use crate::verdict::Reason;
pub use cpu_time::CpuTime;
use std::time::Duration;
pub use supervisor::Supervisor;

/// How a container ended, and when.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub exit: ExitCode,
    pub reason: Reason,
    /// The command's own end. `None`: it is not known.
    pub ended: Option<Ended>,
    /// By the monotonic clock, if the run is timed.
    pub at: Option<u64>,
    /// What its first process has used, and those that it has waited for, if the run is timed.
    pub used: Option<ResourceUsage>,
    /// Bytes that it wrote to stdout and stderr, if they were relayed.
    pub output: Option<u64>,
    /// The last signal that it got was a ^C that a person typed.
    pub interrupted: bool,
}

impl End {
    /// What its cgroups have counted tells whose SIGKILL it was.
    #[cold]
    #[inline(never)]
    pub fn is_known_with(&mut self, usage: &Usage) {
        let killed = self.ended == Some(Ended::Signaled(libc::SIGKILL));
        if self.reason == Reason::Signaled && killed && usage.oom_kills > Some(0) {
            self.reason = Reason::OutOfMemory;
        }
    }
}

/// For poll(2). Up, or the last fraction of one would be spent asking.
fn milliseconds(left: Duration) -> i32 {
    i32::try_from(left.as_millis())
        .unwrap_or(i32::MAX)
        .saturating_add(1)
}

/// The sooner of a timeout in milliseconds, of which -1 stands for none, and the end of what is left.
fn sooner(timeout: i32, left: Option<Duration>) -> i32 {
    match left.map(milliseconds) {
        None => timeout,
        Some(left) if timeout < 0 => left,
        Some(left) => timeout.min(left),
    }
}
