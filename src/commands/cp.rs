//! `mydocker cp`.

use crate::docker::CpArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &CpArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("cp"))
}
