//! What `--volume` and the bind of `--mount` have in common.

use crate::error::Error;
use crate::spec::{Bind, Devices};
use crate::sys::MountFlags;
use std::ffi::CString;

/// A bind of `path` with all that is mounted below it, as nothing else has been said.
pub fn whole(path: CString) -> Bind {
    Bind {
        path,
        recursive: true,
        flags: MountFlags::NONE,
        recursive_flags: true,
        devices: Devices::Source,
        is_device: false,
        is_root: false,
        optional: false,
    }
}

/// The word for a propagation, with what is mounted below or (without the r) too: a tree of which one
/// part propagates and another does not is nothing that anyone has asked for.
pub fn propagation(word: &[u8]) -> Option<MountFlags> {
    match word {
        b"rprivate" | b"private" => Some(MountFlags::PRIVATE),
        b"rslave" | b"slave" => Some(MountFlags::SLAVE),
        b"rshared" | b"shared" => Some(MountFlags::SHARED),
        _ => None,
    }
}

/// `flags` with a propagation, if they have none that is another.
pub fn set_propagation(
    option: &str,
    flags: MountFlags,
    propagation: MountFlags,
) -> Result<MountFlags, Error> {
    let all = MountFlags::PRIVATE
        .and(MountFlags::SLAVE)
        .and(MountFlags::SHARED);
    if flags.without(all.without(propagation)) != flags {
        return Err(Error::refused(option, "it has two propagations"));
    }
    Ok(flags.and(propagation))
}

/// Which devices open, if nothing else has been said before.
pub fn set_devices(option: &str, before: Devices, said: Devices) -> Result<Devices, Error> {
    if before != Devices::Source && before != said {
        return Err(Error::refused(option, "it is both dev and nodev"));
    }
    Ok(said)
}
