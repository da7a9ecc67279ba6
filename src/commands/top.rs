//! `mydocker top`.

use crate::docker::TopArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &TopArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("top"))
}
