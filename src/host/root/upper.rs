//! The upper directory of an overlay that is kept, and the directory that overlayfs wants beside it.
//!
//! A volume may hold both, and then the container, or another one, can put a link or anything else in their place at any
//! time. So the directory above is opened before, and what is made, changed or removed is what is found from there by one
//! name without following a link, or below the directory that was made.

use super::{AskedBy, named, opened};
use crate::error::Error;
use crate::locks::{Byte, Locks};
use crate::spec::{Upper, work_directory};
use crate::sys::facts::{self, Kind};
use crate::sys::lock::Lock;
use crate::sys::node;
use crate::sys::{Errno, descriptor, directory, identity, own_proc};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How deep below the work directory something is removed: overlayfs leaves two levels.
const DEEPEST: u32 = 8;

/// Errors: what is written would change a layer.
pub fn check(asked_by: AskedBy<'_>, upper: &CStr, lower: &[CString]) -> Result<(), Error> {
    let inside = |lower: &CString| {
        let rest = upper.to_bytes().strip_prefix(lower.to_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    if lower.iter().any(inside) {
        let object = [asked_by.words().as_bytes(), b" ", upper.to_bytes()].concat();
        return Err(Error::refused(
            object,
            "it lies in a layer that is to stay as it is",
        ));
    }
    Ok(())
}

/// An upper directory that is to be kept.
pub struct Wanted<'a> {
    asked_by: AskedBy<'a>,
    upper: &'a mut Upper,
    /// Which directory it is.
    identity: (u64, u64),
    beside: Beside,
}

impl<'a> Wanted<'a> {
    /// Errors: it is no directory, or nothing can be beside it.
    pub fn look(asked_by: AskedBy<'a>, upper: &'a mut Upper) -> Result<Self, Error> {
        let directory = super::open_directory(asked_by, &upper.path)?;
        let facts = facts::facts(directory.as_fd());
        let facts = facts.map_err(|errno| named(asked_by, &upper.path, errno))?;
        Ok(Self {
            asked_by,
            identity: facts.identity,
            beside: Beside::open(asked_by, &upper.path)?,
            upper,
        })
    }

    /// Takes it for this process, and makes overlayfs' own directory beside it.
    pub fn take(self, locks: &mut Option<Locks>) -> Result<WorkDirectory, Error> {
        let locks = opened(locks).map_err(|none| none.error(self.operation()))?;
        lock(locks, self.identity).map_err(|errno| {
            let busy = (errno == Errno::EAGAIN).then_some("another container writes to it");
            named(self.asked_by, &self.upper.path, errno).hint(busy)
        })?;
        let work = WorkDirectory::make(self.asked_by, self.beside, self.identity)?;
        self.upper.work = Some(work.identity);
        Ok(work)
    }

    /// Whether overlayfs' own directory is there, or could be made, and there is a place for a lock.
    pub fn preview(&self) -> Result<(), Error> {
        Locks::look().map_err(|none| none.error(self.operation()))?;
        let beside = &self.beside;
        match node::find(beside.above.as_fd(), &beside.name) {
            Ok(found) => {
                drop(descriptor::own(found));
                beside.open_work(self.asked_by).map(drop)
            }
            Err(_) => node::may_write(beside.above.as_fd(), c".")
                .map_err(|errno| beside.no_work(self.asked_by, errno)),
        }
    }

    fn operation(&self) -> String {
        let upper = crate::error::printable(self.upper.path.to_bytes());
        format!("{} {upper}: open", self.asked_by.words())
    }
}

/// Takes an upper directory, by its identity: two that write to one would corrupt it.
fn lock(locks: &mut Locks, upper: (u64, u64)) -> Result<(), Errno> {
    locks.lock_soon(Byte::of_identity(upper), Lock::Alone)
}

/// Where overlayfs' own directory is, or will be.
struct Beside {
    above_path: CString,
    path: CString,
    above: OwnedFd,
    name: CString,
}

impl Beside {
    fn open(asked_by: AskedBy<'_>, upper: &CStr) -> Result<Self, Error> {
        let path = work_directory(upper).ok_or_else(|| {
            let reason = "another directory has to be made beside it, and nothing is beside /";
            Error::refused(asked_by.words(), reason)
        })?;
        let end = path.to_bytes().iter().rposition(|byte| *byte == b'/');
        let (above, name) = match end.and_then(|end| path.to_bytes().split_at_checked(end + 1)) {
            Some((above, name)) => (above, name),
            None => (&b"."[..], path.to_bytes()),
        };
        let [above, name] = [above, name].map(|part| CString::new(part).unwrap_or_default());
        Ok(Self {
            above: super::open_directory(asked_by, &above)?,
            above_path: above,
            path,
            name,
        })
    }

    fn open_work(&self, asked_by: AskedBy<'_>) -> Result<(OwnedFd, (u64, u64)), Error> {
        let failed = |errno| named(asked_by, &self.path, errno);
        // In a directory that others may write to it could be a link of theirs.
        let opened = node::open_inner(self.above.as_fd(), &self.name).map_err(failed)?;
        let opened = descriptor::own(opened);
        let facts = facts::facts(opened.as_fd()).map_err(failed)?;
        if facts.owner != identity::effective_user() {
            return Err(failed(Errno::EEXIST).hint(Some("it is someone else's")));
        }
        Ok((opened, facts.identity))
    }

    fn no_work(&self, asked_by: AskedBy<'_>, errno: Errno) -> Error {
        let hint = "overlayfs needs a directory beside the upper one, on the same file system";
        named(asked_by, &self.path, errno).hint(Some(hint))
    }
}

/// The directory of overlayfs' own.
pub struct WorkDirectory {
    above_path: CString,
    above: OwnedFd,
    name: CString,
    opened: OwnedFd,
    /// Which one it is: its name may come to mean another.
    identity: (u64, u64),
    /// The upper directory that it is for.
    upper: (u64, u64),
}

/// What it takes to find a work directory again: paths, and which directories they led to, by file system and inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkRecord {
    pub above: CString,
    pub above_identity: (u64, u64),
    pub name: CString,
    pub identity: (u64, u64),
    pub upper: (u64, u64),
}

impl WorkRecord {
    /// The work directory, for a process that did not make it, or made it and has forgotten it. `None`: it is not there
    /// any more, something else is, or another container has the upper directory by now.
    pub fn find(&self, locks: &mut Locks) -> Option<WorkDirectory> {
        lock(locks, self.upper).ok()?;
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let is = |file: &OwnedFd, identity| {
            let facts = facts::facts(file.as_fd());
            facts.is_ok_and(|facts| facts.identity == identity)
        };
        let above = descriptor::open(&self.above, flags, 0).ok();
        let above = above.filter(|above| is(above, self.above_identity))?;
        let opened = descriptor::own(node::open_inner(above.as_fd(), &self.name).ok()?);
        is(&opened, self.identity).then(|| WorkDirectory {
            above_path: self.above.clone(),
            above,
            name: self.name.clone(),
            opened,
            identity: self.identity,
            upper: self.upper,
        })
    }
}

impl WorkDirectory {
    fn make(asked_by: AskedBy<'_>, beside: Beside, upper: (u64, u64)) -> Result<Self, Error> {
        let is_new = match node::make_directory(beside.above.as_fd(), &beside.name, 0o700) {
            Ok(()) => true,
            // Of a run that was killed.
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(beside.no_work(asked_by, errno)),
        };
        match beside.open_work(asked_by) {
            Ok((opened, identity)) => Ok(Self {
                above_path: beside.above_path,
                above: beside.above,
                name: beside.name,
                opened,
                identity,
                upper,
            }),
            Err(error) => {
                if is_new {
                    let _ = node::remove_directory(beside.above.as_fd(), &beside.name);
                }
                Err(error)
            }
        }
    }
}

impl WorkDirectory {
    /// What its clean-up needs.
    ///
    /// Errors: as statx(2).
    pub fn clean_up_record(&self) -> Result<WorkRecord, Errno> {
        Ok(WorkRecord {
            above: self.above_path.clone(),
            above_identity: facts::facts(self.above.as_fd())?.identity,
            name: self.name.clone(),
            identity: self.identity,
            upper: self.upper,
        })
    }
}

impl Drop for WorkDirectory {
    /// If it cannot be removed, the next run with this upper directory uses it.
    fn drop(&mut self) {
        empty(self.opened.as_fd(), DEEPEST);
        // Not if someone has put another one in its place. (An empty directory that is put there just now is removed
        // in its stead: the kernel removes by names alone.)
        let there = facts::facts_of(self.above.as_fd(), &self.name);
        if there.is_ok_and(|there| there.identity == self.identity) {
            let _ = node::remove_directory(self.above.as_fd(), &self.name);
        }
    }
}

/// Removes what is in a directory, as far as it is ours to remove, and not what is mounted there.
fn empty(directory: BorrowedFd<'_>, depth: u32) {
    for name in directory::names(directory).unwrap_or_default() {
        let is_directory = |facts: facts::Facts| facts.kind == Kind::Directory;
        if !facts::facts_of(directory, &name).is_ok_and(is_directory) {
            let _ = node::remove_file(directory, &name);
            continue;
        }
        let inner = (depth > 0).then(|| open_closed(directory, &name));
        if let Some(Ok(inner)) = inner {
            empty(inner.as_fd(), depth - 1);
        }
        let _ = node::remove_directory(directory, &name);
    }
}

/// Opens a directory in another. overlayfs leaves one that no one may enter, and in that what it puts in the place of
/// removed files.
fn open_closed(directory: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let opened = match node::open_inner(directory, name) {
        Err(Errno::EACCES) => {
            let found = descriptor::own(node::find_inner(directory, name)?);
            own_proc::change_mode_of(found.as_fd(), 0o700)?;
            node::open(found.as_fd(), c".", libc::O_RDONLY | libc::O_DIRECTORY, 0)
        }
        opened => opened,
    };
    opened.map(descriptor::own)
}
