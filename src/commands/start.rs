//! `mydocker start`.

use super::attach::{self, How};
use super::attached;
use super::each::{Done, each};
use crate::docker::{LogArgs, StartArgs};
use crate::error::{Error, ExitCode};
use crate::guard::{Acquire, Request};
use crate::log::{Level, Log};
use crate::runtime::logging;
use crate::runtime::sealed_exe::OwnFile;
use crate::runtime::stored::{self, Early, Started, Stored};
use crate::store::{self, Entry, Status};
use crate::sys::invocation::Invocation;
use std::ffi::OsStr;

/// Starts containers that do not run.
pub fn run(arguments: &StartArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(&LogArgs::default(), Level::Warn, |log| {
        be_a_copy(arguments, invocation)?;
        if let (true, [word]) = (
            arguments.attach || arguments.interactive,
            arguments.containers.as_slice(),
        ) {
            return start_attached(arguments, word, log);
        }
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
    if runs(&entry)? {
        // As docker has it, that is no mistake.
        return Ok(Done::Yes);
    }
    let stored = Stored::again(entry.take()?)?;
    Ok(match stored::in_background(stored, &mut None, log)? {
        Started::Running => Done::Yes,
        // By its monitor.
        Started::Failed(_) => Done::No,
    })
}

/// Starts one and stays with it. Who is attached before it is started misses nothing.
fn start_attached(arguments: &StartArgs, word: &OsStr, log: &Log) -> Result<ExitCode, Error> {
    let entry = store::find(arguments.state.as_deref(), word)?;
    let how = How {
        input: arguments.interactive,
        detach_keys: arguments.detach_keys.as_deref(),
        hands_signals_on: true,
    };
    if runs(&entry)? {
        return attach::to(&entry, &how);
    }
    let stored = Stored::again(entry.take()?)?;
    let early = Early::new()?;
    attached::ask(early.callers(), how.input)?;
    let mut early = Some(early);
    match (stored::in_background(stored, &mut early, log)?, early) {
        (Started::Running, Some(early)) => {
            attach::from_the_start(early.into_callers(), &entry, &how)
        }
        (Started::Running, None) => Ok(ExitCode::SUCCESS),
        (Started::Failed(exit), _) => Ok(exit),
    }
}

/// Whether it runs already.
fn runs(entry: &Entry) -> Result<bool, Error> {
    match entry.look()?.status {
        Status::Running | Status::Restarting => Ok(true),
        Status::Paused => Err(Error::failure(&format!(
            "container {} is paused: unpause it",
            entry.word()
        ))),
        Status::Created | Status::Exited | Status::Dead => Ok(false),
    }
}
