//! The root, and what is seen in it.

use super::{Asked, Line, Needs, Reading, Row, Section, directory, file, text};
use crate::docker::OverlayChoice;

use std::os::unix::ffi::OsStrExt;

pub const OPTIONS: &[Row] = &[
    Row {
        long: "rootfs",
        short: None,
        section: Section::Files,
        needs: Needs::Nothing,
        reading: Reading::Many(directory("DIR"), |line| &mut line.run.rootfs),
        brief: "this directory is the container's /",
        help: "DIR is the container's `/`, with a `/proc`, `/sys` and `/dev` of its own; given twice, the second lies \
               above the first.",
        default: "your tree",
    },
    Row {
        long: "overlay",
        short: None,
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::Optional(directory("UPPER"), overlay),
        brief: "leave DIR as it is; writes go to memory, or UPPER",
        help: "Leave DIR alone: what is written goes to memory and is gone at the end, or goes to the directory UPPER \
               and is kept.",
        default: "writes go to DIR",
    },
    Row {
        long: "storage-opt",
        short: None,
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::Many(text("size=SIZE"), |line| &mut line.run.storage_options),
        brief: "how much memory the writes of --overlay may take",
        help: "How much memory the writes of `--overlay` may take: `size=64m`. What is beyond does not fit (ENOSPC). As many \
               files as there are KiB, and a thousand besides.",
        default: "half of the machine's",
    },
    Row {
        long: "read-only",
        short: None,
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::Switch(|line| &mut line.run.read_only),
        brief: "nothing of / can be written",
        help: "Nothing of `/` can be written. Without `--overlay`, what something is mounted on must be there.",
        default: "",
    },
    Row {
        long: "volume",
        short: Some('v'),
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::Many(file("SRC:DST[:OPTIONS]"), |line| &mut line.run.volumes),
        brief: "SRC of yours is DST inside",
        help: "SRC of yours (a directory, file, socket or device) is DST inside. Options, with commas: `ro` (with all \
               that is mounted below), `rw`, `noexec`, `nosuid`, `nodev`, `dev`, `rprivate`, `rslave`, `rshared`; `z` and `Z` are accepted \
               where there is no SELinux.",
        default: "`rw,rprivate`, and `nodev` if SRC is no device itself",
    },
    Row {
        long: "tmpfs",
        short: None,
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::Many(text("DST[:OPTIONS]"), |line| &mut line.run.tmpfs),
        brief: "an empty directory in memory",
        help: "An empty directory in memory. Options: `size=`, `mode=`, `exec`, and others of tmpfs(5).",
        default: "`nosuid,nodev,noexec,mode=1777`",
    },
    Row {
        long: "shm-size",
        short: None,
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::One(text("SIZE"), |line| &mut line.run.shared_memory),
        brief: "how large /dev/shm is",
        help: "How large `/dev/shm` is: `128m`.",
        default: "`64m`",
    },
    Row {
        long: "mount",
        short: None,
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::Many(text("type=TYPE,..."), |line| &mut line.run.mounts),
        brief: "a bind, tmpfs or overlay in docker's long form",
        help: "A mount in docker's long form: `type=bind`, `tmpfs` or `overlay`, `source=`, `target=`, and options. An \
               overlay takes `source=` once for each layer, the lowest first, and `upper=`.",
        default: "",
    },
    Row {
        long: "device",
        short: None,
        section: Section::Files,
        needs: Needs::Root,
        reading: Reading::Many(file("PATH[:DST]"), |line| &mut line.run.devices),
        brief: "a device of yours",
        help: "A device of yours.",
        default: "",
    },
];

/// `--overlay`, `--overlay=UPPER` or `--overlay UPPER`. A word after it may be COMMAND as well, so it is
/// UPPER only if it is written as a path, and is a directory, which no command is.
#[cold]
#[inline(never)]
fn overlay(line: &mut Line, parser: &mut lexopt::Parser, asked: &Asked<'_>) {
    let upper = parser.optional_value().or_else(|| {
        let mut words = parser.try_raw_args()?;
        words.next_if(|word| word.as_bytes().contains(&b'/') && (asked.is_directory)(word))
    });
    line.run.overlay = upper.map_or(OverlayChoice::ThrownAway, OverlayChoice::Kept);
    let follows = parser.try_raw_args();
    line.run.overlay_then_command = line.run.overlay == OverlayChoice::ThrownAway
        && follows.is_some_and(|words| {
            let word = words.as_slice().first();
            word.is_some_and(|word| !word.as_bytes().starts_with(b"-"))
        });
}
