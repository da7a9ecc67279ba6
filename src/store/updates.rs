//! What is asked of a container differently than when it was made.

use super::config::Config;
use super::content;
use super::files;
use super::id::Id;
use super::owned::{UPDATING, lock_soon};
use super::place::Place;
use crate::error::Error;
use crate::sys::{Errno, descriptor, node};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// The right to change what was asked of a container, whether it runs or not: until this is dropped.
pub struct Updating {
    place: Rc<Place>,
    id: Id,
    directory: OwnedFd,
    /// Holds the right.
    _lock: OwnedFd,
}

impl Updating {
    pub(super) fn begin(place: &Rc<Place>, id: &Id) -> Result<Self, Error> {
        let above = place.containers.as_fd();
        let open = || {
            let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
            let directory = descriptor::own(node::open(above, &id.c_string(), flags, 0)?);
            let flags = libc::O_RDWR | libc::O_NOFOLLOW;
            let lock = node::open(directory.as_fd(), files::LOCK, flags, 0)?;
            let lock = descriptor::own(lock);
            lock_soon(lock.as_fd(), UPDATING)?;
            Ok((directory, lock))
        };
        let (directory, lock) = open().map_err(|errno: Errno| {
            let hint = (errno == Errno::EAGAIN).then_some("another command is updating it");
            Error::new("lock", place.told(&files::inner(id, files::LOCK)), errno).hint(hint)
        })?;
        Ok(Self {
            place: Rc::clone(place),
            id: *id,
            directory,
            _lock: lock,
        })
    }

    /// What is asked of it now.
    pub fn config(&self) -> Result<Config, Error> {
        content::config(&self.place, &self.id)
    }

    /// Writes what is asked from now on.
    ///
    /// Errors: as open(2), write(2) and rename(2).
    pub fn write(&self, config: &Config) -> Result<(), Error> {
        let text = config.object().finish();
        let (name, draft) = (files::CONFIG, files::NEW_CONFIG);
        files::rewrite(self.directory.as_fd(), name, draft, text.as_bytes()).map_err(|errno| {
            Error::new(
                "write",
                self.place.told(&files::inner(&self.id, name)),
                errno,
            )
        })
    }
}
