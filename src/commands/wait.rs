//! `mydocker wait`.

use crate::docker::WaitArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &WaitArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("wait"))
}
