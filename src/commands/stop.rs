//! `mydocker stop`.

use crate::docker::StopArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &StopArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("stop"))
}
