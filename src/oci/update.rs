//! `oci update`.

use super::command_line::{Globals, UpdateArgs};
use crate::error::{Error, ExitCode};

/// Errors: what could not be done.
pub fn run(arguments: &UpdateArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let _ = (arguments, globals);
    Err(Error::refused("update", "it is not built yet"))
}
