//! What is done for the engine while the process waits to be written down: it is sent the terminal and a pidfd, and the pid is
//! put into a file.

use crate::error::Error;
use crate::launch::Attendant;
use crate::oci::command_line::ExecArgs;
use crate::oci::{console, pid_file};
use crate::sys::{Pid, process};
use crate::terminal::{self, TerminalSource};
use std::cell::Cell;
use std::ffi::OsStr;
use std::os::fd::AsFd;

pub struct Attended<'a> {
    arguments: &'a ExecArgs,
    terminal: Option<&'a TerminalSource>,
    /// The file that was written, as long as it is not known that the command runs.
    written: Cell<Option<&'a OsStr>>,
}

impl<'a> Attended<'a> {
    pub fn new(arguments: &'a ExecArgs, terminal: Option<&'a TerminalSource>) -> Self {
        Self {
            arguments,
            terminal,
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

    fn make(&self, _: Pid) -> Result<(), Error> {
        Ok(())
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
