//! What stands behind a keeper. In the host's PID namespace nothing ends with a process, and a keeper can be killed, as any
//! other. What it has kept comes to mydocker then, which has said that it adopts orphans (PR_SET_CHILD_SUBREAPER), and
//! is ended here. (If both are killed at once there is no one left.)

use crate::error::Error;
use crate::sys::process::{self, Patience};
use crate::sys::{Errno, Pid, descendants, descriptor, facts};
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
            let mut killed = None;
            for child in descendants::children().unwrap_or_default() {
                // Not waited for: the number is still its own.
                if self.is_of_container(child) && process::kill(child, libc::SIGKILL).is_ok() {
                    killed = Some(child);
                }
            }
            // Without having killed one there is nothing to wait for.
            let Some(killed) = killed else { break };
            any = true;
            if process::wait(Some(killed), Patience::Wait).is_err() {
                break;
            }
        }
        any
    }

    fn is_of_container(self, child: Pid) -> bool {
        // What is not known to be the container's is left alone.
        !self.has_others || mount_namespace(child).is_ok_and(|its| mount_namespace(0) != Ok(its))
    }
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
fn mount_namespace(pid: Pid) -> Result<(u64, u64), Errno> {
    let process = match pid {
        0 => "self".to_owned(),
        pid => pid.to_string(),
    };
    let path = CString::new(format!("/proc/{process}/ns/mnt")).unwrap_or_default();
    let file = descriptor::open(&path, libc::O_RDONLY, 0)?;
    Ok(facts::facts(file.as_fd())?.identity)
}
