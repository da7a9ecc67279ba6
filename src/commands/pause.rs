//! `mydocker pause`.

use crate::docker::PauseArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &PauseArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("pause"))
}
