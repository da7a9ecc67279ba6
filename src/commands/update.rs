//! `mydocker update`.

use crate::docker::UpdateArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &UpdateArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("update"))
}
