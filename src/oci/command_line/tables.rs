//! The commands, and the options of each.

use super::HELP;
use super::line::{Flag, switch, value};
use crate::docker::suggest;
use crate::error::Error;
use std::ffi::OsStr;

/// A command's row: its name, the words that it takes, and what it does.
pub struct Row {
    pub name: Name,
    pub word: &'static str,
    pub words: &'static str,
    pub about: &'static str,
    flags: &'static [Flag],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Create,
    Start,
    Run,
    State,
    Kill,
    Delete,
    Exec,
    Ps,
    List,
    Pause,
    Resume,
    Update,
    Events,
    Features,
    Spec,
    Checkpoint,
    Restore,
}

/// Every command, by its number, in the order in which the help lists them.
pub static ALL: [Row; 17] = [
    Row {
        name: Name::Create,
        word: "create",
        words: "ID",
        about: "make a container, whose process waits for start",
        flags: &CREATE,
    },
    Row {
        name: Name::Start,
        word: "start",
        words: "ID",
        about: "let the process of a container begin",
        flags: &[],
    },
    Row {
        name: Name::Run,
        word: "run",
        words: "ID",
        about: "create and start a container, and wait for its end",
        flags: &RUN,
    },
    Row {
        name: Name::State,
        word: "state",
        words: "ID",
        about: "tell how a container is",
        flags: &[],
    },
    Row {
        name: Name::Kill,
        word: "kill",
        words: "ID [SIGNAL]",
        about: "send a container a signal",
        flags: &KILL,
    },
    Row {
        name: Name::Delete,
        word: "delete",
        words: "ID",
        about: "remove a container",
        flags: &DELETE,
    },
    Row {
        name: Name::Exec,
        word: "exec",
        words: "ID COMMAND [WORDS]",
        about: "run one more process in a container",
        flags: &EXEC,
    },
    Row {
        name: Name::Ps,
        word: "ps",
        words: "ID [OPTIONS OF PS]",
        about: "list the processes of a container",
        flags: &PS,
    },
    Row {
        name: Name::List,
        word: "list",
        words: "",
        about: "list the containers",
        flags: &LIST,
    },
    Row {
        name: Name::Pause,
        word: "pause",
        words: "ID",
        about: "halt a container",
        flags: &[],
    },
    Row {
        name: Name::Resume,
        word: "resume",
        words: "ID",
        about: "let a container that is paused go on",
        flags: &[],
    },
    Row {
        name: Name::Update,
        word: "update",
        words: "ID",
        about: "change what a container may use",
        flags: &UPDATE,
    },
    Row {
        name: Name::Events,
        word: "events",
        words: "ID",
        about: "tell what a container uses, and what happens to it",
        flags: &EVENTS,
    },
    Row {
        name: Name::Features,
        word: "features",
        words: "",
        about: "tell what this runtime can do",
        flags: &[],
    },
    Row {
        name: Name::Spec,
        word: "spec",
        words: "",
        about: "write a config.json to begin with",
        flags: &SPEC,
    },
    Row {
        name: Name::Checkpoint,
        word: "checkpoint",
        words: "ID",
        about: "refused: mydocker does not checkpoint containers",
        flags: &[],
    },
    Row {
        name: Name::Restore,
        word: "restore",
        words: "ID",
        about: "refused: mydocker does not checkpoint containers",
        flags: &[],
    },
];

impl Name {
    pub fn row(self) -> &'static Row {
        &ALL[self as usize]
    }

    pub fn as_str(self) -> &'static str {
        self.row().word
    }

    /// Whether there is a command of this name in runc alone.
    pub fn is_refused(self) -> bool {
        matches!(self, Self::Checkpoint | Self::Restore)
    }

    pub fn flags(self) -> &'static [Flag] {
        self.row().flags
    }
}

/// The command of that name.
///
/// Errors: there is none.
pub fn find(word: &OsStr) -> Result<Name, Error> {
    let row = ALL.iter().find(|row| word == row.word);
    row.map(|row| row.name).ok_or_else(|| unknown(word))
}

#[cold]
#[inline(never)]
fn unknown(word: &OsStr) -> Error {
    let word = word.to_string_lossy();
    let mut message = format!("unknown command '{word}'");
    let known = ALL.each_ref().map(|row| row.word);
    if let Some(near) = suggest::nearest(&word, &known) {
        message.push_str(&format!(", did you mean '{near}'?"));
    }
    Error::usage(message, HELP)
}

const BUNDLE: Flag = value(
    "bundle",
    &["b"],
    "DIR: the bundle, the working directory if it is not given",
);
const CONFIG: Flag = value(
    "config",
    &["f"],
    "FILE: read in the place of the bundle's config.json",
);
const CONSOLE_SOCKET: Flag = value(
    "console-socket",
    &[],
    "PATH: the socket that gets the terminal",
);
const PIDFD_SOCKET: Flag = value(
    "pidfd-socket",
    &[],
    "PATH: the socket that gets a pidfd of the process",
);
const PID_FILE: Flag = value("pid-file", &[], "FILE: where the pid is written");
const PRESERVE_FDS: Flag = value(
    "preserve-fds",
    &[],
    "N: how many descriptors from 3 on stay open",
);
const NO_PIVOT: Flag = switch(
    "no-pivot",
    &[],
    "do without pivot_root(2), for a root on the first ramdisk",
);
const NO_NEW_KEYRING: Flag = switch("no-new-keyring", &[], "keep the caller's session keyring");
const FORMAT: Flag = value("format", &["f"], "FORMAT: table or json");

static CREATE: [Flag; 8] = [
    BUNDLE,
    CONFIG,
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    PID_FILE,
    PRESERVE_FDS,
    NO_PIVOT,
    NO_NEW_KEYRING,
];

static RUN: [Flag; 11] = [
    BUNDLE,
    CONFIG,
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    PID_FILE,
    PRESERVE_FDS,
    NO_PIVOT,
    NO_NEW_KEYRING,
    switch(
        "detach",
        &["d"],
        "leave the container to itself once it runs",
    ),
    switch("keep", &[], "do not delete the container when it has ended"),
    switch(
        "no-subreaper",
        &[],
        "do not take in the container's orphans",
    ),
];

static KILL: [Flag; 1] = [switch("all", &["a"], "every process of the container")];

static DELETE: [Flag; 1] = [switch(
    "force",
    &["f"],
    "end it if it runs; none is no error",
)];

static EXEC: [Flag; 18] = [
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    PID_FILE,
    PRESERVE_FDS,
    value("cwd", &[], "DIR: the working directory"),
    value(
        "env",
        &["e"],
        "NAME=VALUE: a variable, besides the container's",
    ),
    switch("tty", &["t"], "have a terminal"),
    value(
        "user",
        &["u"],
        "UID[:GID]: another user than the container's, in numbers",
    ),
    value("additional-gids", &["g"], "GID: a further group"),
    value(
        "process",
        &["p"],
        "FILE: all of it, as the member process of config.json",
    ),
    switch("detach", &["d"], "do not wait for the end"),
    value("process-label", &[], "LABEL: of SELinux"),
    value("apparmor", &[], "PROFILE: of AppArmor"),
    switch("no-new-privs", &[], "execve(2) grants nothing"),
    value("cap", &["c"], "NAME: a further capability"),
    value(
        "cgroup",
        &[],
        "[CONTROLLER:]PATH: a cgroup below the container's",
    ),
    switch("ignore-paused", &[], "also in a container that is paused"),
    switch("no-subreaper", &[], "as runc has it: it changes nothing"),
];

static PS: [Flag; 1] = [FORMAT];

static LIST: [Flag; 2] = [FORMAT, switch("quiet", &["q"], "names alone")];

static UPDATE: [Flag; 19] = [
    value(
        "resources",
        &["r"],
        "FILE: all of it, as the member linux.resources of config.json; - is stdin",
    ),
    value("blkio-weight", &[], "N: from 10 to 1000"),
    value(
        "cpu-period",
        &[],
        "MICROSECONDS: what --cpu-quota is a part of",
    ),
    value(
        "cpu-quota",
        &[],
        "MICROSECONDS: of each period; -1 is no limit",
    ),
    value("cpu-burst", &[], "MICROSECONDS: what may be saved up"),
    value("cpu-share", &["cpu-shares"], "N: the weight"),
    value(
        "cpu-rt-period",
        &[],
        "MICROSECONDS: for real-time processes, with cgroup v1",
    ),
    value("cpu-rt-runtime", &[], "MICROSECONDS: of each such period"),
    value("cpuset-cpus", &[], "LIST: processors"),
    value("cpuset-mems", &[], "LIST: memory nodes"),
    value(
        "cpu-idle",
        &[],
        "N: 1 for what runs when nothing else does, or 0",
    ),
    value(
        "kernel-memory",
        &[],
        "SIZE: taken, and nothing else, as runc has it",
    ),
    value(
        "kernel-memory-tcp",
        &[],
        "SIZE: taken, and nothing else, as runc has it",
    ),
    value("memory", &[], "SIZE: -1 is no limit"),
    value(
        "memory-reservation",
        &[],
        "SIZE: what it is left with when memory is short",
    ),
    value("memory-swap", &[], "SIZE: of memory and swap together"),
    value("pids-limit", &[], "N: -1 is no limit"),
    value("l3-cache-schema", &[], "SCHEMA: refused"),
    value("mem-bw-schema", &[], "SCHEMA: refused"),
];

static EVENTS: [Flag; 2] = [
    switch("stats", &[], "tell once how it is"),
    value("interval", &[], "DURATION: between two of them, 5s"),
];

static SPEC: [Flag; 2] = [
    value("bundle", &["b"], "DIR: where config.json is put"),
    switch("rootless", &[], "for an ordinary user"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_where_their_numbers_say() {
        for (number, row) in ALL.iter().enumerate() {
            assert_eq!(row.name as usize, number, "{}", row.word);
            assert_eq!(find(row.word.as_ref()).unwrap(), row.name);
        }
    }
}
