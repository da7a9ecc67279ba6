//! Places in DIR for the usual mounts, /proc, /sys and /dev, where it has none: made for a container, and removed when no
//! container uses DIR any more.
//!
//! A run that has no lock makes none and uses none: another one could remove them, and rmdir(2) of a directory takes away
//! what is mounted on it in other mount namespaces. Two users' locks do not know of each other, so a run removes what its
//! own user has made, and does not use what another one has.

use super::{AskedBy, named, opened};
use crate::error::Error;
use crate::field::Field;
use crate::locks::{Byte, Locks};
use crate::path_in_root::{self, Missing, PLACE};
use crate::spec::{Ids, RootSpec};
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::lock::Lock;
use crate::sys::{Errno, descriptor, identity, node};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

const NAMES: [&CStr; 3] = [c"proc", c"sys", c"dev"];

/// DIR, whose places are there or are to be made.
pub struct Places {
    path: CString,
    directory: OwnedFd,
    identity: (u64, u64),
    ids: Option<Ids>,
}

/// What it takes to find them again: DIR, and which directory that was, by file system and inode; and the container's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacesRecord {
    pub path: CString,
    pub identity: (u64, u64),
    pub ids: Option<Ids>,
}

impl PlacesRecord {
    /// `None` if DIR is not there any more, or is another directory.
    pub fn find(&self) -> Option<Places> {
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let directory = descriptor::open(&self.path, flags, 0).ok()?;
        let facts = facts::facts(directory.as_fd()).ok()?;
        (facts.identity == self.identity).then(|| Places {
            path: self.path.clone(),
            directory,
            identity: self.identity,
            ids: self.ids.clone(),
        })
    }
}

/// What a root needs places for.
pub struct Wanted {
    places: Places,
    /// The first that is not there.
    missing: Option<&'static CStr>,
}

impl Wanted {
    /// `None` if DIR has directories of its own for all of them.
    ///
    /// Errors: a place is another user's.
    pub fn look(
        path: &CStr,
        directory: OwnedFd,
        root: &RootSpec,
        ids: Option<&Ids>,
    ) -> Result<Option<Self>, Error> {
        let mut missing = None;
        let mut has_place = false;
        for name in NAMES {
            if !root.has_usual(&format!("/{}", name.to_string_lossy())) {
                // What was asked for instead is made for good.
                continue;
            }
            match facts::facts_of(directory.as_fd(), name) {
                Ok(facts) if is_place(&facts) => {
                    if !is_ours(&facts, ids) {
                        return Err(others(path, name));
                    }
                    has_place = true;
                }
                // A link of the root's that leads to nothing in it: what is made there stays.
                Ok(facts) if facts.kind == Kind::Link && leads_nowhere(&directory, name) => {
                    missing = missing.or(Some(name));
                }
                // Whatever it is: the child says what is wrong with it.
                Ok(_) => {}
                Err(Errno::ENOENT) => missing = missing.or(Some(name)),
                Err(errno) => return Err(named(AskedBy::Root, path, errno)),
            }
        }
        if missing.is_none() && !has_place {
            return Ok(None);
        }
        let looked = facts::facts(directory.as_fd());
        let looked = looked.map_err(|errno| named(AskedBy::Root, path, errno))?;
        Ok(Some(Self {
            places: Places {
                path: path.to_owned(),
                directory,
                identity: looked.identity,
                ids: ids.cloned(),
            },
            missing,
        }))
    }

    /// Makes sure that no one removes them while this process lives.
    ///
    /// Errors: there is no lock to be had.
    pub fn lock(self, locks: &mut Option<Locks>) -> Result<Places, Error> {
        let operation = || self.operation();
        let locks = opened(locks).map_err(|none| none.error(format!("{} open", operation())))?;
        locks
            .lock_soon(self.places.byte(), Lock::Shared)
            .map_err(|errno| {
                let busy = (errno == Errno::EAGAIN)
                    .then_some("another container writes to it, as an upper directory");
                Error::new(format!("{} lock", operation()), "it", errno).hint(busy)
            })?;
        Ok(self.places)
    }

    /// Whether [`lock`](Self::lock) would find a place for its lock.
    pub fn preview(&self) -> Result<(), Error> {
        Locks::look().map_err(|none| none.error(format!("{} open", self.operation())))
    }

    fn operation(&self) -> String {
        let root = Field::Root;
        let path = crate::error::printable(self.places.path.to_bytes());
        match self.missing {
            Some(name) => format!(
                "{root} {path}: it has no {}, and a place is made under a lock only:",
                name.to_string_lossy()
            ),
            None => {
                format!("{root} {path}: its places for mounts are used under a lock only:")
            }
        }
    }
}

fn leads_nowhere(root: &OwnedFd, name: &CStr) -> bool {
    match path_in_root::find(root.as_fd(), name, Missing::Refuse) {
        Ok(found) => {
            descriptor::close(found);
            false
        }
        Err(failed) => failed == path_in_root::PathFailure::Find(Errno::ENOENT),
    }
}

fn others(path: &CStr, name: &CStr) -> Error {
    let object = [
        Field::Root.spelled().as_bytes(),
        b" ",
        path.to_bytes(),
        b": ",
        name.to_bytes(),
    ]
    .concat();
    let hint = Field::RootDirectory.between(
        "another user's mydocker has made it, and removes it; give ",
        " directories proc, sys and dev (chmod 755), or add ",
    );
    Error::refused_for(object, hint + Field::Overlay.spelled())
}

fn is_place(facts: &Facts) -> bool {
    facts.kind == Kind::Directory && facts.mode == PLACE
}

/// Whether a container of this user's has made it.
fn is_ours(facts: &Facts, ids: Option<&Ids>) -> bool {
    facts.owner == identity::effective_user() || ids.is_some_and(|ids| ids.has(facts.owner))
}

impl Places {
    fn byte(&self) -> Byte {
        Byte::of_identity(self.identity)
    }

    /// What their clean-up needs.
    pub fn clean_up_record(&self) -> PlacesRecord {
        PlacesRecord {
            path: self.path.clone(),
            identity: self.identity,
            ids: self.ids.clone(),
        }
    }

    /// Removes them, whichever container has made them: but not while another uses DIR.
    pub fn remove(&self, locks: &mut Locks) {
        let directory = self.directory.as_fd();
        let is_removable = |name: &&CStr| {
            facts::facts_of(directory, name)
                .is_ok_and(|facts| is_place(&facts) && is_ours(&facts, self.ids.as_ref()))
        };
        let mut places = NAMES.into_iter().filter(is_removable).peekable();
        if places.peek().is_some() && locks.lock(self.byte(), Lock::Alone).is_ok() {
            for name in places {
                // If it is empty: what the container put there is its own.
                let _ = node::remove_directory(directory, name);
            }
        }
    }
}
