//! How the child answers its parent.

use crate::report::{Lack, Lacks, Moment, Report};
use crate::sys::{Errno, clock, descriptor, life};
use std::cell::Cell;
use std::os::fd::BorrowedFd;

/// Where reports go. Nothing of it is closed by a destructor.
#[derive(Clone, Copy)]
pub enum Channel<'a> {
    /// Into memory that is the parent's as well. The parent looks when it wakes: when the child has
    /// executed the command, or has left.
    Memory {
        answer: &'a Cell<Option<Report>>,
        /// What the container goes without.
        lacks: &'a Cell<Lacks>,
        /// A place for the time of each moment, or none at all.
        moments: &'a [Cell<u64>],
    },
    /// Over a pipe that closes on exec.
    Pipe {
        writer: BorrowedFd<'static>,
        /// The child's copy of the other end, where it has one.
        reader: Option<BorrowedFd<'static>>,
        /// Whether times are wanted.
        timed: bool,
    },
}

impl Channel<'_> {
    /// The first thing that the child does with it.
    pub fn begin(&self) {
        if let Self::Pipe {
            reader: Some(reader),
            ..
        } = self
        {
            // With a reader of its own the child would never learn that its parent is dead.
            descriptor::close(*reader);
        }
    }

    /// Errors: the parent is dead.
    pub fn send(&self, report: Report) -> Result<(), Errno> {
        match self {
            Self::Memory { answer, .. } => {
                answer.set(Some(report));
                if life::parent_has_ended() {
                    return Err(Errno::EPIPE);
                }
                Ok(())
            }
            Self::Pipe { writer, .. } => descriptor::write_all(*writer, &report.to_bytes()),
        }
    }

    /// Tells the time, if anyone wants to know.
    pub fn pass(&self, moment: Moment) {
        match self {
            Self::Memory { moments, .. } => {
                if let Some(place) = moments.get(moment.index()) {
                    place.set(clock::monotonic());
                }
            }
            Self::Pipe { timed: false, .. } => {}
            Self::Pipe { timed: true, .. } => {
                // If the parent is gone the next report says so.
                let _ = self.send(Report::Time(moment, clock::monotonic()));
            }
        }
    }

    /// Tells what the container goes without, which is no failure.
    pub fn without(&self, lack: Lack, why: Errno) {
        match self {
            Self::Memory { lacks, .. } => {
                let mut all = lacks.get();
                if let Some(place) = all.get_mut(lack.index()) {
                    *place = Some(why);
                }
                lacks.set(all);
            }
            Self::Pipe { .. } => {
                // If the parent is gone the next report says so.
                let _ = self.send(Report::Without(lack, why));
            }
        }
    }

    /// The descriptor that reports need.
    pub fn descriptor(&self) -> Option<BorrowedFd<'static>> {
        match self {
            Self::Memory { .. } => None,
            Self::Pipe { writer, .. } => Some(*writer),
        }
    }
}
