//! The commands that know containers by their names: one file each.

pub mod attach;
pub mod attached;
mod called;
pub mod cp;
pub mod create;
mod each;
pub mod exec;
pub mod inspect;
pub mod kill;
pub mod logs;
mod of_config;
pub mod pause;
pub mod ps;
pub mod rename;
pub mod restart;
pub mod rm;
pub mod start;
pub mod stats;
pub mod stop;
pub mod top;
pub mod unpause;
pub mod update;
pub mod wait;

use crate::error::{Error, ExitCode};
use crate::log;
use crate::standard_streams;
use std::ffi::{OsStr, OsString};

/// The answer of a command that is only a name yet.
#[cold]
#[inline(never)]
pub fn not_built(command: &str) -> Error {
    Error::refused(command, "this command is not built yet")
}

/// Does something to each of several containers, and prints what comes of it, a line each. One that it fails for is
/// complained of, and the others follow. Exit code 1 then.
///
/// Errors: stdout cannot be written.
fn to_each(
    containers: &[OsString],
    mut act: impl FnMut(&OsStr) -> Result<Option<Vec<u8>>, Error>,
) -> Result<ExitCode, Error> {
    let mut exit = ExitCode::SUCCESS;
    for container in containers {
        match act(container) {
            Ok(None) => {}
            Ok(Some(line)) => drop(answer(&[line.as_slice(), b"\n"].concat())?),
            Err(error) => {
                log::complain(&error);
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}

/// Answers on stdout.
fn answer(text: &[u8]) -> Result<ExitCode, Error> {
    let written = standard_streams::answer(text);
    written.map_err(|errno| Error::new("write", standard_streams::name(1), errno))?;
    Ok(ExitCode::SUCCESS)
}
