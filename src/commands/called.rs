//! The monitor of a container, asked for something.

use super::stopped;
use crate::control::{self, Answer, Caller, Request};
use crate::error::Error;
use crate::store::{Entry, Status};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a monitor may take to begin, and how long someone may take who starts or removes a container.
const LONGEST: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// Calls the container's monitor; of one that is being started, when it listens. `None`: it does not run.
pub fn call(entry: &Entry) -> Result<Option<OwnedFd>, Error> {
    let start = Instant::now();
    loop {
        let look = entry.look()?;
        let is_live = matches!(
            look.status,
            Status::Running | Status::Paused | Status::Restarting
        );
        if !is_live && !entry.has_owner()? {
            return Ok(None);
        }
        if let Caller::Connected(socket) = entry.call()? {
            return Ok(Some(socket));
        }
        if start.elapsed() > LONGEST {
            return Err(Error::failure(&format!(
                "container {} is being started, stopped or removed by another command",
                entry.word()
            )));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Has the container's monitor do something. The connection ends when the container has. `None`: it does not run.
pub fn ask(entry: &Entry, request: Request) -> Result<Option<OwnedFd>, Error> {
    loop {
        let Some(socket) = call(entry)? else {
            return Ok(None);
        };
        control::send(socket.as_fd(), request)?;
        while !control::is_answered_in(socket.as_fd(), stopped::PATIENCE)? {
            // With `--rm` it may be gone.
            let look = entry.look().ok();
            if let Some(monitor) = look.and_then(|look| look.state.monitor) {
                stopped::wake_monitor(monitor);
            }
        }
        match control::answer(socket.as_fd())? {
            Some(Answer::Refused(why)) => {
                return Err(Error::failure(&format!("{}: {why}", entry.word())));
            }
            Some(_) => return Ok(Some(socket)),
            // It has just ended, and may be started again.
            None => {}
        }
    }
}
