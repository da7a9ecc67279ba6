//! Who our children are: /proc lists them, wait4(2) confirms it.

use super::descriptor::{self, open};
use super::process::{self, Patience};
use super::{Errno, Pid, directory};
use std::os::fd::AsFd;

/// The children of this process.
#[derive(Default)]
pub struct Children {
    pub living: Vec<Pid>,
    /// Whether one was listed that has ended since, and was waited for. Its own children have come to this process then, and
    /// need not be among the living.
    pub has_lost_one: bool,
}

/// Looks who they are.
///
/// Errors: as opening and reading /proc.
#[cold]
#[inline(never)]
pub fn children() -> Result<Children, Errno> {
    let mut children = Children::default();
    for pid in listed()?.into_iter().filter(|pid| *pid > 0) {
        // Whatever is mounted on /proc: a child that has not been waited for keeps its number.
        match process::wait(Some(pid), Patience::Look) {
            Ok(None) => children.living.push(pid),
            Ok(Some(_)) => children.has_lost_one = true,
            Err(_) => {}
        }
    }
    Ok(children)
}

/// Numbers among which our children's are.
fn listed() -> Result<Vec<Pid>, Errno> {
    let file = match open(c"/proc/thread-self/children", libc::O_RDONLY, 0) {
        // A kernel without it (CONFIG_PROC_CHILDREN).
        Err(Errno::ENOENT) => return all(),
        opened => opened?,
    };
    let mut text = Vec::new();
    let mut buffer = [0; 512];
    loop {
        match descriptor::read(file.as_fd(), &mut buffer)? {
            0 => break,
            count => text.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
    let numbers = text.split(|byte| *byte == b' ');
    Ok(numbers.filter_map(directory::number).collect())
}

/// Every process that /proc shows.
fn all() -> Result<Vec<Pid>, Errno> {
    let proc = open(c"/proc", libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
    let mut found = Vec::new();
    directory::numbers(proc.as_fd(), |pid| found.push(pid))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = child.id() as Pid;
        // Of this thread.
        assert!(children().unwrap().living.contains(&pid));
        assert!(all().unwrap().contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children().unwrap().living.contains(&pid));
    }
}
