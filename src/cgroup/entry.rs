//! The way into the cgroups of a container that runs, by what was written down of them.

use super::assign::BORN_WITH_CPUSET;
use super::directory::{self, Directory, joined};
use super::group::Join;
use super::{Record, Version};
use crate::sys::{Errno, clone, descriptor, kernel};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

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
        let file = match record.version {
            Version::V1 => c"tasks",
            // Only since then it has what it limits from the first instruction on.
            Version::V2
                if kernel::version() >= BORN_WITH_CPUSET && clone::can_be_born_in_cgroup() =>
            {
                match Directory::open(path.clone(), record.version) {
                    Ok(directory) => entry.birthplace = Some(directory.into_file()),
                    Err(errno) => return Err((path, errno)),
                }
                continue;
            }
            Version::V2 => c"cgroup.procs",
        };
        let path = joined(&path, file);
        match open(&path, record.version) {
            Ok(opened) => entry.joins.push(Join { path, opened }),
            Err(errno) => return Err((path, errno)),
        }
    }
    Ok(entry)
}

/// The file by which a cgroup is joined.
fn open(path: &CStr, version: Version) -> Result<OwnedFd, Errno> {
    let opened = descriptor::open(path, libc::O_WRONLY, 0)?;
    match directory::is_in(opened.as_fd(), version)? {
        true => Ok(opened),
        false => Err(Errno::ENODEV),
    }
}
