//! The container's cgroups, from before the clone until after the wait.

use super::caller::fresh_digits;
use crate::cgroup::{Figures, Group, Layout};
use crate::error::{Error, ExitCode};
use crate::log::Log;
use crate::spec::limits::Limits;
use crate::sys::process::Ended;
use crate::sys::{Errno, descriptor};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};

/// A container that is limited as a whole.
pub struct Limited {
    layout: Layout,
    group: Group,
    /// Bytes.
    memory: Option<u64>,
}

/// Where it is to be born and what it has to join.
#[derive(Default)]
pub struct Entry<'a> {
    pub birthplace: Option<BorrowedFd<'a>>,
    pub joins: Vec<CString>,
}

impl Limited {
    /// Makes the cgroups for `limits`; also those that count, if `counted`.
    #[cold]
    #[inline(never)]
    pub fn prepare(limits: &Limits, counted: bool) -> Result<Self, Error> {
        let layout = Layout::new(
            &read(c"/proc/self/mountinfo")?,
            &read(c"/proc/self/cgroup")?,
        );
        let group = Group::make(&layout, limits, counted, &fresh_digits())?;
        Ok(Self {
            layout,
            group,
            memory: limits.memory,
        })
    }

    pub fn entry(&self) -> Entry<'_> {
        Entry {
            birthplace: self.group.birthplace(),
            joins: self.group.joins(),
        }
    }

    /// Removes what killed ones have left, while the command runs.
    pub fn sweep(&self) {
        self.group.sweep(&self.layout);
    }

    pub fn figures(&self) -> Figures {
        self.group.figures()
    }

    /// The end: what the kernel has ended for want of memory is found out, the cgroups are removed, and what is
    /// to be said is said, with the container's own exit code in `exit`.
    #[cold]
    #[inline(never)]
    pub fn end(mut self, exit: ExitCode, log: &Log) {
        let figures = match self.memory {
            Some(_) => self.group.oom_figures(),
            None => Figures::default(),
        };
        if let Err(error) = self.group.remove() {
            log.say(&error);
        }
        let kills = figures.oom_kills.unwrap_or(0);
        if kills == 0 {
            return;
        }
        let whole = exit.0 == Ended::Signaled(libc::SIGKILL).code();
        let who = match (whole, kills) {
            (true, _) => String::new(),
            // The command has lived on, and its exit code is its own.
            (false, 1) => "a process was ".to_owned(),
            (false, kills) => format!("{kills} processes were "),
        };
        let limit = self.memory.filter(|_| figures.own_limit_reached);
        let place = limit.map_or_else(
            // Of the host, or of the cgroup above.
            || "outside the container".to_owned(),
            |limit| format!("at {}", size(limit)),
        );
        let message = format!("{who}killed by the kernel: out of memory {place}");
        log.say(&Error::told(&message));
    }
}

/// What may have been the container's own limits.
#[cold]
#[inline(never)]
pub fn explained(error: Error, limits: Option<&Limits>) -> Error {
    let hint = match (error.errno(), limits) {
        (Some(Errno::ENOMEM), Some(limits)) if limits.memory.is_some() => {
            Some("--memory is too little for the container's own set-up")
        }
        (Some(Errno::EAGAIN), Some(limits)) if limits.processes.is_some() => {
            Some("--pids-limit is too little for --init and a command")
        }
        _ => None,
    };
    error.hint(hint)
}

/// In the largest unit that it is a whole number of.
fn size(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes % unit == 0 {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

/// A file of /proc, with as few calls as it takes: each makes the kernel write it anew.
fn read(path: &CStr) -> Result<Vec<u8>, Error> {
    let failed = |errno| {
        let hint = (errno == Errno::ENOENT).then_some("limits need a proc mounted on /proc");
        Error::new("read", path.to_bytes(), errno).hint(hint)
    };
    let file = descriptor::open(path, libc::O_RDONLY, 0).map_err(failed)?;
    let mut content = Vec::new();
    let mut filled = 0;
    loop {
        if content.len() - filled < 4096 {
            content.resize(content.len() + 8192, 0);
        }
        let rest = content.get_mut(filled..).unwrap_or_default();
        match descriptor::read(file.as_fd(), rest).map_err(failed)? {
            0 => break,
            count => filled += count,
        }
    }
    content.truncate(filled);
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_whole_numbers() {
        for (bytes, text) in [
            (64 << 20, "64 MiB"),
            (3 << 29, "1536 MiB"),
            (2 << 30, "2 GiB"),
            (512, "512 bytes"),
            (1 << 10, "1 KiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
