//! `mydocker rm`: containers that do not run are removed, and with `-f` those that do, which are killed first.

use super::each::{Done, each};
use super::stopped;
use crate::control::{Caller, Patience, Request};
use crate::docker::RmArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use crate::store::{Entry, Look, Process, Status, Store};
use crate::sys::{Errno, descriptor};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// How long a monitor may take to do what it is asked to before it is killed itself: longer than the kernel takes to end
/// a container of many processes.
const LONGEST: Duration = Duration::from_secs(10);

/// How often a container may be started anew just as it has been killed.
const TRIES: u32 = 8;

/// Removes each of them, and prints what it was called.
///
/// Errors: stdout cannot be written.
pub fn run(arguments: &RmArgs) -> Result<ExitCode, Error> {
    each(&arguments.containers, |word| {
        let is_removed = match arguments.force {
            true => remove_by_force(arguments.state.as_deref(), word)?,
            false => {
                remove(arguments.state.as_deref(), word)?;
                true
            }
        };
        Ok(match is_removed {
            true => Done::Yes,
            false => Done::Nothing,
        })
    })
}

fn remove(state: Option<&OsStr>, word: &OsStr) -> Result<(), Error> {
    let (entry, look) = heal::find(state, word)?;
    refuse_live(word, &look)?;
    let owned = entry.take()?;
    // It may have been started anew, and have ended.
    refuse_live(word, &entry.look()?)?;
    owned.remove()
}

/// Docker's words for it.
fn refuse_live(word: &OsStr, look: &Look) -> Result<(), Error> {
    if !look.state.phase.is_live() {
        return Ok(());
    }
    let first = match look.status {
        Status::Paused => " and must be unpaused first",
        _ => ": stop the container before removing or force remove",
    };
    Err(Error::failure(&format!(
        "cannot remove container \"{}\": container is {}{first}",
        word.to_string_lossy(),
        look.status.word(),
    )))
}

/// Whether there was one.
fn remove_by_force(state: Option<&OsStr>, word: &OsStr) -> Result<bool, Error> {
    let meant = Store::look(state)?.map(|store| store.meant_to_be_removed(word));
    let Some(entry) = meant.transpose()?.flatten() else {
        return Ok(false);
    };
    for attempt in 0..TRIES {
        let look = match heal::look(&entry) {
            // With `--rm` its monitor removes it.
            Ok(None) => return Ok(true),
            // Who cannot be asked how it is has no say in it.
            Err(_) if entry.state().is_err() => None,
            look => look?,
        };
        if let Some(look) = look.as_ref().filter(|look| look.state.phase.is_live()) {
            kill(&entry, look.state.monitor, attempt)?;
            continue;
        }
        match entry.take_soon() {
            Ok(owned) => return owned.remove().map(|()| true),
            Err(Errno::ENOENT) => return Ok(true),
            // It has been started just now; or it runs, and its state does not tell.
            Err(Errno::EAGAIN) if look.is_some() => {}
            Err(Errno::EAGAIN) => kill(&entry, None, attempt)?,
            Err(errno) => return Err(entry.not_taken(errno)),
        }
    }
    Err(entry.not_taken(Errno::EAGAIN))
}

/// Has a container that runs killed by its monitor; one that does not answer is killed itself, and who looks next puts right
/// what it has left.
fn kill(entry: &Entry, monitor: Option<Process>, attempt: u32) -> Result<(), Error> {
    if let Some(monitor) = monitor {
        stopped::wake_monitor(monitor);
    }
    let is_over = match entry.call()? {
        Caller::Connected(socket) => {
            let request = Request::Stop {
                signal: Some(libc::SIGKILL),
                patience: Some(Patience::Seconds(0)),
            };
            let sent = descriptor::send_without_waiting(socket.as_fd(), &request.encode());
            sent.is_ok() && is_closed_in_time(socket.as_fd())?
        }
        // It is about to listen, or has just ended.
        Caller::NoOne => {
            std::thread::sleep(Duration::from_millis(50));
            attempt < TRIES / 2
        }
    };
    match monitor.filter(|_| !is_over) {
        // One that is not known by its number, and does not answer, is left alone.
        None if !is_over => Err(entry.not_taken(Errno::EAGAIN)),
        Some(monitor) => heal::end(monitor).map_err(|errno| {
            let what = format!(
                "process {}, the monitor of container {}",
                monitor.pid,
                entry.word()
            );
            Error::new("end", what, errno)
        }),
        None => Ok(()),
    }
}

/// Whether the connection has ended in time. What is answered before is of no interest.
fn is_closed_in_time(socket: BorrowedFd<'_>) -> Result<bool, Error> {
    let start = Instant::now();
    while !stopped::is_closed_soon(socket)? {
        if start.elapsed() > LONGEST {
            return Ok(false);
        }
    }
    Ok(true)
}
