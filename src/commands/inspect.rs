//! `mydocker inspect`.

use crate::docker::InspectArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &InspectArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("inspect"))
}
