//! `mydocker kill`.

use super::each::{Done, each};
use super::{called, stopped};
use crate::control::Request;
use crate::docker::KillArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use std::ffi::OsStr;
use std::os::fd::AsFd;

/// Sends containers a signal.
pub fn run(arguments: &KillArgs) -> Result<ExitCode, Error> {
    each(&arguments.containers, |word| kill(arguments, word))
}

fn kill(arguments: &KillArgs, word: &OsStr) -> Result<Done, Error> {
    let (entry, _) = heal::find(arguments.state.as_deref(), word)?;
    let signal = arguments.signal;
    let Some(connection) = called::ask(&entry, Request::Kill { signal })? else {
        return Err(Error::failure(&format!(
            "cannot kill container: {}: container {} is not running",
            word.to_string_lossy(),
            entry.id.short()
        )));
    };
    if signal == libc::SIGKILL {
        stopped::until_closed(connection.as_fd())?;
    }
    Ok(Done::Yes)
}
