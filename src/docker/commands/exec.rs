//! `mydocker exec`.

use super::{first, rows};
use crate::docker::described::{Described, Group, Words};
use crate::docker::options::{self, Line, Reading, Row, directory, text};
use crate::docker::{Command, LogArgs};
use crate::error::Error;
use crate::spec::LaunchChoice;
use std::ffi::OsString;

pub static COMMAND: Described = Described {
    name: "exec",
    group: Group::Enter,
    words: Words::ContainerAndCommand,
    about: "run a command in a container that runs",
    text: "
Runs COMMAND in a container that runs, with its namespaces, limits and
protections. Options end at CONTAINER.
",
    help: "mydocker help exec",
    options: &[OPTIONS, rows::SHARED, options::LOG, options::HELP],
    make,
};

const OPTIONS: &[Row] = &[
    options::switch(
        ("detach", Some('d')),
        |line| &mut line.run.detach,
        "do not wait for its end",
        "Return when the command runs, and do not wait for its end.",
    ),
    Row {
        brief: "accepted: exec ends with its client",
        help: "Accepted, and not used: the command is a child of this process, and ends with it. With `-d` it stays.",
        default: "",
        ..options::DETACH_KEYS
    },
    Row {
        default: "the container's own variables",
        ..options::own(
            ("env", Some('e')),
            Reading::Many(text("NAME[=VALUE]"), |line| &mut line.run.environment),
            "set a variable, or hand yours on",
            "Set a variable; `NAME` alone takes your value of it.",
        )
    },
    options::ENVIRONMENT_FILE,
    Row {
        brief: "keep stdin",
        help: "Keep stdin: the command reads what you type or send.",
        default: "it reads nothing",
        ..options::INTERACTIVE
    },
    Row {
        help: "How the process is born: in mydocker's memory, or by executing mydocker anew.",
        ..options::LAUNCH
    },
    options::switch(
        ("privileged", None),
        |line| &mut line.run.privileged,
        "with every capability, and no filter",
        "Give the command every capability that you have, and no filter of system calls.",
    ),
    Row {
        help: "Give the command a terminal of its own, which is relayed to yours.",
        default: "your stdout and stderr",
        ..options::TTY
    },
    Row {
        default: "the container's",
        ..options::own(
            ("user", Some('u')),
            Reading::One(text("USER[:GROUP]"), |line| &mut line.run.user),
            "run as this user",
            "Run as this user: names (from the container's `/etc/passwd` and `/etc/group`) or numbers.",
        )
    },
    Row {
        default: "the container's",
        ..options::own(
            ("workdir", Some('w')),
            Reading::One(directory("DIR"), |line| &mut line.run.working_directory),
            "start in this directory",
            "Start in DIR, an absolute path as the container sees it.",
        )
    },
];

/// What was typed after `mydocker exec`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecArgs {
    pub state: Option<OsString>,
    pub log: LogArgs,
    pub container: OsString,
    pub command: Vec<OsString>,
    pub interactive: bool,
    pub tty: bool,
    pub detach: bool,
    /// The bytes of them, if they were given.
    pub detach_keys: Option<Vec<u8>>,
    /// `NAME=value`, or `NAME` alone.
    pub environment: Vec<OsString>,
    /// Files of such, which come before them.
    pub environment_files: Vec<OsString>,
    pub working_directory: Option<OsString>,
    pub user: Option<OsString>,
    pub privileged: bool,
    pub launch: LaunchChoice,
}

fn make(line: Line, words: Vec<OsString>) -> Result<Command, Error> {
    let (container, command) = first(words);
    let arguments = ExecArgs {
        state: line.run.state,
        log: line.log,
        container,
        command,
        interactive: line.run.interactive,
        tty: line.run.tty,
        detach: line.run.detach,
        detach_keys: line.run.detach_keys,
        environment: line.run.environment,
        environment_files: line.run.environment_files,
        working_directory: line.run.working_directory,
        user: line.run.user,
        privileged: line.run.privileged,
        launch: line.run.launch,
    };
    Ok(Command::Exec(Box::new(arguments)))
}
