//! The two terminals of a container with `-t`: its own, and the caller's.

mod caller;

pub use caller::CallerTerminal;

use crate::error::Error;
use crate::hint::{Doing, hint};
use crate::sys::local_socket::{self, Record};
use crate::sys::terminal;
use crate::sys::{Errno, descriptor};
use crate::terminal_settings::TerminalSettings;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The container's terminal: a pseudo-terminal, whose master is ours.
pub struct PseudoTerminal {
    pub master: OwnedFd,
    /// Kept open while the container runs: without it the terminal would hang up, and wake the
    /// relay forever, whenever no process of the container has it open for a moment.
    pub slave: Option<OwnedFd>,
}

/// The container's terminal before the container is there.
pub enum TerminalSource {
    /// Made here, on the host's devpts.
    Ready(PseudoTerminal),
    /// The child makes it, on a devpts of its own, and sends it.
    Awaited { ours: OwnedFd, childs: OwnedFd },
}

impl TerminalSource {
    #[cold]
    #[inline(never)]
    pub fn ready(terminal_settings: &TerminalSettings) -> Result<Self, Error> {
        PseudoTerminal::open(terminal_settings).map(Self::Ready)
    }

    #[cold]
    #[inline(never)]
    pub fn awaited() -> Result<Self, Error> {
        let (ours, childs) = local_socket::pair()
            .map_err(|errno| Error::new("socketpair", "for the terminal", errno))?;
        Ok(Self::Awaited { ours, childs })
    }

    /// What the child is given: the terminal, or what to send it over.
    pub fn for_child(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Ready(terminal) => terminal.slave(),
            Self::Awaited { childs, .. } => Some(childs.as_fd()),
        }
    }

    /// The terminal, when the command is running, and so the child has sent it.
    #[cold]
    #[inline(never)]
    pub fn taken(self) -> Result<PseudoTerminal, Error> {
        match self {
            Self::Ready(terminal) => Ok(terminal),
            Self::Awaited { ours, childs } => {
                drop(childs);
                sent(ours.as_fd())
            }
        }
    }
}

/// The terminal that a child has sent.
#[cold]
#[inline(never)]
pub fn sent(ours: BorrowedFd<'_>) -> Result<PseudoTerminal, Error> {
    let receive = || match local_socket::receive(ours) {
        Ok(Some(Record {
            file: Some(file), ..
        })) => Ok(descriptor::own(file)),
        Ok(_) => Err(Errno::EBADMSG),
        Err(errno) => Err(errno),
    };
    let failed = |errno| Error::new("receive", "the container's terminal", errno);
    Ok(PseudoTerminal {
        master: receive().map_err(failed)?,
        slave: Some(receive().map_err(failed)?),
    })
}

impl PseudoTerminal {
    /// Makes one that looks like the caller's terminal.
    fn open(terminal_settings: &TerminalSettings) -> Result<Self, Error> {
        let (master, slave) = terminal::pseudo_terminal().map_err(|errno| {
            Error::new("open a pseudo-terminal", "/dev/ptmx", errno)
                .because(hint(Doing::OpenTerminal, errno))
        })?;
        terminal_settings
            .give(slave.as_fd())
            .map_err(|errno| Error::new("set modes and owner of", "the terminal", errno))?;
        Ok(Self {
            master,
            slave: Some(slave),
        })
    }

    /// The container's end.
    pub fn slave(&self) -> Option<BorrowedFd<'_>> {
        self.slave.as_ref().map(AsFd::as_fd)
    }
}
