//! `--storage-opt size=`: how much memory the writes of `--overlay` may take.

use super::named;
use crate::docker::specify::size::bytes;
use crate::docker::{OverlayChoice, RunArgs};
use crate::error::Error;
use std::os::unix::ffi::OsStrExt;

/// Bytes, if it is bounded. Of one given twice the last counts.
///
/// Errors: what is no size; writes that do not go to memory.
pub fn size(arguments: &RunArgs) -> Result<Option<u64>, Error> {
    let mut size = None;
    for typed in &arguments.storage_options {
        let refused = |reason| Error::refused(named("--storage-opt", typed), reason);
        let Some(value) = typed.as_bytes().strip_prefix(b"size=") else {
            return Err(refused("size=SIZE is all that there is here"));
        };
        let wanted = bytes(value).filter(|bytes| *bytes != 0);
        size = Some(wanted.ok_or_else(|| refused("it takes a size above 0, 64m or 1.5g"))?);
        match arguments.overlay {
            OverlayChoice::ThrownAway => {}
            OverlayChoice::Kept(_) => {
                return Err(refused(
                    "the writes of --overlay=UPPER go to a file system of yours, which bounds them",
                ));
            }
            OverlayChoice::None => {
                return Err(refused(
                    "it needs --overlay, whose writes go to memory; without it they go to DIR",
                ));
            }
        }
    }
    Ok(size)
}
