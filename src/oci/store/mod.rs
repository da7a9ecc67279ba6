//! The containers of this runtime: a directory each, below the root directory.
//!
//! ```text
//! ROOT/ID/config.json    the bundle's, as it was read by create
//! ROOT/ID/state.json     the record: whose process it is, where its cgroups are
//! ROOT/ID/resources.json what the last update has made of its resources
//! ROOT/ID/notify        for the socket by which it says that it is ready, if someone wants to know
//! ROOT/ID/exec.fifo      the FIFO that a process reads which was created and waits for `start`
//! ```
//!
//! Making the directory is the claim on the name. Whoever changes something about a container has its directory locked
//! (flock(2)): `create` from before it makes it until the process waits, `start`, `delete` and others while they work.
//! How a container is, is not written anywhere, but looked at: a status that is written is wrong as soon as someone is killed.

mod entry;
mod made;
mod record;
mod root;
mod status;

pub use entry::{Entry, Locked, Tried};
pub use made::Made;
pub use record::Record;
pub use status::Status;

use super::command_line::Globals;
use super::id::ContainerId;
use super::words;
use crate::error::Error;
use crate::sys::directory;
use crate::sys::process_start::Processes;
use root::Root;
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;

pub struct Store {
    root: Root,
}

impl Store {
    /// The store that the global options name. Nothing is made yet.
    ///
    /// Errors: it is not this user's alone; there is none, and no place where one could be.
    pub fn open(globals: &Globals) -> Result<Self, Error> {
        Root::find(globals).map(|root| Self { root })
    }

    /// The root directory.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Claims a name, and has its directory locked. It is removed when what this gives is dropped before it is kept.
    ///
    /// Errors: there is such a container.
    pub fn make(&self, id: &ContainerId) -> Result<Made, Error> {
        Made::new(&self.root, id)
    }

    /// Errors: there is no such container.
    pub fn find(&self, id: &ContainerId) -> Result<Entry, Error> {
        let entry = self.find_if_there(id)?;
        entry.ok_or_else(|| words::does_not_exist(id))
    }

    /// [`find`](Self::find), where it may be gone.
    pub fn find_if_there(&self, id: &ContainerId) -> Result<Option<Entry>, Error> {
        match self.root.opened() {
            Some(root) => Entry::open_if_there(root, self.path(), id),
            None => Ok(None),
        }
    }

    /// What is written of a container among many, with no more of its cgroups than its status takes, and how it is now.
    /// `None`: it has gone, or there is nothing of it yet. `content` is room for what is read.
    ///
    /// Errors: what tells it cannot be read.
    pub fn glance(
        &self,
        id: &ContainerId,
        processes: &Processes,
        content: &mut Vec<u8>,
    ) -> Result<Option<(Record, Status)>, Error> {
        match self.root.opened() {
            Some(root) => entry::glance(root, self.path(), id, processes, content),
            None => Ok(None),
        }
    }

    /// Every container, by their names. One that goes meanwhile is not among them.
    ///
    /// Errors: the directory cannot be read.
    pub fn all(&self) -> Result<Vec<ContainerId>, Error> {
        let Some(root) = self.root.opened() else {
            return Ok(Vec::new());
        };
        let names = directory::names(root.as_fd()).map_err(|errno| {
            Error::new("read", self.path().as_os_str().as_encoded_bytes(), errno)
        })?;
        let mut ids: Vec<ContainerId> = names
            .iter()
            .filter_map(|name| ContainerId::new(name.to_bytes()))
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }
}

/// The root directory, which entries share.
type Shared = Rc<std::os::fd::OwnedFd>;
