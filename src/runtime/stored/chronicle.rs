//! What the store says of a container while its monitor lives: written by the monitor, at each turn of the container's life.

use super::background::Teller;
use crate::cgroup::{self, Opened};
use crate::error::{Error, ExitCode};
use crate::host::root;
use crate::log::{Level, Log};
use crate::monitor::End;
use crate::monitor::desk::Hooks;
use crate::runtime::told::Chronicled;
use crate::store::{Owned, Phase, Process, State};
use crate::sys::{Pid, process};
use crate::time;
use crate::verdict::Reason;

/// The hand that writes a container's state.
pub struct Chronicle<'a> {
    owned: &'a Owned,
    state: State,
    /// Where the start of a container that goes to the background is told, until it is.
    teller: &'a mut Option<Teller>,
    /// Whether this process has left its caller, whose directories it is not to keep in use.
    is_background: bool,
    log: &'a Log,
}

impl<'a> Chronicle<'a> {
    /// Errors: as reading the state that is there.
    pub fn new(
        owned: &'a Owned,
        teller: &'a mut Option<Teller>,
        log: &'a Log,
    ) -> Result<Self, Error> {
        let mut state = owned.state()?;
        state.monitor = Process::of(process::id()).ok();
        state.stopped_by_hand = false;
        Ok(Self {
            owned,
            state,
            is_background: teller.is_some(),
            teller,
            log,
        })
    }

    /// Whether the command has run in the life that has ended last.
    pub fn has_lived(&self) -> bool {
        self.state.phase == Phase::Exited
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Notes that the container has ended. What comes next is written with that.
    pub fn ended(&mut self, end: &End) {
        self.over(end.exit);
        self.state.reason = Some(end.reason);
        self.state.oom_killed = end.reason == Reason::OutOfMemory;
    }

    /// Notes that the container could not be started, or not be followed to its end.
    pub fn failed(&mut self, error: &Error) {
        let phase = self.state.phase;
        self.over(error.exit());
        if !phase.is_live() {
            // As docker has it: it is one that has never run.
            self.state.phase = Phase::Created;
            self.state.reason = Some(Reason::NotStarted);
            self.state.finished = None;
        }
        self.state.error = Some(error.to_string());
    }

    /// Nothing comes next.
    pub fn is_over(&mut self) -> Result<(), Error> {
        self.owned.write_state(&self.state)
    }

    /// Bytes of output that the log had no room for.
    pub fn lost(&mut self, bytes: u64) {
        self.state.lost_log_bytes = bytes;
    }

    /// Someone has stopped it while it waited to be started anew.
    pub fn is_stopped(&mut self) {
        self.state.phase = Phase::Exited;
        self.state.stopped_by_hand = true;
    }

    /// Writes down that the container is to be started anew, after a while.
    pub fn waits_for_restart(&mut self) -> Result<(), Error> {
        self.state.phase = Phase::Restarting;
        self.state.restarts = self.state.restarts.saturating_add(1);
        self.owned.write_state(&self.state)
    }

    fn turn_to(&mut self, phase: Phase) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.state.phase, phase);
        self.owned
            .write_state(&self.state)
            .inspect_err(|_| self.state.phase = before)
    }

    fn over(&mut self, exit: ExitCode) {
        self.state.phase = Phase::Exited;
        self.state.first = None;
        self.state.cgroups = Vec::new();
        self.state.root = None;
        self.state.finished = Some(time::nanoseconds());
        self.state.exit = Some(exit.0);
    }
}

impl Chronicled for Chronicle<'_> {
    /// The clone comes next. What whoever finds the monitor gone has to clean up is written down before there is a
    /// process that could outlive it.
    fn prepared(
        &mut self,
        cgroups: Vec<cgroup::Record>,
        root: Option<root::Record>,
    ) -> Result<(), Error> {
        self.state.boot = State::created().boot;
        self.state.cgroups = cgroups;
        self.state.root = root;
        self.state.first = None;
        self.owned.write_state(&self.state)
    }

    /// The command is running. The one who waits for that is told when everyone can see it.
    fn running(&mut self, pid: Pid) -> Result<(), Error> {
        self.state.phase = Phase::Running;
        self.state.first = Process::of(pid).ok();
        self.state.started = Some(time::nanoseconds());
        self.state.finished = None;
        self.state.exit = None;
        self.state.error = None;
        self.state.reason = None;
        self.state.oom_killed = false;
        self.owned.write_state(&self.state)?;
        if self.is_background {
            // In each life, for each begins in the directory that its command line is relative to.
            process::change_directory(c"/").map_err(|errno| Error::new("chdir", "/", errno))?;
        }
        if let Some(teller) = self.teller.take() {
            teller.running()?;
            self.log.stderr_is_another();
        }
        Ok(())
    }
    fn hooks(&mut self) -> &mut dyn Hooks {
        self
    }
}

impl Hooks for Chronicle<'_> {
    fn pause(&mut self) -> Result<(), Error> {
        Opened::by(&self.state.cgroups)?.freeze()?;
        self.turn_to(Phase::Paused).inspect_err(|_| {
            // What no one can see is not to be so.
            let _ = Opened::by(&self.state.cgroups).and_then(|opened| opened.thaw());
        })
    }

    fn unpause(&mut self) -> Result<(), Error> {
        Opened::by(&self.state.cgroups)?.thaw()?;
        self.turn_to(Phase::Running)
    }

    fn stopping(&mut self) {
        self.state.stopped_by_hand = true;
        // The container is stopped all the same; what is not written now is written with its end.
        if let Err(error) = self.owned.write_state(&self.state) {
            self.log
                .write(Level::Error, error.to_string().as_bytes(), &[]);
        }
    }
}
