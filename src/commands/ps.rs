//! `mydocker ps`.

use crate::docker::PsArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &PsArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("ps"))
}
