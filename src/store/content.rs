//! What a container's directory has, by its id.

use super::config::Config;
use super::files;
use super::id::Id;
use super::place::Place;
use super::state::State;
use crate::error::Error;
use crate::sys::Errno;
use std::ffi::CStr;
use std::os::fd::AsFd;

pub(super) fn config(place: &Place, id: &Id) -> Result<Config, Error> {
    read(
        place,
        id,
        files::CONFIG,
        files::LONGEST_CONFIG,
        Config::parse,
    )
}

pub(super) fn state(place: &Place, id: &Id) -> Result<State, Error> {
    read(place, id, files::STATE, files::LONGEST_STATE, State::parse)
}

fn read<T>(
    place: &Place,
    id: &Id,
    name: &CStr,
    longest: usize,
    parse: fn(&[u8]) -> Result<T, String>,
) -> Result<T, Error> {
    let path = files::inner(id, name);
    let way_out = || format!("mydocker rm -f {} removes the container", id.short());
    match files::read(place.containers.as_fd(), &path, longest) {
        Ok(content) => parse(&content).map_err(|what| {
            Error::refused_for(place.told(&path), format!("{what}: {}", way_out()))
        }),
        Err(errno) => {
            let hint = is_damage(errno).then(way_out);
            Err(Error::new("read", place.told(&path), errno).hint(hint))
        }
    }
}

/// Whether an error comes of what the file is: a directory, a link, a pipe, a socket, a device, or far too long.
fn is_damage(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EISDIR | Errno::ELOOP | Errno::EAGAIN | Errno::ENXIO | Errno::EINVAL | Errno::EFBIG
    )
}
