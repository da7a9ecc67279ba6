//! Who the users and groups of a container are: /etc/passwd and /etc/group of its root, which is hostile.

use super::{AskedBy, open_directory};
use crate::error::{Error, printable};
use crate::path_in_root::{self, Missing};
use crate::spec::{Base, Bind, MountSource, Overlay, RootSpec, Writes};
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::own_proc::{READING, open_found};
use crate::sys::{Errno, descriptor};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes; more than any list of users has.
const LONGEST_LIST: usize = 16 << 20;

/// /etc/passwd or /etc/group of a container with a root of its own, by its name there.
#[cold]
#[inline(never)]
pub fn accounts(root: &RootSpec, name: &str) -> Result<Vec<u8>, Error> {
    let file = CString::new(name).unwrap_or_default();
    let whole = CString::new([b"/etc/", name.as_bytes()].concat()).unwrap_or_default();
    // What a volume brings along covers what the root has.
    for mount in &root.mounts {
        if let MountSource::Bind(Bind { path, .. }) = &mount.source {
            if mount.target == whole {
                // The caller's own: a link of theirs may lead anywhere of theirs.
                let host = open_directory(AskedBy::Mount(&mount.label()), c"/")?;
                return read(HERE, path)?.or_linked(host.as_fd(), path);
            }
            if mount.target.as_c_str() == c"/etc" {
                let directory = open_directory(AskedBy::Mount(&mount.label()), path)?;
                return read(directory.as_fd(), &file)?.or_linked(directory.as_fd(), &file);
            }
        }
    }
    for (asked_by, directory) in layers(&root.base) {
        let path = directory;
        let directory = open_directory(asked_by, path)?;
        let etc = match path_in_root::find(directory.as_fd(), c"/etc", Missing::Refuse) {
            Ok(etc) => descriptor::own(etc),
            Err(path_in_root::PathFailure::Find(Errno::ENOENT | Errno::ENOTDIR)) => continue,
            Err(
                path_in_root::PathFailure::Find(errno) | path_in_root::PathFailure::Make(errno),
            ) => {
                return Err(super::named(asked_by, path, errno));
            }
        };
        let asked = || format!("{} {}", asked_by.words(), printable(path.to_bytes()));
        let found = read(etc.as_fd(), &file).and_then(|found| match found {
            Found::Nothing => Ok(None),
            found => found.or_linked(directory.as_fd(), &whole).map(Some),
        });
        if let Some(content) = found.map_err(|error| error.behind(&asked()))? {
            return Ok(content);
        }
    }
    Ok(Vec::new())
}

/// /etc/passwd or /etc/group of a container that runs, by its name there: below what its processes have for /.
#[cold]
#[inline(never)]
pub fn accounts_in(root: BorrowedFd<'_>, name: &str) -> Result<Vec<u8>, Error> {
    let path = CString::new([b"/etc/", name.as_bytes()].concat()).unwrap_or_default();
    Found::Link.or_linked(root, &path)
}

/// The directories that / is made of, the uppermost first, and who asked for each.
fn layers(base: &Base) -> Vec<(AskedBy<'static>, &CStr)> {
    match base {
        Base::Directory(directory) => vec![(AskedBy::Root, directory)],
        Base::Overlay(Overlay { lower, writes }) => {
            let mut all = Vec::with_capacity(lower.len() + 1);
            if let Writes::Kept(upper) = writes {
                all.push((AskedBy::Upper, upper.path.as_c_str()));
            }
            all.extend(lower.iter().map(|lower| (AskedBy::Root, lower.as_c_str())));
            all
        }
    }
}

/// What a list of accounts was found to be.
enum Found {
    /// The content of a file; empty if it is none: the device that overlayfs puts in the place of what was
    /// removed, or a FIFO, which would keep us waiting.
    Content(Vec<u8>),
    /// A link: the file lies elsewhere.
    Link,
    Nothing,
}

impl Found {
    /// The content; if it is a link, of what that leads to inside `root`, where it is called `path`.
    fn or_linked(self, root: BorrowedFd<'_>, path: &CStr) -> Result<Vec<u8>, Error> {
        match self {
            Self::Content(content) => return Ok(content),
            Self::Nothing => return Ok(Vec::new()),
            Self::Link => {}
        }
        let failed = |errno| Error::new("read", [path.to_bytes(), b" of the root"].concat(), errno);
        let found = match path_in_root::find(root, path, Missing::Refuse) {
            Ok(found) => descriptor::own(found),
            Err(path_in_root::PathFailure::Find(Errno::ENOENT | Errno::ENOTDIR)) => {
                return Ok(Vec::new());
            }
            Err(
                path_in_root::PathFailure::Find(errno) | path_in_root::PathFailure::Make(errno),
            ) => {
                return Err(failed(errno));
            }
        };
        if facts::facts(found.as_fd()).map_err(failed)?.kind != Kind::Regular {
            return Ok(Vec::new());
        }
        let file = open_found(found.as_fd()).map_err(failed)?;
        read_all(file.as_fd()).map_err(failed)
    }
}

/// A file in a directory. No link is followed, and what may be something else is not opened.
fn read(directory: BorrowedFd<'_>, name: &CStr) -> Result<Found, Error> {
    let failed = |errno| Error::new("read", [name.to_bytes(), b" of the root"].concat(), errno);
    let found = match node::find(directory, name) {
        Ok(found) => descriptor::own(found),
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Found::Nothing),
        Err(errno) => return Err(failed(errno)),
    };
    match facts::facts(found.as_fd()).map_err(failed)?.kind {
        Kind::Regular => {}
        Kind::Link => return Ok(Found::Link),
        _ => return Ok(Found::Content(Vec::new())),
    }
    let file = match open_found(found.as_fd()) {
        // Without a proc by its own name.
        Err(Errno::ENOENT | Errno::ENODEV) => {
            let flags = READING | libc::O_NOFOLLOW;
            node::open(directory, name, flags, 0).map(descriptor::own)
        }
        opened => opened,
    };
    let content = file.and_then(|file| read_all(file.as_fd()));
    content.map(Found::Content).map_err(failed)
}

fn read_all(file: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut content = Vec::new();
    let mut buffer = [0; 4096];
    while content.len() <= LONGEST_LIST {
        match descriptor::read(file, &mut buffer)? {
            0 => return Ok(content),
            count => content.extend(buffer.iter().take(count)),
        }
    }
    Err(Errno::EFBIG)
}
