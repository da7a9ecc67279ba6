//! A container, as one finds it who does not own it.

use super::config::Config;
use super::content;
use super::files;
use super::id::Id;
use super::links;
use super::name::Name;
use super::names;
use super::no_such_container;
use super::owned::{Missing, OWNER, Owned};
use super::place::Place;
use super::state::{Phase, State};
use super::updates::Updating;
use crate::control::{self, Caller};
use crate::error::Error;
use crate::sys::lock::{self, Lock};
use crate::sys::{Errno, descriptor, node};
use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// A container that is there.
pub struct Entry {
    place: Rc<Place>,
    pub id: Id,
    /// `None` for a moment, while it is being made or removed.
    pub name: Option<Name>,
    pub config: Config,
}

/// How it is with a container now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// As it was written last.
    pub state: State,
    pub status: Status,
}

/// An open hand on a container, for who waits for its end.
pub struct Watch(OwnedFd);

impl Watch {
    /// The exit code of the last life that has ended.
    pub fn exit(&self) -> Option<u8> {
        files::told_exit(self.0.as_fd())
    }
}

/// Docker's states of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
    /// Its monitor was killed, or the host has booted anew, and no one has put that right yet.
    Dead,
}

impl Look {
    /// Whether there is a monitor, and most likely a process.
    pub fn is_live(&self) -> bool {
        matches!(
            self.status,
            Status::Running | Status::Paused | Status::Restarting
        )
    }
}

impl Status {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    const fn of(phase: Phase) -> Self {
        match phase {
            Phase::Created => Self::Created,
            Phase::Running => Self::Running,
            Phase::Paused => Self::Paused,
            Phase::Restarting => Self::Restarting,
            Phase::Exited => Self::Exited,
        }
    }
}

impl Entry {
    /// `None` if there is no such container.
    pub(super) fn read(place: &Rc<Place>, id: Id) -> Result<Option<Self>, Error> {
        match content::config(place, &id) {
            Ok(config) => Ok(Some(Self::of(place, config))),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn of(place: &Rc<Place>, config: Config) -> Self {
        Self {
            place: Rc::clone(place),
            id: config.id,
            name: None,
            config,
        }
    }

    /// [`read`](Self::read) for who removes it: one whose configuration cannot be read is one of which nothing was asked.
    pub(super) fn read_to_remove(place: &Rc<Place>, id: Id) -> Option<Self> {
        let read = Self::read(place, id);
        read.unwrap_or_else(|_| Some(Self::of(place, Config::unknown(id))))
    }

    pub(super) fn named(self, name: Option<Name>) -> Self {
        Self { name, ..self }
    }

    pub(super) fn with_its_name(self) -> Self {
        let name = links::of(&self.place, &self.id);
        self.named(name)
    }

    /// What people call it: its name, or the beginning of its id.
    pub fn word(&self) -> String {
        match &self.name {
            Some(name) => name.to_string(),
            None => self.id.short(),
        }
    }

    /// The path of a file of it, to be told.
    pub fn path(&self, name: &CStr) -> PathBuf {
        let told = self.place.told(&files::inner(&self.id, name));
        OsString::from_vec(told).into()
    }

    /// Opens a file of it to be read.
    ///
    /// Errors: as open(2).
    pub fn open(&self, name: &CStr) -> Result<OwnedFd, Errno> {
        let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let path = files::inner(&self.id, name);
        node::open(self.containers(), &path, flags, 0).map(descriptor::own)
    }

    /// Its directory, to be listed.
    ///
    /// Errors: as open(2).
    pub fn directory(&self) -> Result<OwnedFd, Errno> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
        node::open(self.containers(), &self.id.c_string(), flags, 0).map(descriptor::own)
    }

    /// How it is with it, as it was written last.
    pub fn state(&self) -> Result<State, Error> {
        content::state(&self.place, &self.id)
    }

    /// How it is with it now.
    ///
    /// Errors: it has been removed meanwhile, which is said in docker's words; it cannot be read.
    #[cold]
    #[inline(never)]
    pub fn look(&self) -> Result<Look, Error> {
        let look = self.look_if_there()?;
        look.ok_or_else(|| no_such_container(OsStr::new(&self.word())))
    }

    /// [`look`](Self::look), where it may have been removed meanwhile.
    #[cold]
    #[inline(never)]
    pub fn look_if_there(&self) -> Result<Option<Look>, Error> {
        let look = self.look_once().and_then(|look| match look.status {
            // Or it has ended between our two looks.
            Status::Dead => self.look_once(),
            _ => Ok(look),
        });
        match look {
            // Who removes it begins with the configuration.
            Err(error) if is_gone(&error) && self.is_removed() => Ok(None),
            look => look.map(Some),
        }
    }

    /// An error that came of a container's being removed meanwhile is that there is no such container.
    #[cold]
    #[inline(never)]
    pub fn or_removed(&self, error: Error) -> Error {
        match is_gone(&error) && self.is_removed() {
            true => no_such_container(OsStr::new(&self.word())),
            false => error,
        }
    }

    fn is_removed(&self) -> bool {
        let config = files::inner(&self.id, files::CONFIG);
        let found = node::find(self.containers(), &config).map(descriptor::own);
        matches!(found, Err(Errno::ENOENT | Errno::ENOTDIR))
    }

    fn look_once(&self) -> Result<Look, Error> {
        let state = self.state()?;
        let status = match state.needs_a_monitor() && !self.has_owner()? {
            true => Status::Dead,
            false => Status::of(state.phase),
        };
        Ok(Look { state, status })
    }

    /// Whether someone has its lock: its monitor, or who starts or removes it.
    ///
    /// Errors: as open(2) and fcntl(2).
    pub fn has_owner(&self) -> Result<bool, Error> {
        let path = files::inner(&self.id, files::LOCK);
        let free = node::open(
            self.containers(),
            &path,
            libc::O_RDONLY | libc::O_NOFOLLOW,
            0,
        )
        .map(descriptor::own)
        .and_then(|file| lock::is_free(file.as_fd(), Lock::Alone, OWNER, 1));
        match free {
            Ok(free) => Ok(!free),
            // It has been removed meanwhile.
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(Error::new(
                "look at the lock",
                self.place.told(&path),
                errno,
            )),
        }
    }

    /// Takes its lock: to start it or to remove it.
    ///
    /// Errors: someone else has it, or it is no longer there.
    #[cold]
    #[inline(never)]
    pub fn take(&self) -> Result<Owned, Error> {
        self.take_soon().map_err(|errno| self.not_taken(errno))
    }

    /// What is said if the lock cannot be had.
    #[cold]
    #[inline(never)]
    pub fn not_taken(&self, errno: Errno) -> Error {
        let word = self.word();
        match errno {
            Errno::EAGAIN => Error::failure(&format!(
                "container {word} is being started, stopped or removed by another command"
            )),
            Errno::ENOENT => no_such_container(OsStr::new(&word)),
            errno => {
                let path = files::inner(&self.id, files::LOCK);
                Error::new("lock", self.place.told(&path), errno)
            }
        }
    }

    /// [`try_take`](Self::try_take) with some patience: a monitor that has just written how its container has ended keeps the
    /// lock for a moment.
    ///
    /// Errors: as those.
    #[cold]
    #[inline(never)]
    pub fn take_soon(&self) -> Result<Owned, Errno> {
        const PAUSES: u32 = 200;
        let mut taken = self.try_take();
        for _ in 0..PAUSES {
            if !matches!(taken, Err(Errno::EAGAIN)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
            taken = self.try_take();
        }
        taken
    }

    /// Errors: EAGAIN if someone else has it; ENOENT if the container is no longer there.
    pub fn try_take(&self) -> Result<Owned, Errno> {
        let owned = Owned::take(&self.place, &self.id, Missing::Refuse)?;
        // Half removed already by someone who was killed.
        let config = files::inner(&self.id, files::CONFIG);
        let _ = descriptor::own(node::find(self.containers(), &config)?);
        Ok(owned)
    }

    /// What tells how it has ended, also when it is gone by then.
    ///
    /// Errors: as open(2).
    pub fn watch(&self) -> Result<Watch, Errno> {
        self.open(files::LOCK).map(Watch)
    }

    /// Calls its monitor.
    ///
    /// Errors: someone else's answers in its place.
    #[cold]
    #[inline(never)]
    pub fn call(&self) -> Result<Caller, Error> {
        match self.directory() {
            Ok(directory) => control::connect(directory.as_fd()),
            Err(Errno::ENOENT) => Ok(Caller::NoOne),
            Err(errno) => Err(Error::new(
                "open",
                self.place.told(&self.id.c_string()),
                errno,
            )),
        }
    }

    /// Takes the right to change what was asked of it, which is never held for long.
    ///
    /// Errors: it is held for long, or the container is no longer there.
    #[cold]
    #[inline(never)]
    pub fn update(&self) -> Result<Updating, Error> {
        Updating::begin(&self.place, &self.id).map_err(|error| self.or_removed(error))
    }

    /// Gives it another name.
    ///
    /// Errors: another container has it.
    #[cold]
    #[inline(never)]
    pub fn rename(&self, new: &Name) -> Result<(), Error> {
        names::rename(&self.place, &self.id, new).map_err(|error| self.or_removed(error))
    }

    fn containers(&self) -> BorrowedFd<'_> {
        self.place.containers.as_fd()
    }
}

/// Whether a file is not there: nor its directory, if it has been removed meanwhile.
fn is_gone(error: &Error) -> bool {
    matches!(error.errno(), Some(Errno::ENOENT | Errno::ENOTDIR))
}
