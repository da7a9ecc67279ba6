//! What a container's directory has, by its id.

use super::config::Config;
use super::files;
use super::id::Id;
use super::place::Place;
use super::state::State;
use crate::error::Error;
use std::ffi::CStr;
use std::os::fd::AsFd;

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
