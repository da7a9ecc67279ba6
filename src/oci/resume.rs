//! `oci resume`.

use super::command_line::{Globals, IdArgs};
use super::store::{Status, Store};
use crate::error::{Error, ExitCode};

/// What was paused goes on.
///
/// Errors: it is not paused.
pub fn run(arguments: &IdArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let container = Store::open(globals)?.find(&arguments.id)?.lock()?;
    let record = container.record()?;
    if container.status(&record)? != Status::Paused {
        let message = format!("container not paused: {}", arguments.id);
        return Err(Error::told(&message));
    }
    record.cgroups.open().thaw()?;
    Ok(ExitCode::SUCCESS)
}
