//! `mydocker rename`.

use crate::docker::RenameArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &RenameArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("rename"))
}
