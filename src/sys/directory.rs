//! Directories: locked, entered, and, for those of /proc whose entries are numbers, read.

use super::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};
use syscalls::{Sysno, syscall};

/// fchdir(2).
pub fn enter(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::fchdir, directory.as_raw_fd()) }.map(drop)
}

/// Who else may have a lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Alone,
    WithOthers,
}

/// flock(2), for as long as the directory is open here; what was locked in the other way is locked in this
/// one.
///
/// Errors: EAGAIN if another process has it in a way that does not go together with this.
pub fn lock(directory: BorrowedFd<'_>, share: Share) -> Result<(), Errno> {
    let how = match share {
        Share::Alone => libc::LOCK_EX | libc::LOCK_NB,
        Share::WithOthers => libc::LOCK_SH | libc::LOCK_NB,
    };
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::flock, directory.as_raw_fd(), how) }.map(drop)
}

/// [`lock`], which waits for others.
///
/// Errors: as flock(2), but for EINTR.
pub fn lock_in_time(directory: BorrowedFd<'_>, share: Share) -> Result<(), Errno> {
    let how = match share {
        Share::Alone => libc::LOCK_EX,
        Share::WithOthers => libc::LOCK_SH,
    };
    loop {
        // SAFETY: no pointers.
        match unsafe { syscall!(Sysno::flock, directory.as_raw_fd(), how) } {
            Err(Errno::EINTR) => {}
            locked => return locked.map(drop),
        }
    }
}

/// Gives a lock back before the directory is closed.
pub fn unlock(directory: BorrowedFd<'_>) {
    // SAFETY: no pointers. It fails for no descriptor that is open.
    let _ = unsafe { syscall!(Sysno::flock, directory.as_raw_fd(), libc::LOCK_UN) };
}

/// getdents64(2): calls `each` with every entry of `directory` that is a number. Allocates nothing:
/// the child uses it.
pub fn numbers(directory: BorrowedFd<'_>, mut each: impl FnMut(i32)) -> Result<(), Errno> {
    list(directory, |name| {
        if let Some(number) = number(name.to_bytes()) {
            each(number);
        }
    })
}

/// getdents64(2): calls `each` with every name in `directory`, `.` and `..` too. Allocates nothing: the child uses it.
pub fn each(directory: BorrowedFd<'_>, each: impl FnMut(&CStr)) -> Result<(), Errno> {
    list(directory, each)
}

/// getdents64(2): the names in `directory`, which is open for reading, but for `.` and `..`.
pub fn names(directory: BorrowedFd<'_>) -> Result<Vec<CString>, Errno> {
    super::descriptor::rewind(directory)?;
    let mut names = Vec::new();
    list(directory, |name| {
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name.into());
        }
    })?;
    Ok(names)
}

fn list(directory: BorrowedFd<'_>, mut each: impl FnMut(&CStr)) -> Result<(), Errno> {
    // struct linux_dirent64 wants 8-byte alignment.
    let mut buffer = [0u64; 128];
    loop {
        // SAFETY: the kernel writes at most that many bytes into the buffer.
        let filled = unsafe {
            syscall!(
                Sysno::getdents64,
                directory.as_raw_fd(),
                buffer.as_mut_ptr(),
                size_of_val(&buffer)
            )
        }?;
        if filled == 0 {
            return Ok(());
        }
        // SAFETY: plain integers may be looked at as bytes, and u8 has no alignment to keep.
        let bytes: &[u8] =
            unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast(), size_of_val(&buffer)) };
        let mut rest = bytes.get(..filled).unwrap_or_default();
        while let Some((name, next)) = next_entry(rest) {
            rest = next;
            each(name);
        }
    }
}

/// The name of the first `linux_dirent64` of a listing, and what follows it. Layout: u64 inode, u64 offset, u16 record length, u8 type, name, NUL.
fn next_entry(listing: &[u8]) -> Option<(&CStr, &[u8])> {
    let length = usize::from(u16::from_ne_bytes([*listing.get(16)?, *listing.get(17)?]));
    let name = listing.get(19..length)?;
    let next = listing.get(length..)?;
    Some((CStr::from_bytes_until_nul(name).ok()?, next))
}

/// Decimal digits and nothing else.
pub fn number(digits: &[u8]) -> Option<i32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0i32, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add_unsigned(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_listing() {
        let mut listing = Vec::new();
        for name in [&b".\0"[..], b"17\0", b"2000\0", b"99999999999\0", b"1a\0"] {
            let length = (19 + name.len()).next_multiple_of(8);
            let start = listing.len();
            listing.extend([0; 16]);
            listing.extend((length as u16).to_ne_bytes());
            listing.push(0);
            listing.extend(name);
            listing.resize(start + length, 0);
        }
        let mut rest = &listing[..];
        let mut numbers = Vec::new();
        while let Some((name, next)) = next_entry(rest) {
            numbers.push(number(name.to_bytes()));
            rest = next;
        }
        assert_eq!(numbers, [None, Some(17), Some(2000), None, None]);
        assert!(next_entry(&listing[..18]).is_none(), "truncated");
    }
}
