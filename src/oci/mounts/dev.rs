//! The container's /dev: devices that every container has, those of `linux.devices`, and links.

use super::{c_string, clean};
use crate::oci::config::{Config, DeviceKind};
use crate::plan::root::{DeviceFile, FileKind, PlacedLink, RootStep};
use crate::sys::device::Device;
use crate::sys::node;
use std::ffi::{CStr, CString};

/// What the specification gives every container ("Default Devices"); `console` is a terminal's, and `ptmx` a link.
const DEFAULT: [(&CStr, u32, u32); 6] = [
    (c"/dev/null", 1, 3),
    (c"/dev/random", 1, 8),
    (c"/dev/full", 1, 7),
    (c"/dev/tty", 5, 0),
    (c"/dev/zero", 1, 5),
    (c"/dev/urandom", 1, 9),
];

/// As programs know them.
const LINKS: [(&CStr, &CStr); 4] = [
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
];

/// Which are only where the kernel has what they lead to.
const CORE: (&CStr, &CStr) = (c"core", c"/proc/kcore");

const PTMX: (&CStr, &CStr) = (c"ptmx", c"pts/ptmx");

const MODE: u32 = 0o666;

pub fn steps(config: &Config) -> Vec<RootStep> {
    let asked = config.linux.devices.iter().map(|device| {
        let kind = match device.kind {
            DeviceKind::Character => FileKind::Character(device.device),
            DeviceKind::Block => FileKind::Block(device.device),
            DeviceKind::Pipe => FileKind::Pipe,
        };
        let owner = (device.user, device.group);
        let owner = Some(owner).filter(|owner| *owner != (0, 0));
        file(clean(&device.path), kind, device.mode, owner)
    });
    // That one is a link.
    let asked = asked.filter(|file| file.path.as_c_str() != c"/dev/ptmx");
    let asked: Vec<DeviceFile> = asked.collect();
    let defaults = DEFAULT.iter().map(|(path, major, minor)| {
        let device = Device {
            major: *major,
            minor: *minor,
        };
        file((*path).into(), FileKind::Character(device), MODE, None)
    });
    let mut all: Vec<DeviceFile> = defaults
        .filter(|one| asked.iter().all(|other| other.path != one.path))
        .collect();
    all.extend(asked);
    vec![RootStep::DeviceFiles(all), RootStep::PlacedLinks(links())]
}

fn links() -> Vec<PlacedLink> {
    let core = node::find(node::HERE, CORE.1).map(crate::sys::descriptor::close);
    let core = core.is_ok().then_some(CORE);
    let link = |(name, content): (&CStr, &CStr), replaces| PlacedLink {
        directory: c"/dev".into(),
        name: name.into(),
        content: content.into(),
        replaces,
    };
    let all = LINKS.into_iter().chain(core).map(|one| link(one, false));
    [link(PTMX, true)].into_iter().chain(all).collect()
}

fn file(path: CString, kind: FileKind, mode: u32, owner: Option<(u32, u32)>) -> DeviceFile {
    let (directory, name) = split(&path);
    DeviceFile {
        directory,
        name,
        path,
        kind,
        mode,
        owner,
    }
}

/// The directory and the last name of a clean path.
pub fn split(path: &CStr) -> (CString, CString) {
    let bytes = path.to_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let (directory, name) = bytes.split_at(slash);
    let directory = if directory.is_empty() {
        b"/"
    } else {
        directory
    };
    (
        c_string(directory.to_vec()),
        c_string(name.iter().skip(1).copied().collect()),
    )
}
