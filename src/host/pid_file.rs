//! `--pidfile`: the pid of the container's first process, for those who want to enter it or to send it a signal.

use crate::error::Error;
use crate::field::Field;
use crate::guard::Request;
use crate::sys::{Errno, Pid};
use crate::writable;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that is not there yet under its name: whoever finds it finds a whole pid in it.
pub struct PidFile {
    path: PathBuf,
    /// What is to become it, in the same directory.
    draft: PathBuf,
    file: File,
}

/// Where such a file is to be.
pub struct Names {
    path: PathBuf,
    draft: PathBuf,
}

impl Names {
    #[cold]
    #[inline(never)]
    pub fn look(path: &OsStr) -> Result<Self, Error> {
        let path = PathBuf::from(path);
        // A rename puts the file into its place, whatever is there: /dev/full would be no device any more, and
        // /dev/stdout no link.
        if std::fs::symlink_metadata(&path).is_ok_and(|facts| !facts.is_file()) {
            let reason = Field::PidFile
                .between("", " makes a file, or replaces one: this is something else");
            return Err(Error::refused_for(path.as_os_str().as_bytes(), reason));
        }
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}", std::process::id()));
        let draft = path.parent().unwrap_or(Path::new("")).join(name);
        Ok(Self { path, draft })
    }
}

impl Request for Names {
    type Guard = PidFile;
    type Preview = ();

    /// Before the container starts, so that a place that cannot be written is an error with nothing begun.
    #[cold]
    #[inline(never)]
    fn acquire(self) -> Result<PidFile, Error> {
        let Self { path, draft } = self;
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            // A link of someone else's, in a directory like /tmp, is not followed: create_new makes or fails.
            .mode(0o644)
            .open(&draft);
        let file = opened.map_err(|error| failed(MAKE, &path, &error))?;
        Ok(PidFile { path, draft, file })
    }

    #[cold]
    #[inline(never)]
    fn preview(self) -> Result<(), Error> {
        let draft = CString::new(self.draft.into_os_string().into_vec());
        draft
            .map_err(|_| Errno::EINVAL)
            .and_then(|draft| writable::new(&draft))
            .map_err(|errno| refused(MAKE, &self.path, errno))
    }
}

impl PidFile {
    /// When the command runs.
    #[cold]
    #[inline(never)]
    pub fn publish(mut self, pid: Pid) -> Result<(), Error> {
        let written = self
            .file
            .write_all(format!("{pid}\n").as_bytes())
            .and_then(|()| std::fs::rename(&self.draft, &self.path));
        written.map_err(|error| failed("write", &self.path, &error))
    }
}

impl Drop for PidFile {
    /// A draft that did not become the file is of no use; one that did is no longer there.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.draft);
    }
}

const MAKE: &str = "make a draft of";

fn failed(operation: &str, path: &Path, error: &std::io::Error) -> Error {
    let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
    refused(operation, path, errno)
}

fn refused(operation: &str, path: &Path, errno: Errno) -> Error {
    Error::new(
        format!("{}: {operation}", Field::PidFile),
        path.as_os_str().as_bytes(),
        errno,
    )
}
