//! What is made of a path that is not there.

use super::Missing;
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, node};
use std::os::fd::BorrowedFd;

/// What becomes of a path that is not there, where not every directory is one to make something in, or what is made
/// is to be someone's.
pub struct Making<'a> {
    pub missing: Missing,
    /// Whether something may be made in this directory.
    pub may: &'a dyn Fn(BorrowedFd<'_>) -> bool,
    /// The user and the group to whom a directory that is made belongs. `None`: ours.
    pub owner: Option<(u32, u32)>,
}

impl Making<'_> {
    pub const fn anywhere(missing: Missing) -> Self {
        Self {
            missing,
            may: &|_| true,
            owner: None,
        }
    }

    /// Gives a directory that was made to its owner; by its descriptor, for its name may lead elsewhere by now.
    pub(super) fn give(&self, made: BorrowedFd<'_>) -> Result<(), Errno> {
        let Some((user, group)) = self.owner else {
            return Ok(());
        };
        if facts::facts(made)?.kind != Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        node::change_owner_of(made, user, group)
    }
}
