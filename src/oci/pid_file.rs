//! `--pid-file`: who finds it finds a whole pid in it, and nothing behind, for engines read it as a number.

use crate::error::Error;
use crate::sys::{Errno, Pid};
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Makes the file, or replaces what is there.
#[cold]
#[inline(never)]
pub fn write(path: &OsStr, pid: Pid) -> Result<(), Error> {
    let target = Path::new(path);
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let draft = target.with_file_name(name);
    let written = put(&draft, pid).and_then(|()| std::fs::rename(&draft, target));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&draft);
        let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
        Error::new("write the pid file", path.as_bytes(), errno)
    })
}

fn put(draft: &Path, pid: Pid) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // A link of someone else's, in a directory like /tmp, is not followed: create_new makes or fails.
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(draft)?;
    file.write_all(pid.to_string().as_bytes())
}
