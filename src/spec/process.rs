//! The process that a container's command becomes. All of it is about that process alone, so it is what another process of
//! the same container would need as well.

use super::capabilities::Capabilities;
use super::limits::ResourceLimit;
use std::ffi::{CString, OsString};

/// Where commands are looked for if the environment has no PATH. docker's own.
pub const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Debug)]
pub struct ProcessSpec {
    pub user: User,
    pub capabilities: Capabilities,
    /// Limits of each process by itself.
    pub resources: Vec<ResourceLimit>,
    pub oom_score_adjustment: Option<OomScoreAdjustment>,
    /// Whether set-user-ID and the like are without effect.
    pub no_new_privileges: bool,
    pub filter: Filter,
    /// Whether it has a session keyring of its own.
    pub new_keyring: bool,
    /// `NAME=value` each.
    pub environment: Vec<CString>,
    /// `None`: where the caller is, or / of a root of its own.
    pub working_directory: Option<CString>,
    pub terminal: Terminal,
    pub input: Input,
    /// The command and what it is given: at least one.
    pub arguments: Vec<CString>,
}

/// A user, as the container sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub id: u32,
    pub group: u32,
    pub supplementary: Vec<u32>,
    /// Whether it is an error where no supplementary groups can be given.
    pub insists_on_groups: bool,
}

/// Which filter of system calls there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    None,
    Default,
    /// A profile in docker's format, in this file of the caller's.
    Profile(OsString),
}

/// What the container's terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// What is no terminal of the caller's standard descriptors, and no controlling terminal.
    None,
    /// A pseudo-terminal of its own.
    Own,
}

/// What the container reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// End-of-file at once.
    Nothing,
    /// What the caller's stdin has.
    Caller,
}

/// How soon the kernel ends a process when the host is out of memory, from -1000 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomScoreAdjustment(i32);

impl OomScoreAdjustment {
    /// `None`: a number that the kernel would not take.
    pub fn new(number: i32) -> Option<Self> {
        (-1000..=1000).contains(&number).then_some(Self(number))
    }

    /// As the kernel reads it.
    pub fn text(self) -> String {
        self.0.to_string()
    }
}
