//! `--rootfs` and `--overlay`: what / is.

use super::{absolute, storage};
use crate::docker::{Caller, OverlayChoice, RunArgs};
use crate::error::Error;
use crate::spec::{Base, Overlay, Upper, Writes};
use std::ffi::{CString, OsStr};

pub fn base(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Base, Error> {
    let mut lower = Vec::with_capacity(arguments.rootfs.len());
    // Typed from the bottom up.
    for directory in arguments.rootfs.iter().rev() {
        lower.push(absolute("--rootfs", directory, caller)?);
    }
    let size = storage::size(arguments)?;
    let writes = match &arguments.overlay {
        OverlayChoice::ThrownAway => Writes::ThrownAway { size },
        OverlayChoice::Kept(upper) => kept("--overlay", upper, caller)?,
        OverlayChoice::None if lower.len() > 1 && arguments.read_only => Writes::Refused,
        OverlayChoice::None => {
            return match <[CString; 1]>::try_from(lower) {
                Ok([directory]) => Ok(Base::Directory(directory)),
                Err(_) => Err(Error::refused(
                    "--rootfs",
                    "it is given more than once: say with --overlay where writes go, or --read-only",
                )),
            };
        }
    };
    Ok(Base::Overlay(Overlay { lower, writes }))
}

/// Writes go to `upper`.
pub fn kept(option: &str, upper: &OsStr, caller: &Caller<'_>) -> Result<Writes, Error> {
    let path = absolute(option, upper, caller)?;
    Ok(Writes::Kept(Upper { path, work: None }))
}
