//! `oci exec`.

use super::command_line::{ExecArgs, Globals};
use crate::error::{Error, ExitCode};
use crate::sys::invocation::Invocation;

/// Errors: what could not be done.
pub fn run(
    arguments: &ExecArgs,
    globals: &Globals,
    invocation: &Invocation,
) -> Result<ExitCode, Error> {
    let _ = (arguments, globals, invocation);
    Err(Error::refused("exec", "it is not built yet"))
}
