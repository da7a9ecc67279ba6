//! `mydocker pause`: containers whose processes are held where they are.

use super::each::{Done, each};
use crate::control::{self, Answer, Caller, Request};
use crate::docker::PauseArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use crate::store::{Entry, Status};
use std::ffi::OsStr;
use std::os::fd::AsFd;

pub fn run(arguments: &PauseArgs) -> Result<ExitCode, Error> {
    each(&arguments.containers, |word| {
        let (entry, look) = heal::find(arguments.state.as_deref(), word)?;
        let why_not = match look.status {
            Status::Running => return ask(&entry, word, Request::Pause),
            Status::Paused => "is already paused",
            Status::Restarting => "is restarting, wait until the container is running",
            Status::Created | Status::Exited | Status::Dead => "is not running",
        };
        Err(refused(word, why_not))
    })
}

/// Has a container paused, or let go on, by its monitor, which writes that down.
pub(super) fn ask(entry: &Entry, word: &OsStr, request: Request) -> Result<Done, Error> {
    let Caller::Connected(monitor) = entry.call()? else {
        return Err(refused(word, "is not running"));
    };
    match control::call(monitor.as_fd(), request)? {
        Some(Answer::Done | Answer::Attached(_)) => Ok(Done::Yes),
        Some(Answer::Refused(why)) => {
            let doing = match request {
                Request::Pause => "pause",
                _ => "unpause",
            };
            let word = word.to_string_lossy();
            Err(Error::failure(&format!(
                "cannot {doing} container {word}: {why}"
            )))
        }
        // It has ended since we looked.
        None => Err(refused(word, "is not running")),
    }
}

/// In docker's words.
pub(super) fn refused(word: &OsStr, why: &str) -> Error {
    Error::failure(&format!("Container {} {why}", word.to_string_lossy()))
}
