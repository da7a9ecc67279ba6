//! A copy as a tree of files.

use super::make::{self, Attributes, Failure};
use super::owner::{Ids, Owner};
use super::place::Side;
use super::walk::{Content, Visitor};
use crate::archive::{self, Kind, Member};
use crate::error::Error;
use crate::sys::{Errno, facts, node};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Whose what is made is.
pub enum Owners<'a> {
    /// Ours, as everything that we make.
    Ours,
    /// One owner's.
    One(Owner),
    /// Each is its source's, by the ids of the container.
    Kept(&'a Ids),
}

pub struct Tree<'a> {
    pub side: &'a Side,
    /// What the copy is made as, to be told.
    pub target: Vec<u8>,
    pub owners: Owners<'a>,
    /// Whether programs stay set-user-ID.
    pub keeps_set_id: bool,
    /// The directories that are being filled, each with whether it was made.
    open: Vec<(OwnedFd, bool)>,
    top: Option<(u64, u64)>,
    /// Bytes, as an archive of it would have.
    pub copied: u64,
}

impl<'a> Tree<'a> {
    /// A copy in `directory`.
    pub fn new(side: &'a Side, target: Vec<u8>, directory: OwnedFd, owners: Owners<'a>) -> Self {
        Self {
            side,
            target,
            owners,
            keeps_set_id: true,
            open: vec![(directory, false)],
            top: None,
            copied: archive::END.len() as u64,
        }
    }

    /// The content of a directory goes into the one that the copy is in.
    fn is_content(member: &Member) -> bool {
        member.path == b"."
    }

    pub fn attributes(&self, member: &Member) -> Result<Attributes, Error> {
        let owner = (member.user, member.group);
        let owner = match &self.owners {
            Owners::Ours => None,
            Owners::One(owner) => Some(*owner),
            Owners::Kept(ids) => Some(ids.outside(owner).ok_or_else(|| {
                let (user, group) = owner;
                Error::refused_for(
                    self.side.told(&self.target),
                    format!("user {user} or group {group} is not one of the container's"),
                )
            })?),
        };
        let mode = match self.keeps_set_id {
            true => member.mode,
            false => member.mode & !0o6000,
        };
        Ok(Attributes {
            mode,
            owner,
            modified: (member.modified.seconds, member.modified.nanoseconds),
        })
    }

    fn here(&self) -> BorrowedFd<'_> {
        // The first one is never left.
        self.open
            .last()
            .map_or(node::HERE, |(open, _)| open.as_fd())
    }

    #[cold]
    #[inline(never)]
    fn failed(&self, failure: Failure, is_directory: bool) -> Error {
        failed(self.side, &self.target, failure, is_directory)
    }
}

#[cold]
#[inline(never)]
pub fn failed(side: &Side, path: &[u8], failure: Failure, is_directory: bool) -> Error {
    match failure {
        Failure::Failed(errno) => side.failed("make", path, errno),
        Failure::Source(error) => error,
        Failure::IsDevice => Error::refused(side.told(path), "cannot overwrite a device"),
        Failure::OtherKind if is_directory => Error::refused(
            side.told(path),
            "cannot overwrite non-directory with directory",
        ),
        Failure::OtherKind => Error::refused(
            side.told(path),
            "cannot overwrite directory with non-directory",
        ),
    }
}

impl Visitor for Tree<'_> {
    fn enter(&mut self, member: &Member, name: &CStr) -> Result<(), Error> {
        self.copied += archive::size(member);
        if Self::is_content(member) {
            return Ok(());
        }
        self.target.push(b'/');
        self.target.extend_from_slice(name.to_bytes());
        let made = make::directory(self.here(), name);
        let (directory, is_new) = made.map_err(|failure| self.failed(failure, true))?;
        if self.top.is_none() {
            let facts = facts::facts(directory.as_fd());
            self.top = facts.ok().map(|facts| facts.identity);
        }
        self.open.push((directory, is_new));
        Ok(())
    }

    fn leave(&mut self, member: &Member) -> Result<(), Error> {
        if Self::is_content(member) {
            return Ok(());
        }
        if let Some((directory, true)) = self.open.pop() {
            let attributes = self.attributes(member)?;
            make::finish(directory.as_fd(), &attributes)
                .and_then(|()| node::set_modified(directory.as_fd(), attributes.modified))
                .map_err(|errno| self.failed(errno.into(), true))?;
        }
        let above = self.target.iter().rposition(|byte| *byte == b'/');
        self.target.truncate(above.unwrap_or(0));
        Ok(())
    }

    fn take(&mut self, member: &Member, name: &CStr, content: Content<'_>) -> Result<(), Error> {
        self.copied += archive::size(member);
        let attributes = self.attributes(member)?;
        let here = self.here();
        let made = match &member.kind {
            Kind::Regular(_) => make::file(here, name, &attributes, content),
            Kind::Link(content) => CString::new(content.as_slice())
                .map_err(|_| Failure::Failed(Errno::EINVAL))
                .and_then(|content| make::link(here, name, &content, &attributes)),
            Kind::Pipe => make::pipe(here, name, &attributes),
            // A walk gives none of these.
            Kind::Directory | Kind::HardLink(_) | Kind::Device => Ok(()),
        };
        made.map_err(|failure| {
            let target = [&self.target, &b"/"[..], name.to_bytes()].concat();
            failed(self.side, &target, failure, false)
        })
    }

    fn is_own(&self, identity: (u64, u64)) -> bool {
        self.top == Some(identity)
    }
}
