//! A file that lines are written to, and whether one could be opened for writing, or made, without doing it: for
//! `--explain`.

use crate::error::Error;
use crate::guard::Request;
use crate::standard_streams;
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

/// A file for lines of ours, which need not be there.
pub struct LineFile<'a> {
    /// For messages.
    pub operation: &'a str,
    pub path: &'a CStr,
}

impl LineFile<'_> {
    fn failed(&self, errno: Errno) -> Error {
        Error::new(self.operation, self.path.to_bytes(), errno)
    }
}

impl Request for LineFile<'_> {
    type Guard = OwnedFd;
    type Preview = ();

    /// Errors: as open(2).
    fn acquire(self) -> Result<OwnedFd, Error> {
        standard_streams::open_file(self.path).map_err(|errno| self.failed(errno))
    }

    fn preview(self) -> Result<(), Error> {
        existing_or_new(self.path).map_err(|errno| self.failed(errno))
    }
}

/// How many links the kernel follows in one path (MAXSYMLINKS).
const MOST_LINKS: u32 = 40;

/// Whether [`open_file`](crate::standard_streams::open_file) would open this one. (Whether someone reads a FIFO only opening it
/// shows.)
///
/// Errors: as open(2).
#[cold]
#[inline(never)]
pub fn existing_or_new(path: &CStr) -> Result<(), Errno> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match facts_at(&path, 0) {
            // To make a file where a directory is comes before the question who may write to it.
            Ok(facts) if facts.kind == Kind::Directory => return Err(Errno::EISDIR),
            Ok(facts) => {
                node::may_write(HERE, &path)?;
                return match facts.kind {
                    Kind::Socket => Err(Errno::ENXIO),
                    _ => Ok(()),
                };
            }
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
        match facts_at(&path, libc::O_NOFOLLOW) {
            // It is made where the link leads.
            Ok(_) => path = target(&path)?,
            Err(Errno::ENOENT) => return new(&path),
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::ELOOP)
}

/// Whether this file, which is not there, could be made.
///
/// Errors: as open(2).
#[cold]
#[inline(never)]
pub fn new(path: &CStr) -> Result<(), Errno> {
    let (directory, name) = split(path.to_bytes());
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    if name.is_empty() {
        return Err(Errno::EISDIR);
    }
    let directory = c_string(directory);
    let opened = descriptor::open(&directory, libc::O_PATH | libc::O_DIRECTORY, 0)?;
    // Of another length than any that is there.
    if let Err(errno @ Errno::ENAMETOOLONG) = facts::facts_of(opened.as_fd(), &c_string(name)) {
        return Err(errno);
    }
    let found = facts::file_system(opened.as_fd())?;
    if found.is_proc() {
        return Err(Errno::ENOENT);
    }
    node::may_write(HERE, &directory)?;
    // Nothing is made there by name, whoever asks.
    match found.is_sysfs() || found.is_cgroup() {
        true => Err(Errno::EACCES),
        false => Ok(()),
    }
}

/// What `path` is, or the link at its end with O_NOFOLLOW.
fn facts_at(path: &CStr, follow: i32) -> Result<Facts, Errno> {
    let opened = descriptor::open(path, libc::O_PATH | follow, 0)?;
    facts::facts(opened.as_fd())
}

/// Where the link `path` leads.
fn target(path: &CStr) -> Result<CString, Errno> {
    let link = descriptor::own(node::find(HERE, path)?);
    let mut content = [0; 4096];
    let length = node::read_link(link.as_fd(), &mut content)?;
    let content = content.get(..length).unwrap_or_default();
    if content.starts_with(b"/") {
        return Ok(c_string(content));
    }
    let (directory, _) = split(path.to_bytes());
    Ok(c_string(&[directory, b"/", content].concat()))
}

/// A path's directory, and the name in it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (
            path.get(..=at).unwrap_or_default(),
            path.get(at + 1..).unwrap_or_default(),
        ),
        None => (b".", path),
    }
}

fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap_or_default()
}
