//! What a container's directory has, by its id.

use super::config::Config;
use super::files;
use super::id::Id;
use super::place::Place;
use super::state::State;
use crate::error::Error;
use crate::sys::node;
use crate::sys::{Errno, descriptor, directory};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

pub(super) fn config(place: &Place, id: &Id) -> Result<Config, Error> {
    read(place, id, files::CONFIG, Config::parse)
}

pub(super) fn state(place: &Place, id: &Id) -> Result<State, Error> {
    read(place, id, files::STATE, State::parse)
}

fn read<T>(
    place: &Place,
    id: &Id,
    name: &CStr,
    parse: fn(&[u8]) -> Result<T, String>,
) -> Result<T, Error> {
    let path = files::inner(id, name);
    let content = files::read(place.containers.as_fd(), &path)
        .map_err(|errno| Error::new("read", place.told(&path), errno))?;
    parse(&content).map_err(|what| Error::refused_for(place.told(&path), what))
}

/// What `with` makes of the socket of a container: by a name in /proc, for paths of sockets must be short; without a
/// /proc from the directory itself.
pub(super) fn socket(
    place: &Place,
    id: &Id,
    with: fn(&CStr) -> Result<OwnedFd, Errno>,
) -> Result<OwnedFd, Errno> {
    let inner = files::inner(id, files::SOCKET);
    let directory = descriptor::name_in_proc(place.containers.as_fd());
    let path = [directory.to_bytes(), b"/", inner.to_bytes()].concat();
    match with(&CString::new(path).unwrap_or_default()) {
        Err(Errno::ENOENT) => {}
        done => return done,
    }
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let here = descriptor::own(node::open(node::HERE, c".", flags, 0)?);
    directory::enter(place.containers.as_fd())?;
    let done = with(&inner);
    directory::enter(here.as_fd())?;
    done
}
