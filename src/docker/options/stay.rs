//! A container that stays: its name, its log, its end, and where it is kept.

use super::{Kind, Line, Needs, Reading, Row, Section, Value, directory, file, text};
use crate::docker::specify;
use crate::error::Error;
use std::ffi::OsString;

/// What `run` alone has.
pub const DETACH: &[Row] = &[Row {
    long: "detach",
    short: Some('d'),
    section: Section::Staying,
    needs: Needs::Nothing,
    reading: Reading::Switch(|line| &mut line.run.detach),
    brief: "let it run by itself, and print its id",
    help: "Let the container run by itself: mydocker prints its id and returns when the command runs.",
    default: "mydocker waits for its end",
}];

pub const OPTIONS: &[Row] = &[
    Row {
        long: "name",
        short: None,
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::One(text("NAME"), |line| &mut line.run.name),
        brief: "what it is called",
        help: "What the container is called: letters, digits, `_`, `.` and `-`; no two have one name.",
        default: "a container that stays gets one",
    },
    RESTART,
    Row {
        long: "rm",
        short: None,
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::Switch(|line| &mut line.run.rm),
        brief: "remove it when it has ended",
        help: "Remove the container when it has ended. One that has none of the options of this part leaves nothing behind \
               anyway.",
        default: "",
    },
    Row {
        long: "label",
        short: Some('l'),
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::Many(text("KEY[=VALUE]"), |line| &mut line.run.labels),
        brief: "a note on it, to find it by",
        help: "A note on the container, which `ps --filter label=KEY` finds it by.",
        default: "",
    },
    Row {
        long: "label-file",
        short: None,
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::Many(file("FILE"), |line| &mut line.run.label_files),
        brief: "such notes, a line each",
        help: "Such notes from a file, `KEY=VALUE` on each line, `#` for a comment; `-l` wins over it.",
        default: "",
    },
    Row {
        long: "cidfile",
        short: None,
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::One(file("FILE"), |line| &mut line.run.id_file),
        brief: "write its id there",
        help: "Write the container's id to FILE, which must not be there yet.",
        default: "",
    },
    Row {
        long: "log-driver",
        short: None,
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::One(
            Value {
                name: "json-file|none",
                kind: Kind::Words(&["json-file", "none"]),
            },
            |line| &mut line.run.log_driver,
        ),
        brief: "whether what it writes is kept",
        help: "Whether what the container writes is kept for `logs`: in docker's files of JSON, or not at all.",
        default: "`json-file`",
    },
    Row {
        long: "log-opt",
        short: None,
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::Many(
            Value {
                name: "max-size=SIZE|max-file=N",
                kind: Kind::Words(&["max-size=", "max-file="]),
            },
            |line| &mut line.run.log_options,
        ),
        brief: "how much of it is kept",
        help: "How much of it is kept: so many files of such a size, `max-size=1m` and `max-file=2`; `max-size=-1` for no \
               limit.",
        default: "`max-size=10m`, `max-file=3`",
    },
    Row {
        long: "stop-timeout",
        short: None,
        section: Section::Staying,
        needs: Needs::Nothing,
        reading: Reading::One(text("SECONDS"), |line| &mut line.run.stop_timeout),
        brief: "how long stop waits before it kills",
        help: "How long `mydocker stop` waits between its signal and SIGKILL; `-1` for ever.",
        default: "`10`",
    },
    DETACH_KEYS,
    STATE,
];

/// `--restart`.
pub const RESTART: Row = Row {
    long: "restart",
    short: None,
    section: Section::Staying,
    needs: Needs::Nothing,
    reading: Reading::One(
        Value {
            name: "no|on-failure[:N]|always|unless-stopped",
            kind: Kind::Words(&["no", "on-failure", "always", "unless-stopped"]),
        },
        |line| &mut line.run.restart,
    ),
    brief: "start it again when it ends",
    help: "Start it again when it ends: `on-failure` if it fails, N times at most, `always`, or `unless-stopped`, which is \
           the same here. `mydocker stop` is the end of it, and so is that of the machine.",
    default: "`no`",
};

/// `--detach-keys`.
pub const DETACH_KEYS: Row = Row {
    long: "detach-keys",
    short: None,
    section: Section::Staying,
    needs: Needs::Nothing,
    reading: Reading::Own(text("KEYS"), detach_keys),
    brief: "what is typed to leave it",
    help: "What is typed to leave the container's terminal, and let it run: `ctrl-x`, or letters, with commas between them.",
    default: "`ctrl-p,ctrl-q`",
};

fn detach_keys(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    line.run.detach_keys = Some(specify::detach_keys(name, &typed)?);
    Ok(())
}

/// `--state`, which every command has that knows containers.
pub const STATE: Row = Row {
    long: "state",
    short: None,
    section: Section::Staying,
    needs: Needs::Nothing,
    reading: Reading::One(directory("DIR"), |line| &mut line.run.state),
    brief: "where containers that stay are kept",
    help: "The directory where containers that stay are kept; the variable `MYDOCKER_STATE` says it too.",
    default: "`/run/mydocker`, of an ordinary user `$XDG_RUNTIME_DIR/mydocker`, or `/tmp/mydocker-UID`",
};
