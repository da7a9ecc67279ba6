//! What the child's reports mean.

use crate::error::Error;
use crate::hint::{Doing, hint};
use crate::plan::{InitPlan, describe_execve, describe_failure};
use crate::report::{self, Lack, Moment, Report};
use crate::sys::descriptor::Waiting;
use crate::sys::process::{self, Ended};
use crate::sys::{Errno, Pid, descriptor};
use std::os::fd::BorrowedFd;

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

/// What a child tells that decides nothing.
pub enum Aside {
    Time(Moment, u64),
    Without(Lack, Errno),
}

/// What the last report says: `Ready` means that the command is running.
pub fn meaning(plan: &InitPlan, last: Option<Report>) -> Result<(), Failure> {
    match last {
        Some(Report::Ready) => Ok(()),
        Some(failure) => Err(Failure::Said(describe(plan, failure))),
        None => Err(Failure::Silent),
    }
}

/// Reads reports until the pipe ends: `Ready` and nothing else means that the command is running.
/// What the child tells besides goes to `tell`.
///
/// `keeper` is the child if it is one, a process among others: the command may stop it before it has closed
/// its end of the pipe.
pub fn read(
    plan: &InitPlan,
    pipe: BorrowedFd<'_>,
    keeper: Option<Pid>,
    tell: &mut dyn FnMut(Aside),
) -> Result<(), Failure> {
    let mut last = None;
    loop {
        if let Some(keeper) = keeper {
            wait_for_word(pipe, keeper);
        }
        let mut bytes = [0; report::SIZE];
        match descriptor::read(pipe, &mut bytes) {
            Ok(0) => return meaning(plan, last),
            Ok(report::SIZE) => match Report::from_bytes(&bytes) {
                Some(Report::Ready) => last = Some(Report::Ready),
                Some(Report::Time(moment, time)) => tell(Aside::Time(moment, time)),
                Some(Report::Without(lack, why)) => tell(Aside::Without(lack, why)),
                // A clue may follow.
                Some(failed @ Report::Execve(..)) => last = Some(failed),
                // There is nothing after another failure.
                Some(failure) => return meaning(plan, Some(failure)),
                None => return Err(garbled()),
            },
            Ok(_) => return Err(garbled()),
            Err(Errno::EINTR) => {}
            Err(errno) => {
                return Err(Failure::Said(Error::new("read", "init's report", errno)));
            }
        }
    }
}

/// How long a keeper is silent before it may have been stopped, in milliseconds.
const SILENCE: i32 = 100;

/// Waits until there is something to read, and has `keeper` go on if it was stopped.
fn wait_for_word(pipe: BorrowedFd<'_>, keeper: Pid) {
    let mut waiting = [Waiting::to_read(pipe)];
    // What is wrong with the pipe the read that follows will say.
    while descriptor::wait(&mut waiting, SILENCE).is_ok() && !waiting.iter().any(Waiting::happened)
    {
        // It has not been waited for: the pid is still its own.
        let _ = process::kill(keeper, libc::SIGCONT);
    }
}

fn garbled() -> Failure {
    Failure::Said(Error::new("read", "init's report", Errno::EBADMSG))
}

#[cold]
#[inline(never)]
fn describe(plan: &InitPlan, report: Report) -> Error {
    match report {
        Report::Step(number, part, errno) => match plan.step(number) {
            Some(step) => describe_failure(plan, step, part.failed(errno)),
            None => Error::new("step", number.to_string(), errno),
        },
        Report::Execve(candidate, errno, clue) => describe_execve(plan, candidate, errno, clue),
        Report::Spawn(errno) => Error::new("start", "the command under its reaper", errno),
        Report::Reaper(errno) => super::reaper::not_executed(errno),
        Report::ReExecute(errno) => {
            Error::new("exec", "/proc/self/exe", errno).because(hint(Doing::ReExecute, errno))
        }
        Report::Plan(errno) => Error::new("read", "the plan", errno),
        Report::Ready | Report::Without(..) | Report::Time(..) => {
            Error::new("read", "init's report", Errno::EBADMSG)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ExecPlan, Step};
    use crate::report::{Clue, Part};
    use crate::sys::process::StringArray;
    use std::os::fd::AsFd;

    fn outcome(reports: &[&[u8]]) -> Result<(), String> {
        let plan = InitPlan {
            birth: vec![],
            container: vec![Step::MakeMountsPrivate],
            reaper: None,
            process: vec![Step::NewSession],
            command: ExecPlan {
                searched: true,
                candidates: vec![c"/bin/x".into()],
                arguments: StringArray::new(vec![c"x".into()]),
                environment: StringArray::new(vec![]),
            },
            handed: 0,
            timed: false,
        };
        let (reader, writer) = descriptor::pipe().unwrap();
        for report in reports {
            descriptor::write_all(writer.as_fd(), report).unwrap();
        }
        drop(writer);
        read(&plan, reader.as_fd(), None, &mut |_| ())
            .map_err(|failure| failure.explained(Some(Ended::Signaled(9))).to_string())
    }

    #[test]
    fn success_is_ready_and_then_the_end() {
        assert_eq!(outcome(&[&Report::Ready.to_bytes()]), Ok(()));
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
            let message = outcome(&[&Report::Ready.to_bytes(), &report.to_bytes()]).unwrap_err();
            assert!(message.contains(text), "{message}");
        }
        assert!(outcome(&[b"short"]).unwrap_err().contains("EBADMSG"));
        assert!(
            outcome(&[&[0; report::SIZE]])
                .unwrap_err()
                .contains("EBADMSG")
        );
    }
}
