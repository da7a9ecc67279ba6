//! Where a store is, and that it is its user's alone.

use super::Shared;
use crate::error::Error;
use crate::oci::command_line::Globals;
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, identity};
use std::cell::OnceCell;
use std::ffi::{CString, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Who is not root has it below the directory of his sessions.
const NAME: &str = "mydocker-oci";

pub struct Root {
    path: PathBuf,
    /// Once there is one.
    opened: OnceCell<Shared>,
    /// Whether this lies in a directory that is cleaned of what no one has used for a while, but for what is sticky (the XDG Base
    /// Directory Specification).
    is_swept: bool,
}

impl Root {
    /// The directory that the global options name, opened if it is there.
    pub fn find(globals: &Globals) -> Result<Self, Error> {
        let (path, is_swept) = match &globals.root {
            Some(root) if root.is_empty() => {
                return Err(Error::refused("--root ", "it names no directory"));
            }
            Some(root) => (PathBuf::from(root), false),
            None => usual(globals.rootless)?,
        };
        let path = std::path::absolute(&path).map_err(|error| {
            let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
            Error::new("find", path.as_os_str().as_bytes(), errno)
        })?;
        let root = Self {
            path,
            opened: OnceCell::new(),
            is_swept,
        };
        match root.open() {
            Ok(_) => Ok(root),
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(root),
            Err(error) => Err(error),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn opened(&self) -> Option<&Shared> {
        self.opened.get()
    }

    /// The directory; it is made if it is not there, with those above it.
    pub fn make(&self) -> Result<&Shared, Error> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let mut refused = None;
        for above in self.path.ancestors().collect::<Vec<_>>().into_iter().rev() {
            match node::make_directory(HERE, &c_string(above), 0o700) {
                Ok(()) | Err(Errno::EEXIST) => {}
                // It may be there all the same: EROFS and EACCES come before EEXIST.
                Err(errno) => refused = refused.or(Some(errno)),
            }
        }
        if self.is_swept {
            let _ = node::change_mode(HERE, &c_string(&self.path), 0o1700);
        }
        self.open().map_err(|error| match (error.errno(), refused) {
            (Some(Errno::ENOENT), Some(errno)) => failed("make", &self.path, errno),
            _ => error,
        })
    }

    fn open(&self) -> Result<&Shared, Error> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let opened = node::open(HERE, &c_string(&self.path), flags, 0)
            .map(descriptor::own)
            .map_err(|errno| failed("open", &self.path, errno))?;
        let facts =
            facts::facts(opened.as_fd()).map_err(|errno| failed("look at", &self.path, errno))?;
        let wrong = if facts.kind != Kind::Directory {
            "it is no directory"
        } else if facts.owner != identity::effective_user() {
            "it is another user's"
        } else if facts.mode & 0o022 != 0 {
            "others may write to it (chmod go-w)"
        } else {
            return Ok(self.opened.get_or_init(|| Rc::new(opened)));
        };
        Err(refused(&self.path, wrong))
    }
}

/// The place of a user who has named none, and whether it is swept.
fn usual(rootless: Option<bool>) -> Result<(PathBuf, bool), Error> {
    let sessions = std::env::var_os("XDG_RUNTIME_DIR").filter(|path| Path::new(path).is_absolute());
    let is_root = identity::effective_user() == 0;
    match sessions {
        Some(sessions) if !is_root || is_roots_session_anothers(rootless) => {
            Ok((Path::new(&sessions).join(NAME), true))
        }
        None if !is_root => Err(Error::refused(
            "the root directory",
            "there is no XDG_RUNTIME_DIR to have it in: --root names one",
        )),
        _ => Ok((Path::new("/run").join(NAME), false)),
    }
}

/// Whether the runtime directory of who is root here is that of an ordinary user, who is root in a user namespace only. As
/// runc has it: root that keeps another's variable (su(1) without -) has not asked for that.
fn is_roots_session_anothers(rootless: Option<bool>) -> bool {
    if rootless == Some(true) {
        return true;
    }
    let map = std::fs::read("/proc/self/uid_map").unwrap_or_default();
    let is_everyone = matches!(&identity::mapped(&map)[..], [all] if all.count == u32::MAX);
    !is_everyone && std::env::var_os("USER").is_none_or(|user| user != OsStr::new("root"))
}

fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}

#[cold]
#[inline(never)]
fn refused(path: &Path, wrong: &str) -> Error {
    let object = [b"the root directory ", path.as_os_str().as_bytes()].concat();
    let reason = format!(
        "{wrong}: it is to be this user's, and no one else is to write to it; --root names another"
    );
    Error::refused_for(object, reason)
}

#[cold]
#[inline(never)]
fn failed(operation: &str, path: &Path, errno: Errno) -> Error {
    Error::new(
        format!("{operation} the root directory"),
        path.as_os_str().as_bytes(),
        errno,
    )
}
