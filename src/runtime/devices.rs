//! `--privileged` in a root of its own: the host's devices, all of them, as docker has it.

use crate::field::Field;
use crate::spec::{Bind, Devices, MountSource, RootMount, RootSpec};
use crate::sys::MountFlags;
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// What the container has of its own, or is its own by name.
const OWN: [&str; 12] = [
    "null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue",
    "fd",
];

/// Adds the devices that the host's /dev has now. Root of a user namespace of root's may open none that not
/// everyone may, and gets none.
#[cold]
#[inline(never)]
pub fn add_all(root: &mut RootSpec) {
    if root.is_premounted || root.asks_for("/dev") {
        return;
    }
    let mut found = Vec::new();
    collect(Path::new("/dev"), &OWN, &mut found);
    for path in found {
        let Ok(path) = CString::new(path.into_os_string().into_vec()) else {
            continue;
        };
        // What someone asked for comes instead of it, or covers it.
        let mut asked = root.mounts.iter().filter(|mount| mount.asked_by.is_some());
        let covered = asked.any(|mount| {
            let rest = path.to_bytes().strip_prefix(mount.target.to_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        });
        if !covered {
            root.mounts.push(RootMount {
                asked_by: Some(Field::Privileged.spelled().into()),
                target: path.clone(),
                source: MountSource::Bind(Bind {
                    path,
                    recursive: true,
                    flags: MountFlags::NONE,
                    recursive_flags: true,
                    devices: Devices::All,
                    is_device: true,
                    is_root: false,
                    // A stick may be pulled out meanwhile.
                    optional: true,
                }),
            });
        }
    }
}

/// A directory that cannot be read has none for the container either.
fn collect(directory: &Path, left_out: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if left_out.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &[], found);
        } else if kind.is_char_device() || kind.is_block_device() {
            found.push(entry.path());
        }
    }
}
