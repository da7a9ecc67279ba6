//! What the child's reports mean.

use super::words::not_cloned;
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::hint::{Doing, Hint, hint, too_few_processes};
use crate::plan::{InitPlan, Step, describe_execve, describe_failure};
use crate::report::{Board, Report, Taking};
use crate::seccomp;
use crate::spec::limits::ResourceLimit;
use crate::spec::{Namespace, Namespaces};
use crate::standard_streams;
use crate::sys::descriptor::Waiting;
use crate::sys::process::{self, Ended};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, descriptor};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Why the command is not running.
pub enum Failure {
    /// The child said why.
    Said(Error),
    /// The child is gone without a word.
    Silent,
}

impl Failure {
    /// The error, with what is known of the child's end.
    pub fn explained(self, ended: Option<Ended>) -> Error {
        match self {
            Self::Said(error) => error,
            // A reaper says it with its code.
            Self::Silent if ended.is_some_and(|ended| ended.code() == BY_SIGSYS) => {
                killed_by_filter()
            }
            Self::Silent => {
                let how = match ended {
                    Some(Ended::Signaled(signal)) => format!("by signal {signal}"),
                    Some(Ended::Exited(code)) => format!("with code {code}"),
                    None => "in an unknown way".into(),
                };
                Error::refused(
                    format!("init: ended {how}"),
                    "it did not get as far as the command (was it killed, or out of memory?)",
                )
            }
        }
    }
}

/// What an end by a filter is told as.
const BY_SIGSYS: u8 = 128 + libc::SIGSYS as u8;

/// A filter that ends who makes a call that the start needs.
#[cold]
#[inline(never)]
fn killed_by_filter() -> Error {
    let profile = Field::SeccompProfileFile.aside(" (", ")");
    let reason = [
        "a filter of system calls ended it before the command ran; a profile",
        &profile,
        " has to allow execve at least",
    ];
    Error::refused_for("init: ended by SIGSYS", reason.concat()).exit_with(ExitCode::NOT_EXECUTABLE)
}

/// Why the command cannot have run that ended with `code`: its filter ends who executes something. The report does not
/// tell, which comes before that.
pub fn not_executed(plan: &InitPlan, code: ExitCode) -> Option<Error> {
    if code.0 != BY_SIGSYS {
        return None;
    }
    ended_by_filter(plan)
}

/// Why the command of this plan cannot run, if its filter ends who executes something.
#[cold]
#[inline(never)]
pub fn ended_by_filter(plan: &InitPlan) -> Option<Error> {
    let mut filters = plan.process.iter().filter_map(Step::filter);
    filters.any(seccomp::ends_execve).then(killed_by_filter)
}

/// What a child has said that has executed something or is gone: `Ready` means that the command is running.
pub fn meaning(plan: &InitPlan, board: Board<'_>) -> Result<(), Failure> {
    match board.report() {
        Ok(Some(Report::Ready)) => Ok(()),
        Ok(Some(failure)) => Err(Failure::Said(describe(plan, failure))),
        Ok(None) => Err(Failure::Silent),
        Err(errno) => Err(Failure::Said(garbled(errno))),
    }
}

/// What ends the wait for a child, or helps it on.
pub struct Limits {
    /// The child if it is a keeper, a process among others: the command may stop it before it has closed its end of the pipe.
    pub keeper: Option<Pid>,
    pub deadline: Option<Instant>,
    /// Signals that are blocked, and end a start.
    pub ending: SignalSet,
}

/// What has come before the pipe's end.
enum Before {
    Deadline,
    Signal,
}

/// How long the child may be on its way into execve.
const EXECUTION: Duration = Duration::from_secs(1);

/// Waits until the pipe ends, which the child has closed then: by executing the command or by leaving.
///
/// Errors: one of the limits was reached before, and the command does not run.
pub fn await_end(pipe: BorrowedFd<'_>, board: Board<'_>, limits: Limits) -> Result<(), Failure> {
    let signals = signal::descriptor(limits.ending)
        .map_err(|errno| Failure::Said(Error::new("signalfd", "for a start", errno)))?;
    let Some(before) = watch(pipe, Some(signals.as_fd()), &limits)? else {
        return Ok(());
    };
    if !board.call_off() {
        // It may run by now, and what has come is for the command then: it is still there for who supervises that. Unless
        // the execve itself is held up.
        let limits = Limits {
            deadline: Instant::now().checked_add(EXECUTION),
            ..limits
        };
        if watch(pipe, None, &limits)?.is_none() {
            return Ok(());
        }
    }
    let taken = match before {
        Before::Deadline => None,
        Before::Signal => signal::take(signals.as_fd()).ok().flatten(),
    };
    Err(Failure::Said(match taken {
        Some(taken) => ended_by(taken.number),
        None => time_is_up(),
    }))
}

/// What comes before the end of the pipe, if anything does.
fn watch(
    pipe: BorrowedFd<'_>,
    signals: Option<BorrowedFd<'_>>,
    limits: &Limits,
) -> Result<Option<Before>, Failure> {
    loop {
        let left = limits
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(Some(Before::Deadline));
        }
        let signals = signals.map_or(Waiting::none(), Waiting::to_read);
        let mut waiting = [Waiting::to_read(pipe), signals];
        descriptor::wait(&mut waiting, limits.pause(left))
            .map_err(|errno| Failure::Said(garbled(errno)))?;
        let [end, signalled] = &waiting;
        if end.happened() {
            match descriptor::read(pipe, &mut [0]) {
                Ok(0) => return Ok(None),
                // Nothing is sent over it.
                Ok(_) => return Err(Failure::Said(garbled(Errno::EBADMSG))),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Failure::Said(garbled(errno))),
            }
        } else if signalled.happened() {
            // Only then: one that comes when the command runs is handed on.
            return Ok(Some(Before::Signal));
        } else if let Some(keeper) = limits.keeper {
            // It has not been waited for: the pid is still its own.
            let _ = process::kill(keeper, libc::SIGCONT);
        }
    }
}

/// How long a keeper is silent before it may have been stopped, in milliseconds.
const SILENCE: i32 = 100;

impl Limits {
    /// How long to wait at once, in milliseconds, or -1.
    fn pause(&self, left: Option<Duration>) -> i32 {
        let left = left.map(|left| {
            // Not before the time is up.
            let left = left.as_millis().saturating_add(1);
            i32::try_from(left).unwrap_or(i32::MAX)
        });
        match (left, self.keeper) {
            (None, None) => -1,
            (None, Some(_)) => SILENCE,
            (Some(left), None) => left,
            (Some(left), Some(_)) => left.min(SILENCE),
        }
    }
}

#[cold]
#[inline(never)]
pub(super) fn ended_by(signal: i32) -> Error {
    let code = Ended::Signaled(signal).code();
    Error::told(&format!("ended by signal {signal} before the command ran"))
        .exit_with(ExitCode(code))
}

/// The end that --timeout has set came before the command.
#[cold]
#[inline(never)]
pub fn time_is_up() -> Error {
    Error::refused(
        Field::Timeout.spelled(),
        "the time was up before the command ran",
    )
    .exit_with(ExitCode::TIME_IS_UP)
}

pub(super) fn garbled(errno: Errno) -> Error {
    Error::new("read", "init's report", errno)
}

/// Why the command of this plan does not run.
#[cold]
#[inline(never)]
pub fn describe(plan: &InitPlan, report: Report) -> Error {
    match report {
        Report::Step(number, part, errno) => match plan.step(number) {
            // As if the clone had made it.
            Some(Step::NetworkBeside) => {
                not_cloned(Namespaces::NONE.with(Namespace::Network), errno)
            }
            Some(step) => describe_failure(plan, step, part.failed(errno)),
            None => Error::new("step", number.to_string(), errno),
        },
        Report::Execve(candidate, errno, clue) => describe_execve(plan, candidate, errno, clue),
        Report::Spawn(errno) => not_spawned(errno),
        Report::Reaper(errno) => super::reaper::not_executed(errno),
        Report::Birth(errno) if plan.enters => not_born(errno),
        Report::Birth(errno) => {
            let error = Error::new("clone", "into new namespaces", errno);
            error.because(hint(Doing::JoinNamespace, errno))
        }
        Report::ReExecute(errno) => {
            Error::new("exec", "/proc/self/exe", errno).because(hint(Doing::ReExecute, errno))
        }
        Report::Plan(errno) => Error::new("read", "the plan", errno),
        Report::Job(taking, errno) => not_taken_over(taking, errno),
        Report::Ready => garbled(Errno::EBADMSG),
    }
}

/// What a box could not take over of its job.
#[cold]
#[inline(never)]
fn not_taken_over(taking: Taking, errno: Errno) -> Error {
    let (operation, object) = match taking {
        Taking::Caller => ("wait for", "a job".to_owned()),
        Taking::Stream(number) => (
            "take over",
            standard_streams::name(number.into()).to_owned(),
        ),
        Taking::Terminal => ("make controlling", "the terminal".to_owned()),
        Taking::Limit(number) => {
            let name = ResourceLimit::name(number.into());
            ("prlimit", name.to_string())
        }
        Taking::Nice => ("setpriority", String::new()),
        Taking::Processors => ("sched_setaffinity", String::new()),
        Taking::Descriptors => ("close_range", String::new()),
        Taking::Filter => ("load", "the filter of system calls".to_owned()),
        Taking::Command => ("exec", String::new()),
    };
    Error::new(operation, object, errno)
}

/// The reaper could not start the command's process.
pub fn not_spawned(errno: Errno) -> Error {
    Error::new("start", "the command under its reaper", errno)
}

#[cold]
#[inline(never)]
fn not_born(errno: Errno) -> Error {
    let hint: Option<Hint> = match errno {
        // Of a PID namespace without a first process (`alloc_pid`).
        Errno::ENOMEM => Some("the container has ended, or has no memory left".into()),
        Errno::EAGAIN => Some(too_few_processes().into()),
        _ => None,
    };
    Error::new("start", "the command in the container", errno).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ExecPlan;
    use crate::report::{Clue, Part};
    use crate::sys::process::StringArray;
    use std::sync::atomic::AtomicU64;

    fn outcome(reports: &[Report]) -> Result<(), String> {
        let plan = InitPlan {
            forerunner: Vec::new(),
            birth: vec![],
            container: vec![Step::MakeMountsPrivate],
            reaper: None,
            enters: false,
            process: vec![Step::NewSession],
            command: ExecPlan {
                searched: true,
                candidates: vec![c"/bin/x".into()],
                arguments: StringArray::new(vec![c"x".into()]),
                environment: StringArray::new(vec![]),
            },
            premounted: 0,
            timed: false,
            tells_status: false,
        };
        let words = [const { AtomicU64::new(0) }; Board::size(0)];
        let board = Board::new(&words);
        for report in reports {
            board.leave(*report);
        }
        meaning(&plan, board)
            .map_err(|failure| failure.explained(Some(Ended::Signaled(9))).to_string())
    }

    #[test]
    fn success_is_ready_and_then_the_end() {
        assert_eq!(outcome(&[Report::Ready]), Ok(()));
        assert!(outcome(&[]).unwrap_err().contains("by signal 9"));
    }

    #[test]
    fn failures_are_described_by_the_plan() {
        for (report, text) in [
            (
                Report::Step(0, Part::Whole, Errno::EPERM),
                "make mounts private below /",
            ),
            (Report::Step(1, Part::Whole, Errno::EPERM), "setsid"),
            (Report::Step(2, Part::Whole, Errno::EPERM), "step 2"),
            (Report::Execve(0, Errno::ENOENT, Clue::None), "exec x:"),
            (Report::Execve(0, Errno::EACCES, Clue::None), "exec /bin/x:"),
            (Report::Spawn(Errno::EPERM), "reaper"),
            (Report::ReExecute(Errno::EPERM), "/proc/self/exe"),
            (Report::Plan(Errno::EBADMSG), "the plan"),
        ] {
            let message = outcome(&[Report::Ready, report]).unwrap_err();
            assert!(message.contains(text), "{message}");
        }
    }

    #[test]
    fn the_end_of_the_pipe_is_waited_for_until_the_deadline() {
        let (reader, writer) = descriptor::pipe().unwrap();
        let within = |time| Limits {
            keeper: None,
            deadline: Some(Instant::now() + time),
            ending: SignalSet::EMPTY,
        };
        let soon = || within(Duration::from_millis(5));
        let words = [const { AtomicU64::new(0) }; Board::size(0)];
        let board = Board::new(&words);
        let Err(Failure::Said(error)) = await_end(reader.as_fd(), board, soon()) else {
            panic!("it has not ended");
        };
        assert_eq!(error.exit(), ExitCode::TIME_IS_UP);
        assert!(!board.leave(Report::Ready), "the command would run");
        drop(writer);
        let later = within(Duration::from_secs(3600));
        assert!(await_end(reader.as_fd(), board, later).is_ok());
    }

    #[test]
    fn a_child_on_its_way_into_execve_is_not_told_of_as_one_that_did_not_run() {
        let (reader, writer) = descriptor::pipe().unwrap();
        let words = [const { AtomicU64::new(0) }; Board::size(0)];
        let board = Board::new(&words);
        assert!(board.leave(Report::Ready));
        let over = Limits {
            keeper: None,
            deadline: Some(Instant::now()),
            ending: SignalSet::EMPTY,
        };
        let executes = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            drop(writer);
        });
        assert!(await_end(reader.as_fd(), board, over).is_ok());
        executes.join().unwrap();
    }
}
