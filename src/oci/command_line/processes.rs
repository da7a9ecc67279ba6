//! What is typed after `exec` and `ps`.

use super::HELP;
use super::containers::{ListFormat, list_format, path, preserve_fds};
use super::line::{Line, bad_value};
use crate::error::Error;
use crate::oci::id::ContainerId;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Of `exec`.
#[derive(Debug)]
pub struct ExecArgs {
    pub id: ContainerId,
    pub process: ExecProcess,
    pub detach: bool,
    pub console_socket: Option<OsString>,
    pub pidfd_socket: Option<OsString>,
    pub pid_file: Option<OsString>,
    pub preserve_fds: u32,
    /// `[CONTROLLER[,CONTROLLER]:]PATH` each, below the container's cgroup.
    pub cgroups: Vec<OsString>,
    /// Also in a container that is paused, where it begins once that goes on.
    pub ignore_paused: bool,
    pub no_subreaper: bool,
}

/// What `exec` starts.
#[derive(Debug)]
pub enum ExecProcess {
    /// What a file says, written as the member `process` of config.json.
    File(OsString),
    Typed(TypedProcess),
}

/// The container's own process, with what was typed in the place of what it has.
#[derive(Debug)]
pub struct TypedProcess {
    /// At least one.
    pub command: Vec<OsString>,
    pub working_directory: Option<OsString>,
    /// `NAME=value` each, added to the container's.
    pub environment: Vec<OsString>,
    pub terminal: bool,
    pub user: Option<ExecUser>,
    pub additional_groups: Vec<u32>,
    /// Names of capabilities, added to the container's.
    pub capabilities: Vec<OsString>,
    /// `None`: the container's own.
    pub no_new_privileges: Option<bool>,
    pub apparmor_profile: Option<OsString>,
    pub process_label: Option<OsString>,
}

/// `UID[:GID]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecUser {
    pub id: u32,
    pub group: Option<u32>,
}

impl ExecArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        let (id, command) = super::container(line, 0, usize::MAX)?;
        let process = match path(line, "process") {
            Some(file) => ExecProcess::File(file),
            None if command.is_empty() => {
                return Err(Error::usage("process args cannot be empty", HELP));
            }
            None => ExecProcess::Typed(TypedProcess::of(line, command)?),
        };
        Ok(Self {
            id,
            process,
            detach: line.switch("detach"),
            console_socket: path(line, "console-socket"),
            pidfd_socket: path(line, "pidfd-socket"),
            pid_file: path(line, "pid-file"),
            preserve_fds: preserve_fds(line)?,
            cgroups: line.values("cgroup").map(Into::into).collect(),
            ignore_paused: line.switch("ignore-paused"),
            no_subreaper: line.switch("no-subreaper"),
        })
    }
}

impl TypedProcess {
    fn of(line: &Line, command: &[OsString]) -> Result<Self, Error> {
        let groups = line.values("additional-gids").flat_map(|value| {
            let groups = value.as_bytes().split(|byte| *byte == b',');
            groups.map(move |group| {
                id(group).ok_or_else(|| bad_value("additional-gids", value, NO_ID))
            })
        });
        let switch = |name| line.value(name).map(|_| line.switch(name));
        Ok(Self {
            command: command.to_vec(),
            working_directory: path(line, "cwd"),
            environment: line.values("env").map(Into::into).collect(),
            terminal: line.switch("tty"),
            user: line
                .value("user")
                .filter(|user| !user.is_empty())
                .map(user)
                .transpose()?,
            additional_groups: groups.collect::<Result<_, _>>()?,
            capabilities: line.values("cap").map(Into::into).collect(),
            no_new_privileges: switch("no-new-privs"),
            apparmor_profile: path(line, "apparmor"),
            process_label: path(line, "process-label"),
        })
    }
}

const NO_ID: &str = "it is made of numbers";

fn id(text: &[u8]) -> Option<u32> {
    // The last one stands for none, setresuid(2).
    std::str::from_utf8(text)
        .ok()?
        .parse()
        .ok()
        .filter(|id| *id != u32::MAX)
}

fn user(typed: &OsStr) -> Result<ExecUser, Error> {
    let mut parts = typed.as_bytes().splitn(2, |byte| *byte == b':');
    let user = id(parts.next().unwrap_or_default());
    let group = parts.next().map(id);
    match (user, group) {
        (Some(id), None) => Ok(ExecUser { id, group: None }),
        (Some(id), Some(Some(group))) => Ok(ExecUser {
            id,
            group: Some(group),
        }),
        _ => Err(bad_value("user", typed, "it is UID or UID:GID, in numbers")),
    }
}

/// Of `ps`.
#[derive(Debug)]
pub struct PsArgs {
    pub id: ContainerId,
    pub format: ListFormat,
    /// For ps(1); `-ef` if there are none.
    pub options: Vec<OsString>,
}

impl PsArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        let (id, options) = super::container(line, 0, usize::MAX)?;
        Ok(Self {
            id,
            format: list_format(line)?,
            options: options.to_vec(),
        })
    }
}
