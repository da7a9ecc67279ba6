//! `oci pause`.

use super::command_line::{Globals, IdArgs};
use super::store::{Status, Store};
use super::words;
use crate::error::{Error, ExitCode};

/// Everything in the container stops where it is, until it is resumed.
///
/// Errors: it does not run, or is paused already; there is nothing to freeze it with.
pub fn run(arguments: &IdArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let container = Store::open(globals)?.find(&arguments.id)?.lock()?;
    let record = container.record()?;
    match container.status(&record)? {
        Status::Running | Status::Created => {}
        Status::Creating | Status::Paused | Status::Stopped => {
            return Err(words::not_running(&arguments.id));
        }
    }
    record.cgroups.freezer()?.freeze()?;
    Ok(ExitCode::SUCCESS)
}
