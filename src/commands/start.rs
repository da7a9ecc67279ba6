//! `mydocker start`.

use crate::docker::StartArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &StartArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("start"))
}
