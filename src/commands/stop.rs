//! `mydocker stop`.

use super::each::{Done, each};
use super::{called, stopped};
use crate::control::{Patience, Request};
use crate::docker::StopArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

/// Stops containers. All of them are asked before one is waited for.
pub fn run(arguments: &StopArgs) -> Result<ExitCode, Error> {
    let state = arguments.state.as_deref();
    let wishes = (arguments.signal, arguments.seconds);
    let asked = arguments.containers.iter();
    let asked: Vec<_> = asked.map(|word| ask(state, word, wishes)).collect();
    let mut asked = asked.into_iter();
    each(&arguments.containers, |_| {
        wait(asked.next().transpose()?.flatten())?;
        Ok(Done::Yes)
    })
}

/// Stops a container that runs, and waits for its end. By a signal, and a number of seconds after which it is killed, of
/// which less than 0 stands for never; or as the container has it.
pub fn stop(
    state: Option<&OsStr>,
    word: &OsStr,
    wishes: (Option<i32>, Option<i32>),
) -> Result<(), Error> {
    wait(ask(state, word, wishes)?)
}

/// One that does not run is no mistake, as docker has it.
fn wait(connection: Option<OwnedFd>) -> Result<(), Error> {
    match connection {
        Some(connection) => stopped::until_closed(connection.as_fd()),
        None => Ok(()),
    }
}

/// The connection that ends with the container, if it runs.
fn ask(
    state: Option<&OsStr>,
    word: &OsStr,
    (signal, seconds): (Option<i32>, Option<i32>),
) -> Result<Option<OwnedFd>, Error> {
    let (entry, _) = heal::find(state, word)?;
    let patience = seconds.map(|seconds| match u32::try_from(seconds) {
        Ok(seconds) => Patience::Seconds(seconds),
        Err(_) => Patience::Forever,
    });
    called::ask(&entry, Request::Stop { signal, patience })
}
