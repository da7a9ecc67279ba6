//! `oci delete`: what a container has left is removed.

use super::command_line::{DeleteArgs, Globals};
use super::hooks::{self, Moment};
use super::store::{Locked, Record, Status, Store};
use super::{config, ending};
use crate::error::{Error, ExitCode};
use crate::log::Level;

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
    let locked = match entry.lock() {
        Err(error) if arguments.force && error.errno().is_none() => {
            return Ok(ExitCode::SUCCESS);
        }
        locked => locked?,
    };
    let record = match locked.record_if_there() {
        Ok(record) => record,
        Err(error) if !arguments.force => return Err(error),
        Err(_) => None,
    };
    if let Some(record) = &record {
        let status = locked.status(record)?;
        match status {
            Status::Running | Status::Paused if !arguments.force => {
                return Err(Error::told(&format!(
                    "cannot delete container {id} that is not stopped: {}",
                    status.word()
                )));
            }
            _ => ending::end(record)?,
        }
        record.cgroups.remove()?;
        after(&locked, record, globals);
    }
    locked.remove()?;
    Ok(ExitCode::SUCCESS)
}

/// The hooks of a container that has ended. It goes, whatever becomes of them.
fn after(locked: &Locked, record: &Record, globals: &Globals) {
    match locked.config().and_then(|text| config::read(&text)) {
        Ok(config) => hooks::run_all(
            &config.hooks.poststop,
            Moment::Poststop,
            record,
            &globals.log,
        ),
        // It was never written: no hook has run.
        Err(error) if error.errno().is_none() => {}
        Err(error) => globals
            .log
            .write(Level::Warn, error.to_string().as_bytes(), &[]),
    }
}
