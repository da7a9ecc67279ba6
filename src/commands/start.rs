//! `mydocker start`.

use super::attach::{self, How};
use super::attached;
use super::each::{Done, each};
use crate::docker::{LogArgs, StartArgs};
use crate::error::{Error, ExitCode};
use crate::guard::{Acquire, Request};
use crate::log::{Level, Log};
use crate::runtime::heal;
use crate::runtime::logging;
use crate::runtime::sealed_exe::OwnFile;
use crate::runtime::stored::{self, Early, Started, Stored};
use crate::store::{self, Entry, Owned, Status};
use crate::sys::invocation::Invocation;
use std::ffi::{OsStr, OsString};

/// Starts containers that do not run.
pub fn run(arguments: &StartArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(&LogArgs::default(), Level::Warn, |log| {
        let state = arguments.state.as_deref();
        be_a_copy(state, &arguments.containers, invocation)?;
        match arguments.containers.as_slice() {
            [word] if arguments.attach || arguments.interactive => {
                start_attached(arguments, word, log)
            }
            words => each(words, |word| start(state, word, log)),
        }
    })
}

/// Goes on in a copy of mydocker's file, if one of the containers could get hold of the file. Before any of them is
/// started, for everything begins again then.
pub fn be_a_copy(
    state: Option<&OsStr>,
    words: &[OsString],
    invocation: &Invocation,
) -> Result<(), Error> {
    for word in words {
        // What is wrong with it is said when it is its turn.
        if let Ok(entry) = store::find(state, word)
            && let Ok(asked) = stored::arguments(&entry.config)
        {
            OwnFile::look(&asked, invocation)?.acquire()?;
        }
    }
    Ok(())
}

/// Starts a container, if it does not run.
pub fn start(state: Option<&OsStr>, word: &OsStr, log: &Log) -> Result<Done, Error> {
    let (entry, look) = heal::find(state, word)?;
    if runs(&entry, look.status)? {
        // As docker has it, that is no mistake.
        return Ok(Done::Yes);
    }
    let stored = Stored::again(take(&entry)?)?;
    Ok(match stored::in_background(stored, &mut None, log)? {
        Started::Running => Done::Yes,
        // By its monitor.
        Started::Failed(_) => Done::No,
    })
}

/// Starts one and stays with it. Who is attached before it is started misses nothing.
fn start_attached(arguments: &StartArgs, word: &OsStr, log: &Log) -> Result<ExitCode, Error> {
    let (entry, look) = heal::find(arguments.state.as_deref(), word)?;
    let how = How {
        input: arguments.interactive,
        detach_keys: arguments.detach_keys.as_deref(),
        hands_signals_on: true,
    };
    if runs(&entry, look.status)? {
        return attach::to(&entry, &how);
    }
    let stored = Stored::again(take(&entry)?)?;
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

/// Takes the lock of one that does not run. One that has ended just now still has its monitor for a moment.
fn take(entry: &Entry) -> Result<Owned, Error> {
    let owned = entry.take_soon().map_err(|errno| entry.not_taken(errno))?;
    // Someone may have started it since we have looked, and have been killed with it.
    if owned.state()?.phase.is_live() {
        heal::heal(owned, &entry.config)?;
        return entry.take();
    }
    Ok(owned)
}

/// Whether it runs already.
fn runs(entry: &Entry, status: Status) -> Result<bool, Error> {
    match status {
        Status::Running | Status::Restarting => Ok(true),
        Status::Paused => Err(Error::failure(&format!(
            "cannot start container {}: it is paused, unpause it first",
            entry.word()
        ))),
        Status::Created | Status::Exited | Status::Dead => Ok(false),
    }
}
