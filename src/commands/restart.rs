//! `mydocker restart`.

use crate::docker::RestartArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &RestartArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("restart"))
}
