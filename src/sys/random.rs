//! getrandom(2).

use super::Errno;
use syscalls::{Sysno, syscall};

/// Six random bytes, as many as a container's default host name shows.
pub fn six_bytes() -> Result<[u8; 6], Errno> {
    bytes()
}

/// As many random bytes as are asked for, at most 256 (so that no signal interrupts it).
///
/// Errors: EAGAIN early at boot.
pub fn bytes<const N: usize>() -> Result<[u8; N], Errno> {
    let mut bytes = [0u8; N];
    // Early at boot GRND_NONBLOCK fails where the call would wait; a name is no secret, so the caller
    // may take another source then.
    // SAFETY: the kernel writes at most `len` bytes into the array.
    let count = unsafe {
        syscall!(
            Sysno::getrandom,
            bytes.as_mut_ptr(),
            bytes.len(),
            libc::GRND_NONBLOCK
        )
    }?;
    if count == bytes.len() {
        Ok(bytes)
    } else {
        Err(Errno::EAGAIN)
    }
}
