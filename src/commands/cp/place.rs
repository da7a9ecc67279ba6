//! Where a path leads, on either side.
//!
//! A path of a container is never handed to the kernel as it is: its links are someone else's, who may change them while we
//! look. It is resolved in the container's root, and what follows goes by descriptors, name by name, without following
//! any link.

use super::owner::NO_ONE;
use crate::error::Error;
use crate::path_in_root::{self, Missing, PathFailure};
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::{Errno, descriptor, identity, node};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

/// Whose path it is.
pub enum Side {
    Here,
    Container(Container),
}

/// The files of a container.
pub struct Container {
    /// What it has for /.
    pub root: OwnedFd,
    /// What it is called.
    pub word: String,
}

/// What a path means.
pub struct Place {
    /// The directory that it is in, and its name there. `None`: it is a directory without a name, `/`, or one by `.`.
    pub name: Option<(OwnedFd, CString)>,
    /// What is there.
    pub found: Option<Found>,
}

/// Something that is there, only named (O_PATH).
pub struct Found {
    pub file: OwnedFd,
    pub facts: Facts,
}

/// How many links the kernel follows in one path (MAXSYMLINKS).
const MOST_LINKS: u32 = 40;

impl Found {
    pub fn of(file: OwnedFd) -> Result<Self, Errno> {
        let facts = facts::facts(file.as_fd())?;
        Ok(Self { file, facts })
    }

    pub fn is_directory(&self) -> bool {
        self.facts.kind == Kind::Directory
    }

    /// The content of a link.
    pub fn content(&self) -> Result<CString, Errno> {
        let mut content = [0; libc::PATH_MAX as usize];
        let length = node::read_link(self.file.as_fd(), &mut content)?;
        CString::new(content.get(..length).unwrap_or_default()).map_err(|_| Errno::EINVAL)
    }
}

impl Side {
    /// A path, as messages tell it.
    pub fn told(&self, path: &[u8]) -> Vec<u8> {
        match self {
            Self::Here => path.to_vec(),
            Self::Container(container) => [container.word.as_bytes(), b":", path].concat(),
        }
    }

    #[cold]
    #[inline(never)]
    pub fn failed(&self, operation: &str, path: &[u8], errno: Errno) -> Error {
        Error::new(operation, self.told(path), errno)
    }

    /// What a path leads to, through links.
    pub fn find(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
        match self {
            Self::Here => descriptor::open(&path, libc::O_PATH, 0),
            Self::Container(container) => find_in(container, &path),
        }
    }

    /// Where a path leads. A link at its end is followed if it is to be, or if the path says that it is a directory.
    pub fn resolve(&self, path: &[u8], follow: bool) -> Result<Place, Errno> {
        let mut path = path.to_vec();
        for _ in 0..MOST_LINKS {
            let (above, name, is_directory) = parts(&path);
            if matches!(name, b"" | b"." | b"..") {
                let found = Found::of(self.find(&path)?)?;
                return match found.is_directory() {
                    true => Ok(Place {
                        name: None,
                        found: Some(found),
                    }),
                    false => Err(Errno::ENOTDIR),
                };
            }
            let directory = self.find(above)?;
            let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
            let found = match node::find(directory.as_fd(), &name) {
                Err(Errno::ENOENT) => None,
                found => Some(Found::of(descriptor::own(found?))?),
            };
            match &found {
                Some(link) if link.facts.kind == Kind::Link && (follow || is_directory) => {
                    if matches!(self, Self::Here) && is_planted(&directory, link)? {
                        return Err(Errno::EACCES);
                    }
                    let content = link.content()?;
                    let mut next = match content.to_bytes() {
                        content @ [b'/', ..] => content.to_vec(),
                        content => [above, b"/", content].concat(),
                    };
                    if is_directory {
                        next.push(b'/');
                    }
                    path = next;
                }
                Some(file) if is_directory && !file.is_directory() => return Err(Errno::ENOTDIR),
                _ => {
                    let name = Some((directory, name));
                    return Ok(Place { name, found });
                }
            }
        }
        Err(Errno::ELOOP)
    }
}

/// Whether a link lies where everyone may make some, as in /tmp, and is neither ours nor of whose directory it is. The kernel
/// follows none there for anyone (protected_symlinks, proc_sys_fs(5)), and would not be asked: we follow this one ourselves.
fn is_planted(directory: &OwnedFd, link: &Found) -> Result<bool, Errno> {
    const OF_EVERYONE: u32 = libc::S_ISVTX | libc::S_IWOTH;
    let directory = facts::facts(directory.as_fd())?;
    let owner = link.facts.owner;
    // Whom a user namespace has not, all have one number there.
    let is_directorys = owner == directory.owner && owner != NO_ONE;
    Ok(directory.mode & OF_EVERYONE == OF_EVERYONE
        && owner != identity::user_here()
        && !is_directorys)
}

fn find_in(container: &Container, path: &CStr) -> Result<OwnedFd, Errno> {
    path_in_root::find(container.root.as_fd(), path, Missing::Refuse)
        .map(descriptor::own)
        .map_err(|failure| match failure {
            PathFailure::Find(errno) | PathFailure::Make(errno) => errno,
        })
}

/// The directory that a path is in, its last name, and whether slashes follow that.
fn parts(path: &[u8]) -> (&[u8], &[u8], bool) {
    let end = path
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |at| at + 1);
    let (trimmed, slashes) = path.split_at(end);
    match trimmed.iter().rposition(|byte| *byte == b'/') {
        Some(0) => (
            b"/",
            trimmed.get(1..).unwrap_or_default(),
            !slashes.is_empty(),
        ),
        Some(at) => {
            let (above, name) = trimmed.split_at(at);
            (
                above,
                name.get(1..).unwrap_or_default(),
                !slashes.is_empty(),
            )
        }
        // Nothing but slashes is the root.
        None if trimmed.is_empty() && !slashes.is_empty() => (b"/", b"", false),
        None => (b".", trimmed, !slashes.is_empty()),
    }
}

/// The last name of a path; `None` if it has none, or one that stands for another.
pub fn last_name(path: &[u8]) -> Option<CString> {
    match parts(path).1 {
        b"" | b"." | b".." => None,
        name => CString::new(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_parts() {
        for (path, expected) in [
            ("/", ("/", "", false)),
            ("", (".", "", false)),
            ("a", (".", "a", false)),
            ("a/", (".", "a", true)),
            ("/a", ("/", "a", false)),
            ("/a//", ("/", "a", true)),
            ("/a/b", ("/a", "b", false)),
            ("a//b", ("a/", "b", false)),
            ("a/.", ("a", ".", false)),
            ("..", (".", "..", false)),
        ] {
            let (above, name, is_directory) = parts(path.as_bytes());
            let found = (above, name, is_directory);
            let (above, name, is_directory) = expected;
            assert_eq!(
                found,
                (above.as_bytes(), name.as_bytes(), is_directory),
                "{path}"
            );
        }
        assert_eq!(last_name(b"a/b/"), Some(c"b".into()));
        for none in ["", "/", "//", "a/.", "..", "a/../"] {
            assert_eq!(last_name(none.as_bytes()), None, "{none}");
        }
    }
}
