//! `mydocker attach`.

use crate::docker::AttachArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &AttachArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("attach"))
}
