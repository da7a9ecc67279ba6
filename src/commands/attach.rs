//! `mydocker attach`.

use super::attached::{self, Wishes, keys};
use super::called;
use crate::control::{self, Request};
use crate::docker::AttachArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use crate::store::{Entry, Status};
use std::os::fd::AsFd;

/// Attaches to a container that runs.
pub fn run(arguments: &AttachArgs) -> Result<ExitCode, Error> {
    let (entry, look) = heal::find(arguments.state.as_deref(), &arguments.container)?;
    match look.status {
        Status::Paused => return Err(refused("paused container, unpause it first")),
        Status::Restarting => {
            return Err(refused("restarting container, wait until it is running"));
        }
        _ => {}
    }
    let input = !arguments.no_stdin;
    let Some(socket) = called::call(&entry)? else {
        return Err(refused("stopped container, start it first"));
    };
    attached::ask(socket.as_fd(), input)?;
    let hand_on = |signal| hand_on(&entry, signal);
    let detach_keys = arguments.detach_keys.clone();
    let wishes = Wishes {
        input,
        detach_keys: detach_keys.unwrap_or_else(|| keys::USUAL.to_vec()),
        hand_on: arguments.signal_proxy.then_some(&hand_on),
    };
    attached::accompany(socket, wishes)
}

fn refused(why: &str) -> Error {
    Error::failure(&format!("You cannot attach to a {why}"))
}

/// Hands a signal on to the container, by a connection of its own: what is typed may wait for its reader.
pub fn hand_on(entry: &Entry, signal: i32) {
    // If it has ended meanwhile, the other connection tells.
    if let Ok(control::Caller::Connected(socket)) = entry.call() {
        let _ = control::call(socket.as_fd(), Request::Kill { signal });
    }
}
