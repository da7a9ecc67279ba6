//! Keyrings: keyctl(2).

use super::Errno;
use std::ffi::CStr;
use syscalls::{Sysno, syscall};

/// linux/keyctl.h
const KEYCTL_GET_KEYRING_ID: usize = 0;
const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;
const KEYCTL_SETPERM: usize = 5;

/// Who may do what with a keyring, keyctl_setperm(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions(pub u32);

impl Permissions {
    /// What a new session keyring has: its possessor everything, its user to view, read and link it.
    const NEW: u32 = 0x3f00_0000 | 0x0001_0000 | 0x0002_0000 | 0x0010_0000;
    /// And its user to find it (KEY_USR_SEARCH).
    pub const FOUND_BY_USER: Self = Self(Self::NEW | 0x0008_0000);
    /// And everyone to find it (KEY_OTH_SEARCH).
    pub const FOUND_BY_OTHERS: Self = Self(Self::NEW | 0x0000_0008);
}

/// Gives this process a new session keyring, without a name, in the place of the one that it has.
///
/// Errors: EDQUOT, the user has too many keys; ENOSYS, the kernel has none.
pub fn join_new_session() -> Result<(), Errno> {
    // SAFETY: the null pointer asks for a keyring without a name.
    unsafe { syscall!(Sysno::keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0) }.map(drop)
}

/// Which session keyring this process has, as the kernel numbers them. `None`: none, or the kernel does not tell.
pub fn session() -> Option<usize> {
    const SESSION: isize = -3; // KEY_SPEC_SESSION_KEYRING
    // SAFETY: no pointers. (The last asks for no new one.)
    unsafe { syscall!(Sysno::keyctl, KEYCTL_GET_KEYRING_ID, SESSION, 0) }.ok()
}

/// Gives this process the session keyring of this name, which is made if there is none that it may find; and the keyring
/// these permissions, if there are any.
///
/// Errors: as [`join_new_session`].
pub fn join_session(name: &CStr, permissions: Option<Permissions>) -> Result<(), Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    let serial = unsafe { syscall!(Sysno::keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr()) }?;
    if let Some(Permissions(bits)) = permissions {
        // SAFETY: no pointers.
        unsafe { syscall!(Sysno::keyctl, KEYCTL_SETPERM, serial, bits) }?;
    }
    Ok(())
}
