//! The store: containers that stay, one directory each, without a daemon, a database or a lock that all would share.
//!
//! ```text
//! containers/ID/lock          locked by who starts, keeps or removes it: while it runs, its monitor
//! containers/ID/config.json   what was asked, and what is asked differently since
//! containers/ID/state.json    how it is, written by who has the lock
//! containers/ID/spare         room for the next state
//! containers/ID/socket        where the monitor is called
//! names/NAME                  a link: ID
//! ```
//!
//! Who looks never locks: the kernel tells whether a lock is held, and a reader that locked for a moment would be in the
//! way of who starts. A directory without `config.json` is no container: it is being made or removed by who has its lock,
//! and if no one has it, it is what a crash has left, and whoever lists containers removes it. Files are written under
//! another name and renamed, so a reader never sees half of one.

mod config;
mod content;
mod entry;
mod files;
mod id;
mod links;
mod make;
mod member;
mod name;
mod names;
mod owned;
mod place;
mod state;
mod tree;
mod updates;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use entry::{Entry, Look, Status, Watch};
pub use id::Id;
pub use name::Name;
pub use owned::Owned;
pub use state::{Phase, Process, State};
pub use updates::Updating;

use crate::error::Error;
use crate::log;
use crate::sys::directory;
use place::Place;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

/// A user's containers.
pub struct Store {
    place: Rc<Place>,
}

impl Store {
    /// The one at `wanted`, or where the environment says, or where the user's is; made if it is not there.
    ///
    /// Errors: it cannot be made, or others may write to it.
    pub fn open(wanted: Option<&OsStr>) -> Result<Self, Error> {
        let place = Rc::new(Place::make(wanted)?);
        Ok(Self { place })
    }

    /// [`open`](Self::open) of one that is there; `None` if there is none, and so no container either.
    ///
    /// Errors: others may write to it.
    pub fn look(wanted: Option<&OsStr>) -> Result<Option<Self>, Error> {
        let place = Place::look(wanted)?;
        Ok(place.map(|place| Self {
            place: Rc::new(place),
        }))
    }

    /// Its directory, to be told.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// Makes a container, which no one sees before it is whole, with its lock taken. Without a name it gets one that is made
    /// up.
    ///
    /// Errors: another container has the name; the directory cannot be made, written or locked.
    pub fn make(&self, config: &Config, name: Option<&Name>) -> Result<Owned, Error> {
        make::make(&self.place, config, name)
    }

    /// The container that is meant by a whole id, a name, or the beginning of an id.
    ///
    /// Errors: there is none, or more than one.
    pub fn find(&self, word: &OsStr) -> Result<Entry, Error> {
        let found = self.meant(word, &|id| Entry::read(&self.place, id))?;
        found.ok_or_else(|| no_such_container(word))
    }

    /// [`find`](Self::find) for who removes it by force: there may be none, and what is there may be damaged.
    ///
    /// Errors: there is more than one.
    pub fn meant_to_be_removed(&self, word: &OsStr) -> Result<Option<Entry>, Error> {
        self.meant(word, &|id| Ok(Entry::read_to_remove(&self.place, id)))
    }

    #[cold]
    #[inline(never)]
    fn meant(
        &self,
        word: &OsStr,
        read: &dyn Fn(Id) -> Result<Option<Entry>, Error>,
    ) -> Result<Option<Entry>, Error> {
        let typed = word.as_bytes();
        // Docker's own names begin with it.
        let typed = typed.strip_prefix(b"/").unwrap_or(typed);
        if let Some(id) = Id::parse(typed) {
            let found = read(id)?;
            if let Some(entry) = found {
                return Ok(Some(entry.with_its_name()));
            }
        }
        if let Some(name) = Name::of(typed) {
            let id = links::owner(&self.place, &name.c_string());
            let found = id.map(read).transpose()?;
            if let Some(entry) = found.flatten() {
                return Ok(Some(entry.named(Some(name))));
            }
        }
        if typed.is_empty() {
            return Ok(None);
        }
        let ids = self.ids()?;
        let mut meant = Vec::new();
        for id in ids.into_iter().filter(|id| id.has_prefix(typed)) {
            meant.extend(read(id)?);
        }
        match (meant.pop(), meant.is_empty()) {
            (Some(entry), true) => Ok(Some(entry.with_its_name())),
            (Some(_), false) => Err(Error::failure(&format!(
                "Multiple IDs found with provided prefix: {}",
                word.to_string_lossy()
            ))),
            (None, _) => Ok(None),
        }
    }

    /// Every container, the newest first. What crashes have left is removed.
    ///
    /// Errors: the store cannot be read.
    #[cold]
    #[inline(never)]
    pub fn all(&self) -> Result<Vec<Entry>, Error> {
        let names = links::all(&self.place)?;
        let ids = self.ids()?;
        let mut entries = Vec::new();
        for id in &ids {
            let entry = match Entry::read(&self.place, *id) {
                Ok(Some(entry)) => entry,
                Ok(None) => {
                    make::sweep(&self.place, id);
                    continue;
                }
                // The others are to be seen.
                Err(error) => {
                    log::complain(&error);
                    continue;
                }
            };
            let name = names.binary_search_by(|(whose, _)| whose.cmp(id));
            let name = name.ok().and_then(|index| names.get(index));
            entries.push(entry.named(name.map(|(_, name)| name.clone())));
        }
        // After their directories had been there, which are made before and removed after.
        let left = names
            .iter()
            .filter(|(id, _)| ids.binary_search(id).is_err());
        left.for_each(|(_, name)| names::sweep(&self.place, name));
        entries.sort_by(|one, other| {
            let newer = other.config.created.cmp(&one.config.created);
            newer.then_with(|| one.id.cmp(&other.id))
        });
        Ok(entries)
    }

    /// The ids that directories have, sorted.
    fn ids(&self) -> Result<Vec<Id>, Error> {
        let listed = directory::names(self.place.containers.as_fd());
        let listed = listed.map_err(|errno| Error::new("list", self.place.told(c""), errno))?;
        let ids = listed.iter().filter_map(|name| Id::parse(name.to_bytes()));
        let mut ids: Vec<Id> = ids.collect();
        ids.sort_unstable();
        Ok(ids)
    }
}

/// What is said of a word that no container is meant by.
#[cold]
#[inline(never)]
pub fn no_such_container(word: &OsStr) -> Error {
    Error::failure(&format!("No such container: {}", word.to_string_lossy()))
}

/// The container that is meant, in the store at `wanted`, whether there is one or not.
///
/// Errors: as [`Store::find`].
pub fn find(wanted: Option<&OsStr>, word: &OsStr) -> Result<Entry, Error> {
    match Store::look(wanted)? {
        Some(store) => store.find(word),
        None => Err(no_such_container(word)),
    }
}
