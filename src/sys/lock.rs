//! Locks on ranges of a file's bytes, which end with whoever holds them; see fcntl(2), "Open file description locks".

use super::Errno;
use std::os::fd::{AsRawFd, BorrowedFd};
use syscalls::{Sysno, syscall};

/// Who else may have a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// No one else has it.
    Alone,
    /// Others may share it as well.
    Shared,
}

/// The length of a range that has no end.
pub const TO_THE_END: u64 = 0;

/// Locks `length` bytes from `first`, which need not be there, until the last copy of the descriptor is closed.
///
/// Errors: EAGAIN if someone has one of them; EBADF if the file is not open for writing (alone) or reading (shared);
/// EINVAL before Linux 3.15, and for numbers above those of file offsets.
pub fn lock(file: BorrowedFd<'_>, lock: Lock, first: u64, length: u64) -> Result<(), Errno> {
    command(file, libc::F_OFD_SETLK, kind(lock), first, length).map(drop)
}

/// Gives a range back before the descriptor is closed.
pub fn unlock(file: BorrowedFd<'_>, first: u64, length: u64) {
    // It fails for no range that [`lock`] has locked.
    let _ = command(file, libc::F_OFD_SETLK, libc::F_UNLCK, first, length);
}

/// Whether [`lock`] would succeed.
pub fn is_free(file: BorrowedFd<'_>, lock: Lock, first: u64, length: u64) -> Result<bool, Errno> {
    let found = command(file, libc::F_OFD_GETLK, kind(lock), first, length)?;
    Ok(i32::from(found.l_type) == libc::F_UNLCK)
}

fn kind(lock: Lock) -> i32 {
    match lock {
        Lock::Alone => libc::F_WRLCK,
        Lock::Shared => libc::F_RDLCK,
    }
}

fn command(
    file: BorrowedFd<'_>,
    command: i32,
    kind: i32,
    first: u64,
    length: u64,
) -> Result<libc::flock, Errno> {
    let offset = |number| i64::try_from(number).map_err(|_| Errno::EINVAL);
    let mut range = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: offset(first)?,
        l_len: offset(length)?,
        // No process: the open file holds it.
        l_pid: 0,
    };
    // SAFETY: the kernel reads the range and writes to it, at most as long as it is; it outlives the call.
    unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), command, &raw mut range) }?;
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn ranges_are_someones() {
        let name = format!("mydocker-locks-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let open = || {
            let mut options = std::fs::File::options();
            options
                .read(true)
                .write(true)
                .create(true)
                .open(&path)
                .unwrap()
        };
        // The locks of one open file are others to the other.
        let (file, other) = (open(), open());
        std::fs::remove_file(&path).unwrap();
        lock(file.as_fd(), Lock::Alone, 100, 10).unwrap();
        let high = u64::from(u32::MAX);
        lock(file.as_fd(), Lock::Shared, high - 10, 10).unwrap();
        for (kind, first, length, free) in [
            (Lock::Alone, 90, 10, true),
            (Lock::Alone, 90, 11, false),
            (Lock::Shared, 109, 1, false),
            (Lock::Shared, 110, 1, true),
            (Lock::Alone, high - 1, 1, false),
            (Lock::Shared, high - 1, 1, true),
        ] {
            assert_eq!(
                is_free(other.as_fd(), kind, first, length),
                Ok(free),
                "{kind:?} {first} {length}"
            );
            let locked = lock(other.as_fd(), kind, first, length);
            assert_eq!(
                locked,
                if free { Ok(()) } else { Err(Errno::EAGAIN) },
                "{kind:?} {first} {length}"
            );
        }
        unlock(file.as_fd(), 100, 10);
        assert_eq!(lock(other.as_fd(), Lock::Alone, 100, 10), Ok(()));
        drop(file);
        assert_eq!(lock(other.as_fd(), Lock::Alone, 0, TO_THE_END), Ok(()));
    }
}
