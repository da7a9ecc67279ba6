//! `--tmpfs`, and the tmpfs of `--mount`.

use super::{c_string, named, target};
use crate::error::Error;
use crate::spec::{FileSystem, MountSource, RootMount};
use crate::sys::MountFlags;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// docker's: what lies in a tmpfs is neither programs nor devices, unless it is said to be.
const RESTRICTIONS: MountFlags = MountFlags::NOSUID
    .and(MountFlags::NODEV)
    .and(MountFlags::NOEXEC);

/// `DST[:OPTION,OPTION…]`.
pub fn parse(typed: &OsString) -> Result<RootMount, Error> {
    let option = named("--tmpfs", typed);
    let mut parts = typed.as_bytes().splitn(2, |byte| *byte == b':');
    let destination = parts.next().unwrap_or_default();
    let mut tmpfs = Tmpfs::default();
    let words = parts.next().unwrap_or_default();
    for word in words
        .split(|byte| *byte == b',')
        .filter(|word| !word.is_empty())
    {
        tmpfs.word(&option, word)?;
    }
    Ok(RootMount {
        target: target(&option, destination)?,
        source: tmpfs.source(&option)?,
        asked_by: Some(option),
    })
}

/// A tmpfs to be.
pub struct Tmpfs {
    flags: MountFlags,
    data: Vec<u8>,
    has_mode: bool,
}

impl Default for Tmpfs {
    fn default() -> Self {
        Self {
            flags: RESTRICTIONS,
            data: Vec::new(),
            has_mode: false,
        }
    }
}

impl Tmpfs {
    /// One option, a flag of mount(8) or `NAME=VALUE` of tmpfs(5).
    pub fn word(&mut self, option: &str, word: &[u8]) -> Result<(), Error> {
        let (set, clear) = match word {
            b"ro" => (MountFlags::READONLY, MountFlags::NONE),
            b"rw" => (MountFlags::NONE, MountFlags::READONLY),
            b"nosuid" => (MountFlags::NOSUID, MountFlags::NONE),
            b"suid" => (MountFlags::NONE, MountFlags::NOSUID),
            b"nodev" => (MountFlags::NODEV, MountFlags::NONE),
            b"dev" => (MountFlags::NONE, MountFlags::NODEV),
            b"noexec" => (MountFlags::NOEXEC, MountFlags::NONE),
            b"exec" => (MountFlags::NONE, MountFlags::NOEXEC),
            b"noatime" => (MountFlags::NOATIME, MountFlags::NONE),
            word => {
                let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
                let known: [&[u8]; 6] =
                    [b"size", b"mode", b"uid", b"gid", b"nr_inodes", b"nr_blocks"];
                if name.len() + 1 >= word.len() || !known.contains(&name) {
                    return Err(Error::refused(
                        option,
                        "its options are size=, mode=, uid=, gid=, nr_inodes=, nr_blocks=, ro, exec, suid, \
                         dev, noatime and their opposites",
                    ));
                }
                if !is_number(name, &word[name.len() + 1..]) {
                    return Err(Error::refused(
                        option,
                        "a value in it is no number: size= takes bytes, with k, m or g, or a percentage, mode= \
                         octal digits",
                    ));
                }
                self.has_mode |= name == b"mode";
                if !self.data.is_empty() {
                    self.data.push(b',');
                }
                self.data.extend(word);
                return Ok(());
            }
        };
        self.flags = self.flags.and(set).without(clear);
        Ok(())
    }

    pub fn source(mut self, option: &str) -> Result<MountSource, Error> {
        if !self.has_mode {
            // docker's: everyone may use it, as /tmp.
            self.data.extend(if self.data.is_empty() {
                &b"mode=1777"[..]
            } else {
                b",mode=1777"
            });
        }
        Ok(MountSource::FileSystem(FileSystem {
            kind: c"tmpfs".into(),
            flags: self.flags,
            data: c_string(option, &self.data)?,
            optional: false,
            instead: None,
        }))
    }
}

/// Whether the kernel takes `value` for the option `name`, as far as it can be said without it. Asked before
/// anything is made, and the kernel says no more than EINVAL.
fn is_number(name: &[u8], value: &[u8]) -> bool {
    let units: &[u8] = match name {
        b"size" => b"kmgtpe%",
        b"nr_inodes" | b"nr_blocks" => b"kmgtpe",
        _ => b"",
    };
    let digits = match value.split_last() {
        Some((unit, digits)) if units.contains(&unit.to_ascii_lowercase()) => digits,
        _ => value,
    };
    let last = if name == b"mode" { b'7' } else { b'9' };
    !digits.is_empty() && digits.iter().all(|digit| (b'0'..=last).contains(digit))
}
