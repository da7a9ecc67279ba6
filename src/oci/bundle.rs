//! A bundle: the directory with config.json and, usually, the root.

use super::config::{self, Config};
use crate::error::Error;
use crate::sys::Errno;
use std::ffi::{CString, OsStr};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub struct Bundle {
    /// Absolute, without links.
    pub path: PathBuf,
    /// What was read as its config.json: it may be another by now.
    pub text: Vec<u8>,
    pub config: Config,
}

impl Bundle {
    /// Reads the bundle's config.json, or `file` in its place.
    ///
    /// Errors: there is none, or it is not as the specification has it.
    pub fn read(bundle: &OsStr, file: Option<&OsStr>) -> Result<Self, Error> {
        let path = std::fs::canonicalize(bundle)
            .map_err(|error| failed("find the bundle", bundle, &error))?;
        let text = match file {
            Some(file) => read(Path::new(file), AT_ONCE)?,
            None => read(&path.join("config.json"), AT_ONCE)?,
        };
        let config = config::read(&text)?;
        Ok(Self { path, text, config })
    }

    /// The bundle's path.
    pub fn name(&self) -> CString {
        CString::new(self.path.as_os_str().as_bytes()).unwrap_or_default()
    }

    /// The path of the container's root.
    pub fn root(&self) -> CString {
        let path = OsStr::from_bytes(self.config.root.path.to_bytes());
        let whole = self.path.join(path);
        CString::new(whole.as_os_str().as_bytes()).unwrap_or_default()
    }
}

/// Nothing is waited for that is no file.
const AT_ONCE: i32 = libc::O_NONBLOCK;

/// Reads what a caller has written elsewhere, which may be a pipe to him, as far as it may be JSON of ours: one byte more tells
/// that it is too large.
pub fn read_beside(path: &OsStr) -> Result<Vec<u8>, Error> {
    read(Path::new(path), 0)
}

fn read(path: &Path, flags: i32) -> Result<Vec<u8>, Error> {
    let read = || {
        let mut options = std::fs::File::options();
        let file = options
            .read(true)
            .custom_flags(flags | libc::O_NOCTTY)
            .open(path)?;
        let size = file.metadata()?.len().min(config::LARGEST as u64);
        let mut text = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        // One byte more than is allowed tells that there are too many.
        file.take(config::LARGEST as u64 + 1)
            .read_to_end(&mut text)?;
        Ok(text)
    };
    read().map_err(|error: std::io::Error| failed("read", path.as_os_str(), &error))
}

fn failed(operation: &str, path: &OsStr, error: &std::io::Error) -> Error {
    let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
    Error::new(operation, path.as_bytes(), errno)
}
