//! How a container is: looked at, each time.

use super::record::Record;
use crate::error::Error;
use crate::sys::process_start::State;
use crate::sys::{Errno, Pid};
use std::os::fd::OwnedFd;

/// The specification's states of containers, and runc's `paused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `create` is at work.
    Creating,
    /// Its process waits for `start`.
    Created,
    Running,
    Paused,
    /// Its process has ended, or was never born.
    Stopped,
}

impl Status {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// What can be asked whether a process is there.
pub type Asked<'a> = &'a dyn Fn(Pid, u64) -> Result<State, Errno>;

/// `process`: what tells of processes; `is_locked`: whether someone is making it; `start`: the FIFO that a process waits at, if one does.
pub fn look(
    record: &Record,
    process: Asked<'_>,
    is_locked: &dyn Fn() -> bool,
    start: &dyn Fn() -> Result<Option<OwnedFd>, Error>,
) -> Result<Status, Error> {
    if record.pid == 0 {
        return Ok(match is_locked() {
            true => Status::Creating,
            false => Status::Stopped,
        });
    }
    match process(record.pid, record.start_time) {
        Ok(State::Alive) => {}
        Ok(State::Ended) | Err(Errno::ESRCH) => return Ok(Status::Stopped),
        Err(errno) => {
            let stat = format!("/proc/{}/stat", record.pid);
            return Err(Error::new("read", stat, errno));
        }
    }
    if record.cgroups.is_frozen()? {
        return Ok(Status::Paused);
    }
    Ok(match start()? {
        Some(_) => Status::Created,
        None => Status::Running,
    })
}
