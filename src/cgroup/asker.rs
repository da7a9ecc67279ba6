//! Who asks for a cgroup, and what they are told where there can be none.

use crate::error::Error;
use crate::field::Field;
use crate::sys::facts::FileSystem;
use crate::sys::{Errno, descriptor, facts, identity};
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

/// Who needs a hierarchy, for messages.
#[derive(Clone, Copy)]
pub struct Asker {
    pub field: Field,
    /// The controller's name.
    pub controller: &'static str,
}

const DELEGATE: &str = "an ordinary user needs a cgroup v2 of their own: systemd-run --user --scope -p Delegate=yes \
                        mydocker run ... (mydocker help limits)";

const ROOTS_ALONE: &str =
    "limits of cgroup v1 are root's to give; an ordinary user's take v2 (mydocker help limits)";

impl Asker {
    /// `doing` to `path` failed.
    pub fn failed(self, doing: &str, path: &CStr, errno: Errno) -> Error {
        let hint = match errno {
            Errno::EROFS | Errno::EACCES | Errno::EPERM | Errno::EBUSY
                if identity::effective_user() != 0 =>
            {
                Some(if is_v1(path) { ROOTS_ALONE } else { DELEGATE })
            }
            Errno::EROFS | Errno::EACCES | Errno::EPERM => Some(
                "cgroups may not be changed here, as in a container that was not given any of its own",
            ),
            Errno::EBUSY => Some(
                "cgroup v2 wants processes in leaves: move those of this cgroup, mydocker's caller among them, into \
                 one below it",
            ),
            Errno::ENOENT if doing == "open" => {
                Some("it is not seen here, as in a container: limit that one from outside")
            }
            // By our own look at what was opened.
            Errno::ENODEV => {
                Some("something else than its hierarchy of cgroups is there, mounted over it")
            }
            Errno::EAGAIN => {
                Some("a limit on the number of cgroups is reached (cgroup.max.descendants)")
            }
            _ => None,
        };
        Error::new(format!("{}: {doing}", self.field), path.to_bytes(), errno).hint(hint)
    }

    pub fn refused(self, reason: &'static str) -> Error {
        let object = format!("{}: the {} controller", self.field, self.controller);
        Error::refused(object, reason)
    }
}

/// Whether a path that need not be there lies in a hierarchy of v1.
fn is_v1(path: &CStr) -> bool {
    let mut part = path.to_bytes();
    loop {
        let there = CString::new(part).unwrap_or_default();
        if let Ok(opened) = descriptor::open(&there, libc::O_PATH, 0) {
            return facts::file_system(opened.as_fd()).is_ok_and(FileSystem::is_cgroup_v1);
        }
        let end = part.iter().rposition(|byte| *byte == b'/');
        match end.and_then(|end| part.get(..end)) {
            Some(above) if !above.is_empty() => part = above,
            _ => return false,
        }
    }
}
