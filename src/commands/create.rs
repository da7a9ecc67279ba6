//! `mydocker create`.

use crate::docker::{LogArgs, RunArgs};
use crate::error::{Error, ExitCode};

/// Makes a container, and starts nothing.
pub fn run(_arguments: &RunArgs, _log: &LogArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("create"))
}
