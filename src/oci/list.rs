//! `oci list`.

use super::command_line::{Globals, ListArgs};
use crate::error::Error;

pub fn run(arguments: &ListArgs, globals: &Globals) -> Result<String, Error> {
    let _ = (arguments, globals);
    Err(Error::refused("list", "it is not built yet"))
}
