//! Makes files in a directory where someone else may rename and link what he likes meanwhile: what is made is made anew, is
//! never followed as a link, and gets its owner and its mode by its descriptor.

use super::owner::Owner;
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, descriptor, node, own_proc};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What something is to have when it is made.
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    pub mode: u32,
    /// `None`: it is ours.
    pub owner: Option<Owner>,
    pub modified: node::Modified,
}

/// Why something could not be made.
#[derive(Debug)]
pub enum Failure {
    /// A directory is to be replaced by something else, or something else by a directory.
    OtherKind,
    /// A device would be replaced, which others than this container may have a use for: /dev/null.
    IsDevice,
    Failed(Errno),
    /// What it was to be made of could not be read.
    Source(crate::error::Error),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno)
    }
}

/// Reads a piece of a file's content: 0 at its end.
pub type Content<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<usize, crate::error::Error>;

pub fn file(
    directory: BorrowedFd<'_>,
    name: &CStr,
    attributes: &Attributes,
    content: Content<'_>,
) -> Result<(), Failure> {
    clear(directory, name)?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
    let file = descriptor::own(node::open(directory, name, flags, 0o600)?);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = content(&mut buffer).map_err(Failure::Source)?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        descriptor::write_all(file.as_fd(), piece)?;
    }
    finish(file.as_fd(), attributes)?;
    Ok(node::set_modified(file.as_fd(), attributes.modified)?)
}

/// A directory that is open to be filled, and whether it was made.
pub fn directory(above: BorrowedFd<'_>, name: &CStr) -> Result<(OwnedFd, bool), Failure> {
    let made = match node::make_directory(above, name, 0o700) {
        Ok(()) => true,
        Err(Errno::EEXIST) => false,
        Err(errno) => return Err(errno.into()),
    };
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    match node::open(above, name, flags, 0) {
        Ok(opened) => Ok((descriptor::own(opened), made)),
        Err(Errno::ENOTDIR | Errno::ELOOP) => Err(Failure::OtherKind),
        Err(errno) => Err(errno.into()),
    }
}

/// Gives a directory that was made, or a file, its owner and its mode. The owner first: a change of that takes the
/// set-id bits away.
pub fn finish(file: BorrowedFd<'_>, attributes: &Attributes) -> Result<(), Errno> {
    if let Some((user, group)) = attributes.owner {
        node::change_owner_of(file, user, group)?;
    }
    own_proc::change_mode_of(file, attributes.mode)
}

pub fn link(
    directory: BorrowedFd<'_>,
    name: &CStr,
    content: &CStr,
    attributes: &Attributes,
) -> Result<(), Failure> {
    clear(directory, name)?;
    node::make_link(content, directory, name)?;
    if let Some((user, group)) = attributes.owner {
        let link = made(directory, name, Kind::Link)?;
        node::change_owner_of(link.as_fd(), user, group)?;
    }
    Ok(node::set_modified_of(directory, name, attributes.modified)?)
}

pub fn pipe(
    directory: BorrowedFd<'_>,
    name: &CStr,
    attributes: &Attributes,
) -> Result<(), Failure> {
    clear(directory, name)?;
    node::make_pipe(directory, name, 0o600)?;
    let pipe = made(directory, name, Kind::Pipe)?;
    finish(pipe.as_fd(), attributes)?;
    Ok(node::set_modified_of(directory, name, attributes.modified)?)
}

/// Another name of what `old` is.
pub fn hard_link(
    old_directory: BorrowedFd<'_>,
    old: &CStr,
    directory: BorrowedFd<'_>,
    name: &CStr,
) -> Result<(), Failure> {
    clear(directory, name)?;
    Ok(node::make_hard_link(old_directory, old, directory, name)?)
}

/// What was made just now, if no one has put something of another kind there.
fn made(directory: BorrowedFd<'_>, name: &CStr, kind: Kind) -> Result<OwnedFd, Errno> {
    let found = descriptor::own(node::find(directory, name)?);
    match facts::facts(found.as_fd())?.kind == kind {
        true => Ok(found),
        false => Err(Errno::EEXIST),
    }
}

/// Removes what is in the way, if it is no directory and no device.
fn clear(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Failure> {
    match facts::facts_of(directory, name) {
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
        Ok(facts) if facts.kind == Kind::Directory => Err(Failure::OtherKind),
        Ok(facts) if is_device(facts.kind) => Err(Failure::IsDevice),
        Ok(_) => Ok(node::remove_file(directory, name)?),
    }
}

pub fn is_device(kind: Kind) -> bool {
    matches!(kind, Kind::Character(_) | Kind::Block(_))
}
