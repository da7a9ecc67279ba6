//! `oci spec`.

use super::command_line::SpecArgs;
use crate::error::{Error, ExitCode};

pub fn run(arguments: &SpecArgs) -> Result<ExitCode, Error> {
    let _ = arguments;
    Err(Error::refused("spec", "it is not built yet"))
}
