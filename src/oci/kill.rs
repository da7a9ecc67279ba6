//! `oci kill`.

use super::command_line::{Globals, KillArgs};
use crate::error::{Error, ExitCode};

/// Errors: what could not be done.
pub fn run(arguments: &KillArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let _ = (arguments, globals);
    Err(Error::refused("kill", "it is not built yet"))
}
