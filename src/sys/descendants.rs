//! Who our children are, as /proc tells. Allocates nothing: the reaper uses it.
//!
//! /proc/self/task/TID/children would be simpler; kernels without CONFIG_PROC_CHILDREN have none.

use super::{Errno, Pid, descriptor, directory};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// Calls `each` with the pid of every child of `parent`. `proc` is an open /proc: what is mounted
/// there may be someone else's by now.
///
/// Errors: as reading the directory.
pub fn children_of(
    parent: Pid,
    proc: BorrowedFd<'_>,
    mut each: impl FnMut(Pid),
) -> Result<(), Errno> {
    descriptor::rewind(proc)?;
    directory::numbers(proc, |pid| {
        if parent_of(pid, proc) == Some(parent) {
            each(pid);
        }
    })
}

/// The parent of `pid`. `None`: it has ended meanwhile, or is not ours to see.
fn parent_of(pid: Pid, proc: BorrowedFd<'_>) -> Option<Pid> {
    let mut path = [0u8; 32];
    let path = stat_path(pid, &mut path)?;
    let file = descriptor::open_in(proc, path).ok()?;
    // Longer than the fields up to the parent can be.
    let mut stat = [0u8; 256];
    let count = descriptor::read(file, &mut stat);
    descriptor::close(file);
    parent_in(stat.get(..count.ok()?)?)
}

/// `PID/stat`, written into `buffer`.
fn stat_path(pid: Pid, buffer: &mut [u8; 32]) -> Option<&CStr> {
    let mut digits = [0u8; 10];
    let mut left = u32::try_from(pid).ok()?;
    let mut count = 0usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.checked_add(u8::try_from(left % 10).ok()?)?;
        left /= 10;
        count = count.checked_add(1)?;
        if left == 0 {
            break;
        }
    }
    let digits = digits.get(digits.len().checked_sub(count)?..)?;
    let parts = digits.iter().chain(b"/stat\0");
    for (to, from) in buffer.iter_mut().zip(parts) {
        *to = *from;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

/// The fourth field of a stat file. The second is the program's name in parentheses, which may hold
/// anything, parentheses too, so the fields are counted from the last one that closes.
fn parent_in(stat: &[u8]) -> Option<Pid> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = stat.get(end.checked_add(1)?..)?;
    let mut words = fields
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    directory::number(words.nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn stat_files() {
        assert_eq!(parent_in(b"12 (sh) S 7 12 12 0"), Some(7));
        assert_eq!(parent_in(b"12 (a) S 3 (x) R 41 12"), Some(41));
        assert_eq!(parent_in(b"12 (sh"), None);
        let mut buffer = [0; 32];
        assert_eq!(stat_path(40961, &mut buffer), Some(c"40961/stat"));
        assert_eq!(stat_path(i32::MAX, &mut buffer), Some(c"2147483647/stat"));
    }

    #[test]
    fn a_child_is_found() {
        let own = std::process::id() as Pid;
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let mut found = Vec::new();
        let proc = std::fs::File::open("/proc").unwrap();
        for _ in 0..2 {
            found.clear();
            children_of(own, proc.as_fd(), |pid| found.push(pid)).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&(child.id() as Pid)), "{found:?}");
    }
}
