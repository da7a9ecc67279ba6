//! `oci run`: a container whose command runs at once.

use super::command_line::{Globals, RunArgs};
use super::hooks::Until;
use super::making::{Begun, Purpose, make, shield};
use super::{delete, start};
use crate::error::{Error, ExitCode};
use crate::guard::Request;
use crate::launch;
use crate::log::Level;
use crate::monitor::Supervisor;
use crate::monitor::relay::{Allowance, Ends, Relay};
use crate::monitor::signals::{Relayed, Signals};
use crate::sys::invocation::Invocation;
use crate::sys::{process, signal};
use crate::terminal::CallerTerminal;
use std::os::fd::AsFd;

/// Errors: what could not be done; nothing is left then.
pub fn run(
    arguments: &RunArgs,
    globals: &Globals,
    invocation: &Invocation,
) -> Result<ExitCode, Error> {
    let purpose = match arguments.detach {
        true => Purpose::Detached,
        false => Purpose::Foreground,
    };
    shield(invocation)?;
    let signals = Relayed::Terminal.acquire()?;
    if purpose == Purpose::Foreground && !arguments.no_subreaper {
        process::adopt_orphans()
            .map_err(|errno| Error::new("prctl", "PR_SET_CHILD_SUBREAPER", errno))?;
    }
    let begun = make(&arguments.create, globals, invocation, purpose, &signals)?;
    if let Err(error) = after(&begun, &signals) {
        begun.container.end();
        delete::own(&begun.record, &arguments.create.id, globals)?;
        return Err(error);
    }
    notify(&begun, globals, purpose, &signals);
    if purpose == Purpose::Detached {
        return Ok(ExitCode::SUCCESS);
    }
    let record = begun.record.clone();
    let ended = accompany(begun, globals, signals);
    if !arguments.keep {
        delete::own(&record, &arguments.create.id, globals)?;
    }
    ended
}

/// Until it is ready, if someone wants to know. Its main process is the one that lives as long as the service.
fn notify(begun: &Begun, globals: &Globals, purpose: Purpose, signals: &Signals) {
    let Some((notify, socket)) = &begun.notified else {
        return;
    };
    let main = match purpose {
        Purpose::Foreground => process::id(),
        Purpose::Create | Purpose::Detached => begun.record.pid,
    };
    if let Err(error) = notify.relay(socket, &begun.record, main, signals.ending()) {
        // The container runs.
        globals
            .log
            .write(Level::Warn, error.to_string().as_bytes(), &[]);
    }
}

/// The hooks of a container that runs, up to a signal that ends mydocker.
fn after(begun: &Begun, signals: &Signals) -> Result<(), Error> {
    let hooks = &begun.config.hooks.poststart;
    if hooks.is_empty() {
        return Ok(());
    }
    let signals = signal::descriptor(signals.ending())
        .map_err(|errno| Error::new("signalfd", "for a start", errno))?;
    let until = Until::signalled(signals.as_fd());
    start::after(hooks, &begun.record, &until)
}

/// Until the container has ended.
fn accompany(begun: Begun, globals: &Globals, signals: Signals) -> Result<ExitCode, Error> {
    let supervisor = Supervisor::of_engine(begun.container, &globals.log);
    let (end, lost) = match begun.terminal {
        Some(terminal) => {
            let outside = CallerTerminal::of_engine();
            let signals = (signals, Allowance::new(None));
            let ends = Ends::Terminal(terminal);
            Relay::new(supervisor, &globals.log, ends, &outside, signals, None)?.run()?
        }
        None => (supervisor.wait(signals)?, None),
    };
    if let Some(error) = launch::not_executed(&begun.plan, end.exit) {
        return Err(error);
    }
    match lost {
        Some(lost) => Err(lost.exit_with(end.exit)),
        None => Ok(end.exit),
    }
}
