//! `oci start`.

use super::command_line::{Globals, IdArgs};
use crate::error::{Error, ExitCode};

/// Errors: what could not be done.
pub fn run(arguments: &IdArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let _ = (arguments, globals);
    Err(Error::refused("start", "it is not built yet"))
}
