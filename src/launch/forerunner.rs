//! A first process that is born of another, which has joined namespaces before.

use super::bounded;
use super::reports::{self, Failure};
use crate::error::Error;
use crate::plan::InitPlan;
use crate::report::Board;
use crate::sys::Pid;
use crate::sys::process::Ended;
use std::time::Instant;

/// The first process, when its forerunner has ended.
#[cold]
#[inline(never)]
pub fn first_process(
    plan: &InitPlan,
    forerunner: Pid,
    board: Board<'_>,
    deadline: Option<Instant>,
) -> Result<Pid, Error> {
    let ended = bounded::wait(forerunner, deadline)
        .map_err(|errno| Error::new("wait for", "the container's forerunner", errno))?;
    if ended.is_none() {
        let _ = bounded::end(forerunner, deadline);
    }
    match (board.command(), reports::meaning(plan, board)) {
        (Some(pid), _) if ended == Some(Ended::Exited(0)) => Ok(pid),
        (_, Err(Failure::Said(said))) => Err(said),
        (born, _) => {
            born.map(|pid| bounded::end(pid, deadline));
            Err(match ended {
                None => reports::time_is_up(),
                ended => Failure::Silent.explained(ended),
            })
        }
    }
}
