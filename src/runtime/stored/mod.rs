//! Containers that stay: each has a directory in the store, and a monitor while it runs.
//!
//! ```text
//! made        what was asked is understood and written down
//! background  the monitor goes where no one waits for it
//! lives       one life of the container after the other, by its restart policy
//! chronicle   what the store says meanwhile
//! ```
//!
//! A life is the story of a run, the one that a container has of which nothing stays.

mod background;
mod chronicle;
mod directory;
mod lives;
mod made;

use super::logging;
use super::origin::Answers;
use super::sealed_exe::OwnFile;
use super::standard::StreamsOf;
use crate::docker::{self, LogArgs, RunArgs};
use crate::error::{Error, ExitCode};
use crate::guard::{Acquire, Request};
use crate::log::{Level, Log};
use crate::standard_streams;
use crate::store::{Config, Owned};
use crate::sys::invocation::Invocation;
use crate::sys::{inherited, local_socket};
use lives::Last;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A container of the store's whose lock we have.
pub struct Stored {
    pub arguments: RunArgs,
    pub answers: Answers,
    pub owned: Owned,
}

/// Makes a container and starts it. In the foreground this ends with it, and with its exit code.
#[cold]
#[inline(never)]
pub fn run(arguments: &RunArgs, log: &LogArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(log, Level::Warn, |log| {
        OwnFile::look(arguments, invocation)?.acquire()?;
        let words = docker::words_of_run(invocation.arguments());
        let stored = made::make(arguments, words)?;
        match arguments.detach {
            true => {
                let id = stored.owned.id.to_string();
                match in_background(stored, &mut None, log)? {
                    Started::Running => print(&id),
                    Started::Failed(exit) => Ok(exit),
                }
            }
            false => in_foreground(stored, log),
        }
    })
}

/// Makes a container that does not run.
#[cold]
#[inline(never)]
pub fn create(arguments: &RunArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    let words = docker::words_of_run(invocation.arguments());
    let stored = made::make(arguments, words)?;
    print(&stored.owned.id.to_string())
}

impl Stored {
    /// A container that was made before.
    ///
    /// Errors: what was written down is not understood any more.
    pub fn again(owned: Owned) -> Result<Self, Error> {
        let config = owned.config()?;
        Ok(Self {
            arguments: arguments(&config)?,
            answers: answers(config),
            owned,
        })
    }

    /// What is asked of it by now, as far as that can be read: `update` may have changed it.
    fn asked_by_now(&self) -> RunArgs {
        let read = self.owned.config().and_then(|config| arguments(&config));
        read.unwrap_or_else(|_| self.arguments.clone())
    }

    /// Its last life has ended: with `--rm` nothing of it stays.
    fn end(self) {
        if self.arguments.rm {
            // What cannot be removed is half removed by then, and finished by whoever meets it.
            let _ = self.owned.remove();
        }
    }
}

/// What a container was asked for, read again.
pub fn arguments(config: &Config) -> Result<RunArgs, Error> {
    let is_directory = |word: &OsStr| config.directories.iter().any(|known| known == word);
    let mut arguments = docker::read_again(&config.words, &is_directory)?;
    docker::update(&mut arguments, &config.updates)?;
    arguments.stays = true;
    Ok(arguments)
}

/// What the reading of its command line has asked of the caller.
pub fn answers(config: Config) -> Answers {
    Answers {
        directory: config.directory,
        variables: config.variables,
        files: config.files,
        directories: config.directories,
    }
}

/// How the start of a container in the background has gone.
pub enum Started {
    Running,
    /// Its monitor has said why not; this is the exit code for it.
    Failed(ExitCode),
}

/// The connection of someone who is attached before a container is started.
pub struct Early {
    callers: OwnedFd,
    monitors: OwnedFd,
}

impl Early {
    pub fn new() -> Result<Self, Error> {
        let (callers, monitors) = local_socket::pair()
            .map_err(|errno| Error::new("socketpair", "to the monitor", errno))?;
        Ok(Self { callers, monitors })
    }

    pub fn callers(&self) -> BorrowedFd<'_> {
        self.callers.as_fd()
    }

    /// The caller's end, when the monitor has its own.
    pub fn into_callers(self) -> OwnedFd {
        self.callers
    }
}

/// Starts a container in the background, and waits until its command runs.
pub fn in_background(
    stored: Stored,
    early: &mut Option<Early>,
    log: &Log,
) -> Result<Started, Error> {
    let kept = callers_files(&stored.arguments);
    let exit = background::start(&kept, |teller| {
        let mut teller = Some(teller);
        // The monitor's copy of the caller's end is closed, or the caller would never be seen to leave.
        let early = early.take().map(|early| early.monitors);
        let caller = (&mut teller, early);
        if let Err(error) = lives::lead(&stored, StreamsOf::Monitor, caller, log) {
            log.say(&error);
            if let Some(teller) = teller {
                teller.failed(error.exit());
            }
        }
        stored.end();
        ExitCode::SUCCESS
    })?;
    Ok(match exit {
        ExitCode::SUCCESS => Started::Running,
        exit => Started::Failed(exit),
    })
}

/// Starts a container here, and ends as it ends.
fn in_foreground(stored: Stored, log: &Log) -> Result<ExitCode, Error> {
    let last = lives::lead(&stored, StreamsOf::Caller, (&mut None, None), log);
    let arguments = stored.arguments.clone();
    stored.end();
    match last? {
        Last::Ended(settled) => settled.leave(&arguments),
        Last::Failed(error) => Err(error),
    }
}

/// Descriptors of the caller's that were named by their numbers.
fn callers_files(arguments: &RunArgs) -> Vec<BorrowedFd<'static>> {
    let named = [&arguments.report, &arguments.timing];
    let numbers = named.into_iter().flatten().filter_map(|word| {
        let number = word.to_str()?.strip_prefix("fd:")?;
        number.parse().ok()
    });
    numbers
        .filter_map(|number| inherited::callers(number).ok())
        .collect()
}

fn print(id: &str) -> Result<ExitCode, Error> {
    standard_streams::answer(format!("{id}\n").as_bytes())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}
