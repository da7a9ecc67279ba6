//! `mydocker kill`.

use crate::docker::KillArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &KillArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("kill"))
}
