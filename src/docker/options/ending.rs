//! The end of a container and what is told of it; and how it is started.

use super::limits::of_cgroup;
use super::{Choice, Line, Needs, Reading, Row, Section, directory, file, text};
use crate::docker::OutputLimit;
use crate::error::Error;
use crate::spec::LaunchChoice;
use std::ffi::OsString;

fn output_limit(line: &mut Line, _: &'static str, size: OsString) -> Result<(), Error> {
    line.run.output_limit = Some(OutputLimit::of_all(size));
    Ok(())
}

/// What ends it.
pub const ENDS: &[Row] = &[
    Row {
        long: "timeout",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: Reading::One(text("SECONDS[:SECONDS]"), |line| &mut line.run.timeout),
        brief: "end it after that time (exit code 124)",
        help: "End the container after that time, `2` or `0.5` (exit code 124). With `5:2` it is sent SIGTERM after five \
               seconds, and is killed two seconds later.",
        default: "it may run for ever",
    },
    Row {
        long: "cpu-time",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: of_cgroup(text("SECONDS")),
        brief: "end it after that processor time (exit code 152)",
        help: "End the container when all of its processes together, those that have ended too, have used that much \
               processor time, `2` or `0.5` (exit code 152). Its cgroup counts it.",
        default: "",
    },
    Row {
        long: "output-limit",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: Reading::Own(text("SIZE"), output_limit),
        brief: "end it when it writes more (exit code 153)",
        help: "End the container when it writes more than SIZE to stdout and stderr together, `64k` or `1.5m` (exit code 153). \
               SIZE bytes of it are delivered; with `-t` they are what its terminal shows. It writes to pipes then, from \
               which mydocker copies.",
        default: "",
    },
    Row {
        long: "stop-signal",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: Reading::One(text("SIGNAL"), |line| &mut line.run.stop_signal),
        brief: "what asks it to end, instead of SIGTERM",
        help: "The signal that asks the container to end, by its name or number, as docker's images name it: a SIGTERM that \
               mydocker is sent is handed on as this one, and `--timeout 5:2` sends it after five seconds. (`--timeout 5` \
               asks nothing, and kills.)",
        default: "`SIGTERM`",
    },
];

/// What is told of one that someone runs by hand.
pub const TOLD: &[Row] = &[
    Row {
        long: "pidfile",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: Reading::One(file("FILE"), |line| &mut line.run.pid_file),
        brief: "write the pid of the first process there",
        help: "Write the pid that the container's first process has for you to FILE, when the command runs.",
        default: "",
    },
    Row {
        long: "report",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: Reading::One(file("FILE"), |line| &mut line.run.report),
        brief: "write how it ended, as one JSON object",
        help: "Write how it ended to FILE, or with `-` to stdout, with `fd:N` to an open descriptor: one JSON object, \
               when all is over. The command runs under `--init`'s reaper then, so that its own fatal signals are real; \
               `--init=false` leaves it PID 1.",
        default: "",
    },
];

pub const COUNTED: &[Row] = &[Row {
    long: "report-cgroup",
    short: None,
    section: Section::Ending,
    needs: Needs::Nothing,
    reading: Reading::Switch(|line| &mut line.run.report_cgroup),
    brief: "count time, memory and processes in a cgroup",
    help: "Make a cgroup for the container though nothing of it is limited, so that `--report` and `--timing` can tell \
               what all of its processes have used.",
    default: "only a limit makes one",
}];

pub const EXPLAINED: &[Row] = &[
    Row {
        long: "timing",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: Reading::One(file("FILE"), |line| &mut line.run.timing),
        brief: "write how long each phase took",
        help: "Write how long each phase took to FILE, or with `-` to stdout: one JSON object when the command runs, \
               and one at the end.",
        default: "",
    },
    Row {
        long: "explain",
        short: None,
        section: Section::Ending,
        needs: Needs::Nothing,
        reading: Reading::Switch(|line| &mut line.run.explain),
        brief: "say what would be done and why, and do nothing",
        help: "Say on stdout what would be done, each step and why it is there, and do nothing. What a run refuses is \
               refused, in the same words, as far as a look tells.",
        default: "",
    },
];

/// How it is started.
pub const STARTED: &[Row] = &[
    LAUNCH,
    Row {
        long: "pool",
        short: None,
        section: Section::Launch,
        needs: Needs::Nothing,
        reading: Reading::One(directory("DIR"), |line| &mut line.run.pool),
        brief: "run in a container that this pool has ready",
        help: "Run the command in a container that the pool in DIR has ready, if it has one with these options (`mydocker help pool`); else \
               in one of its own, with a network namespace of the pool's. It ends with the pool, too.",
        default: "all of it is made",
    },
];

/// `--launch`.
pub const LAUNCH: Row = Row {
    long: "launch",
    short: None,
    section: Section::Launch,
    needs: Needs::Nothing,
    reading: Reading::Choice(&[
        Choice {
            word: "in-process",
            choose: |line: &mut Line| line.run.launch = LaunchChoice::InProcess,
        },
        Choice {
            word: "re-exec",
            choose: |line: &mut Line| line.run.launch = LaunchChoice::ReExec,
        },
        Choice {
            word: "auto",
            choose: |line: &mut Line| line.run.launch = LaunchChoice::Auto,
        },
    ]),
    brief: "how the first process is born",
    help: "How the first process is born: in mydocker's memory, or by executing mydocker anew.",
    default: "`auto`: re-exec where memory cannot be shared",
};
