//! Containers are made, and what is half made is removed.

use super::config::Config;
use super::files;
use super::id::Id;
use super::name::Name;
use super::names::{self, Taken};
use super::owned::{Missing, NAMING, Owned};
use super::place::Place;
use super::state::State;
use crate::error::Error;
use crate::sys::lock;
use crate::sys::{Errno, descriptor, node};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

/// How often someone may sweep a directory away between our making it and our locking it, and how many made-up names may be
/// taken.
const TRIES: usize = 16;

/// Makes a container: the directory, its lock, its name, its state, and last what makes it one, its configuration.
///
/// Errors: what was made is removed then.
#[cold]
#[inline(never)]
pub(super) fn make(
    place: &Rc<Place>,
    config: &Config,
    name: Option<&Name>,
) -> Result<Owned, Error> {
    let owned = make_directory(place, &config.id)?;
    match fill(&owned, config, name) {
        Ok(()) => Ok(owned),
        Err(error) => {
            let _ = owned.remove();
            Err(error)
        }
    }
}

fn make_directory(place: &Rc<Place>, id: &Id) -> Result<Owned, Error> {
    let path = place.told(&id.c_string());
    for _ in 0..TRIES {
        match node::make_directory(place.containers.as_fd(), &id.c_string(), 0o700) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(Error::new("make the container's directory", path, errno)),
        }
        match Owned::take(place, id, Missing::Make) {
            // Who lists containers took it for what a crash has left, and removes it.
            Err(Errno::ENOENT) => {}
            Err(Errno::EAGAIN) => std::thread::sleep(Duration::from_millis(1)),
            Err(errno) => {
                let _ = node::remove_file(place.containers.as_fd(), &files::inner(id, files::LOCK));
                let _ = node::remove_directory(place.containers.as_fd(), &id.c_string());
                return Err(no_lock(path, errno));
            }
            Ok(owned) => return Ok(owned),
        }
    }
    Err(Error::new("lock", path, Errno::EAGAIN))
}

#[cold]
#[inline(never)]
fn no_lock(path: Vec<u8>, errno: Errno) -> Error {
    let hint = match errno {
        Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL => Some(
            "the store is to be on a file system with locks, for they tell which containers run: \
             MYDOCKER_STATE names another directory",
        ),
        _ => None,
    };
    Error::new("lock the container's directory", path, errno).hint(hint)
}

fn fill(owned: &Owned, config: &Config, name: Option<&Name>) -> Result<(), Error> {
    let lock = |errno| no_lock(owned.told(files::LOCK), errno);
    owned.lock_naming().map_err(lock)?;
    give_name(owned, name)?;
    owned.write_state(&State::created())?;
    let text = config.object().finish();
    let (name, draft) = (files::CONFIG, files::NEW_CONFIG);
    files::write(owned.directory(), name, draft, text.as_bytes())
        .map_err(|errno| Error::new("write", owned.told(files::CONFIG), errno))?;
    // From here on anyone may rename it.
    lock::unlock(owned.lock(), NAMING, 1);
    Ok(())
}

fn give_name(owned: &Owned, name: Option<&Name>) -> Result<(), Error> {
    if let Some(name) = name {
        return names::give(&owned.place, &owned.id, name).map_err(|taken| taken.error(name));
    }
    let mut time = 0;
    loop {
        let name = Name::generated(&owned.id, time);
        match names::give(&owned.place, &owned.id, &name) {
            Err(Taken::By(_)) if time < TRIES => time += 1,
            given => return given.map_err(|taken| taken.error(&name)),
        }
    }
}

/// Removes a directory that is no container, unless someone is at it.
#[cold]
#[inline(never)]
pub(super) fn sweep(place: &Rc<Place>, id: &Id) {
    let Ok(owned) = Owned::take(place, id, Missing::Make) else {
        return;
    };
    let config = files::inner(id, files::CONFIG);
    let found = node::find(place.containers.as_fd(), &config).map(descriptor::own);
    // It has become one meanwhile.
    if found.is_err_and(|errno| errno == Errno::ENOENT) {
        let _ = owned.remove();
    }
}
