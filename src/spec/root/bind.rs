//! `--volume` and `--device`.

use super::{Bind, Devices, MountSource, RootMount, absolute, named, target};
use crate::error::Error;
use crate::spec::Caller;
use crate::sys::MountFlags;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What is there where SELinux is in force or might be.
const SELINUX: &str = "/sys/fs/selinux/enforce";

/// `SRC:DST[:OPTION,OPTION…]`.
pub fn volume(typed: &OsString, caller: &Caller<'_>) -> Result<RootMount, Error> {
    let option = named("--volume", typed);
    let refuse = |reason| Err(Error::refused(&option, reason));
    let parts: Vec<&[u8]> = typed.as_bytes().split(|byte| *byte == b':').collect();
    let (source, destination, words) = match parts[..] {
        [source, destination] => (source, destination, &b""[..]),
        [source, destination, words] => (source, destination, words),
        [_] => return refuse("it takes SRC:DST; there are no anonymous volumes"),
        _ => return refuse("it takes SRC:DST[:OPTIONS]; a path with a colon needs --mount"),
    };
    if source.is_empty() || destination.is_empty() {
        return refuse("it takes SRC:DST[:OPTIONS]");
    }
    if !source.contains(&b'/') && source != b"." && source != b".." {
        return refuse("there are no named volumes; a directory here is written ./NAME");
    }
    let mut bind = Bind {
        path: absolute(&option, OsStr::from_bytes(source), caller)?,
        recursive: true,
        flags: MountFlags::NONE,
        recursive_flags: true,
        devices: Devices::Source,
        is_device: false,
        is_root: false,
        optional: false,
    };
    let mut access = None;
    for word in words
        .split(|byte| *byte == b',')
        .filter(|word| !word.is_empty())
    {
        match word {
            b"ro" | b"rw" => {
                if access.is_some_and(|before| before != word) {
                    return refuse("it is both ro and rw");
                }
                access = Some(word);
                if word == b"ro" {
                    bind.flags = bind.flags.and(MountFlags::READONLY);
                }
            }
            b"noexec" => bind.flags = bind.flags.and(MountFlags::NOEXEC),
            b"nosuid" => bind.flags = bind.flags.and(MountFlags::NOSUID),
            // What they tell docker's virtual machines has no meaning here.
            b"cached" | b"delegated" | b"consistent" => {}
            // SELinux labels: on a host without SELinux there are none to set.
            b"z" | b"Z" if (caller.file)(SELINUX)?.is_empty() => {}
            b"z" | b"Z" => {
                return refuse("SELinux is on here, and mydocker sets no labels; see chcon(1)");
            }
            b"dev" => bind.devices = set_devices(&option, bind.devices, Devices::All)?,
            b"nodev" => bind.devices = set_devices(&option, bind.devices, Devices::None)?,
            word => match propagation(word) {
                Some(propagation) => {
                    bind.flags = set_propagation(&option, bind.flags, propagation)?
                }
                None => {
                    return refuse(
                        "its options are ro, rw, rprivate, rslave, rshared, noexec, nosuid, nodev, dev, z and Z",
                    );
                }
            },
        }
    }
    Ok(RootMount {
        target: target(&option, destination)?,
        option,
        source: MountSource::Bind(bind),
    })
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

/// `PATH[:DST[:rwm]]`.
pub fn device(typed: &OsString, caller: &Caller<'_>) -> Result<RootMount, Error> {
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
        option,
    })
}
