//! The end of a run: what it has used is counted, what was lent is taken back, and the one who asked is told.

use super::asked::Lent;
use super::reporting::Reporting;
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

/// How a run has ended.
pub struct Outcome {
    pub end: End,
    /// Output that was lost.
    pub lost: Option<Error>,
}

/// A container that has ended, of which nothing is left.
pub struct Settled {
    pub end: End,
    /// Output that was lost.
    pub lost: Option<Error>,
    pub signals: Signals,
}

/// Counts what the container has used, and takes back what was lent.
///
/// Errors: what has ended was not the command.
pub fn settle(
    outcome: Outcome,
    lent: Lent<Acquire>,
    told: &mut Told<'_>,
    plan: &InitPlan,
    log: &Log,
) -> Result<Settled, Error> {
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
    Ok(Settled { end, lost, signals })
}

impl Settled {
    /// Says what there is to say of the end, and writes the report.
    ///
    /// Errors: output that was lost, with the exit code that this gives.
    pub fn tell(
        &mut self,
        report: Option<&Reporting>,
        arguments: &RunArgs,
        log: &Log,
    ) -> Result<(), Error> {
        say_why(self.end.reason, arguments, log);
        if let Some(lost) = self.lost.take() {
            // What the command could not be told is not a success.
            return Err(match self.end.exit {
                ExitCode::SUCCESS => lost,
                exit => lost.exit_with(exit),
            });
        }
        if let Some(report) = report {
            report.write(self.end.exit, None, Some(log));
        }
        Ok(())
    }

    /// Ends this process as the container has ended.
    pub fn leave(self, arguments: &RunArgs) -> ! {
        if self.end.interrupted {
            die_of_interrupt(self.end, arguments.interactive, self.signals);
        }
        // Now, without a destructor: what they would free the kernel takes back for less.
        process::exit(i32::from(self.end.exit.0))
    }
}

/// Dies of SIGINT if a ^C that a person typed has ended the command: a shell's loop goes on with its next round as long as
/// what it waits for handles the signal and exits. The status that the shell sees is the same.
///
/// By its exit code alone a command that reads keys has not been ended by it: a shell's own is that of the last command,
/// which the person may have interrupted, and the end of the shell is another decision of theirs.
#[cold]
#[inline(never)]
pub fn die_of_interrupt(end: End, reads_keys: bool, signals: Signals) {
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
            arguments.output_limit.as_ref().map(|limit| &limit.size),
        ),
        _ => return,
    };
    if let Some(value) = value {
        let value = value.to_string_lossy();
        log.say(&Error::told(&format!("ended: {why} ({field} {value})")));
    }
}
