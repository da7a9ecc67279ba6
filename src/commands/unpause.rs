//! `mydocker unpause`.

use crate::docker::UnpauseArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &UnpauseArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("unpause"))
}
