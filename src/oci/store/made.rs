//! A container that is being made.

use super::entry::{CONFIG, Entry, Locked, START};
use super::record::Record;
use super::root::Root;
use crate::error::Error;
use crate::oci::id::ContainerId;
use crate::oci::words;
use crate::sys::{Errno, descriptor, node};
use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// How often a directory may be removed between being made and being locked: by who deletes what a crash has left.
const TRIES: u32 = 16;

/// A container whose directory is there and locked. It is removed when this is dropped before it is [kept](Self::keep).
pub struct Made {
    locked: Locked,
    is_kept: Cell<bool>,
}

impl Made {
    pub(super) fn new(root: &Root, id: &ContainerId) -> Result<Self, Error> {
        let shared = root.make()?;
        let path = || {
            root.path()
                .join(id.as_str())
                .into_os_string()
                .into_encoded_bytes()
        };
        for _ in 0..TRIES {
            match node::make_directory(shared.as_fd(), &id.c_string(), 0o700) {
                Ok(()) => {}
                Err(Errno::EEXIST) => return Err(words::exists(id)),
                Err(errno) => return Err(Error::new("make", path(), errno)),
            }
            let opened = Entry::open_if_there(shared, root.path(), id);
            let locked = opened.and_then(|entry| match entry {
                Some(entry) => entry.lock_if_there(),
                None => Ok(None),
            });
            let locked = locked.inspect_err(|_| {
                // It is empty, if no one else has found it by then.
                let _ = node::remove_directory(shared.as_fd(), &id.c_string());
            })?;
            if let Some(locked) = locked {
                return Ok(Self {
                    locked,
                    is_kept: Cell::new(false),
                });
            }
        }
        Err(Error::new("lock", path(), Errno::ENOENT))
    }

    pub fn id(&self) -> &ContainerId {
        &self.locked.id
    }

    /// The path of a file of it.
    pub fn path(&self, name: &CStr) -> PathBuf {
        self.locked.path(name)
    }

    /// Keeps what was read as the bundle's config.json.
    pub fn write_config(&self, content: &[u8]) -> Result<(), Error> {
        self.locked.write(CONFIG, content)
    }

    /// Writes the record. To be done before anything is made outside the container's directory (cgroups), so that `delete`
    /// finds it if we are killed; then of a process that is not born yet.
    pub fn write_record(&self, record: &Record) -> Result<(), Error> {
        self.locked.write_record(record)
    }

    /// Makes the FIFO that the process waits at, open for both reading and writing: so it is there, with a reader, for as
    /// long as the process has it open.
    pub fn make_start(&self) -> Result<OwnedFd, Error> {
        let directory = self.locked.directory();
        node::make_pipe(directory, START, 0o600)
            .and_then(|()| node::open(directory, START, libc::O_RDWR | libc::O_NOFOLLOW, 0))
            .map(descriptor::own)
            .map_err(|errno| Error::new("make", self.path(START).as_os_str().as_bytes(), errno))
    }

    /// Lets it stay.
    pub fn keep(self) {
        self.is_kept.set(true);
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.is_kept.get() {
            // What fails here is left for `delete`.
            let _ = self.locked.remove();
        }
    }
}
