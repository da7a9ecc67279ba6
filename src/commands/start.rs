//! `mydocker start`.

use super::each::{Done, each};
use crate::docker::{LogArgs, StartArgs};
use crate::error::{Error, ExitCode};
use crate::guard::{Acquire, Request};
use crate::log::{Level, Log};
use crate::runtime::logging;
use crate::runtime::sealed_exe::OwnFile;
use crate::runtime::stored::{self, Started, Stored};
use crate::store::{self, Status};
use crate::sys::invocation::Invocation;
use std::ffi::OsStr;

/// Starts containers that do not run.
pub fn run(arguments: &StartArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(&LogArgs::default(), Level::Warn, |log| {
        be_a_copy(arguments, invocation)?;
        each(&arguments.containers, |word| start(arguments, word, log))
    })
}

/// Goes on in a copy of mydocker's file, if one of the containers could get hold of the file. Before any of them is
/// started, for everything begins again then.
fn be_a_copy(arguments: &StartArgs, invocation: &Invocation) -> Result<(), Error> {
    for word in &arguments.containers {
        // What is wrong with it is said when it is its turn.
        if let Ok(entry) = store::find(arguments.state.as_deref(), word)
            && let Ok(asked) = stored::arguments(&entry.config)
        {
            OwnFile::look(&asked, invocation)?.acquire()?;
        }
    }
    Ok(())
}

fn start(arguments: &StartArgs, word: &OsStr, log: &Log) -> Result<Done, Error> {
    let entry = store::find(arguments.state.as_deref(), word)?;
    match entry.look()?.status {
        // As docker has it, that is no mistake.
        Status::Running | Status::Restarting => return Ok(Done::Yes),
        Status::Paused => {
            return Err(Error::failure(&format!(
                "container {} is paused: unpause it",
                entry.word()
            )));
        }
        Status::Created | Status::Exited | Status::Dead => {}
    }
    let stored = Stored::again(entry.take()?)?;
    Ok(match stored::in_background(stored, log)? {
        Started::Running => Done::Yes,
        // By its monitor.
        Started::Failed(_) => Done::No,
    })
}
