//! Keyrings: keyctl(2).

use super::Errno;
use syscalls::{Sysno, syscall};

/// linux/keyctl.h
const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;

/// Gives this process a new session keyring, without a name, in the place of the one that it has.
///
/// Errors: EDQUOT, the user has too many keys; ENOSYS, the kernel has none.
pub fn join_new_session() -> Result<(), Errno> {
    // SAFETY: the null pointer asks for a keyring without a name.
    unsafe { syscall!(Sysno::keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0) }.map(drop)
}
