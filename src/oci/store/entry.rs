//! A container's directory.

use super::Shared;
use super::record::Record;
use super::status::{self, Status};
use crate::error::Error;
use crate::oci::id::ContainerId;
use crate::oci::words;
use crate::sys::directory::{self, Share};
use crate::sys::node::{self, Replace};
use crate::sys::process_start::{self, Processes};
use crate::sys::{Errno, descriptor, facts, process};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub const CONFIG: &CStr = c"config.json";
/// What the last `update` has made of `linux.resources`.
const RESOURCES: &CStr = c"resources.json";
pub const STATE: &CStr = c"state.json";
/// A file while it is being written.
const DRAFT: &CStr = c"draft";
pub const START: &CStr = c"exec.fifo";

/// More than any of its files has: what is longer is none of ours.
const LONGEST: usize = 64 << 20;

/// A container that is there, or was a moment ago.
pub struct Entry {
    root: Shared,
    /// For messages.
    path: PathBuf,
    pub id: ContainerId,
    directory: OwnedFd,
}

impl Entry {
    pub(super) fn open_if_there(
        root: &Shared,
        path: &Path,
        id: &ContainerId,
    ) -> Result<Option<Self>, Error> {
        let path = path.join(id.as_str());
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
        match node::open(root.as_fd(), &id.c_string(), flags, 0) {
            Ok(directory) => Ok(Some(Self {
                root: Rc::clone(root),
                path,
                id: id.clone(),
                directory: descriptor::own(directory),
            })),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(Error::new("open", path.as_os_str().as_bytes(), errno)),
        }
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The path of a file of it.
    pub fn path(&self, name: &CStr) -> PathBuf {
        self.path.join(OsStr::from_bytes(name.to_bytes()))
    }

    /// What is written of it.
    ///
    /// Errors: it does not exist (any more); what is there cannot be read.
    pub fn record(&self) -> Result<Record, Error> {
        let record = self.record_if_there()?;
        record.ok_or_else(|| words::does_not_exist(&self.id))
    }

    /// [`record`](Self::record); `None` where there is none, for it is being made or removed, or was left so.
    pub fn record_if_there(&self) -> Result<Option<Record>, Error> {
        let Some(content) = self.read(STATE)? else {
            return Ok(None);
        };
        let record = Record::parse(&content);
        record
            .map(Some)
            .map_err(|what| no_record(what, self.path(STATE)))
    }

    /// The bundle's config.json, as `create` has read it.
    ///
    /// Errors: it does not exist (any more).
    pub fn config(&self) -> Result<Vec<u8>, Error> {
        let config = self.read(CONFIG)?;
        config.ok_or_else(|| words::does_not_exist(&self.id))
    }

    /// What it may use, if that was changed since it was created: as `linux.resources` of config.json, without the devices.
    pub fn resources(&self) -> Result<Option<Vec<u8>>, Error> {
        self.read(RESOURCES)
    }

    /// How it is now.
    ///
    /// Errors: what tells it cannot be read.
    pub fn status(&self, record: &Record) -> Result<Status, Error> {
        let is_locked = || self.is_locked();
        let process = &process_start::state;
        status::look(record, process, &is_locked, &|| self.open_start())
    }

    /// Opens the end by which a process that waits is told to begin. `None`: there is none that waits.
    ///
    /// Errors: as open(2).
    pub fn open_start(&self) -> Result<Option<OwnedFd>, Error> {
        open_start(self.directory(), START).map_err(|errno| self.failed("open", START, errno))
    }

    /// Opens the other end, for what is left in it when no one waits any more.
    ///
    /// Errors: as open(2).
    pub fn open_left(&self) -> Result<OwnedFd, Error> {
        let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOFOLLOW;
        node::open(self.directory(), START, flags, 0)
            .map(descriptor::own)
            .map_err(|errno| self.failed("open", START, errno))
    }

    /// Locks it, and waits for who has locked it.
    ///
    /// Errors: it was removed meanwhile.
    pub fn lock(self) -> Result<Locked, Error> {
        let id = self.id.clone();
        let locked = self.lock_if_there()?;
        locked.ok_or_else(|| words::does_not_exist(&id))
    }

    pub(super) fn lock_if_there(self) -> Result<Option<Locked>, Error> {
        directory::lock_in_time(self.directory(), Share::Alone)
            .map_err(|errno| self.failed_whole("lock", errno))?;
        Ok(match self.is_there()? {
            true => Some(Locked(self)),
            false => None,
        })
    }

    /// Locks it, if no one else has.
    ///
    /// Errors: as flock(2).
    pub fn try_lock(self) -> Result<Tried, Error> {
        match directory::lock(self.directory(), Share::Alone) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => return Ok(Tried::Busy(self)),
            Err(errno) => return Err(self.failed_whole("lock", errno)),
        }
        Ok(match self.is_there()? {
            true => Tried::Locked(Locked(self)),
            false => Tried::Gone,
        })
    }

    /// Whether it still is what it was when it was opened: whoever had it locked may have removed it.
    fn is_there(&self) -> Result<bool, Error> {
        let failed = |errno| self.failed_whole("look at", errno);
        let opened = facts::facts(self.directory()).map_err(failed)?;
        match facts::facts_of(self.root.as_fd(), &self.id.c_string()) {
            Ok(named) => Ok(opened.identity == named.identity),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn failed_whole(&self, operation: &str, errno: Errno) -> Error {
        Error::new(operation, self.path.as_os_str().as_bytes(), errno)
    }

    /// Whether someone has it locked.
    fn is_locked(&self) -> bool {
        match directory::lock(self.directory(), Share::WithOthers) {
            Ok(()) => {
                directory::unlock(self.directory());
                false
            }
            Err(_) => true,
        }
    }

    pub(super) fn write_record(&self, record: &Record) -> Result<(), Error> {
        self.write(STATE, record.text().as_bytes())
    }

    /// Puts a file there as a whole.
    pub(super) fn write(&self, name: &CStr, content: &[u8]) -> Result<(), Error> {
        self.draft(name, content)?;
        self.settle(name)
    }

    /// Writes what is to be a file of it, so that nothing but the name is missing.
    fn draft(&self, name: &CStr, content: &[u8]) -> Result<(), Error> {
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_NOFOLLOW;
        let written = node::open(self.directory(), DRAFT, flags, 0o600)
            .map(descriptor::own)
            .and_then(|file| descriptor::write_all(file.as_fd(), content));
        written.map_err(|errno| self.failed("write", name, errno))
    }

    fn settle(&self, name: &CStr) -> Result<(), Error> {
        let renamed = node::rename(self.directory(), DRAFT, name, Replace::Yes);
        renamed.map_err(|errno| self.failed("write", name, errno))
    }

    fn read(&self, name: &CStr) -> Result<Option<Vec<u8>>, Error> {
        match read(self.directory(), name) {
            Ok(content) => Ok(Some(content)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(self.failed("read", name, errno)),
        }
    }

    fn failed(&self, operation: &str, name: &CStr, errno: Errno) -> Error {
        Error::new(operation, self.path(name).as_os_str().as_bytes(), errno)
    }
}

/// One container among many, by as few calls as can be. `None`: it has been removed meanwhile, or there is nothing of it yet.
/// `content` is room for what is read.
pub(super) fn glance(
    root: &Shared,
    path: &Path,
    id: &ContainerId,
    processes: &Processes,
    content: &mut Vec<u8>,
) -> Result<Option<(Record, Status)>, Error> {
    let path_of = |name: &CStr| path.join(OsStr::from_bytes(name.to_bytes()));
    let failed = |operation, name: &CStr, errno| {
        Error::new(operation, path_of(name).as_os_str().as_bytes(), errno)
    };
    let name_of = |file: &CStr| {
        let name = [id.as_str().as_bytes(), b"/", file.to_bytes()].concat();
        CString::new(name).unwrap_or_default()
    };
    let state = name_of(STATE);
    match read_into(root.as_fd(), &state, content) {
        Ok(()) => {}
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(failed("read", &state, errno)),
    }
    let record =
        Record::parse_for_status(content).map_err(|what| no_record(what, path_of(&state)))?;
    if record.pid == 0 {
        // Someone may be making it, who has it locked.
        let entry = Entry::open_if_there(root, path, id)?;
        let status = entry.map(|entry| entry.status(&record)).transpose()?;
        return Ok(status.map(|status| (record, status)));
    }
    let process = |pid, start_time| match process::kill(pid, 0) {
        // Told sooner than by a file that is not there.
        Err(Errno::ESRCH) => Err(Errno::ESRCH),
        _ => processes.state(pid, start_time),
    };
    let start = || {
        let name = name_of(START);
        open_start(root.as_fd(), &name).map_err(|errno| failed("open", &name, errno))
    };
    let status = status::look(&record, &process, &|| false, &start)?;
    Ok(Some((record, status)))
}

#[cold]
#[inline(never)]
fn no_record(what: String, path: PathBuf) -> Error {
    let reason = format!(
        "{what}: what the container has is not known: end its processes, then remove the directory"
    );
    Error::refused_for(path.as_os_str().as_bytes(), reason)
}

fn open_start(directory: BorrowedFd<'_>, name: &CStr) -> Result<Option<OwnedFd>, Errno> {
    let flags = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_NOFOLLOW;
    match node::open(directory, name, flags, 0) {
        Ok(file) => Ok(Some(descriptor::own(file))),
        // No one reads it, or it was made for none.
        Err(Errno::ENXIO | Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn read(directory: BorrowedFd<'_>, name: &CStr) -> Result<Vec<u8>, Errno> {
    let mut content = Vec::new();
    read_into(directory, name, &mut content).map(|()| content)
}

fn read_into(directory: BorrowedFd<'_>, name: &CStr, content: &mut Vec<u8>) -> Result<(), Errno> {
    content.clear();
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = descriptor::own(node::open(directory, name, flags, 0)?);
    let mut buffer = [0; 8192];
    loop {
        let count = descriptor::read(file.as_fd(), &mut buffer)?;
        content.extend_from_slice(buffer.get(..count).unwrap_or_default());
        // No file here is written in place, so there is no more.
        if count < buffer.len() {
            return Ok(());
        }
        if content.len() > LONGEST {
            return Err(Errno::EFBIG);
        }
    }
}

/// With the files in it.
#[cold]
#[inline(never)]
fn remove_directory(above: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = descriptor::own(node::open(above, name, flags, 0)?);
    for inner in directory::names(opened.as_fd())? {
        node::remove_file(opened.as_fd(), &inner)?;
    }
    node::remove_directory(above, name)
}

/// What an attempt to lock a container has come to.
pub enum Tried {
    Locked(Locked),
    /// Someone else has it locked.
    Busy(Entry),
    /// The container was removed meanwhile.
    Gone,
}

/// A container that no one else changes meanwhile.
pub struct Locked(Entry);

impl std::ops::Deref for Locked {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.0
    }
}

impl Locked {
    /// How it is now: no one is making it any more.
    pub fn status(&self, record: &Record) -> Result<Status, Error> {
        let process = &process_start::state;
        status::look(record, process, &|| false, &|| self.open_start())
    }

    /// Changes what is written of it.
    pub fn write_record(&self, record: &Record) -> Result<(), Error> {
        self.0.write_record(record)
    }

    /// Keeps what it may use from now on, if it is `changed`. (What has no room fails before.)
    pub fn write_resources(
        &self,
        content: &[u8],
        changed: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.0.draft(RESOURCES, content)?;
        changed()?;
        self.0.settle(RESOURCES)
    }

    /// Removes its directory with all that is in it. What it has elsewhere is to be gone already.
    pub fn remove(&self) -> Result<(), Error> {
        let directory = self.0.directory();
        let path = || self.0.path.as_os_str().as_bytes().to_vec();
        let names =
            directory::names(directory).map_err(|errno| Error::new("read", path(), errno))?;
        // The record last: until then it can be deleted again.
        let (last, first): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| **name == *STATE);
        for name in first.iter().chain(&last) {
            let removed = match node::remove_file(directory, name) {
                Err(Errno::EISDIR) => remove_directory(directory, name),
                removed => removed,
            };
            match removed {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(self.0.failed("remove", name, errno)),
            }
        }
        match node::remove_directory(self.0.root.as_fd(), &self.0.id.c_string()) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(Error::new("remove", path(), errno)),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // A child that was born meanwhile may have its copy of the directory still open.
        directory::unlock(self.0.directory());
    }
}
