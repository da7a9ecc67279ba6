//! `oci create`: a container whose command waits for `start`.

use super::command_line::{CreateArgs, Globals};
use super::making::{Purpose, make, shield};
use crate::error::{Error, ExitCode};
use crate::guard::Request;
use crate::monitor::signals::Relayed;
use crate::sys::invocation::Invocation;

/// Errors: what could not be done; nothing is left then.
pub fn run(
    arguments: &CreateArgs,
    globals: &Globals,
    invocation: &Invocation,
) -> Result<ExitCode, Error> {
    shield(invocation)?;
    // A signal that comes meanwhile ends what has been begun.
    let signals = Relayed::Nothing.acquire()?;
    make(arguments, globals, invocation, Purpose::Create, &signals)?;
    Ok(ExitCode::SUCCESS)
}
