//! The commands that know containers by their names: one file each.

pub mod attach;
pub mod attached;
mod called;
pub mod cp;
pub mod create;
mod each;
pub mod exec;
pub mod inspect;
pub mod kill;
pub mod logs;
mod of_config;
pub mod pause;
pub mod ps;
pub mod rename;
pub mod restart;
pub mod rm;
pub mod start;
pub mod stats;
pub mod stop;
mod stopped;
pub mod top;
pub mod unpause;
pub mod update;
pub mod wait;

use crate::error::{Error, ExitCode};
use crate::standard_streams;

/// Answers on stdout.
fn answer(text: &[u8]) -> Result<ExitCode, Error> {
    let written = standard_streams::answer(text);
    written.map_err(|errno| Error::new("write", standard_streams::name(1), errno))?;
    Ok(ExitCode::SUCCESS)
}
