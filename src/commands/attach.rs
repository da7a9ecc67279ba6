//! `mydocker attach`.

use super::attached::{self, Wishes, keys};
use super::called;
use crate::control::{self, Attached, Caller, Request};
use crate::docker::AttachArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use crate::store::{Entry, Status};
use std::os::fd::{AsFd, OwnedFd};

/// Attaches to a container that runs.
pub fn run(arguments: &AttachArgs) -> Result<ExitCode, Error> {
    let (entry, _) = heal::find(arguments.state.as_deref(), &arguments.container)?;
    let how = How {
        input: !arguments.no_stdin,
        detach_keys: arguments.detach_keys.as_deref(),
        hands_signals_on: arguments.signal_proxy,
    };
    to(&entry, &how)
}

/// How someone is attached.
pub struct How<'h> {
    /// What is typed is for the container.
    pub input: bool,
    /// `None`: docker's.
    pub detach_keys: Option<&'h [u8]>,
    /// Signals are for the container.
    pub hands_signals_on: bool,
}

/// Attaches to a container until it has ended, and exits as it does.
pub fn to(entry: &Entry, how: &How<'_>) -> Result<ExitCode, Error> {
    loop {
        match entry.look()?.status {
            Status::Paused => return Err(refused("paused container, unpause it first")),
            Status::Restarting => {
                return Err(refused("restarting container, wait until it is running"));
            }
            _ => {}
        }
        let Some(socket) = called::call(entry)? else {
            return Err(refused("stopped container, start it first"));
        };
        attached::ask(socket.as_fd(), how.input)?;
        // Else it has just ended, and may be started again.
        if let Some(attached) = attached::answer(socket.as_fd())? {
            return how.stay((socket, attached), entry);
        }
    }
}

/// Goes on with a connection on which that has been asked before the container was started.
pub fn from_the_start(socket: OwnedFd, entry: &Entry, how: &How<'_>) -> Result<ExitCode, Error> {
    match attached::answer(socket.as_fd())? {
        Some(attached) => how.stay((socket, attached), entry),
        None => Err(attached::monitor_is_gone()),
    }
}

impl How<'_> {
    fn stay(
        &self,
        (socket, attached): (OwnedFd, Attached),
        entry: &Entry,
    ) -> Result<ExitCode, Error> {
        let hand_on = |signal| hand_on(entry, signal);
        let wishes = Wishes {
            detach_keys: self.detach_keys.unwrap_or(&keys::USUAL).to_vec(),
            hand_on: match self.hands_signals_on {
                true => Some(&hand_on),
                false => None,
            },
        };
        attached::accompany(socket, attached, wishes)
    }
}

fn refused(why: &str) -> Error {
    Error::failure(&format!("You cannot attach to a {why}"))
}

/// Hands a signal on to the container, by a connection of its own: what is typed may wait for its reader.
fn hand_on(entry: &Entry, signal: i32) {
    // If it has ended meanwhile, the other connection tells.
    if let Ok(Caller::Connected(socket)) = entry.call() {
        let _ = control::call(socket.as_fd(), Request::Kill { signal });
    }
}
