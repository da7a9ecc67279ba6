//! `oci create`.

use super::command_line::{CreateArgs, Globals};
use crate::error::{Error, ExitCode};
use crate::sys::invocation::Invocation;

/// Errors: what could not be done.
pub fn run(
    arguments: &CreateArgs,
    globals: &Globals,
    invocation: &Invocation,
) -> Result<ExitCode, Error> {
    let _ = (arguments, globals, invocation);
    Err(Error::refused("create", "it is not built yet"))
}
