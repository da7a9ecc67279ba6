//! Commands that do one thing to several containers, one after the other, as docker does: what has been done is printed by the
//! word that was typed, what could not be done is told, and the rest is done all the same.

use crate::error::{Error, ExitCode};
use crate::log;
use crate::standard_streams;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What has come of it.
pub enum Done {
    /// It was done: the word is printed.
    Yes,
    /// It was done, and this line is printed.
    Line(String),
    /// There was nothing to do, and nothing is printed.
    Nothing,
    /// It was not done, and why has been told already.
    No,
}

/// Does it to each. The exit code is 1 if anything could not be done.
///
/// Errors: what has been done cannot be printed.
pub fn each(
    words: &[OsString],
    mut act: impl FnMut(&OsStr) -> Result<Done, Error>,
) -> Result<ExitCode, Error> {
    let mut exit = ExitCode::SUCCESS;
    for word in words {
        match act(word) {
            Ok(Done::Yes) => print(word)?,
            Ok(Done::Line(line)) => print(OsStr::new(&line))?,
            Ok(Done::Nothing) => {}
            Ok(Done::No) => exit = ExitCode::FAILURE,
            Err(error) => {
                log::complain(&error);
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}

/// Prints a line.
pub fn print(line: &OsStr) -> Result<(), Error> {
    standard_streams::answer(&[line.as_bytes(), b"\n"].concat())
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}
