//! What stands behind a keeper. In the host's PID namespace nothing ends with a process, and a keeper can be killed, as any
//! other. What it has kept comes to mydocker then, which has said that it adopts orphans (PR_SET_CHILD_SUBREAPER), and
//! is ended here. (If both are killed at once there is no one left.)

use crate::error::Error;
use crate::sys::process::{self, Patience};
use crate::sys::{Errno, Pid, descendants, descriptor, directory, facts};
use std::ffi::CString;
use std::os::fd::AsFd;

/// The one who stands behind a keeper.
#[derive(Clone, Copy, Debug)]
pub struct Successor {
    /// mydocker had children before: it was executed by a process that had some, a shell by `exec`. They and what they
    /// leave behind are none of the container's.
    has_others: bool,
}

impl Successor {
    /// Before the keeper is born.
    #[cold]
    #[inline(never)]
    pub fn new() -> Result<Self, Error> {
        // The keeper needs it as well, and would say the same.
        process::adopt_orphans()
            .map_err(|errno| Error::new("start", "the command under its reaper", errno))?;
        Ok(Self {
            has_others: has_children(),
        })
    }

    /// When the keeper has ended and been waited for: kills what has come from it, and what comes from that, until nothing
    /// is left. Whether there was anything.
    #[cold]
    #[inline(never)]
    pub fn end_all(self) -> bool {
        let mut any = false;
        while has_children() {
            let mut awaited = None;
            let children = descendants::children().unwrap_or_default();
            for child in children.living {
                match self.whose(child) {
                    // Not waited for: the number is still its own.
                    Whose::Container if process::kill(child, libc::SIGKILL).is_ok() => {
                        any = true;
                        awaited = Some(child);
                    }
                    // What it leaves behind is ours, and can be looked at, only when it has ended.
                    Whose::Dying if awaited.is_none() => awaited = Some(child),
                    _ => {}
                }
            }
            match awaited {
                Some(awaited) => {
                    if process::wait(Some(awaited), Patience::Wait).is_err() {
                        break;
                    }
                }
                // What that one had is to be looked at.
                None if children.has_lost_one => {}
                None => break,
            }
        }
        any
    }

    fn whose(self, child: Pid) -> Whose {
        if !self.has_others {
            return Whose::Container;
        }
        match mount_namespace(child) {
            Ok(its) if mount_namespace(0).is_ok_and(|ours| ours != its) => Whose::Container,
            Err(Errno::ENOENT | Errno::ESRCH) => Whose::Dying,
            // What is not known to be the container's is left alone.
            _ => Whose::Others,
        }
    }
}

/// Whose a child of mydocker's is.
enum Whose {
    Container,
    Others,
    /// It leaves its namespaces before it is a zombie, and its children have another parent only then (do_exit in the
    /// kernel). Nothing of it can be held up any more.
    Dying,
}

/// Whether this process has a child that lives; those that do not are waited for.
fn has_children() -> bool {
    loop {
        match process::wait(None, Patience::Look) {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Which mount namespace a process is in, or with 0 this one. A container has its own.
///
/// Errors: ENOENT or ESRCH if the last of its threads has left it.
fn mount_namespace(pid: Pid) -> Result<(u64, u64), Errno> {
    let process = match pid {
        0 => "self".to_owned(),
        pid => pid.to_string(),
    };
    match mount_namespace_at(&process) {
        // Its first thread may have ended before the others.
        Err(Errno::ENOENT) => {}
        known => return known,
    }
    let mut threads = Vec::new();
    let path = CString::new(format!("/proc/{process}/task")).unwrap_or_default();
    let directory = descriptor::open(&path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
    directory::numbers(directory.as_fd(), |thread| threads.push(thread))?;
    let of_thread = |thread| mount_namespace_at(&format!("{process}/task/{thread}"));
    threads
        .into_iter()
        .map(of_thread)
        .find(Result::is_ok)
        .unwrap_or(Err(Errno::ENOENT))
}

fn mount_namespace_at(place: &str) -> Result<(u64, u64), Errno> {
    let path = CString::new(format!("/proc/{place}/ns/mnt")).unwrap_or_default();
    let file = descriptor::open(&path, libc::O_RDONLY, 0)?;
    Ok(facts::facts(file.as_fd())?.identity)
}
