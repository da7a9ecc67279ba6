//! Closing what is open, all of it but what is kept.

use super::descriptor::{close, close_number, decimal, open_undropped};
use super::in_child::InChild;
use super::{Errno, directory, facts, node};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use syscalls::{Sysno, syscall};

/// Closes every descriptor numbered `first` or above, but for those in `kept`: close_range(2), one
/// call for each gap between them. Where the kernel has none (before 5.9) or a filter denies it, what
/// /proc/self/fd lists. Allocates nothing.
///
/// Errors: where neither way exists, that of opening /proc/self/fd.
pub fn close_from(first: RawFd, kept: &[RawFd], _: InChild) -> Result<(), Errno> {
    let mut from = first;
    loop {
        let next = kept.iter().copied().filter(|keep| *keep >= from).min();
        let last = next.map_or(RawFd::MAX, |keep| keep.saturating_sub(1));
        if let Err(errno) = close_range(from, last) {
            return close_otherwise(first, kept, errno);
        }
        match next {
            Some(keep) => from = keep.saturating_add(1),
            None => return Ok(()),
        }
    }
}

fn close_range(first: RawFd, last: RawFd) -> Result<(), Errno> {
    if first > last {
        return Ok(());
    }
    // SAFETY: no pointers. The child owns every descriptor of its table.
    unsafe { syscall!(Sysno::close_range, first, last, 0) }.map(drop)
}

fn close_otherwise(first: RawFd, kept: &[RawFd], errno: Errno) -> Result<(), Errno> {
    if !matches!(errno, Errno::ENOSYS | Errno::EINVAL | Errno::EPERM) {
        return Err(errno);
    }
    let directory = open_undropped(c"/proc/self/fd", libc::O_RDONLY | libc::O_DIRECTORY)?;
    if !lists_ours(directory.as_fd())? {
        close(directory);
        return Err(Errno::ENODEV);
    }
    let own = directory.as_fd().as_raw_fd();
    let listed = directory::numbers(directory.as_fd(), |number| {
        if number >= first && number != own && !kept.contains(&number) {
            close_number(number);
        }
    });
    close(directory);
    listed
}

/// Whether a directory of proc is the list of this process's own descriptors: what the list has at the directory's own
/// number is the directory itself. In a root that someone else wrote, the path may lead anywhere.
fn lists_ours(directory: BorrowedFd<'_>) -> Result<bool, Errno> {
    if !facts::file_system(directory)?.is_proc() {
        return Ok(false);
    }
    let mut buffer = [0; 12];
    let name = decimal(directory, &mut buffer).ok_or(Errno::EBADF)?;
    // Followed, as it is a link to what is open.
    let listed = node::open(directory, name, libc::O_PATH, 0)?;
    let same = facts::facts(listed.as_fd()).map(|facts| facts.identity)
        == facts::facts(directory).map(|facts| facts.identity);
    close(listed);
    Ok(same)
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::{duplicate_above, pipe};
    use super::*;
    use std::os::fd::AsFd;

    /// In a child, for the tests of other threads have descriptors of their own.
    #[test]
    fn all_that_is_listed_is_closed_but_what_is_kept() {
        use crate::sys::clone::{self, Memory, NewNamespaces};
        use crate::sys::process::{self, Ended, Patience};
        const LOWEST: RawFd = 500;
        let (reader, _writer) = pipe().unwrap();
        let copies = [LOWEST, 501, 502].map(|number| {
            let copy = duplicate_above(reader.as_fd(), number).unwrap();
            assert_eq!(copy.as_raw_fd(), number);
            copy
        });
        let is_open = |number: RawFd| {
            // SAFETY: no pointers.
            unsafe { syscall!(Sysno::fcntl, number, libc::F_GETFD) }.is_ok()
        };
        let kept = &[501];
        for close in [
            |kept: &&[RawFd; 1], _| close_otherwise(LOWEST, *kept, Errno::ENOSYS),
            |kept: &&[RawFd; 1], child| close_from(LOWEST, *kept, child),
        ] {
            let check = (close, kept, is_open);
            let pid = clone::spawn(
                NewNamespaces::NONE,
                Memory::Copied,
                None,
                |child, (close, kept, is_open)| {
                    let closed = close(kept, child) == Ok(());
                    let left = [LOWEST, 501, 502].map(is_open);
                    process::exit(i32::from(!(closed && left == [false, true, false])))
                },
                &check,
            );
            let ended = process::wait(Some(pid.unwrap()), Patience::Wait).unwrap();
            assert_eq!(ended.map(|(_, ended)| ended), Some(Ended::Exited(0)));
        }
        drop(copies);
    }
}
