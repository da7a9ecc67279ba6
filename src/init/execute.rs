//! The last step: execve, of the first candidate that works.

use super::{Descriptors, clue, fail};
use crate::plan::ExecPlan;
use crate::report::{Clue, Report};
use crate::sys::{Errno, process};

pub fn run(command: &ExecPlan, descriptors: &Descriptors<'_>) -> ! {
    // Before execve, because after it there is no one to say so: success is this report and no other
    // after it.
    descriptors.channel.board.leave(Report::Ready);
    let mut outcome = (0, Errno::ENOENT);
    for (index, candidate) in (0u32..).zip(&command.candidates) {
        let errno = process::execve(candidate, &command.arguments, &command.environment);
        match errno {
            // execvp's rules: a file that is not there, or not for us, may be in the next
            // directory. That one was not for us is what is said in the end, whatever came after.
            Errno::EACCES => outcome = (index, errno),
            Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE | Errno::ENODEV | Errno::ETIMEDOUT => {
                if outcome.1 != Errno::EACCES {
                    outcome = (index, errno);
                }
            }
            _ => {
                outcome = (index, errno);
                break;
            }
        }
    }
    let (candidate, errno) = outcome;
    // Before anything else, for the command's filter may end us when we look.
    descriptors
        .channel
        .board
        .leave(Report::Execve(candidate, errno, Clue::None));
    let (candidate, clue) = clue::find(command, candidate, errno);
    fail(Report::Execve(candidate, errno, clue), descriptors)
}
