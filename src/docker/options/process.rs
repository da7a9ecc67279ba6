//! Streams, and the process that the command becomes.

use super::{Needs, Reading, Row, Section, directory, file, text};

/// What it reads, and whether by a terminal.
pub const STREAMS: &[Row] = &[INTERACTIVE, TTY];

/// What each command has of its own, whichever container it runs in.
pub const OF_EACH: &[Row] = &[
    Row {
        long: "env",
        short: Some('e'),
        section: Section::Process,
        needs: Needs::Nothing,
        reading: Reading::Many(text("NAME[=VALUE]"), |line| &mut line.run.environment),
        brief: "set a variable, or hand yours on",
        help: "Set a variable; `NAME` alone takes your value of it.",
        default: "`PATH` (docker's), `HOSTNAME`, `HOME` (that of the container's user; without `--rootfs` and `-u` \
                  yours), with `-t` `TERM` (yours)",
    },
    ENVIRONMENT_FILE,
    Row {
        long: "workdir",
        short: Some('w'),
        section: Section::Process,
        needs: Needs::Nothing,
        reading: Reading::One(directory("DIR"), |line| &mut line.run.working_directory),
        brief: "start in this directory",
        help: "Start in DIR, an absolute path as the container sees it; in a root of its own a missing one is made.",
        default: "where you are, or `/` with `--rootfs`",
    },
];

pub const OPTIONS: &[Row] = &[
    Row {
        long: "user",
        short: Some('u'),
        section: Section::Process,
        needs: Needs::Nothing,
        reading: Reading::One(text("USER[:GROUP]"), |line| &mut line.run.user),
        brief: "run as this user",
        help: "Run as this user: names (from the container's `/etc/passwd` and `/etc/group`) or numbers.",
        default: "root inside",
    },
    Row {
        long: "group-add",
        short: None,
        section: Section::Process,
        needs: Needs::Nothing,
        reading: Reading::Many(text("GROUP"), |line| &mut line.run.groups),
        brief: "be in this group as well",
        help: "Be in this group as well: a name (from the container's `/etc/group`) or a number.",
        default: "the groups of `-u`",
    },
    Row {
        long: "init",
        short: None,
        section: Section::Process,
        needs: Needs::Nothing,
        reading: Reading::Choosing(|line| &mut line.run.init),
        brief: "a small reaper as PID 1",
        help: "Put a small reaper in the place of PID 1: it runs the command as PID 2, hands signals on and reaps \
               orphans.",
        default: "the command is PID 1; with `--report` the reaper is, unless `--init=false`",
    },
];

/// `--interactive`.
pub const INTERACTIVE: Row = Row {
    long: "interactive",
    short: Some('i'),
    section: Section::Streams,
    needs: Needs::Nothing,
    reading: Reading::Switch(|line| &mut line.run.interactive),
    brief: "keep stdin",
    help: "Keep stdin: the container reads what you type or send.",
    default: "the container reads nothing",
};

/// `--tty`.
pub const TTY: Row = Row {
    long: "tty",
    short: Some('t'),
    section: Section::Streams,
    needs: Needs::Nothing,
    reading: Reading::Switch(|line| &mut line.run.tty),
    brief: "a terminal of its own",
    help: "Give the container a terminal of its own, which is relayed to yours.",
    default: "your stdout and stderr, and no controlling terminal",
};

/// `--env-file`.
pub const ENVIRONMENT_FILE: Row = Row {
    long: "env-file",
    short: None,
    section: Section::Process,
    needs: Needs::Nothing,
    reading: Reading::Many(file("FILE"), |line| &mut line.run.environment_files),
    brief: "set variables, a line each",
    help: "Set variables from a file, `NAME=VALUE` or `NAME` on each line, `#` for a comment; `-e` wins over it.",
    default: "",
};
