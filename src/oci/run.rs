//! `oci run`.

use super::command_line::{Globals, RunArgs};
use crate::error::{Error, ExitCode};
use crate::sys::invocation::Invocation;

/// Errors: what could not be done.
pub fn run(
    arguments: &RunArgs,
    globals: &Globals,
    invocation: &Invocation,
) -> Result<ExitCode, Error> {
    let _ = (arguments, globals, invocation);
    Err(Error::refused("run", "it is not built yet"))
}
