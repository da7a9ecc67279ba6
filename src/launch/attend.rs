//! What mydocker does for a container that it does not stay with, while the container is made: it writes down which process is
//! the first, has the hooks run, and leaves a container that waits for its start to itself.

use super::pipe::{GateEnds, Gated};
use super::reports::{ended_by, garbled};
use super::{Launch, bounded};
use crate::child::gate::GatePipe;
use crate::error::Error;
use crate::plan::Gate;
use crate::report::Board;
use crate::sys::descriptor::Waiting;
use crate::sys::{Errno, Pid, descriptor, local_socket, process, signal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Who does mydocker's part at the gates. An error ends the start.
pub trait Attendant {
    /// What takes rights that the child has not in its new user namespace; its ids are mapped.
    fn prepare(&self, pid: Pid) -> Result<(), Error> {
        let _ = pid;
        Ok(())
    }

    /// This is the container's first process: write it down.
    fn record(&self, pid: Pid) -> Result<(), Error>;

    /// Everything is mounted, and the root is not entered: run the hooks; up to the end of the process, or until one of the
    /// signals has come that end a start, when `signals` can be read.
    fn make(&self, pid: Pid, signals: BorrowedFd<'_>) -> Result<(), Error>;

    /// The listener of this process's filter: send it to who is to have it.
    fn listen(&self, pid: Pid, listener: OwnedFd) -> Result<(), Error>;
}

/// How far a child has come with an attendant.
pub enum Attended {
    /// It waits for its start, and is on its own.
    Waits(Pid),
    /// It has executed the command, or is gone.
    Ended,
}

/// Until the child waits for its start, or the pipe has ended.
///
/// Errors: the attendant's, or a signal that ends a start. The child is there then, or has left a report; the gates are to
/// stay open until it is gone, or it would complain of them.
pub fn attend(
    launch: &Launch<'_>,
    attendant: &dyn Attendant,
    child: Pid,
    gates: &mut Gated,
    reader: BorrowedFd<'_>,
    board: Board<'_>,
) -> Result<Attended, Error> {
    let first = || match launch.plan.enters {
        // It may come to its gate before the one who bears it has said who it is.
        true => await_entrant(child).map(|()| board.command().unwrap_or(child)),
        false => Ok(child),
    };
    if !launch.plan.enters {
        // At once, while it has other things to do.
        attendant.record(child)?;
        open(gates.recorded.take().as_ref())?;
    }
    let signals = signal::descriptor(launch.ending)
        .map_err(|errno| Error::new("signalfd", "for a start", errno))?;
    loop {
        let Some(gate) = next(reader, signals.as_fd())? else {
            return Ok(Attended::Ended);
        };
        match gate {
            Gate::Runtime => {
                let made = attendant.make(first()?, signals.as_fd());
                made.map_err(|error| came(signals.as_fd()).map_or(error, ended_by))?;
                open(gates.runtime.take().as_ref())?;
            }
            Gate::Recorded => {
                if gates.recorded.is_some() {
                    attendant.record(first()?)?;
                }
                open(gates.recorded.take().as_ref())?;
            }
            Gate::Listener => {
                let socket = gates.listener.as_ref();
                let (_, ours) = socket.ok_or_else(|| garbled(Errno::EBADF))?;
                let mut steps = launch.plan.process.iter();
                let who = match steps.any(|step| step.gate() == Some(gate)) {
                    true => first()?,
                    // Who has entered a container, and bears the command's process under the filter.
                    false => child,
                };
                attendant.listen(who, received(ours.as_fd())?)?;
                open(gates.listener.take().as_ref())?;
            }
            Gate::Start | Gate::Job => return Ok(Attended::Waits(first()?)),
            Gate::IdsMapped | Gate::ReaperReady => return Err(garbled(Errno::EBADMSG)),
        }
    }
}

/// Waits until the one has left who has entered a container: the command's process is born then.
fn await_entrant(entrant: Pid) -> Result<(), Error> {
    let failed = |errno| Error::new("wait for", "who has entered the container", errno);
    let pidfd = process::open(entrant).map_err(failed)?;
    let mut waiting = [Waiting::to_read(pidfd.as_fd())];
    descriptor::wait(&mut waiting, -1).map_err(failed)
}

/// What the child has sent before it came to the gate.
fn received(socket: BorrowedFd<'_>) -> Result<OwnedFd, Error> {
    let record = local_socket::receive(socket).map_err(garbled)?;
    let file = record.and_then(|record| record.file);
    file.map(descriptor::own)
        .ok_or_else(|| garbled(Errno::EBADMSG))
}

/// Ends what has been born, by whichever process it is.
pub fn end(child: Pid, board: Board<'_>) {
    for pid in board.command().into_iter().chain([child]) {
        let _ = bounded::end(pid, None);
    }
}

/// Lets the child go on.
pub fn open(gate: Option<&GateEnds>) -> Result<(), Error> {
    let Some(gate) = gate else { return Ok(()) };
    GatePipe::of(gate)
        .open()
        .map_err(|errno| Error::new("open", "the child's gate", errno))
}

/// To which gate the child has come. `None`: to none any more.
fn next(reader: BorrowedFd<'_>, signals: BorrowedFd<'_>) -> Result<Option<Gate>, Error> {
    loop {
        let mut waiting = [Waiting::to_read(reader), Waiting::to_read(signals)];
        descriptor::wait(&mut waiting, -1).map_err(garbled)?;
        let [told, signalled] = &waiting;
        if told.happened() {
            let mut number = [0];
            match descriptor::read(reader, &mut number) {
                Ok(0) => return Ok(None),
                Ok(_) => {
                    let mut gates = Gate::ALL.into_iter();
                    let gate = gates.find(|gate| *gate as u8 == number[0]);
                    return gate.map(Some).ok_or_else(|| garbled(Errno::EBADMSG));
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(garbled(errno)),
            }
        } else if signalled.happened() {
            return Err(ended_by(came(signals).unwrap_or(libc::SIGTERM)));
        }
    }
}

/// The signal that has come.
fn came(signals: BorrowedFd<'_>) -> Option<i32> {
    let taken = signal::take(signals).ok().flatten();
    taken.map(|taken| taken.number)
}
