//! `oci delete`: what a container has left is removed.

use super::command_line::{DeleteArgs, Globals};
use super::config::Hook;
use super::hooks::{self, Moment};
use super::id::ContainerId;
use super::store::{Entry, Locked, Record, Status, Store, Tried};
use super::{config, ending};
use crate::error::{Error, ExitCode};
use crate::log::Level;
use crate::sys::Errno;
use std::time::{Duration, Instant};

/// Errors: it does not exist, or it runs; and what could not be removed.
pub fn run(arguments: &DeleteArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let id = &arguments.id;
    let entry = match Store::open(globals)?.find(id) {
        // As in runc: there is nothing to be removed.
        Err(error) if arguments.force && error.errno().is_none() => {
            return Ok(ExitCode::SUCCESS);
        }
        found => found?,
    };
    remove(entry, arguments.force, globals)
}

/// Deletes by force the container that this record was made for. If its name is another's by now, that one is left alone.
///
/// Errors: what could not be removed.
pub fn own(record: &Record, id: &ContainerId, globals: &Globals) -> Result<ExitCode, Error> {
    let Some(entry) = Store::open(globals)?.find_if_there(id)? else {
        return Ok(ExitCode::SUCCESS);
    };
    // No directory is used twice: if the record in it is ours, all that is done by this entry is done to ours.
    match entry.record_if_there()? {
        Some(found) if found.is_of_the_same(record) => remove(entry, true, globals),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn remove(entry: Entry, by_force: bool, globals: &Globals) -> Result<ExitCode, Error> {
    let locked = match by_force {
        true => ended(entry)?,
        false => Some(entry.lock()?),
    };
    // Whoever was making it has taken it back.
    let Some(locked) = locked else {
        return Ok(ExitCode::SUCCESS);
    };
    // What cannot be read or understood may be that of a container that runs, which no one would find any more.
    let record = locked.record_if_there()?;
    if let Some(record) = &record {
        let status = locked.status(record)?;
        match status {
            Status::Running | Status::Paused if !by_force => {
                return Err(Error::told(&format!(
                    "cannot delete container {} that is not stopped: {}",
                    locked.id,
                    status.word()
                )));
            }
            _ => ending::end(record)?,
        }
        record.cgroups.remove()?;
    }
    let hooks = record.map(|record| (after(&locked, globals), record));
    locked.remove()?;
    drop(locked);
    // "after the container is deleted" (the specification, "Poststop"), as in runc: its name is free, however long they take.
    if let Some((hooks, record)) = hooks {
        hooks::run_all(&hooks, Moment::Poststop, &record, &globals.log);
    }
    Ok(ExitCode::SUCCESS)
}

/// How long whoever is at work on a container may take once that has ended.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// Locks it. Whoever has it locked waits perhaps for what does not come: it is ended under their hands, and they see that.
///
/// Errors: they are at work on it all the same.
fn ended(mut entry: Entry) -> Result<Option<Locked>, Error> {
    let begin = Instant::now();
    loop {
        entry = match entry.try_lock()? {
            Tried::Locked(locked) => return Ok(Some(locked)),
            Tried::Gone => return Ok(None),
            Tried::Busy(entry) => entry,
        };
        if let Ok(Some(record)) = entry.record_if_there() {
            ending::end(&record)?;
        }
        if begin.elapsed() > PATIENCE {
            let object = format!("container {}", entry.id);
            return Err(Error::new("lock", object, Errno::EAGAIN)
                .hint(Some("another command is at work on it")));
        }
        std::thread::sleep(PAUSE);
    }
}

/// The hooks of a container that has ended. It goes, whatever becomes of them.
fn after(locked: &Locked, globals: &Globals) -> Vec<Hook> {
    match locked.config().and_then(|text| config::read(&text)) {
        Ok(config) => config.hooks.poststop,
        // It was never written: no hook has run.
        Err(error) if error.errno().is_none() => Vec::new(),
        Err(error) => {
            let told = error.to_string();
            globals.log.write(Level::Warn, told.as_bytes(), &[]);
            Vec::new()
        }
    }
}
