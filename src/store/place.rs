//! Where a store is, and that it is its user's alone.

use crate::error::Error;
use crate::locks;
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, identity};
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The variable that says where it is.
const VARIABLE: &str = "MYDOCKER_STATE";

/// The directory below which containers have theirs, by id.
const CONTAINERS: &CStr = c"containers";
/// The directory of links: a name, and whose it is.
const NAMES: &CStr = c"names";

/// How often a directory may go away between being made and being opened: that in /tmp is removed with an ordinary
/// user's last lock (`locks.rs`).
const TRIES: u32 = 16;

/// The directories of a store, open.
pub(super) struct Place {
    /// For messages, and to be told: absolute.
    pub path: PathBuf,
    pub containers: OwnedFd,
    pub names: OwnedFd,
}

impl Place {
    /// Opens them, and makes them where they are not there.
    ///
    /// Errors: it cannot be made, or it is not this user's alone.
    #[cold]
    #[inline(never)]
    pub fn make(wanted: Option<&OsStr>) -> Result<Self, Error> {
        let path = absolute(&path(wanted))?;
        let name = c_string(&path)?;
        for _ in 0..TRIES {
            match node::make_directory(HERE, &name, 0o700) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(cannot_make(&path, errno)),
            }
            let Some(directory) = directory(&path, &name)? else {
                continue;
            };
            let inner = |name: &CStr| match node::make_directory(directory.as_fd(), name, 0o700) {
                Ok(()) | Err(Errno::EEXIST) => open(directory.as_fd(), name),
                Err(errno) => Err(errno),
            };
            match (inner(CONTAINERS), inner(NAMES)) {
                (Ok(containers), Ok(names)) => {
                    return Ok(Self {
                        path,
                        containers,
                        names,
                    });
                }
                (Err(Errno::ENOENT), _) | (_, Err(Errno::ENOENT)) => {}
                (Err(errno), _) | (_, Err(errno)) => return Err(cannot_make(&path, errno)),
            }
        }
        Err(cannot_make(&path, Errno::ENOENT))
    }

    /// Opens them; `None` if there is no store.
    ///
    /// Errors: it is not this user's alone.
    #[cold]
    #[inline(never)]
    pub fn look(wanted: Option<&OsStr>) -> Result<Option<Self>, Error> {
        let path = absolute(&path(wanted))?;
        let Some(directory) = directory(&path, &c_string(&path)?)? else {
            return Ok(None);
        };
        match (
            open(directory.as_fd(), CONTAINERS),
            open(directory.as_fd(), NAMES),
        ) {
            (Ok(containers), Ok(names)) => Ok(Some(Self {
                path,
                containers,
                names,
            })),
            (Err(Errno::ENOENT), _) | (_, Err(Errno::ENOENT)) => Ok(None),
            (Err(errno), _) | (_, Err(errno)) => Err(cannot_open(&path, errno)),
        }
    }

    /// The path of what is in a container's directory, to be told.
    pub fn told(&self, inner: &CStr) -> Vec<u8> {
        let above = self.path.as_os_str().as_bytes();
        [above, b"/containers/", inner.to_bytes()].concat()
    }
}

/// What was asked for, or what the environment says, or where a user's state goes here. Where /run cannot be written it is
/// not the host's, or not root's.
fn path(wanted: Option<&OsStr>) -> PathBuf {
    let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    if let Some(wanted) = wanted.map(OsString::from).or_else(variable) {
        return wanted.into();
    }
    if identity::effective_user() == 0 {
        if node::may_write(HERE, c"/run").is_ok() {
            return "/run/mydocker".into();
        }
    } else if let Some(directory) = of_sessions() {
        return directory.join("mydocker");
    }
    format!("/tmp/mydocker-{}", locks::outside_user()).into()
}

/// The directory for a user's sessions. A variable that su(1) has handed down names someone else's.
fn of_sessions() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    let name = CString::new(path.as_os_str().as_bytes()).ok()?;
    let opened = descriptor::open(&name, libc::O_PATH | libc::O_DIRECTORY, 0).ok()?;
    let facts = facts::facts(opened.as_fd()).ok()?;
    let is_ours = path.is_absolute() && facts.owner == identity::effective_user();
    is_ours.then_some(path)
}

/// Links on the way are followed, for their makers may be trusted; the last name is to be no link.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let typed = path.as_os_str().as_bytes();
    if typed.is_empty() {
        return Err(Error::refused("the store", "its path is empty"));
    }
    std::path::absolute(path).map_err(|error| {
        let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
        Error::new("find", typed, errno)
    })
}

fn c_string(path: &Path) -> Result<CString, Error> {
    let bytes = path.as_os_str().as_bytes();
    CString::new(bytes).map_err(|_| Error::new("open the store", bytes, Errno::EINVAL))
}

fn open(directory: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = descriptor::own(node::open(directory, name, flags, 0)?);
    match check(opened.as_fd())? {
        Ok(()) => Ok(opened),
        Err(_) => Err(Errno::EPERM),
    }
}

/// The store's directory, if it is there.
fn directory(path: &Path, name: &CStr) -> Result<Option<OwnedFd>, Error> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = match node::open(HERE, name, flags, 0) {
        Ok(opened) => descriptor::own(opened),
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP | Errno::ENOTDIR) => {
            return Err(refused(path, "it is a link, or no directory"));
        }
        Err(errno) => return Err(cannot_open(path, errno)),
    };
    match check(opened.as_fd()).map_err(|errno| cannot_open(path, errno))? {
        Ok(()) => Ok(Some(opened)),
        Err(wrong) => Err(refused(path, wrong)),
    }
}

/// Whether a directory is this user's, and no one else's to write to; what is wrong if not.
fn check(directory: BorrowedFd<'_>) -> Result<Result<(), &'static str>, Errno> {
    let facts = facts::facts(directory)?;
    Ok(if facts.kind != Kind::Directory {
        Err("it is no directory")
    } else if facts.owner != identity::effective_user() {
        Err("it is another user's")
    } else if facts.mode & 0o022 != 0 {
        Err("others may write to it (chmod go-w)")
    } else {
        Ok(())
    })
}

#[cold]
#[inline(never)]
fn refused(path: &Path, wrong: &str) -> Error {
    let object = [b"the store ", path.as_os_str().as_bytes()].concat();
    Error::refused_for(
        object,
        format!(
            "{wrong}: it is to be a directory of this user's that no one else writes to; {VARIABLE} names another"
        ),
    )
}

#[cold]
#[inline(never)]
fn cannot_make(path: &Path, errno: Errno) -> Error {
    failed("make the store", path, errno)
}

#[cold]
#[inline(never)]
fn cannot_open(path: &Path, errno: Errno) -> Error {
    failed("open the store", path, errno)
}

fn failed(operation: &str, path: &Path, errno: Errno) -> Error {
    let hint = match errno {
        Errno::ENOENT | Errno::EROFS | Errno::EACCES | Errno::ENOSPC => {
            Some(format!("{VARIABLE} names a directory where it can be made"))
        }
        Errno::EPERM => Some("what is in it is to be this user's, and closed to others".into()),
        _ => None,
    };
    Error::new(operation, path.as_os_str().as_bytes(), errno).hint(hint)
}
