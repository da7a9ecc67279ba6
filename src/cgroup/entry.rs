//! The way into the cgroups of a container that runs, by what was written down of them.

use super::assign::BORN_WITH_CPUSET;
use super::directory::Directory;
use super::group::Join;
use super::{Record, Version};
use crate::sys::{Errno, clone, kernel};
use std::ffi::CString;
use std::os::fd::OwnedFd;

/// How a process comes into all of them.
#[derive(Default)]
pub struct Entry {
    /// The one of v2, if a process can be born in it.
    pub birthplace: Option<OwnedFd>,
    /// The others.
    pub joins: Vec<Join>,
}

/// Errors: as opening one, with its path.
#[cold]
#[inline(never)]
pub fn entry(records: &[Record]) -> Result<Entry, (CString, Errno)> {
    let mut entry = Entry::default();
    for record in records {
        let path = record.path();
        let directory = match Directory::open(path.clone(), record.version) {
            Ok(directory) => directory,
            Err(errno) => return Err((path, errno)),
        };
        let file = match record.version {
            Version::V1 => c"tasks",
            // Only since then it has what it limits from the first instruction on.
            Version::V2
                if kernel::version() >= BORN_WITH_CPUSET && clone::can_be_born_in_cgroup() =>
            {
                entry.birthplace = Some(directory.into_file());
                continue;
            }
            Version::V2 => c"cgroup.procs",
        };
        let path = directory.path_of(file);
        match directory.open_to_write(file) {
            Ok(opened) => entry.joins.push(Join { path, opened }),
            Err(errno) => return Err((path, errno)),
        }
    }
    Ok(entry)
}
