//! What is done when something is asked.

use super::{Desk, Message, Role};
use crate::control::{Answer, Attached, Patience, Request};
use crate::error::Error;
use crate::log::{Level, Log};
use crate::monitor::Supervisor;
use std::time::Duration;

/// What the runtime does for a monitor: it has the container's cgroups and its state.
pub trait Hooks {
    /// Freezes the container's processes, and writes that down.
    ///
    /// Errors: they are not frozen.
    fn pause(&mut self) -> Result<(), Error>;

    /// Thaws them, and writes that down.
    ///
    /// Errors: they may be frozen still.
    fn unpause(&mut self) -> Result<(), Error>;

    /// Writes down that someone has stopped or killed the container.
    fn stopping(&mut self);
}

/// A running container that something is done to.
pub struct Subject<'s, 'a> {
    pub supervisor: &'s mut Supervisor<'a>,
    pub hooks: &'s mut dyn Hooks,
    pub log: &'s Log,
    /// What one can be attached to. `None`: the container writes to its caller's own files.
    pub attached: Option<Attached>,
}

impl Desk {
    /// Does what a message asks, if it asks something.
    pub fn serve(&mut self, index: usize, message: &Message<'_>, subject: &mut Subject<'_, '_>) {
        let answer = match message {
            Message::Request(request) => self.done(index, *request, subject),
            Message::Unknown => unknown(),
            Message::Typed(_) | Message::Nothing | Message::Gone => return,
        };
        self.answer(index, &answer);
    }

    fn done(&mut self, index: usize, request: Request, subject: &mut Subject<'_, '_>) -> Answer {
        match request {
            Request::Kill { signal } => {
                subject.supervisor.send(signal);
                if subject.supervisor.asks_to_end(signal) {
                    self.is_stopped_by_hand(subject);
                }
                Answer::Done
            }
            Request::Stop { signal, patience } => {
                self.stop(signal, patience, subject);
                Answer::Done
            }
            Request::Pause if self.is_paused => refused("the container is paused already"),
            Request::Pause => match subject.hooks.pause() {
                Ok(()) => {
                    self.is_paused = true;
                    Answer::Done
                }
                Err(error) => Answer::Refused(error.to_string()),
            },
            Request::Unpause if !self.is_paused => refused("the container is not paused"),
            Request::Unpause => match subject.hooks.unpause() {
                Ok(()) => {
                    self.is_paused = false;
                    Answer::Done
                }
                Err(error) => Answer::Refused(error.to_string()),
            },
            Request::Attach { .. } if self.is_paused => {
                refused("You cannot attach to a paused container, unpause it first")
            }
            Request::Attach { input } => self.attach(index, input, subject.attached),
        }
    }

    fn attach(&mut self, index: usize, input: bool, attached: Option<Attached>) -> Answer {
        let Some(attached) = attached else {
            return refused(
                "the container runs in the foreground: what it writes goes where its caller's output goes",
            );
        };
        let takes_input = input && attached.takes_input;
        if let Some(client) = self.clients.get_mut(index) {
            client.role = match takes_input {
                true => Role::Types,
                false => Role::Watches,
            };
        }
        Answer::Attached(Attached {
            takes_input,
            ..attached
        })
    }

    /// Asks the container to end, and kills it when it has not in time.
    pub fn stop(
        &mut self,
        signal: Option<i32>,
        patience: Option<Patience>,
        subject: &mut Subject<'_, '_>,
    ) {
        let patience = match patience {
            None => self.patience,
            Some(Patience::Forever) => None,
            Some(Patience::Seconds(seconds)) => Some(Duration::from_secs(seconds.into())),
        };
        subject.supervisor.end_by_hand(signal, patience);
        self.is_stopped_by_hand(subject);
    }

    /// Who is asked to end is let go on: a process that is frozen gets no signal.
    fn is_stopped_by_hand(&mut self, subject: &mut Subject<'_, '_>) {
        self.thaw(subject.hooks, subject.log);
        if !std::mem::replace(&mut self.was_stopped, true) {
            subject.hooks.stopping();
        }
    }

    /// Lets a container that was killed, for whatever reason, go on to its end.
    pub fn let_end(&mut self, supervisor: &Supervisor<'_>, hooks: &mut dyn Hooks, log: &Log) {
        if self.is_paused && supervisor.is_to_end() {
            self.thaw(hooks, log);
        }
    }

    fn thaw(&mut self, hooks: &mut dyn Hooks, log: &Log) {
        if !self.is_paused {
            return;
        }
        match hooks.unpause() {
            Ok(()) => self.is_paused = false,
            // It is tried again, each time that the container is killed.
            Err(error) => log.write(Level::Error, error.to_string().as_bytes(), &[]),
        }
    }

    /// Answers while no container runs, because it is to be started again.
    pub(super) fn answer_between_runs(&mut self, index: usize, message: Message<'_>) {
        let answer = match message {
            Message::Request(Request::Stop { .. }) => self.stopped_between_runs(),
            Message::Request(Request::Kill { signal }) if signal == libc::SIGKILL => {
                self.stopped_between_runs()
            }
            Message::Request(Request::Kill { .. }) => {
                refused("the container is not running: it is to be started again")
            }
            Message::Request(Request::Attach { .. }) => {
                refused("You cannot attach to a restarting container, wait until it is running")
            }
            Message::Request(Request::Pause | Request::Unpause) => {
                refused("the container is restarting, wait until it is running")
            }
            Message::Unknown => unknown(),
            Message::Typed(_) | Message::Nothing | Message::Gone => return,
        };
        self.answer(index, &answer);
    }

    fn stopped_between_runs(&mut self) -> Answer {
        self.was_stopped = true;
        Answer::Done
    }
}

fn refused(why: &str) -> Answer {
    Answer::Refused(why.to_owned())
}

fn unknown() -> Answer {
    refused(
        "the container's monitor does not know this request: it may be of another version of mydocker",
    )
}
