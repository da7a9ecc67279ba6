//! `mydocker rm`.

use crate::docker::RmArgs;
use crate::error::{Error, ExitCode};

pub fn run(_arguments: &RmArgs) -> Result<ExitCode, Error> {
    Err(super::not_built("rm"))
}
