//! How much processor time a container has had, for who ends it when it was enough.

use super::Version;
use super::directory::Directory;
use super::usage::field;
use crate::error::Error;
use crate::field::Field;
use crate::sys::Errno;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// The file that counts the time of all that is or was in a container's cgroup; open, for it is read again and again.
pub struct ProcessorTime {
    file: File,
    path: CString,
    version: Version,
}

impl ProcessorTime {
    /// Of a cgroup that counts it. (One of v2 always does, since Linux 4.15.)
    pub(super) fn open(directory: &Directory, version: Version) -> Result<Self, Error> {
        let name = match version {
            Version::V1 => c"cpuacct.usage",
            Version::V2 => c"cpu.stat",
        };
        let path = directory.path_of(name);
        match directory.open_to_read(name) {
            Ok(file) => Ok(Self {
                file: file.into(),
                path,
                version,
            }),
            Err(errno) => {
                let hint = (errno == Errno::ENOENT)
                    .then_some("cgroup v2 counts processor time since Linux 4.15");
                Err(failed("open", &path, errno).hint(hint))
            }
        }
    }

    /// Of all processes that there are and were.
    pub fn used(&self) -> Result<Duration, Error> {
        // Its first lines are enough.
        let mut buffer = [0; 256];
        let count = self.file.read_at(&mut buffer, 0).map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::EIO, Errno::new);
            failed("read", &self.path, errno)
        })?;
        let content = buffer
            .get(..count)
            .and_then(|read| std::str::from_utf8(read).ok());
        let used = content.and_then(|content| match self.version {
            Version::V1 => content
                .trim_ascii_end()
                .parse()
                .map(Duration::from_nanos)
                .ok(),
            Version::V2 => field(content, "usage_usec").map(Duration::from_micros),
        });
        used.ok_or_else(|| failed("read", &self.path, Errno::EINVAL))
    }
}

fn failed(operation: &str, path: &CStr, errno: Errno) -> Error {
    Error::new(
        format!("{}: {operation}", Field::CpuTime),
        path.to_bytes(),
        errno,
    )
}
