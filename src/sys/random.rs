//! getrandom(2).

use super::Errno;
use syscalls::{Sysno, syscall};

/// Six random bytes, as many as a container's default host name shows.
pub fn six_bytes() -> Result<[u8; 6], Errno> {
    let mut bytes = [0u8; 6];
    // GRND_INSECURE is not needed to avoid blocking at early boot: GRND_NONBLOCK fails instead,
    // and a name is no secret, so the caller may choose another source.
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
