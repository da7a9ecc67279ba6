//! `mydocker create`.

use crate::docker::RunArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::stored;
use crate::sys::invocation::Invocation;

/// Makes a container, and starts nothing.
pub fn run(arguments: &RunArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    stored::create(arguments, invocation)
}
