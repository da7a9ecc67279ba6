//! The end of a run: what it has used is counted, what was lent is taken back, and who is to be told is told.

use super::asked::Lent;
use super::told::Told;
use crate::docker::RunArgs;
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::guard::Acquire;
use crate::host::limits::Limited;
use crate::launch;
use crate::log::Log;
use crate::monitor::End;
use crate::monitor::signals::Signals;
use crate::plan::InitPlan;

use crate::sys::process::{self, Ended};
use crate::sys::signal;
use crate::verdict::Reason;
use std::convert::Infallible;

/// How a run has ended.
pub struct Outcome {
    pub end: End,
    /// Output that was lost.
    pub lost: Option<Error>,
}

/// Ends this process as the container has ended. Returns only if something went wrong.
pub fn conclude(
    outcome: Outcome,
    lent: Lent<Acquire>,
    mut told: Told<'_>,
    (arguments, plan): (&RunArgs, &InitPlan),
    log: &Log,
) -> Result<Infallible, Error> {
    let Outcome { mut end, lost } = outcome;
    let Lent {
        limited,
        signals,
        traces,
        ..
    } = lent;
    let usage = match told.is_anyone() {
        true => limited.as_ref().map(Limited::usage),
        false => None,
    };
    if let Some(usage) = &usage {
        end.is_known_with(usage);
    }
    told.ended(end, usage, log);
    if let Some(traces) = traces {
        traces.clean_up();
    }
    if let Some(limited) = limited {
        limited.end(end.exit, log);
    }
    if let Some(error) = launch::not_executed(plan, end.exit) {
        if let Some(report) = &mut told.report {
            report.never_ran();
        }
        return Err(error);
    }
    say_why(end.reason, arguments, log);
    if let Some(lost) = lost {
        // What the command could not be told is not a success.
        return Err(match end.exit {
            ExitCode::SUCCESS => lost,
            exit => lost.exit_with(exit),
        });
    }
    if let Some(report) = told.report {
        report.write(end.exit, None, Some(log));
    }
    if end.interrupted {
        die_of_interrupt(end, arguments.interactive, signals);
    }
    // Now, without a destructor: what they would free the kernel takes back for less.
    process::exit(i32::from(end.exit.0))
}

/// Dies of SIGINT if a ^C that a person typed has ended the command: a shell's loop goes on with its next round as long as
/// what it waits for handles the signal and exits. The status that the shell sees is the same.
///
/// By its exit code alone a command that reads keys has not been ended by it: a shell's own is that of the last command,
/// which the person may have interrupted, and the end of the shell is another decision of theirs.
#[cold]
#[inline(never)]
fn die_of_interrupt(end: End, reads_keys: bool, signals: Signals) {
    let interrupt = Ended::Signaled(libc::SIGINT);
    let is_own = end.reason == Reason::StoppedBySignal || end.ended == Some(interrupt);
    if end.exit.0 == interrupt.code() && (is_own || !reads_keys) {
        // Not if the caller ignores it.
        signal::act_by_default(libc::SIGINT, signals.blocked);
    }
}

/// Says which limit has ended it, as is said of memory. (An exit code may be the command's own.)
fn say_why(reason: Reason, arguments: &RunArgs, log: &Log) {
    let limit = |name: &str| {
        let mut limits = arguments.limits.iter().rev();
        limits
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value)
    };
    let (why, field, value) = match reason {
        Reason::TimedOut => (
            "its time was up",
            Field::Timeout,
            arguments.timeout.as_ref(),
        ),
        Reason::CpuTime => (
            "its processor time was up",
            Field::CpuTime,
            limit("cpu-time"),
        ),
        Reason::OutputLimit => (
            "it wrote too much",
            Field::OutputLimit,
            arguments.output_limit.as_ref(),
        ),
        _ => return,
    };
    if let Some(value) = value {
        let value = value.to_string_lossy();
        log.say(&Error::told(&format!("ended: {why} ({field} {value})")));
    }
}
