//! `oci ps`.

use super::command_line::{Globals, PsArgs};
use crate::error::{Error, ExitCode};

/// Errors: what could not be done.
pub fn run(arguments: &PsArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let _ = (arguments, globals);
    Err(Error::refused("ps", "it is not built yet"))
}
