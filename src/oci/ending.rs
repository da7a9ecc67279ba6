//! How containers are ended: their first process, or all that is in their cgroups.

use super::store::Record;
use crate::error::Error;
use crate::sys::process_start::{self, State};
use crate::sys::{Errno, process};
use std::time::{Duration, Instant};

/// How long who is killed may take to end, as in runc.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Sends a signal to the first process, and to no other that has got its number.
///
/// Errors: ESRCH if it has ended.
pub fn signal(record: &Record, signal: i32) -> Result<(), Errno> {
    if record.pid == 0 {
        return Err(Errno::ESRCH);
    }
    let is_alive = || match process_start::state(record.pid, record.start_time)? {
        State::Alive => Ok(()),
        State::Ended => Err(Errno::ESRCH),
    };
    match process::open(record.pid) {
        Ok(pidfd) => {
            // Looked at when it is held.
            is_alive()?;
            process::signal(std::os::fd::AsFd::as_fd(&pidfd), signal)
        }
        // A kernel before 5.3, or a filter in the way.
        Err(Errno::ENOSYS | Errno::EPERM | Errno::EINVAL) => {
            is_alive()?;
            process::kill(record.pid, signal)
        }
        Err(errno) => Err(errno),
    }
}

/// Kills all that is in the container, and waits for the end.
///
/// Errors: something lives on.
pub fn end(record: &Record) -> Result<(), Error> {
    match signal(record, libc::SIGKILL) {
        // All others in its PID namespace have ended before it.
        Err(Errno::ESRCH) if record.pid != 0 && !record.shares_pids => return Ok(()),
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => return Err(Error::new("kill", format!("process {}", record.pid), errno)),
    }
    // Others live on where the PID namespace does; or, if nothing is known of a first process, there may be one all the same.
    if record.shares_pids || record.pid == 0 {
        record.cgroups.kill(libc::SIGKILL)?;
    } else {
        record.cgroups.thaw();
    }
    if record.pid == 0 {
        return Ok(());
    }
    let begin = Instant::now();
    let mut pause = PAUSE;
    while process_start::state(record.pid, record.start_time) == Ok(State::Alive) {
        if begin.elapsed() > PATIENCE {
            return Err(Error::told("container init still running"));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
        // A `pause` at the same moment may have frozen it once more.
        record.cgroups.thaw();
    }
    Ok(())
}
