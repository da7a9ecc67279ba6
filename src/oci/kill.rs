//! `oci kill`: a signal for a container's first process, or for all of its processes.

use super::command_line::{Globals, KillArgs};
use super::store::{Status, Store};
use super::{ending, words};
use crate::error::{Error, ExitCode};
use crate::monitor::signals::ends_by_default;
use crate::sys::Errno;

/// Errors: it does not exist, it has ended, or may not be sent a signal.
pub fn run(arguments: &KillArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let entry = Store::open(globals)?.find(&arguments.id)?;
    let record = entry.record()?;
    let status = entry.status(&record)?;
    // Without a PID namespace of its own nothing ends with the first process.
    let ends_all = record.shares_pids && arguments.signal == libc::SIGKILL;
    let has_others = !record.cgroups.is_empty();
    if has_others && (arguments.all || ends_all) {
        return match (status, arguments.all) {
            // It may have left others behind.
            (Status::Stopped, false) if record.cgroups.processes()?.is_empty() => {
                Err(words::not_running(&arguments.id))
            }
            _ => record
                .cgroups
                .kill(arguments.signal)
                .map(|()| ExitCode::SUCCESS),
        };
    }
    if status == Status::Stopped {
        return Err(words::not_running(&arguments.id));
    }
    // Who waits for its start has no handlers, and as the first process of its PID namespace the kernel would spare it.
    let waits = matches!(status, Status::Created | Status::Creating);
    let signal = match arguments.signal {
        signal if waits && signal != 0 && ends_by_default(signal) => libc::SIGKILL,
        signal => signal,
    };
    match ending::signal(&record, signal) {
        Ok(()) => {}
        Err(Errno::ESRCH) => return Err(words::not_running(&arguments.id)),
        Err(errno) => {
            return Err(Error::new(
                "signal",
                format!("container {}", arguments.id),
                errno,
            ));
        }
    }
    if signal == libc::SIGKILL {
        // Who is frozen by v1 does not die before it is thawed.
        record.cgroups.thaw();
    }
    Ok(ExitCode::SUCCESS)
}
