//! `--pid-file`: who finds it finds a whole pid in it, and nothing behind, for engines read it as a number.

use crate::error::Error;
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, Pid};
use std::ffi::CString;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Looks whether the file can be made. To be asked before a process is born that runs at once.
///
/// Errors: it cannot, as far as can be seen.
#[cold]
#[inline(never)]
pub fn check(path: &OsStr) -> Result<(), Error> {
    look(path).map_err(|errno| failed(path, errno))
}

fn look(path: &OsStr) -> Result<(), Errno> {
    let target = Path::new(path);
    let is_directory = |facts: facts::Facts| facts.kind == Kind::Directory;
    if path.as_bytes().ends_with(b"/")
        || facts::facts_of(HERE, &c_string(target)?).is_ok_and(is_directory)
    {
        return Err(Errno::EISDIR);
    }
    let above = target.parent().ok_or(Errno::ENOENT)?;
    // It is one, says the dot.
    let above = match above.as_os_str().is_empty() {
        true => Path::new(".").to_owned(),
        false => above.join("."),
    };
    node::may_write(HERE, &c_string(&above)?)
}

fn c_string(path: &Path) -> Result<CString, Errno> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

fn failed(path: &OsStr, errno: Errno) -> Error {
    Error::new("write the pid file", path.as_bytes(), errno)
}

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
        failed(path, Errno::new(error.raw_os_error().unwrap_or(libc::EIO)))
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
