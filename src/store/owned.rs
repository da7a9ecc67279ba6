//! A container whose lock this process has.

use super::config::Config;
use super::content;
use super::files;
use super::id::Id;
use super::links;
use super::place::Place;
use super::state::{Phase, State};
use super::tree;
use crate::error::Error;
use crate::sys::lock::{self, Lock};
use crate::sys::node;
use crate::sys::{Errno, descriptor, directory, facts};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

/// The byte of a container's lock that is held by who may start, end and remove it: while it runs, its monitor.
pub(super) const OWNER: u64 = 0;
/// The byte that is held by who makes, renames or removes a name of it.
pub(super) const NAMING: u64 = 1;
/// The byte that is held by who changes what was asked of it.
pub(super) const UPDATING: u64 = 2;

/// A container whose lock this process has: it alone writes its state, starts it and removes it. Until the last copy of
/// the lock is closed, in this process and in those that have inherited it.
pub struct Owned {
    pub(super) place: Rc<Place>,
    pub id: Id,
    pub(super) directory: OwnedFd,
    pub(super) lock: OwnedFd,
}

/// Whether a lock's file is made if it is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Make,
    Refuse,
}

impl Owned {
    /// Takes the lock of a container's directory.
    ///
    /// Errors: ENOENT if there is no such directory, or not any more; EAGAIN if someone else has the lock.
    pub(super) fn take(place: &Rc<Place>, id: &Id, missing: Missing) -> Result<Self, Errno> {
        let above = place.containers.as_fd();
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let directory = descriptor::own(node::open(above, &id.c_string(), flags, 0)?);
        let flags = match missing {
            Missing::Make => libc::O_RDWR | libc::O_NOFOLLOW | libc::O_CREAT,
            Missing::Refuse => libc::O_RDWR | libc::O_NOFOLLOW,
        };
        let lock = node::open(directory.as_fd(), files::LOCK, flags, 0o600)?;
        let lock = descriptor::own(lock);
        lock::lock(lock.as_fd(), Lock::Alone, OWNER, 1)?;
        // Someone may have removed it between our opening and our locking.
        let its = facts::facts(lock.as_fd())?.identity;
        match facts::facts_of(above, &files::inner(id, files::LOCK)) {
            Ok(facts) if facts.identity == its => Ok(Self {
                place: Rc::clone(place),
                id: *id,
                directory,
                lock,
            }),
            Ok(_) | Err(Errno::ENOTDIR) => Err(Errno::ENOENT),
            Err(errno) => Err(errno),
        }
    }

    /// Its directory, to be listed and written to.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// What holds the lock: open in whoever is to hold it.
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// The path of a file of it, to be told.
    pub fn told(&self, name: &CStr) -> Vec<u8> {
        self.place.told(&files::inner(&self.id, name))
    }

    /// Writes how it is with it. Everyone sees the old state or the new one.
    ///
    /// Errors: as open(2), write(2) and rename(2).
    #[cold]
    #[inline(never)]
    pub fn write_state(&self, state: &State) -> Result<(), Error> {
        let text = state.object().finish();
        files::write_state(self.directory.as_fd(), text.as_bytes())
            .map_err(|errno| Error::new("write", self.told(files::STATE), errno))?;
        if let (Phase::Exited, Some(exit)) = (state.phase, state.exit) {
            // Of no use to anyone but those who wait.
            let _ = files::tell_exit(self.lock.as_fd(), exit);
        }
        Ok(())
    }

    /// How it is with it, as it was written last.
    pub fn state(&self) -> Result<State, Error> {
        content::state(&self.place, &self.id)
    }

    pub fn config(&self) -> Result<Config, Error> {
        content::config(&self.place, &self.id)
    }

    /// Removes it with its names. It is seen by no one from the first step on, whatever happens then: who meets the rest
    /// removes it.
    ///
    /// Errors: as unlink(2).
    #[cold]
    #[inline(never)]
    pub fn remove(self) -> Result<(), Error> {
        let failed = |name: &CStr, errno| Error::new("remove", self.told(name), errno);
        let removed = tree::remove(self.directory.as_fd(), files::CONFIG);
        removed.map_err(|errno| failed(files::CONFIG, errno))?;
        let naming = self.lock_naming();
        if naming.is_ok() {
            links::remove_all(&self.place, &self.id);
        }
        let listed = directory::names(self.directory.as_fd());
        let listed = listed.map_err(|errno| failed(c"", errno))?;
        for name in listed.iter().filter(|name| name.as_c_str() != files::LOCK) {
            let removed = tree::remove(self.directory.as_fd(), name);
            removed.map_err(|errno| failed(name, errno))?;
        }
        // Last of all: who waits for it has nothing left to find.
        let _ = node::remove_file(self.directory.as_fd(), files::LOCK);
        let _ = node::remove_directory(self.place.containers.as_fd(), &self.id.c_string());
        Ok(())
    }

    /// Takes the right to change its names, which is never held for long.
    ///
    /// Errors: EAGAIN if it is held for long.
    pub(super) fn lock_naming(&self) -> Result<(), Errno> {
        lock_soon(self.lock.as_fd(), NAMING)
    }
}

/// Locks a byte that others hold for moments only.
///
/// Errors: EAGAIN if someone holds it for longer.
pub(super) fn lock_soon(file: BorrowedFd<'_>, byte: u64) -> Result<(), Errno> {
    const PAUSES: u32 = 1000;
    let mut locked = lock::lock(file, Lock::Alone, byte, 1);
    for _ in 0..PAUSES {
        if locked != Err(Errno::EAGAIN) {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
        locked = lock::lock(file, Lock::Alone, byte, 1);
    }
    locked
}
