//! Gates: how a child waits until another process has done something.
//!
//! A gate is a pipe, the same type on both sides. Who opens it writes a 0, or the errno for which it will not; if it dies
//! before, no one has the other end any more, and no one will open it. Which gates there are is the plan's table
//! ([`Gate`]).

use super::Descriptors;
use crate::plan::{Gate, Opener};
use crate::sys::Errno;
use crate::sys::descriptor::{self, ChildDescriptor, Undropped};
use crate::sys::in_child::InChild;
use crate::sys::local_socket;
use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The pipe of a gate. The child has both ends, as copies.
#[derive(Clone, Copy)]
pub struct GatePipe<'a> {
    reader: ChildDescriptor<'a>,
    writer: ChildDescriptor<'a>,
}

impl<'a> GatePipe<'a> {
    /// Of a pipe: its reader and its writer.
    pub fn of((reader, writer): &'a (OwnedFd, OwnedFd)) -> Self {
        Self {
            reader: ChildDescriptor::of(reader.as_fd()),
            writer: ChildDescriptor::of(writer.as_fd()),
        }
    }

    /// What the parent has put there for a child that has executed a program since.
    pub fn placed(reader: ChildDescriptor<'a>, writer: ChildDescriptor<'a>) -> Self {
        Self { reader, writer }
    }

    /// For a child that has one of its own.
    pub fn new_in_child(_: InChild) -> Result<GatePipe<'static>, Errno> {
        let (reader, writer) = descriptor::pipe_undropped()?;
        Ok(GatePipe {
            reader: Undropped::keep(reader),
            writer: Undropped::keep(writer),
        })
    }

    /// By what the gate is opened.
    pub fn writer(self) -> BorrowedFd<'a> {
        self.writer.as_fd()
    }

    /// Lets the child go on.
    pub fn open(self) -> Result<(), Errno> {
        descriptor::write_all(self.writer(), &[0])
    }

    /// Waits until the gate has been opened.
    pub fn pass(self, opener: Opener, child: InChild) -> Result<(), Errno> {
        // Or the end of the opener's could not be seen.
        self.writer.close(child);
        let reader = self.reader.as_fd();
        let mut byte = [0];
        match (descriptor::read(reader, &mut byte)?, byte) {
            (1, [0]) => {}
            (1, [errno]) => return Err(Errno::new(errno.into())),
            _ => return Err(Errno::ECANCELED),
        }
        // A reaper stays: that it has closed its end as well is how it is known to have nothing open any more.
        if opener == Opener::Reaper && descriptor::read(reader, &mut [0])? != 0 {
            return Err(Errno::EBADMSG);
        }
        self.reader.close(child);
        Ok(())
    }
}

/// Sends mydocker a descriptor by the socket that this gate has for a pipe.
pub fn hand_over(gate: Gate, file: &Undropped, descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    let [ours, _] = descriptors.gates.ends_of(gate).ok_or(Errno::EBADF)?;
    local_socket::send(ours, 0, Some(file.as_fd()))
}

/// Tells mydocker that the child is there, and waits until it has done its part.
pub fn pass_told(gate: Gate, descriptors: &Descriptors<'_>, child: InChild) -> Result<(), Errno> {
    descriptors.channel.arrive(gate)?;
    descriptors.gates.pass(gate, child)
}

/// The container is created: whoever starts it writes a byte to the FIFO. It is this process's own, open for both, so that it never
/// ends; and that it has a reader says that the container waits. What is left in it is the failure of what follows.
pub fn await_start(descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    let fifo = descriptors.start.ok_or(Errno::EBADF)?;
    descriptors.channel.arrive(Gate::Start)?;
    loop {
        match descriptor::read(fifo.as_fd(), &mut [0]) {
            Ok(1) => return Ok(()),
            Ok(_) => return Err(Errno::ECANCELED),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// The gates that are behind a child.
#[derive(Default)]
pub struct Passed(Cell<u8>);

impl Passed {
    pub fn add(&self, gate: Gate) {
        self.0.set(self.0.get() | 1 << gate as u8);
    }

    pub fn has(&self, gate: Gate) -> bool {
        self.0.get() >> gate as u8 & 1 == 1
    }
}

/// The gates that a child may have to pass.
#[derive(Clone, Copy)]
pub struct Gates<'a>([Option<GatePipe<'a>>; Gate::COUNT]);

impl<'a> Gates<'a> {
    pub const NONE: Self = Self([None; Gate::COUNT]);

    #[must_use]
    pub fn with(mut self, gate: Gate, pipe: GatePipe<'a>) -> Self {
        if let Some(place) = self.0.get_mut(gate as usize) {
            *place = Some(pipe);
        }
        self
    }

    /// The reader and the writer of this gate's pipe, if there is one.
    pub fn ends_of(&self, gate: Gate) -> Option<[BorrowedFd<'a>; 2]> {
        let pipe = self.0.get(gate as usize).copied().flatten();
        pipe.map(|pipe| [pipe.reader.as_fd(), pipe.writer.as_fd()])
    }

    /// What has to stay open for those that are left to pass. What had its number is closed, and that may be another file's
    /// by now.
    pub fn ends_left(&self, passed: &Passed) -> impl Iterator<Item = BorrowedFd<'a>> {
        let all = Gate::ALL.into_iter();
        let left = all.filter(|gate| !passed.has(*gate));
        left.filter_map(|gate| self.ends_of(gate)).flatten()
    }

    pub fn pass(&self, gate: Gate, child: InChild) -> Result<(), Errno> {
        let pipe = self.0.get(gate as usize).copied().flatten();
        pipe.ok_or(Errno::EBADF)?.pass(gate.opener(), child)
    }
}
