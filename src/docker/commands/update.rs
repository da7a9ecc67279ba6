//! `mydocker update`.

use super::rows;
use crate::docker::Command;
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line};
use crate::error::Error;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "update",
    group: Group::Change,
    words: Words::Containers,
    about: "change the limits of containers",
    text: "
Changes the limits of containers while they run, and those of their later
starts. What no option names stays as it is.
",
    help: "mydocker help update",
    options: &[
        &options::without_defaults(&options::OF_UPDATE),
        &options::without_defaults(&[options::RESTART]),
        rows::SHARED,
        options::HELP,
    ],
    make,
};

/// What was typed after `mydocker update`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateArgs {
    pub state: Option<OsString>,
    pub containers: Vec<OsString>,
    /// What is asked of a cgroup: options with their values.
    pub limits: Vec<(&'static str, OsString)>,
    /// `no`, `on-failure[:N]`, `always` or `unless-stopped`.
    pub restart: Option<OsString>,
}

/// Errors: nothing to change.
fn make(line: Line, containers: Vec<OsString>) -> Result<Command, Error> {
    if line.run.limits.is_empty() && line.run.restart.is_none() {
        return Err(Error::usage(
            "missing limit: update changes what its options name",
            COMMAND.help,
        ));
    }
    let arguments = UpdateArgs {
        state: line.run.state,
        containers,
        limits: line.run.limits,
        restart: line.run.restart,
    };
    Ok(Command::Update(Box::new(arguments)))
}
