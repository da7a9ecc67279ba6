//! `oci events`.

use super::command_line::{EventsArgs, Globals};
use crate::error::{Error, ExitCode};

/// Errors: what could not be done.
pub fn run(arguments: &EventsArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let _ = (arguments, globals);
    Err(Error::refused("events", "it is not built yet"))
}
