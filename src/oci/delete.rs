//! `oci delete`: what a container has left is removed.

use super::command_line::{DeleteArgs, Globals};
use super::ending;
use super::store::{Record, Status, Store};
use crate::error::{Error, ExitCode};

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
        after(record);
    }
    locked.remove()?;
    Ok(ExitCode::SUCCESS)
}

/// The hooks of a container that has ended.
fn after(record: &Record) {
    let _ = record;
}
