//! `mydocker wait`: the exit codes of containers, when they have ended.

use super::each::{Done, each};
use crate::control::{self, Caller};
use crate::docker::WaitArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use crate::store::{Entry, Look};
use crate::sys::Errno;
use std::ffi::OsStr;
use std::os::fd::AsFd;

/// Waits for each of them, and prints the exit code of each, a line each. One that does not run has ended, as docker has it,
/// also if it has never run.
///
/// Errors: stdout cannot be written.
pub fn run(arguments: &WaitArgs) -> Result<ExitCode, Error> {
    each(&arguments.containers, |word| {
        let exit = exit(arguments.state.as_deref(), word)?;
        Ok(Done::Line(exit.to_string()))
    })
}

/// The exit code of a container that has ended, or will have by then.
fn exit(state: Option<&OsStr>, word: &OsStr) -> Result<u8, Error> {
    let (entry, look) = heal::find(state, word)?;
    if !look.state.phase.is_live() {
        return Ok(look.state.exit.unwrap_or_default());
    }
    // Held from before its end: it may be gone by then, or run anew.
    let watch = entry
        .watch()
        .map_err(|errno| entry.or_removed(Error::new("watch container", entry.word(), errno)))?;
    let before = entry.look()?;
    if before.state.phase.is_live() {
        until_its_end(&entry, &before)?;
    }
    let look = heal::look(&entry)?;
    let exit = watch.exit().or(look.and_then(|look| look.state.exit));
    exit.ok_or_else(|| {
        Error::failure(&format!(
            "container {} has been removed, and with it how it has ended",
            entry.word()
        ))
    })
}

/// Waits until there is no monitor any more: it has written how its container has ended, or was killed.
fn until_its_end(entry: &Entry, look: &Look) -> Result<(), Error> {
    if let Some(monitor) = look.state.monitor {
        match heal::wait_until_gone(monitor) {
            // Without a /proc the monitor tells by its socket.
            Err(Errno::ENOENT | Errno::ENODEV) => {}
            waited => {
                return waited
                    .map_err(|errno| Error::new("wait for container", entry.word(), errno));
            }
        }
    }
    match entry.call()? {
        Caller::Connected(socket) => control::until_closed(socket.as_fd()),
        Caller::NoOne => Ok(()),
    }
}
