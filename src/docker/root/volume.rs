//! `--volume`.

use super::bind::{propagation, set_devices, set_propagation, whole};
use super::{absolute, named, target};
use crate::docker::Caller;
use crate::error::Error;
use crate::spec::{Bind, Devices, MountSource, RootMount};
use crate::sys::MountFlags;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What is there where SELinux is in force or might be.
const SELINUX: &str = "/sys/fs/selinux/enforce";

/// `SRC:DST[:OPTION,OPTION…]`.
pub fn parse(typed: &OsString, caller: &Caller<'_>) -> Result<RootMount, Error> {
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
    let mut bind = whole(absolute(&option, OsStr::from_bytes(source), caller)?);
    set_options(&mut bind, words, &option, caller)?;
    Ok(RootMount {
        target: target(&option, destination)?,
        asked_by: Some(option),
        source: MountSource::Bind(bind),
    })
}

/// The options behind the second colon.
fn set_options(
    bind: &mut Bind,
    words: &[u8],
    option: &str,
    caller: &Caller<'_>,
) -> Result<(), Error> {
    let refuse = |reason| Err(Error::refused(option, reason));
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
            b"dev" => bind.devices = set_devices(option, bind.devices, Devices::All)?,
            b"nodev" => bind.devices = set_devices(option, bind.devices, Devices::None)?,
            word => match propagation(word) {
                Some(propagation) => bind.flags = set_propagation(option, bind.flags, propagation)?,
                None => {
                    return refuse(
                        "its options are ro, rw, rprivate, rslave, rshared, noexec, nosuid, nodev, dev, z and Z",
                    );
                }
            },
        }
    }
    Ok(())
}
