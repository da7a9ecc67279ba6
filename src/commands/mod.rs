//! The commands that know containers by their names: one file each.

pub mod attach;
pub mod cp;
pub mod create;
pub mod exec;
pub mod inspect;
pub mod kill;
pub mod logs;
pub mod pause;
pub mod ps;
pub mod rename;
pub mod restart;
pub mod rm;
pub mod start;
pub mod stats;
pub mod stop;
pub mod top;
pub mod unpause;
pub mod update;
pub mod wait;

use crate::error::Error;

/// The answer of a command that is only a name yet.
#[cold]
#[inline(never)]
pub fn not_built(command: &str) -> Error {
    Error::refused(command, "this command is not built yet")
}
