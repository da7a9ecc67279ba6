//! The options that stand before the command.

use super::line::{self, Flag, Line, Order, switch, value};
use crate::error::Error;
use crate::log::{Format, Level, Log};
use crate::oci::cgroup::Manager;
use crate::spec::LaunchChoice;
use crate::standard_streams;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What holds for every command.
pub struct Globals {
    /// Where containers have their directories, as it was typed.
    pub root: Option<OsString>,
    /// Who makes cgroups.
    pub cgroup_manager: Manager,
    /// Whether what cgroups refuse is passed over; `None`: for who is not root.
    pub rootless: Option<bool>,
    pub debug: bool,
    /// How a container's first process is launched.
    pub launch: LaunchChoice,
    /// Where messages go.
    pub log: Log,
}

pub static FLAGS: [Flag; 10] = [
    value("root", &[], "DIR: where containers have their directories"),
    value("log", &[], "FILE: where messages go, besides stderr"),
    value("log-format", &[], "FORMAT: text or json"),
    switch("debug", &[], "tell more in the log"),
    switch("systemd-cgroup", &[], "have systemd make the cgroups"),
    value(
        "cgroup-manager",
        &[],
        "MANAGER: cgroupfs, systemd or disabled",
    ),
    value(
        "rootless",
        &[],
        "WHETHER: true, false or auto: pass over what cgroups refuse",
    ),
    value(
        "criu",
        &[],
        "PROGRAM: taken, and nothing else, as of runc 1.2",
    ),
    switch("version", &["v", "V"], "tell the version"),
    value(LAUNCH, &[], ""),
];

/// For our tests: it is in no help text.
pub const LAUNCH: &str = "launch";

/// What stands before the command, as far as it was understood.
pub struct GlobalsRead {
    pub globals: Globals,
    /// What is asked for instead of a command.
    pub wants: Option<Wanted>,
    /// The command and what follows it.
    pub words: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Version,
    Help,
}

/// What was said about the log before something could not be understood.
pub struct NotRead {
    pub error: Error,
    pub log: Option<Log>,
}

/// Reads the global options and opens the log.
///
/// Errors: what cannot be understood, and a log that cannot be opened.
pub fn globals(words: Vec<OsString>) -> Result<GlobalsRead, Box<NotRead>> {
    let mut rest = words.into_iter();
    let mut line = Line::default();
    let read = line::read_into(&mut line, &FLAGS, Order::First, &mut rest);
    let format = line.parsed("log-format", log_format, "it is text or json");
    let log = log(
        line.value("log").filter(|path| !path.is_empty()),
        format.as_ref().ok().copied().flatten(),
        line.switch("debug"),
    )
    .map_err(|error| NotRead { error, log: None })?;
    match read.and(format).and_then(|_| Said::of(&line)) {
        Ok(said) => {
            line.words.extend(rest);
            Ok(said.with(log, line.words))
        }
        Err(error) => Err(NotRead {
            error,
            log: Some(log),
        }
        .into()),
    }
}

/// What is said about everything but the log.
struct Said {
    root: Option<OsString>,
    cgroup_manager: Manager,
    rootless: Option<bool>,
    debug: bool,
    launch: LaunchChoice,
    wants: Option<Wanted>,
}

impl Said {
    fn of(line: &Line) -> Result<Self, Error> {
        let manager = line.parsed(
            "cgroup-manager",
            cgroup_manager,
            "it is cgroupfs, systemd or disabled",
        )?;
        let cgroup_manager = match manager {
            Some(manager) => manager,
            None if line.switch("systemd-cgroup") => Manager::Systemd,
            None => Manager::default(),
        };
        let rootless = line.parsed("rootless", rootless, "it is true, false or auto")?;
        let launch = line.parsed(LAUNCH, launch, "it is in-process or re-exec")?;
        Ok(Self {
            root: line.value("root").map(Into::into),
            cgroup_manager,
            rootless: rootless.flatten(),
            debug: line.switch("debug"),
            launch: launch.unwrap_or_default(),
            wants: match (line.switch("version"), line.wants_help) {
                (true, _) => Some(Wanted::Version),
                (_, true) => Some(Wanted::Help),
                _ => None,
            },
        })
    }

    fn with(self, log: Log, words: Vec<OsString>) -> GlobalsRead {
        GlobalsRead {
            globals: Globals {
                root: self.root,
                cgroup_manager: self.cgroup_manager,
                rootless: self.rootless,
                debug: self.debug,
                launch: self.launch,
                log,
            },
            wants: self.wants,
            words,
        }
    }
}

fn log(path: Option<&OsStr>, format: Option<Format>, debug: bool) -> Result<Log, Error> {
    let open = |path: &OsStr| {
        let name = CString::new(path.as_bytes()).unwrap_or_default();
        standard_streams::open_file(&name)
            .map_err(|errno| Error::new("open the log", path.as_bytes(), errno))
    };
    let level = if debug { Level::Debug } else { Level::Warn };
    let file = path.map(open).transpose()?;
    let is_asked_for = format.is_some();
    Ok(Log::new(
        file,
        is_asked_for,
        level,
        Some(format.unwrap_or(Format::Keyed)),
    ))
}

fn log_format(name: &[u8]) -> Option<Format> {
    match name {
        b"json" => Some(Format::Json),
        b"text" | b"" => Some(Format::Keyed),
        _ => None,
    }
}

fn cgroup_manager(name: &[u8]) -> Option<Manager> {
    match name {
        b"cgroupfs" => Some(Manager::CgroupFiles),
        b"systemd" => Some(Manager::Systemd),
        b"disabled" => Some(Manager::Disabled),
        _ => None,
    }
}

fn rootless(name: &[u8]) -> Option<Option<bool>> {
    match name {
        b"true" => Some(Some(true)),
        b"false" => Some(Some(false)),
        b"auto" | b"" => Some(None),
        _ => None,
    }
}

fn launch(name: &[u8]) -> Option<LaunchChoice> {
    match name {
        b"auto" => Some(LaunchChoice::Auto),
        b"in-process" => Some(LaunchChoice::InProcess),
        b"re-exec" => Some(LaunchChoice::ReExec),
        _ => None,
    }
}
