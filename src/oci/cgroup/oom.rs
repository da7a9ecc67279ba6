//! Tells when memory was short in a container: by an event of v1, or by a change of v2's memory.events.

use super::open::Members;
use super::record::Records;
use crate::cgroup::{Directory, Version};
use crate::error::Error;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::{Errno, counter, watch};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

/// Who looks out for it.
pub struct Lookout {
    directory: Directory,
    version: Version,
    /// Can be read when it may have been.
    told: OwnedFd,
    /// Held open: the kernel tells of it for as long.
    _control: Option<OwnedFd>,
    /// How often it was, as far as is known.
    times: u64,
}

impl Lookout {
    /// `None`: nothing counts the container's memory.
    ///
    /// Errors: it cannot be looked at.
    #[cold]
    #[inline(never)]
    pub fn new(records: &Records) -> Result<Option<Self>, Error> {
        let record = records.of_v1("memory").or(records.of_v2());
        let Some(record) = record else {
            return Ok(None);
        };
        let one = Records(vec![record.clone()]);
        let Some(member) = Members::open(&one)?.0.pop() else {
            return Ok(None);
        };
        let directory = member.directory;
        let failed = |errno| {
            Error::new(
                "look out for want of memory in",
                record.path.to_bytes(),
                errno,
            )
        };
        let version = record.version();
        let (told, control) = match version {
            Version::V1 => ask(&directory).map_err(failed)?,
            Version::V2 => (watch::of_writes(&record.path).map_err(failed)?, None),
        };
        let mut lookout = Self {
            directory,
            version,
            told,
            _control: control,
            times: 0,
        };
        lookout.times = lookout.count().unwrap_or(0);
        Ok(Some(lookout))
    }

    /// How often memory was short since the last time, after a wait of at most so long. `None`: the cgroup is gone.
    pub fn wait(&mut self, longest: Duration) -> Option<u64> {
        let mut waiting = [Waiting::to_read(self.told.as_fd())];
        let milliseconds = i32::try_from(longest.as_millis()).unwrap_or(i32::MAX);
        let _ = descriptor::wait(&mut waiting, milliseconds);
        let events = match self.version {
            Version::V1 => counter::take(self.told.as_fd()).unwrap_or(0),
            Version::V2 => {
                watch::take(self.told.as_fd());
                0
            }
        };
        let Some(times) = self.count() else {
            // The end of a cgroup of v1 is an event too.
            let read = self.directory.read(c"cgroup.procs");
            let gone = matches!(read, Err(Errno::ENODEV | Errno::ENOENT));
            return (!gone).then_some(events);
        };
        let new = times.saturating_sub(self.times);
        self.times = times;
        // What the kernel tells of may be short without anyone being killed.
        Some(new.max(events))
    }

    /// The times that the kernel has counted. `None`: it counts none, before Linux 4.13.
    fn count(&self) -> Option<u64> {
        let file = match self.version {
            Version::V1 => c"memory.oom_control",
            Version::V2 => c"memory.events",
        };
        let content = self.directory.read(file).ok()?;
        let mut lines = content.lines();
        lines.find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
    }
}

/// Has the kernel write to a counter, as Documentation/admin-guide/cgroup-v1/memory.rst has it.
fn ask(directory: &Directory) -> Result<(OwnedFd, Option<OwnedFd>), Errno> {
    let told = counter::new()?;
    let control = directory.open_to_read(c"memory.oom_control")?;
    let words = format!(
        "{} {}",
        told.as_fd().as_raw_fd(),
        control.as_fd().as_raw_fd()
    );
    directory.write(c"cgroup.event_control", words.as_bytes())?;
    Ok((told, Some(control)))
}
