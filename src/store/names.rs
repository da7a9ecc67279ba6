//! Which container has a name: a link of that name, to the container's id. Links are made at once or not at all, so no two
//! containers have one name.
//!
//! A link is made, renamed and removed by who has the lock of the container that it leads to ([`NAMING`]); so what it leads
//! to does not change in between. One that leads to no container is what a crash has left: who wants the name makes that
//! container's directory anew, to have its lock, and removes both.

use super::files;
use super::id::Id;
use super::links;
use super::name::Name;
use super::owned::{Missing, NAMING, Owned, lock_soon};
use super::place::Place;
use crate::error::Error;
use crate::sys::node::{self, Replace};
use crate::sys::{Errno, descriptor};
use std::ffi::CStr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

/// How often a name may be given up by another one just as it is looked at.
const TRIES: u32 = 16;

/// Gives a container, whose lock for names the caller has, a name.
///
/// Errors: another one has it; the caller is told which.
pub(super) fn give(place: &Rc<Place>, id: &Id, name: &Name) -> Result<(), Taken> {
    let link = name.c_string();
    for _ in 0..TRIES {
        match node::make_link(&id.c_string(), place.names.as_fd(), &link) {
            Ok(()) => {
                links::note(place, id, name);
                return Ok(());
            }
            Err(Errno::EEXIST) => free_if_left(place, &link)?,
            Err(errno) => return Err(Taken::Failed(errno)),
        }
    }
    Err(links::owner(place, &link).map_or(Taken::Failed(Errno::EEXIST), Taken::By))
}

/// Why a name cannot be given.
pub(super) enum Taken {
    By(Id),
    Failed(Errno),
}

impl Taken {
    #[cold]
    #[inline(never)]
    pub fn error(self, name: &Name) -> Error {
        match self {
            Self::By(id) => Error::refused_for(
                format!("container name '{name}'"),
                format!(
                    "it is already in use by container {}: remove or rename that one",
                    id.short()
                ),
            ),
            Self::Failed(errno) => Error::new("make the container's name", name.as_str(), errno),
        }
    }
}

/// Removes a link that leads to no container, or waits a moment if someone is at it: who makes that container, or removes
/// it.
///
/// Errors: it leads to one.
fn free_if_left(place: &Rc<Place>, link: &CStr) -> Result<(), Taken> {
    let Some(id) = links::owner(place, link) else {
        // Gone again, or nothing of ours: a loop of failures ends by itself.
        return Ok(());
    };
    let above = place.containers.as_fd();
    let has = |name| node::find(above, &files::inner(&id, name)).map(descriptor::own);
    if has(files::CONFIG).is_ok() {
        return Err(Taken::By(id));
    }
    match node::make_directory(above, &id.c_string(), 0o700) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(Taken::Failed(errno)),
    }
    match Owned::take(place, &id, Missing::Make) {
        Err(Errno::EAGAIN) => {
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        }
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Taken::Failed(errno)),
        Ok(owned) if has(files::CONFIG).is_ok() => {
            drop(owned);
            Err(Taken::By(id))
        }
        Ok(owned) => {
            let _ = owned.remove();
            Ok(())
        }
    }
}

/// Removes a name that leads to no container.
#[cold]
#[inline(never)]
pub(super) fn sweep(place: &Rc<Place>, name: &Name) {
    let _ = free_if_left(place, &name.c_string());
}

/// Gives a container another name.
///
/// Errors: another one has it, or this one is being removed.
pub(super) fn rename(place: &Rc<Place>, id: &Id, new: &Name) -> Result<(), Error> {
    let failed = |errno| Error::new("rename container", id.short(), errno);
    let path = files::inner(id, files::LOCK);
    let flags = libc::O_RDWR | libc::O_NOFOLLOW;
    let lock = node::open(place.containers.as_fd(), &path, flags, 0).map_err(failed)?;
    let lock = descriptor::own(lock);
    lock_soon(lock.as_fd(), NAMING).map_err(failed)?;
    // While it is being removed no name may be made that would stay.
    let config = files::inner(id, files::CONFIG);
    node::find(place.containers.as_fd(), &config)
        .map(descriptor::own)
        .map_err(failed)?;
    let (names, to) = (place.names.as_fd(), new.c_string());
    let Some(old) = links::of(place, id) else {
        return give(place, id, new).map_err(|taken| taken.error(new));
    };
    let old = old.c_string();
    for _ in 0..TRIES {
        match node::rename(names, &old, &to, Replace::No) {
            Ok(()) => {
                links::note(place, id, new);
                return Ok(());
            }
            Err(Errno::EEXIST) => free_if_left(place, &to).map_err(|taken| taken.error(new))?,
            // A file system that cannot tell: both names for a moment.
            Err(Errno::EINVAL | Errno::ENOSYS) => {
                give(place, id, new).map_err(|taken| taken.error(new))?;
                return node::remove_file(names, &old).map_err(failed);
            }
            Err(errno) => return Err(failed(errno)),
        }
    }
    Err(failed(Errno::EEXIST))
}
