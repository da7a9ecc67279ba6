//! What can be explained, and where it is told.

use super::described::Described;
use crate::guide::Guide;

/// A thing to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Mydocker,
    Command(&'static Described, Detail),
    Completion,
    Init,
    Guide(&'static Guide),
    /// All of it, as a man page.
    Manual,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line for each option.
    Brief,
    Full,
}

/// Where a complaint about a command line says that more is told.
pub const HELP: &str = "mydocker help";

pub const RUN_HELP: &str = "mydocker help run";

pub const BATCH_HELP: &str = "mydocker help batch";

pub const POOL_HELP: &str = "mydocker help pool";

pub const COMPLETION_HELP: &str = "mydocker help completion";
