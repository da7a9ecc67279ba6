//! What the commands do: `run`, whose story `story.rs` tells, and `pool`.
//!
//! What a run asks for and acquires, and in which order, `asked.rs` says for `--explain` too (`explain.rs` above).

pub mod another;
pub mod asked;
pub mod batch;
mod boxes;
pub mod caller;
mod conclusion;
mod devices;
pub mod heal;
pub mod logging;
pub mod origin;
mod owners;
pub mod reporting;
pub mod sealed_exe;
mod security;
mod standard;
pub mod stored;
mod story;
mod told;

use crate::docker::LogArgs;
use crate::docker::RunArgs;
use crate::error::{Error, ExitCode};
use crate::guard::{Acquire, Request};
use crate::log::{self, Level, Log};
use crate::pool::{self, PoolArgs};

use crate::sys::invocation::Invocation;
use crate::timing::Beginning;
use boxes::keep::Boxes;
use caller::Asking;
use origin::Origin;
use reporting::Reporting;
use sealed_exe::OwnFile;
use standard::StreamsOf;
use std::time::Duration;

/// What a container is started by.
pub struct Setting<'a> {
    pub arguments: &'a RunArgs,
    pub asking: Asking<'a>,
    pub streams: StreamsOf,
    /// Whether another life of the container may follow, which needs 0 and 1 again.
    pub keeps_streams: bool,
    /// How long a signal that asks it to end may go unheeded, if there is an end to that.
    pub patience: Option<Duration>,
    pub log: &'a Log,
}

impl<'a> Setting<'a> {
    /// What this process was called for.
    pub fn of_caller(arguments: &'a RunArgs, log: &'a Log) -> Self {
        Self {
            arguments,
            asking: Asking {
                origin: Origin::Caller,
                host_name: None,
            },
            streams: match arguments.detach {
                true => StreamsOf::Monitor,
                false => StreamsOf::Caller,
            },
            keeps_streams: false,
            patience: None,
            log,
        }
    }
}

/// Runs a container and ends this process with its exit code. What goes wrong on the way is said here,
/// in the log or to the person who called, and then this returns the exit code for that.
pub fn run(
    arguments: &RunArgs,
    log: &LogArgs,
    invocation: &Invocation,
    beginning: Option<Beginning>,
) -> Result<ExitCode, Error> {
    let mut report = match &arguments.report {
        Some(file) => Some(reporting::Wanted::look(file)?.acquire()?),
        None => None,
    };
    let mut has_log = false;
    let outcome = logging::with_log::<Acquire>(log, Level::Warn, |log| {
        has_log = true;
        if report.is_some() {
            // The report is still to be written, and its status to be kept.
            log.keep_signals_blocked();
        }
        OwnFile::look(arguments, invocation)
            .and_then(OwnFile::acquire)
            .and_then(|()| {
                story::run(
                    &Setting::of_caller(arguments, log),
                    beginning,
                    report.as_mut(),
                )
            })
            .map(|never| match never {})
            .inspect_err(|error| failed(error, report.as_ref(), Some(log)))
    });
    match (outcome, &report) {
        (Err(error), Some(report)) if !has_log => {
            failed(&error, Some(report), None);
            log::complain_briefly(&error);
            Ok(error.exit())
        }
        (outcome, _) => outcome,
    }
}

#[cold]
#[inline(never)]
fn failed(error: &Error, report: Option<&Reporting>, log: Option<&Log>) {
    if let Some(report) = report {
        report.write(error.exit(), Some(error), log);
    }
}

/// Keeps a pool until a signal ends it.
pub fn keep_pool(arguments: &PoolArgs, boxes: &RunArgs, log: &LogArgs) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(log, Level::Info, |log| {
        let mut boxes = Boxes::new(boxes, (arguments.size, arguments.oldest), log)?;
        pool::serve(arguments, Some(&mut boxes), log)
    })
}
