//! Cgroups of containers whose mydocker was killed: no one was left to remove them. The next run does.

use super::directory::{Directory, Patience, joined};
use super::group::Group;
use super::layout::Layout;
use super::opened::thaw_all;
use super::record::{PREFIX, Record, is_ours};
use super::{Controller, Version};
use crate::error::Error;
use crate::locks::Locks;
use crate::sys::Errno;
use crate::sys::lock::Lock;
use std::ffi::{CStr, CString};

/// How many cgroups beside each other one run looks at. Where there are more, each looks at a part, by the
/// first digit of its own name, or thousands that start would each look at thousands.
const CROWD: u64 = 256;

impl Group {
    /// Removes what was left where containers of this caller go, in every hierarchy. Nothing that runs is
    /// touched: its mydocker has the lock, and the kernel keeps a cgroup that has processes.
    ///
    /// What cannot be removed is left to the next run: it is not this container's concern.
    #[cold]
    #[inline(never)]
    pub fn sweep(&self, layout: &Layout<'_>) {
        let v1 = layout.v1.iter().map(|hierarchy| (Version::V1, hierarchy));
        let v2 = layout.v2.iter().map(|hierarchy| (Version::V2, hierarchy));
        for (version, hierarchy) in v1.chain(v2) {
            for mount in layout.mounts(hierarchy).filter(|mount| mount.writable) {
                let mut path = match (&self.parent, &mount.own) {
                    (Some(parent), _) => CString::from(&**parent),
                    (None, Some(own)) => own.clone(),
                    (None, None) => continue,
                };
                loop {
                    let whole = joined(&mount.point, &path);
                    if let Ok(directory) = Directory::open(whole, version) {
                        self.sweep_directory(&directory, version);
                    }
                    // In v2 it may have been a cgroup above the caller's.
                    if version == Version::V1 || path.is_empty() || self.parent.is_some() {
                        break;
                    }
                    path = above(&path);
                }
            }
        }
    }

    fn sweep_directory(&self, directory: &Directory, version: Version) {
        let mut locks = self.locks.borrow_mut();
        let Some(locks) = locks.as_mut() else { return };
        let own = self
            .members
            .iter()
            .any(|member| member.above.path == directory.path);
        let count = directory.count().unwrap_or(u64::MAX);
        if count <= u64::from(own) {
            // Usually: there is nothing but our own.
            return;
        }
        let part = |name: &CStr| count <= CROWD || digit(name) == digit(&self.name);
        for name in directory.children() {
            if is_ours(&name) && name != self.name && part(&name) {
                remove_if_left((directory, version), &name, locks, None);
            }
        }
    }
}

/// Removes the cgroups of a container whose mydocker is gone, as that would have done. What is in use stays.
///
/// Errors: there are no locks to be had.
pub fn clean_up(records: &[Record]) -> Result<(), Error> {
    let mut locks = Locks::open().map_err(|none| none.error("clean up: open"))?;
    let freezes = |record: &&Record| {
        record.version == Version::V2 || record.controllers.contains(&Controller::Freezer)
    };
    // Who is frozen is in all of them until it is thawed.
    let (first, then): (Vec<_>, Vec<_>) = records.iter().partition(freezes);
    let mut patience = Patience::default();
    for record in first.into_iter().chain(then) {
        if let Ok(above) = Directory::open(record.above.clone(), record.version) {
            let above = (&above, record.version);
            remove_if_left(above, &record.name, &mut locks, Some(&mut patience));
        }
    }
    Ok(())
}

/// Whose lock can be had, that one's mydocker is gone; or it is not there yet, and has the directory above
/// locked meanwhile. (Another user's locks are unknown to us, and what that user left is theirs to sweep.)
fn remove_if_left(
    (directory, version): (&Directory, Version),
    name: &CStr,
    locks: &mut Locks,
    patience: Option<&mut Patience>,
) {
    let Ok(left) = directory.child(name) else {
        return;
    };
    let (Ok(its), Ok(above)) = (left.byte(), directory.byte()) else {
        return;
    };
    if !left.is_ours() || locks.lock(its, Lock::Alone).is_err() {
        return;
    }
    let locked = match patience {
        Some(_) => locks.lock_soon(above, Lock::Alone),
        None => locks.lock(above, Lock::Alone),
    };
    if locked.is_ok() {
        if directory.remove(name) == Err(Errno::EBUSY) {
            // Whom the kernel has killed with its mydocker does not die while it is frozen by v1.
            thaw_all(&left, version);
            let _ = match patience {
                Some(patience) => patience.remove(directory, name),
                None => directory.remove(name),
            };
        }
        locks.unlock(above);
    }
    locks.unlock(its);
}

fn digit(name: &CStr) -> Option<u8> {
    name.to_bytes().get(PREFIX.len()).copied()
}

/// The path without its last name.
fn above(path: &CStr) -> CString {
    let bytes = path.to_bytes();
    let end = bytes.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    CString::new(bytes.get(..end).unwrap_or_default()).unwrap_or_default()
}
