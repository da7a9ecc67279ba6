//! From the plan to a running command: clone, and the child's reports.

mod in_process;
pub mod re_exec;
mod reports;
mod retry;

use crate::error::Error;
use crate::hint::{Doing, hint};
use crate::init::Descriptors;
use crate::log::{Level, Log, Value};
use crate::plan::InitPlan;
use crate::spec::{LaunchChoice, Namespace, Namespaces};
use crate::sys::process::{self, Patience};
use crate::sys::stack::ChildStack;
use crate::sys::{Errno, Pid, allocation, descriptor};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// How the first process is born.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It runs the plan in the memory it was cloned with.
    InProcess,
    /// It executes mydocker anew, which runs the plan.
    ReExec,
}

impl Mode {
    fn name(self) -> &'static [u8] {
        match self {
            Self::InProcess => b"in-process",
            Self::ReExec => b"re-exec",
        }
    }
}

/// What a launch needs.
pub struct Launch<'a> {
    pub plan: &'a InitPlan,
    pub namespaces: Namespaces,
    pub choice: LaunchChoice,
    /// /dev/null, if the plan uses it.
    pub null: Option<BorrowedFd<'a>>,
    /// The container's end of its terminal, if the plan uses it.
    pub terminal: Option<BorrowedFd<'a>>,
    pub log: &'a Log,
}

/// A container whose command is running. It has not been waited for, so its pid is its own.
#[derive(Clone, Copy, Debug)]
pub struct Container {
    pub pid: Pid,
    /// It is the command, as PID 1 of a PID namespace: the kernel spares it the signals that it has
    /// no handler for. (A reaper waits for them all.)
    pub command_is_spared: bool,
}

/// The two ends of the report pipe.
struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Launch<'_> {
    /// Starts the container and waits until its command is running.
    ///
    /// Errors: whatever failed, on this side or in the child, which is gone by then.
    pub fn start(&self) -> Result<Container, Error> {
        let (reader, writer) =
            descriptor::pipe().map_err(|errno| Error::new("pipe", "for reports", errno))?;
        let pipe = Pipe { reader, writer };
        let (pid, mode) = self.clone(&pipe)?;
        // Ours closed, the pipe ends when the child's do: at execve, or when it leaves.
        drop(pipe.writer);
        match reports::read(self.plan, pipe.reader.as_fd()) {
            Ok(()) => {
                self.log.write(
                    Level::Info,
                    b"init come on",
                    &[
                        ("launch", Value::Text(mode.name())),
                        ("pid", Value::Number(i64::from(pid))),
                    ],
                );
                Ok(Container {
                    pid,
                    command_is_spared: self.plan.reaper.is_none(),
                })
            }
            Err(failure) => {
                let ended = process::wait(Some(pid), Patience::Wait)
                    .map_err(|errno| Error::new("wait for", "the container", errno))?;
                Err(failure.explained(ended.map(|(_, ended)| ended)))
            }
        }
    }

    /// The descriptors as the child names them: its table is its own, with the same numbers.
    fn descriptors(&self, pipe: &Pipe) -> Descriptors {
        let numbered = |file: BorrowedFd<'_>| descriptor::borrowed(file.as_raw_fd());
        Descriptors {
            report: numbered(pipe.writer.as_fd()),
            report_reader: Some(numbered(pipe.reader.as_fd())),
            null: self.null.map(numbered),
            terminal: self.terminal.map(numbered),
        }
    }

    fn clone(&self, pipe: &Pipe) -> Result<(Pid, Mode), Error> {
        match self.choice {
            LaunchChoice::InProcess => self.clone_as(Mode::InProcess, pipe),
            LaunchChoice::ReExec => self.clone_as(Mode::ReExec, pipe),
            LaunchChoice::Auto => self
                .clone_as(Mode::InProcess, pipe)
                .or_else(|error| self.fall_back(pipe, error)),
        }
    }

    /// Some places (filters, emulators) refuse a clone that shares memory and allow one that does
    /// not. If they refuse that one too, sharing was not the reason.
    fn fall_back(&self, pipe: &Pipe, error: Error) -> Result<(Pid, Mode), Error> {
        if error.errno().is_some_and(retry::is_limit) {
            return Err(error);
        }
        let Ok(born) = self.clone_as(Mode::ReExec, pipe) else {
            return Err(error);
        };
        let errno = error.errno().and_then(|errno| errno.name());
        self.log.write(
            Level::Warn,
            b"launched by re-exec: the in-process clone cannot be had here",
            &[("errno", Value::Text(errno.unwrap_or("unknown").as_bytes()))],
        );
        Ok(born)
    }

    fn clone_as(&self, mode: Mode, pipe: &Pipe) -> Result<(Pid, Mode), Error> {
        let mut stack =
            ChildStack::new().map_err(|errno| Error::new("map", "the child's stack", errno))?;
        let result = match mode {
            Mode::InProcess => {
                let birth = in_process::Birth::new(self, pipe);
                self.with_retries(|flags| birth.clone(flags, &mut stack))
            }
            Mode::ReExec => {
                let birth = re_exec::Birth::new(self, pipe)?;
                self.with_retries(|flags| birth.clone(flags, &mut stack))
            }
        };
        // The child shared our memory until now, if it did.
        allocation::allow();
        result.map(|pid| (pid, mode)).map_err(|errno| {
            let user_namespace = self.namespaces.contains(Namespace::User);
            Error::new("clone", "into new namespaces", errno)
                .hint(hint(Doing::Clone { user_namespace }, errno))
        })
    }

    fn with_retries(&self, clone: impl FnMut(u32) -> Result<Pid, Errno>) -> Result<Pid, Errno> {
        retry::with_retries(self.namespaces, self.log, clone)
    }
}
