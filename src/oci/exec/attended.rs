//! What is done for the engine while the process waits to be written down: it is sent the terminal and a pidfd, and the pid is
//! put into a file.

use crate::error::Error;
use crate::launch::Attendant;
use crate::oci::command_line::ExecArgs;
use crate::oci::config::Seccomp;
use crate::oci::store::{Record, Status};
use crate::oci::{console, pid_file, seccomp, state};
use crate::sys::{Pid, process};
use crate::terminal::{self, TerminalSource};
use std::cell::Cell;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub struct Attended<'a> {
    arguments: &'a ExecArgs,
    terminal: Option<&'a TerminalSource>,
    /// The container's filter, if it has one, and what is written of it.
    filter: (Option<&'a Seccomp>, &'a Record),
    /// The file that was written, as long as it is not known that the command runs.
    written: Cell<Option<&'a OsStr>>,
}

impl<'a> Attended<'a> {
    pub fn new(
        arguments: &'a ExecArgs,
        terminal: Option<&'a TerminalSource>,
        filter: (Option<&'a Seccomp>, &'a Record),
    ) -> Self {
        Self {
            arguments,
            terminal,
            filter,
            written: Cell::new(None),
        }
    }

    /// The command runs, and the file stays.
    pub fn succeed(self) {
        self.written.set(None);
    }
}

impl Attendant for Attended<'_> {
    fn record(&self, pid: Pid) -> Result<(), Error> {
        if let (Some(socket), Some(TerminalSource::Awaited { ours, .. })) =
            (&self.arguments.console_socket, self.terminal)
        {
            let terminal = terminal::sent(ours.as_fd())?;
            console::send(socket, console::TERMINAL, terminal.master.as_fd())?;
        }
        if let Some(socket) = &self.arguments.pidfd_socket {
            let pidfd = process::open(pid)
                .map_err(|errno| Error::new("open a pidfd of", pid.to_string(), errno))?;
            console::send(socket, console::ANOTHER, pidfd.as_fd())?;
        }
        if let Some(path) = &self.arguments.pid_file {
            pid_file::write(path, pid)?;
            self.written.set(Some(path));
        }
        Ok(())
    }

    fn prepare(&self, _: Pid) -> Result<(), Error> {
        Ok(())
    }

    fn make(&self, _: Pid, _: BorrowedFd<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn listen(&self, pid: Pid, listener: OwnedFd) -> Result<(), Error> {
        let (seccomp, record) = self.filter;
        let state = state::object(record, Status::Running);
        seccomp::send_listener(seccomp, listener, pid, state)
    }
}

impl Drop for Attended<'_> {
    /// The process of a command that could not be executed is gone.
    fn drop(&mut self) {
        if let Some(path) = self.written.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}
