//! The last step: execve, of the first candidate that works.

use super::candidates::Candidates;
use super::clue::{self, OwnFiles};
use super::{Descriptors, fail};
use crate::plan::ExecPlan;
use crate::report::{Clue, Report};
use crate::sys::{Errno, process};
use std::ffi::CStr;

/// What is to be told of the candidates that have failed.
pub struct Outcome {
    pub candidate: u32,
    pub errno: Errno,
}

impl Outcome {
    /// Where there are no candidates.
    pub const NONE: Self = Self {
        candidate: 0,
        errno: Errno::ENOENT,
    };

    /// Takes in how one more has failed, and says whether the next one is to be tried. execvp's rules: a file that is
    /// not there, or not for us, may be in the next directory. That one was not for us is what is said in the end,
    /// whatever came after.
    pub fn add(&mut self, candidate: u32, errno: Errno) -> bool {
        let is_missing = matches!(
            errno,
            Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE | Errno::ENODEV | Errno::ETIMEDOUT
        );
        if !(is_missing && self.errno == Errno::EACCES) {
            *self = Self { candidate, errno };
        }
        is_missing || errno == Errno::EACCES
    }
}

pub fn run(command: &ExecPlan, descriptors: &Descriptors<'_>) -> ! {
    // Before execve, because after it there is no one to say so: success is this report and no other
    // after it.
    if !descriptors.channel.board.leave(Report::Ready) {
        // The parent has told its caller that the command has not run.
        fail(Report::Ready, descriptors);
    }
    let candidates = Candidates::Planned(command);
    let execve = |file: &CStr| process::execve(file, &command.arguments, &command.environment);
    try_each(candidates, execve, descriptors)
}

/// The first one that works. `execve` returns only if it failed.
pub fn try_each(
    candidates: Candidates<'_>,
    execve: impl Fn(&CStr) -> Errno,
    descriptors: &Descriptors<'_>,
) -> ! {
    let mut outcome = Outcome::NONE;
    for (index, candidate) in (0u32..).zip(candidates.iter()) {
        if !outcome.add(index, execve(candidate)) {
            break;
        }
    }
    tell(candidates, outcome, descriptors)
}

/// Looks for the command, as its user, and leaves if there is none that it may execute.
#[cfg(feature = "oci")]
pub fn look(command: &ExecPlan, descriptors: &Descriptors<'_>) {
    let mut outcome = Outcome::NONE;
    for (index, candidate) in (0u32..).zip(&command.candidates) {
        match may_execute(candidate) {
            Ok(()) => return,
            Err(errno) if outcome.add(index, errno) => {}
            Err(_) => break,
        }
    }
    tell(Candidates::Planned(command), outcome, descriptors)
}

/// Tells of a command that cannot be executed, and leaves.
fn tell(candidates: Candidates<'_>, outcome: Outcome, descriptors: &Descriptors<'_>) -> ! {
    let Outcome { candidate, errno } = outcome;
    // Before anything else, for the command's filter may end us when we look.
    descriptors
        .channel
        .board
        .leave(Report::Execve(candidate, errno, Clue::None));
    let (candidate, clue) = clue::find(&OwnFiles, candidates, (candidate, errno));
    fail(Report::Execve(candidate, errno, clue), descriptors)
}

/// Whether a file may be executed, as far as access(2) tells.
#[cfg(feature = "oci")]
fn may_execute(file: &std::ffi::CStr) -> Result<(), Errno> {
    use super::clue::Files;
    OwnFiles.may_execute(file)?;
    match OwnFiles.look(file)?.kind {
        crate::sys::facts::Kind::Directory => Err(Errno::EACCES),
        _ => Ok(()),
    }
}
