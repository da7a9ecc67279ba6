//! mount(2), through libc.

use super::Errno;
use std::ffi::CStr;

/// Flags of mount(2). A newtype, so that no other integer is taken for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MountFlags(pub u64);

impl MountFlags {
    pub const NOSUID: Self = Self(libc::MS_NOSUID);
    pub const NODEV: Self = Self(libc::MS_NODEV);
    pub const NOEXEC: Self = Self(libc::MS_NOEXEC);
    pub const BIND: Self = Self(libc::MS_BIND);
    pub const REMOUNT: Self = Self(libc::MS_REMOUNT);
    pub const RECURSIVE: Self = Self(libc::MS_REC);
    pub const PRIVATE: Self = Self(libc::MS_PRIVATE);

    /// Both sets of flags.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// mount(2). Safe in the child: libc's wrapper writes nothing but `errno`, and the parent whose
/// `errno` that may be is suspended until the child is gone.
pub fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: MountFlags,
) -> Result<(), Errno> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: every pointer is null, where mount(2) allows it, or a NUL-terminated string that
    // outlives the call; data is null, which every file system we mount accepts.
    let result = unsafe {
        libc::mount(
            pointer(source),
            target.as_ptr(),
            pointer(kind),
            flags.0,
            std::ptr::null(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(Errno::last())
    }
}
