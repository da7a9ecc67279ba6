//! A cgroup's directory: opened, made, locked, read, written and removed.

use super::Version;
use crate::sys::directory::{self, Share};
use crate::sys::{Errno, descriptor, facts, node};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

/// A cgroup of one hierarchy. It stays the same one whatever becomes of its name.
pub struct Directory {
    pub path: CString,
    opened: OwnedFd,
}

/// The number of a hierarchy's top: kernfs counts from there.
pub const FIRST_INODE: u64 = 1;

/// How long another has a lock that it needs for a moment: a sweep, or someone who wants to be in the way.
/// Without the lock a sweep could remove our cgroup before it is used, and the start would fail.
const LOCK_TRIES: u32 = 20;

impl Directory {
    /// Errors: as open(2); ENODEV if no cgroup hierarchy of this version is there.
    pub(super) fn open(path: CString, version: Version) -> Result<Self, Errno> {
        let opened = descriptor::open(&path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
        // Something else may be mounted over it, and no file is to be made in the wrong place.
        let found = facts::file_system(opened.as_fd())?;
        let is_it = match version {
            Version::V1 => found.is_cgroup_v1(),
            Version::V2 => found.is_cgroup_v2(),
        };
        if is_it {
            Ok(Self { path, opened })
        } else {
            Err(Errno::ENODEV)
        }
    }

    /// Whether it is its hierarchy's top.
    pub fn is_first(&self) -> Result<bool, Errno> {
        Ok(facts::facts(self.opened.as_fd())?.identity.1 == FIRST_INODE)
    }

    pub fn file(&self) -> &OwnedFd {
        &self.opened
    }

    /// The path of a file in it.
    pub fn path_of(&self, file: &CStr) -> CString {
        joined(&self.path, file)
    }

    /// A cgroup in this one, that is there.
    pub fn child(&self, name: &CStr) -> Result<Self, Errno> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        Ok(Self {
            path: joined(&self.path, name),
            opened: descriptor::own(node::open(self.opened.as_fd(), name, flags, 0)?),
        })
    }

    /// A new cgroup in this one.
    pub fn make(&self, name: &CStr) -> Result<Self, Errno> {
        node::make_directory(self.opened.as_fd(), name, 0o755)?;
        self.child(name)
    }

    /// A new cgroup in this one, locked for as long as it is open.
    pub fn make_locked(&self, name: &CStr) -> Result<Self, Errno> {
        // Who sweeps has this lock alone while it removes one, so ours is locked before it looks.
        let quiet = self.lock(Share::WithOthers);
        let made = self.make(name).inspect(|child| {
            let _ = child.lock(Share::Alone);
        });
        if quiet.is_ok() {
            self.unlock();
        }
        made
    }

    fn lock(&self, share: Share) -> Result<(), Errno> {
        let mut locked = self.try_lock(share);
        for _ in 1..LOCK_TRIES {
            if locked != Err(Errno::EAGAIN) {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
            locked = self.try_lock(share);
        }
        locked
    }

    pub fn try_lock(&self, share: Share) -> Result<(), Errno> {
        directory::lock(self.opened.as_fd(), share)
    }

    pub fn unlock(&self) {
        directory::unlock(self.opened.as_fd());
    }

    /// How many cgroups are in it: kernfs counts them in its links, as directories of old did.
    pub fn count(&self) -> Result<u64, Errno> {
        facts::facts(self.opened.as_fd()).map(|facts| facts.links.saturating_sub(2))
    }

    /// Writes a file of it at once. No file is ever made.
    pub fn write(&self, file: &CStr, content: &[u8]) -> Result<(), Errno> {
        let opened = node::open(self.opened.as_fd(), file, libc::O_WRONLY, 0)?;
        let opened = descriptor::own(opened);
        descriptor::write(opened.as_fd(), content).map(drop)
    }

    /// A file of it, without the line's end.
    pub fn read(&self, file: &CStr) -> Result<String, Errno> {
        let opened = descriptor::own(node::open(self.opened.as_fd(), file, libc::O_RDONLY, 0)?);
        let mut content = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            match descriptor::read(opened.as_fd(), &mut buffer)? {
                0 => break,
                count => content.extend(buffer.iter().take(count)),
            }
        }
        content.truncate(content.trim_ascii_end().len());
        String::from_utf8(content).map_err(|_| Errno::EINVAL)
    }

    /// Whether a file of it may be written; with `.`, whether a cgroup may be made in it.
    pub fn may_write(&self, file: &CStr) -> Result<(), Errno> {
        node::may_write(self.opened.as_fd(), file)
    }

    /// The names of the cgroups in it.
    #[cold]
    #[inline(never)]
    pub fn children(&self) -> Vec<CString> {
        let Ok(entries) = std::fs::read_dir(OsStr::from_bytes(self.path.to_bytes())) else {
            return Vec::new();
        };
        let directories = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        directories
            .filter_map(|entry| CString::new(entry.file_name().into_vec()).ok())
            .collect()
    }

    /// Removes a cgroup of it that has neither processes nor cgroups in it.
    pub fn remove_empty(&self, name: &CStr) -> Result<(), Errno> {
        node::remove_directory(self.opened.as_fd(), name)
    }

    /// Removes a cgroup of it, with those in it: a container may have made some.
    ///
    /// Errors: as rmdir(2); EBUSY for as long as a process is in it.
    #[cold]
    #[inline(never)]
    pub fn remove(&self, name: &CStr) -> Result<(), Errno> {
        match self.remove_empty(name) {
            Err(Errno::EBUSY | Errno::ENOTEMPTY) => {}
            // Someone else was faster, which is as well.
            Err(Errno::ENOENT) => return Ok(()),
            done => return done,
        }
        let child = self.child(name)?;
        // Of one that lives, what it has made stays too.
        if child.read(c"cgroup.procs").is_ok_and(|who| !who.is_empty()) {
            return Err(Errno::EBUSY);
        }
        for inner in child.children() {
            child.remove(&inner)?;
        }
        self.remove_empty(name)
    }
}

/// The directory's path with the rest behind it.
pub fn joined(directory: &CStr, rest: &CStr) -> CString {
    let slash: &[u8] = match rest.to_bytes().first() {
        None | Some(b'/') => b"",
        Some(_) => b"/",
    };
    let whole = [directory.to_bytes(), slash, rest.to_bytes()].concat();
    // Parts of C strings have no NUL.
    CString::new(whole).unwrap_or_default()
}
