//! `oci start`: the command of a container that waits is executed.

use super::command_line::{Globals, IdArgs};
use super::config::{self, Hook};
use super::hooks::{self, Moment, Until};
use super::notify::Notify;
use super::process::{Inherited, command};
use super::store::{Locked, Record, Status, Store};
use super::{ending, words};
use crate::error::{Error, ExitCode};
use crate::plan::hook::{HookMoment, MOST_TOLD};
use crate::plan::{InitPlan, describe_failure};
use crate::report::Report;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::process_start::Image;
use crate::sys::signal::SignalSet;
use crate::sys::{Errno, signal};
use std::os::fd::{AsFd, OwnedFd};

/// Errors: it does not wait, its command could not be executed, or a hook has failed.
pub fn run(arguments: &IdArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let locked = Store::open(globals)?.find(&arguments.id)?.lock()?;
    let record = locked.record()?;
    let refusal = match locked.status(&record)? {
        Status::Created => None,
        Status::Stopped => Some("cannot start a container that has stopped"),
        Status::Running => Some("cannot start an already running container"),
        Status::Creating => Some("cannot start a container in the creating state"),
        Status::Paused => Some("cannot start a container in the paused state"),
    };
    if let Some(refusal) = refusal {
        return Err(Error::told(refusal));
    }
    let Some(start) = locked.open_start()? else {
        return Err(Error::told("cannot start a container that has stopped"));
    };
    let notify = Notify::asked(globals, &arguments.id)?;
    let socket = notify.as_ref().map(Notify::listen).transpose()?.flatten();
    open_gate(&locked, &record, &start).inspect_err(|_| {
        // It is on its way; what is said is why.
        let _ = ending::end(&record);
    })?;
    let config = config::read(&locked.config()?)?;
    // It runs: whoever ends it, or deletes it, does not wait for what follows.
    drop(locked);
    after(&config.hooks.poststart, &record, &Until::NEVER)?;
    if let Some((notify, socket)) = notify.zip(socket) {
        notify.relay(&socket, &record, record.pid, SignalSet::EMPTY)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The bytes of a report.
const REPORT: usize = 8;

/// Lets the command be executed, and waits until it is: then no one reads the FIFO any more.
fn open_gate(locked: &Locked, record: &Record, start: &OwnedFd) -> Result<(), Error> {
    let failed = |errno| Error::new("start", format!("container {}", locked.id), errno);
    let image = || Image::of(record.pid, record.start_time);
    let before = match image() {
        Err(Errno::ESRCH) => return Err(ended(locked)),
        image => image.map_err(failed)?,
    };
    // Who waits may be killed at any time.
    signal::survive_writes();
    match descriptor::write(start.as_fd(), &[0]) {
        Ok(_) => {}
        Err(Errno::EPIPE) => return Err(ended(locked)),
        Err(errno) => return Err(failed(errno)),
    }
    loop {
        let mut waiting = [Waiting::until_closed(start.as_fd())];
        descriptor::wait(&mut waiting, -1).map_err(failed)?;
        if waiting.iter().any(Waiting::happened) {
            break;
        }
    }
    // What is left in the FIFO as long as we have it open: our byte, if no one has read it, or a report.
    let left = locked.open_left()?;
    let mut text = [0; MOST_TOLD + REPORT];
    let left = match descriptor::read(left.as_fd(), &mut text) {
        Ok(0) | Err(Errno::EAGAIN) => {
            return match image() {
                // Killed behind the gate, by its filter or by someone: execve closes the FIFO, and so does the end.
                Ok(now) if now.has_ended_as(&before) => Err(ended(locked)),
                // Of one that was waited for already, its engine knows how it has ended.
                _ => Ok(()),
            };
        }
        Ok(count) => text.get(..count).unwrap_or_default(),
        Err(errno) => return Err(failed(errno)),
    };
    // Before it stands what a hook has said.
    let Some((said, report)) = left.split_last_chunk::<REPORT>() else {
        return Err(ended(locked));
    };
    let report = Report::of_bytes(*report).map_err(failed)?;
    Err(told(locked, record, report).with_words(said))
}

#[cold]
#[inline(never)]
fn ended(locked: &Locked) -> Error {
    let id = &locked.id;
    Error::told(&format!("container {id} has ended before it was started"))
}

/// What a report means of who has left the gate behind.
#[cold]
#[inline(never)]
fn told(locked: &Locked, record: &Record, report: Report) -> Error {
    let plan = match locked.config().and_then(|text| rest(&text)) {
        Ok(plan) => plan,
        Err(error) => return error,
    };
    let failed = |errno| Error::new("start", format!("container {}", locked.id), errno);
    match report {
        Report::Execve(candidate, errno, _) => words::not_executed(&plan.command, candidate, errno),
        Report::Step(number, part, errno) => {
            let after = number.checked_sub(record.gate + 1);
            match after.and_then(|number| plan.step(number)) {
                Some(step) => describe_failure(&plan, step, part.failed(errno)),
                None => failed(errno),
            }
        }
        _ => failed(Errno::EBADMSG),
    }
}

/// What the plan has behind the gate, as far as it is told of.
fn rest(text: &[u8]) -> Result<InitPlan, Error> {
    let config = config::read(text)?;
    let hooks = &config.hooks.start_container;
    let process = config.process.unwrap_or_default();
    Ok(InitPlan {
        forerunner: Vec::new(),
        birth: Vec::new(),
        container: Vec::new(),
        reaper: None,
        enters: false,
        process: hooks::steps(hooks, HookMoment::StartContainer).collect(),
        command: command(&process, Inherited::default())?,
        premounted: 0,
        timed: false,
        tells_status: false,
    })
}

/// The hooks of a container that runs. If one fails the container ends, as in runc.
pub fn after(hooks: &[Hook], record: &Record, until: &Until<'_>) -> Result<(), Error> {
    hooks::run(hooks, Moment::Poststart, record, until).inspect_err(|_| {
        // What is said is why.
        let _ = ending::end(record);
    })
}
