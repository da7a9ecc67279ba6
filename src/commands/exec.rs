//! `mydocker exec`: finds the container, and what it was asked for; the rest is the runtime's.

use crate::docker::ExecArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::another::{self, Made, not_running};
use crate::runtime::stored;
use crate::store::{self, Entry, Process, State, Status};
use crate::sys::invocation::Invocation;

pub fn run(arguments: &ExecArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    let entry = store::find(arguments.state.as_deref(), &arguments.container)?;
    let (first, state) = running(&entry)?;
    let made = Made {
        word: entry.word(),
        arguments: stored::arguments(&entry.config)?,
        host_name: entry.id.short(),
        pid: first.pid,
        start_time: first.start_time,
        cgroups: state.cgroups,
        answers: stored::answers(entry.config),
    };
    another::run(arguments, &made, invocation)
}

/// Its first process, if it can be entered now. In docker's words if not.
fn running(entry: &Entry) -> Result<(Process, State), Error> {
    let look = entry.look()?;
    let word = entry.word();
    let message = match (look.status, look.state.first) {
        (Status::Running, Some(first)) => return Ok((first, look.state)),
        (Status::Paused, _) => {
            format!("Container {word} is paused, unpause the container before exec")
        }
        (Status::Restarting, _) => {
            format!("Container {word} is restarting, wait until the container is running")
        }
        _ => return Err(not_running(&word)),
    };
    Err(Error::failure(&message))
}
