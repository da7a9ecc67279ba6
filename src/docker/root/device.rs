//! `--device`.

use super::{absolute, named, target};
use crate::docker::Caller;
use crate::error::Error;
use crate::spec::{Bind, Devices, MountSource, RootMount};
use crate::sys::MountFlags;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// `PATH[:DST[:rwm]]`.
pub fn parse(typed: &OsString, caller: &Caller<'_>) -> Result<RootMount, Error> {
    let option = named("--device", typed);
    let refuse = |reason| Err(Error::refused(&option, reason));
    let is_access = |word: &[u8]| !word.is_empty() && word.iter().all(|byte| b"rwm".contains(byte));
    let parts: Vec<&[u8]> = typed.as_bytes().split(|byte| *byte == b':').collect();
    let (source, destination, access) = match parts[..] {
        [source] => (source, source, &b"rwm"[..]),
        // docker's: a second part that is no path says what may be done.
        [source, access] if is_access(access) => (source, source, access),
        [source, destination] => (source, destination, &b"rwm"[..]),
        [source, destination, access] => (source, destination, access),
        _ => return refuse("it takes PATH[:DST[:rwm]]"),
    };
    if !is_access(access) {
        return refuse("what may be done with it is said by the letters r, w and m");
    }
    if !access.contains(&b'r') || !access.contains(&b'w') {
        return refuse(
            "only rw and rwm can be had: less takes a device cgroup, which is not set up",
        );
    }
    Ok(RootMount {
        target: target(&option, destination)?,
        source: MountSource::Bind(Bind {
            path: absolute(&option, OsStr::from_bytes(source), caller)?,
            recursive: true,
            flags: MountFlags::NONE,
            recursive_flags: true,
            devices: Devices::All,
            is_device: true,
            is_root: false,
            optional: false,
        }),
        asked_by: Some(option),
    })
}
