//! The links that say whose a name is, one for each: its name is the container's, and what it leads to is the container's id.

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
    let listed = directory::names(place.names.as_fd()).ok()?;
    let mut its = listed.iter().filter(|name| owner(place, name) == Some(*id));
    its.find_map(|name| Name::of(name.to_bytes()))
}

/// Removes every name of a container whose lock for names the caller has.
pub(super) fn remove_all(place: &Place, id: &Id) {
    for name in directory::names(place.names.as_fd()).unwrap_or_default() {
        if owner(place, &name) == Some(*id) {
            let _ = node::remove_file(place.names.as_fd(), &name);
        }
    }
}
