//! Containers that are stopped where they are, and go on.
//!
//! v2 is asked first, beside v1 too: what it has frozen can be killed. Who is frozen by v1 does not even die of SIGKILL
//! before it is thawed; so whoever ends a container thaws it.

use super::{Opened, Version};
use crate::cgroup::Controller;
use crate::cgroup::directory::{Directory, joined};
use crate::cgroup::usage::field;
use crate::error::Error;
use crate::sys::{Errno, descriptor, facts};
use std::ffi::CStr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const FREEZE_V2: &CStr = c"cgroup.freeze";
const STATE_V1: &CStr = c"freezer.state";

/// Who waits for a disk or a network file system cannot be frozen before that has answered.
const LONGEST: Duration = Duration::from_secs(2);

impl Opened {
    fn freezer(&self) -> Option<(&Directory, Version)> {
        let has =
            |directory: &&Directory| facts::facts_of(directory.file().as_fd(), FREEZE_V2).is_ok();
        let of_v2 = self.of_v2().filter(has);
        let of_v2 = of_v2.map(|directory| (directory, Version::V2));
        of_v2.or_else(|| Some((self.of_v1(Controller::Freezer)?, Version::V1)))
    }

    /// Freezes everything that is in it, and waits until it is.
    ///
    /// Errors: there is nothing to freeze it with; or a process cannot be frozen, and then none is.
    #[cold]
    #[inline(never)]
    pub fn freeze(&self) -> Result<(), Error> {
        let (directory, version) = self.freezer().ok_or_else(|| {
            Error::told(
                "the container cannot be frozen: it has no cgroup of v2, which can be since Linux 5.2, and none of \
                 v1's freezer",
            )
        })?;
        freeze(directory, version).map_err(|errno| {
            let hint = (errno == Errno::ETIMEDOUT).then_some(
                "a process waits for a disk, or for something else that it does not let go of; it runs on",
            );
            Error::new("freeze", directory.path.to_bytes(), errno).hint(hint)
        })
    }

    /// Has everything in it go on, whatever has frozen it.
    #[cold]
    #[inline(never)]
    pub fn thaw(&self) -> Result<(), Error> {
        for member in &self.members {
            if member.version == Version::V2 || member.controllers.contains(&Controller::Freezer) {
                let directory = &member.directory;
                let failed = |errno| Error::new("thaw", directory.path.to_bytes(), errno);
                thaw(directory, member.version).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Whether everything in it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.freezer()
            .is_some_and(|(directory, version)| is_frozen(directory, version) == Ok(true))
    }

    /// [`is_frozen`](Self::is_frozen), where it is to be known for sure.
    #[cfg(feature = "oci")]
    pub fn frozen(&self) -> Result<bool, Errno> {
        self.freezer().map_or(Ok(false), |(directory, version)| {
            is_frozen(directory, version)
        })
    }
}

fn is_frozen(directory: &Directory, version: Version) -> Result<bool, Errno> {
    Ok(says_frozen(&directory.read(tells(version))?, version))
}

/// Whether everything in the cgroup of this path is frozen, in one look. In one that is gone nothing is.
///
/// Errors: it cannot be told.
#[cold]
#[inline(never)]
pub fn looks_frozen(path: &CStr, version: Version) -> Result<bool, Errno> {
    let mut text = [0; 64];
    let mut look = |file| -> Result<usize, Errno> {
        let file = descriptor::open(&joined(path, file), libc::O_RDONLY, 0)?;
        // Each of both has a line or two, which the kernel gives at once.
        descriptor::read(file.as_fd(), &mut text)
    };
    let count = match look(tells(version)) {
        Err(Errno::ENOENT | Errno::ENODEV) => return Ok(false),
        count => count?,
    };
    let text = text.get(..count).unwrap_or_default();
    let text = std::str::from_utf8(text).unwrap_or_default();
    Ok(says_frozen(text.trim_end(), version))
}

/// The file that tells.
const fn tells(version: Version) -> &'static CStr {
    match version {
        Version::V1 => STATE_V1,
        Version::V2 => c"cgroup.events",
    }
}

fn says_frozen(text: &str, version: Version) -> bool {
    match version {
        Version::V1 => text == "FROZEN",
        Version::V2 => field(text, "frozen") == Some(1),
    }
}

fn freeze(directory: &Directory, version: Version) -> Result<(), Errno> {
    /// After so many looks the freezer of v1 begins anew: who was on its way to where it can be frozen when it was told
    /// is there by then.
    const ANEW: u32 = 32;
    let start = Instant::now();
    let mut pause = Duration::from_micros(250);
    for look in 1.. {
        match version {
            // Again and again: what was born meanwhile is not told by every kernel.
            Version::V1 => directory.write(STATE_V1, b"FROZEN")?,
            Version::V2 if look == 1 => directory.write(FREEZE_V2, b"1")?,
            Version::V2 => {}
        }
        if is_frozen(directory, version)? {
            return Ok(());
        }
        if start.elapsed() > LONGEST {
            break;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
        if look % ANEW == 0 && version == Version::V1 {
            thaw(directory, version)?;
        }
    }
    thaw(directory, version)?;
    Err(Errno::ETIMEDOUT)
}

/// It need not have been frozen.
fn thaw(directory: &Directory, version: Version) -> Result<(), Errno> {
    let (file, goes_on, value) = match version {
        Version::V1 => (STATE_V1, "THAWED", &b"THAWED"[..]),
        Version::V2 => (FREEZE_V2, "0", &b"0"[..]),
    };
    match directory.read(file) {
        Ok(state) if state == goes_on => Ok(()),
        // Before Linux 5.2 v2 does not freeze.
        Err(Errno::ENOENT) if version == Version::V2 => Ok(()),
        Ok(_) => directory.write(file, value),
        Err(errno) => Err(errno),
    }
}

/// Thaws a cgroup, and those in it, which its processes may have frozen themselves.
#[cold]
#[inline(never)]
pub fn thaw_all(directory: &Directory, version: Version) {
    directory.each_inner(&mut |inner| {
        // Where there is no such file, nothing is frozen.
        let _ = thaw(inner, version);
    });
}
