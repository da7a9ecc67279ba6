//! The links that say whose a name is, one for each: its name is the container's, and what it leads to is the container's id.

use super::files;
use super::id::Id;
use super::name::Name;
use super::place::Place;
use crate::error::Error;
use crate::sys::{directory, node};
use std::ffi::CStr;
use std::os::fd::AsFd;

/// Whose a name is.
pub(super) fn owner(place: &Place, name: &CStr) -> Option<Id> {
    let mut digits = [0; 65];
    let count = node::read_link_of(place.names.as_fd(), name, &mut digits).ok()?;
    Id::parse(digits.get(..count)?)
}

/// Every name there is with whose it is, sorted by that.
///
/// Errors: as reading a directory.
pub(super) fn all(place: &Place) -> Result<Vec<(Id, Name)>, Error> {
    let listed = directory::names(place.names.as_fd()).map_err(|errno| {
        Error::new(
            "list",
            place.path.join("names").as_os_str().as_encoded_bytes(),
            errno,
        )
    })?;
    let named = listed.iter().filter_map(|name| {
        let its = Name::of(name.to_bytes())?;
        Some((owner(place, name)?, its))
    });
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    Ok(named)
}

/// The name of one container.
pub(super) fn of(place: &Place, id: &Id) -> Option<Name> {
    noted(place, id).or_else(|| {
        let listed = directory::names(place.names.as_fd()).ok()?;
        let mut its = listed.iter().filter(|name| owner(place, name) == Some(*id));
        its.find_map(|name| Name::of(name.to_bytes()))
    })
}

/// The name that is noted in a container's directory, if it is the right one: so that not all names must be looked at.
fn noted(place: &Place, id: &Id) -> Option<Name> {
    let mut noted = [0; 256];
    let note = files::inner(id, files::NAME);
    let count = node::read_link_of(place.containers.as_fd(), &note, &mut noted).ok()?;
    let name = Name::of(noted.get(..count)?)?;
    (owner(place, &name.c_string()) == Some(*id)).then_some(name)
}

/// Notes a container's new name, where that works.
pub(super) fn note(place: &Place, id: &Id, name: &Name) {
    let note = files::inner(id, files::NAME);
    let _ = node::remove_file(place.containers.as_fd(), &note);
    let _ = node::make_link(&name.c_string(), place.containers.as_fd(), &note);
}

/// Removes every name of a container whose lock for names the caller has.
pub(super) fn remove_all(place: &Place, id: &Id) {
    let names = match noted(place, id) {
        Some(name) => vec![name.c_string()],
        None => directory::names(place.names.as_fd()).unwrap_or_default(),
    };
    for name in names {
        if owner(place, &name) == Some(*id) {
            let _ = node::remove_file(place.names.as_fd(), &name);
        }
    }
}
