//! `mydocker stats`.

use crate::docker::StatsArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &StatsArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("stats"))
}
