//! `mydocker unpause`: containers that are held go on.

use super::each::each;
use super::pause;
use crate::control::Request;
use crate::docker::UnpauseArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use crate::store::Status;

pub fn run(arguments: &UnpauseArgs) -> Result<ExitCode, Error> {
    each(&arguments.containers, |word| {
        let (entry, look) = heal::find(arguments.state.as_deref(), word)?;
        match look.status {
            Status::Paused => pause::ask(&entry, word, Request::Unpause),
            _ => Err(pause::refused(word, "is not paused")),
        }
    })
}
