//! How the child answers its parent.

use crate::plan::Gate;
use crate::report::{Board, Moment};
use crate::sys::descriptor::{ChildDescriptor, Waiting};
use crate::sys::in_child::InChild;
use crate::sys::{Errno, clock, descriptor, parent_watch};
use std::os::fd::BorrowedFd;

/// Where reports go, and what tells each side that the other one is there. Nothing of it is closed by a destructor.
#[derive(Clone, Copy)]
pub struct Channel<'a> {
    pub board: Board<'a>,
    pub link: Link<'a>,
}

/// What ends with one side, so that the other one sees it.
#[derive(Clone, Copy)]
pub enum Link<'a> {
    /// Parent and child share their memory: the parent wakes when the child has executed the command, or has left; the child sees
    /// that the parent has ended.
    Memory,
    /// A pipe that closes on exec, over which nothing is sent but the numbers of gates that the child has come to.
    Pipe {
        writer: ChildDescriptor<'a>,
        /// The child's copy of the other end, where it has one.
        reader: Option<ChildDescriptor<'a>>,
    },
}

impl<'a> Channel<'a> {
    /// The first thing that the child does with it.
    pub fn begin(&self, child: InChild) {
        if let Link::Pipe {
            reader: Some(reader),
            ..
        } = self.link
        {
            // With a reader of its own the child would never learn that its parent is dead.
            reader.close(child);
        }
    }

    /// Tells the parent that this process is at a gate, if the parent is awake.
    pub fn arrive(&self, gate: Gate) -> Result<(), Errno> {
        match self.link {
            Link::Memory => Ok(()),
            Link::Pipe { writer, .. } => descriptor::write_all(writer.as_fd(), &[gate as u8]),
        }
    }

    /// Whether the parent has ended. Asked after the death signal was asked for: either that comes, or this is so.
    pub fn parent_has_ended(&self) -> Result<bool, Errno> {
        match self.link {
            Link::Memory => Ok(parent_watch::parent_has_ended()),
            Link::Pipe { writer, .. } => {
                // An error of the pipe (POLLERR) is that no one can read it any more.
                let mut waiting = [Waiting::until_closed(writer.as_fd())];
                descriptor::wait(&mut waiting, 0)?;
                Ok(waiting.iter().any(Waiting::happened))
            }
        }
    }

    /// Tells the time, if anyone wants to know.
    pub fn pass(&self, moment: Moment) {
        if self.board.is_timed() {
            self.board.leave_time(moment, clock::monotonic());
        }
    }

    /// The descriptor that has to stay open.
    pub fn descriptor(&self) -> Option<BorrowedFd<'a>> {
        match self.link {
            Link::Memory => None,
            Link::Pipe { writer, .. } => Some(writer.as_fd()),
        }
    }
}
