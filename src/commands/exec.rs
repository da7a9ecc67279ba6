//! `mydocker exec`.

use crate::docker::ExecArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &ExecArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("exec"))
}
