//! `mydocker logs`.

use crate::docker::LogsArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &LogsArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("logs"))
}
