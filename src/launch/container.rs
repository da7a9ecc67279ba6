//! What a launch has started.

use super::bounded;
use super::keeper::Successor;
use crate::sys::Pid;
use std::time::Instant;

/// A container whose command is running. It has not been waited for, so its pid is its own.
#[derive(Clone, Copy, Debug)]
pub struct Container {
    pub pid: Pid,
    pub role: Role,
    /// If it is a keeper, which ends what it keeps when it is told to ([`crate::sys::reaper::END`]): who does so if it
    /// cannot.
    pub successor: Option<Successor>,
    /// When it is to end, if it has not ended by then.
    pub deadline: Option<Instant>,
}

impl Container {
    /// Ends it, with all that is in it, and waits for that.
    #[cold]
    #[inline(never)]
    pub fn end(self) {
        let _ = bounded::end(self.pid, self.deadline);
        self.successor.map(Successor::end_all);
    }
}

/// What the process is that a launch has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The command, as PID 1 of a PID namespace: the kernel spares it the signals that it has no handler for.
    Command,
    /// It has the command as its child, and waits for all signals.
    Reaper,
    /// A command in a container that has a first process of its own.
    Another,
}
