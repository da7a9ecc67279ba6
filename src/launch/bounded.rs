//! Waiting for a child no longer than --timeout allows: some that are killed do not end, held up by a file server that
//! does not answer.
//!
//! SIGCHLD is blocked by then, so that it can be waited for.

use crate::sys::process::{self, Ended, Patience};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid};
use std::time::{Duration, Instant};

/// How long one that is to end may take, where time matters.
const LAST: Duration = Duration::from_secs(1);

/// Until the child has ended, or `deadline` has come: then `None`.
pub fn wait(pid: Pid, deadline: Option<Instant>) -> Result<Option<Ended>, Errno> {
    let child = SignalSet::EMPTY.with(libc::SIGCHLD);
    let Some(deadline) = deadline else {
        let ended = process::wait(Some(pid), Patience::Wait)?;
        return Ok(ended.map(|(_, ended)| ended));
    };
    loop {
        if let Some((_, ended)) = process::wait(Some(pid), Patience::Look)? {
            return Ok(Some(ended));
        }
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Ok(None),
            left => drop(signal::wait_at_most(child, Some(left))?),
        }
    }
}

/// Until the child, which is about to end, has ended; not for long.
pub fn wait_a_moment(pid: Pid) -> Result<Option<Ended>, Errno> {
    match Instant::now().checked_add(LAST) {
        None => Ok(None),
        deadline => wait(pid, deadline),
    }
}

/// Kills the child, which has not been waited for, and waits for its end; with a deadline, which may have come, not for
/// long. It ends when it can: the signal waits for it.
pub fn end(pid: Pid, deadline: Option<Instant>) -> Result<Option<Ended>, Errno> {
    let _ = process::kill(pid, libc::SIGKILL);
    match deadline {
        None => wait(pid, None),
        Some(_) => wait_a_moment(pid),
    }
}
