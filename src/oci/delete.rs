//! `oci delete`.

use super::command_line::{DeleteArgs, Globals};
use crate::error::{Error, ExitCode};

/// Errors: what could not be done.
pub fn run(arguments: &DeleteArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let _ = (arguments, globals);
    Err(Error::refused("delete", "it is not built yet"))
}
