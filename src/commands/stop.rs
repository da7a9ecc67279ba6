//! `mydocker stop`.

use super::called;
use super::each::{Done, each};
use crate::control::{self, Patience, Request};
use crate::docker::StopArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

/// Stops containers. All of them are asked before one is waited for.
pub fn run(arguments: &StopArgs) -> Result<ExitCode, Error> {
    let asked = arguments.containers.iter();
    let asked: Vec<_> = asked.map(|word| ask(arguments, word)).collect();
    let mut asked = asked.into_iter();
    each(&arguments.containers, |_| {
        // One that does not run is no mistake, as docker has it.
        if let Some(connection) = asked.next().transpose()?.flatten() {
            control::until_closed(connection.as_fd())?;
        }
        Ok(Done::Yes)
    })
}

/// The connection that ends with the container, if it runs.
fn ask(arguments: &StopArgs, word: &OsStr) -> Result<Option<OwnedFd>, Error> {
    let (entry, _) = heal::find(arguments.state.as_deref(), word)?;
    let patience = arguments
        .seconds
        .map(|seconds| match u32::try_from(seconds) {
            Ok(seconds) => Patience::Seconds(seconds),
            Err(_) => Patience::Forever,
        });
    let signal = arguments.signal;
    called::ask(&entry, Request::Stop { signal, patience })
}
