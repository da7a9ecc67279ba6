//! What is typed after the commands about containers.

use super::line::Line;
use super::{container, no_words};
use crate::docker::specify;
use crate::error::Error;
use crate::oci::id::ContainerId;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Of a command that is about one container.
#[derive(Debug)]
pub struct IdArgs {
    pub id: ContainerId,
}

impl IdArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        container(line, 0, 0).map(|(id, _)| Self { id })
    }
}

/// Of `create`.
#[derive(Debug)]
pub struct CreateArgs {
    pub id: ContainerId,
    /// The bundle's directory, as it was typed.
    pub bundle: OsString,
    /// The file that is read in the place of the bundle's config.json.
    pub config: Option<OsString>,
    /// The socket that gets the terminal.
    pub console_socket: Option<OsString>,
    /// The socket that gets a pidfd of the first process.
    pub pidfd_socket: Option<OsString>,
    pub pid_file: Option<OsString>,
    /// How many descriptors from 3 on stay open.
    pub preserve_fds: u32,
    pub no_pivot: bool,
    pub no_new_keyring: bool,
}

impl CreateArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        let (id, _) = container(line, 0, 0)?;
        Ok(Self {
            id,
            bundle: path(line, "bundle").unwrap_or_else(|| ".".into()),
            config: path(line, "config"),
            console_socket: path(line, "console-socket"),
            pidfd_socket: path(line, "pidfd-socket"),
            pid_file: path(line, "pid-file"),
            preserve_fds: preserve_fds(line)?,
            no_pivot: line.switch("no-pivot"),
            no_new_keyring: line.switch("no-new-keyring"),
        })
    }
}

/// Of `run`.
#[derive(Debug)]
pub struct RunArgs {
    pub create: CreateArgs,
    /// Leave the container to itself once it runs.
    pub detach: bool,
    /// Do not delete the container when it has ended.
    pub keep: bool,
    /// Do not take in the container's orphans.
    pub no_subreaper: bool,
}

impl RunArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        Ok(Self {
            create: CreateArgs::of(line)?,
            detach: line.switch("detach"),
            keep: line.switch("keep"),
            no_subreaper: line.switch("no-subreaper"),
        })
    }
}

/// Of `kill`.
#[derive(Debug)]
pub struct KillArgs {
    pub id: ContainerId,
    /// 0 only asks whether there is someone.
    pub signal: i32,
    /// Every process of the container, rather than its first.
    pub all: bool,
}

impl KillArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        let (id, rest) = container(line, 0, 1)?;
        let signal = match rest.first() {
            Some(typed) => signal(typed)?,
            None => libc::SIGTERM,
        };
        Ok(Self {
            id,
            signal,
            all: line.switch("all"),
        })
    }
}

fn signal(typed: &OsStr) -> Result<i32, Error> {
    if typed.as_bytes() == b"0" {
        return Ok(0);
    }
    specify::signal("signal", typed).map_err(|_| {
        Error::refused(
            ["signal ".as_bytes(), typed.as_bytes()].concat(),
            "unknown signal",
        )
    })
}

/// Of `delete`.
#[derive(Debug)]
pub struct DeleteArgs {
    pub id: ContainerId,
    /// End it if it runs, and be content if there is none.
    pub force: bool,
}

impl DeleteArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        let (id, _) = container(line, 0, 0)?;
        let force = line.switch("force");
        Ok(Self { id, force })
    }
}

/// What a list looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListFormat {
    #[default]
    Table,
    Json,
}

/// Of `list`.
#[derive(Debug)]
pub struct ListArgs {
    pub format: ListFormat,
    /// Names alone.
    pub quiet: bool,
}

impl ListArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        no_words(line)?;
        Ok(Self {
            format: list_format(line)?,
            quiet: line.switch("quiet"),
        })
    }
}

pub(super) fn list_format(line: &Line) -> Result<ListFormat, Error> {
    let format = |name: &[u8]| match name {
        b"table" => Some(ListFormat::Table),
        b"json" => Some(ListFormat::Json),
        _ => None,
    };
    let format = line.parsed(
        "format",
        format,
        "invalid format option: it is table or json",
    )?;
    Ok(format.unwrap_or_default())
}

/// Of `spec`.
#[derive(Debug)]
pub struct SpecArgs {
    /// Where config.json is put.
    pub bundle: OsString,
    pub rootless: bool,
}

impl SpecArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        no_words(line)?;
        Ok(Self {
            bundle: path(line, "bundle").unwrap_or_else(|| ".".into()),
            rootless: line.switch("rootless"),
        })
    }
}

/// A path; one that is empty is none, as runc has it.
pub(super) fn path(line: &Line, name: &str) -> Option<OsString> {
    line.value(name)
        .filter(|path| !path.is_empty())
        .map(Into::into)
}

pub(super) fn preserve_fds(line: &Line) -> Result<u32, Error> {
    /// As many as a process may have open at most.
    const MOST: u32 = 1 << 30;
    let count = |text: &[u8]| {
        std::str::from_utf8(text)
            .ok()?
            .parse()
            .ok()
            .filter(|count| *count <= MOST)
    };
    let count = line.parsed("preserve-fds", count, "it is a number of descriptors")?;
    Ok(count.unwrap_or_default())
}
