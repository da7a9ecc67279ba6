//! What the options of a command line are read into, whichever command it is.

use crate::docker::{LogArgs, RunArgs};
use std::ffi::OsString;

/// The options of a command line.
#[derive(Debug, Default)]
pub struct Line {
    /// The options of `run`; other commands have some of them.
    pub run: RunArgs,
    pub log: LogArgs,
    pub others: Others,
}

/// Options that `run` has not.
#[derive(Debug, Default)]
pub struct Others {
    pub all: bool,
    pub quiet: bool,
    pub whole: bool,
    pub last: Option<usize>,
    pub latest: bool,
    pub filters: Vec<OsString>,
    pub format: Option<OsString>,
    pub follow: bool,
    pub tail: Option<u64>,
    pub since: Option<OsString>,
    pub until: Option<OsString>,
    pub timestamps: bool,
    /// Nothing comes of it: `logs` has no details.
    pub details: bool,
    pub attach: bool,
    pub no_stdin: bool,
    pub signal_proxy: Option<bool>,
    /// `-1` is for ever.
    pub seconds: Option<i32>,
    pub signal: Option<i32>,
    pub force: bool,
    /// Nothing comes of it: a volume is a directory of the caller's.
    pub volumes: bool,
    pub once: bool,
    pub archive: bool,
    pub follow_link: bool,
    pub size: Option<usize>,
    pub jobs: Option<usize>,
    pub listen: Option<OsString>,
    pub oldest: Option<std::time::Duration>,
}
