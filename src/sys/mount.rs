//! mount(2), through libc, and the calls that change what a process's root is.

use super::Errno;
use std::ffi::CStr;
use syscalls::{Sysno, syscall};

/// Flags of mount(2). A newtype, so that no other integer is taken for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountFlags(pub u64);

impl MountFlags {
    pub const NONE: Self = Self(0);
    pub const READONLY: Self = Self(libc::MS_RDONLY);
    pub const NOSUID: Self = Self(libc::MS_NOSUID);
    pub const NODEV: Self = Self(libc::MS_NODEV);
    pub const NOEXEC: Self = Self(libc::MS_NOEXEC);
    pub const STRICTATIME: Self = Self(libc::MS_STRICTATIME);
    pub const NOATIME: Self = Self(libc::MS_NOATIME);
    pub const BIND: Self = Self(libc::MS_BIND);
    pub const MOVE: Self = Self(libc::MS_MOVE);
    pub const REMOUNT: Self = Self(libc::MS_REMOUNT);
    pub const RECURSIVE: Self = Self(libc::MS_REC);
    pub const PRIVATE: Self = Self(libc::MS_PRIVATE);
    pub const SLAVE: Self = Self(libc::MS_SLAVE);
    pub const SHARED: Self = Self(libc::MS_SHARED);
    pub const UNBINDABLE: Self = Self(libc::MS_UNBINDABLE);
    pub const NODIRATIME: Self = Self(libc::MS_NODIRATIME);
    pub const RELATIME: Self = Self(libc::MS_RELATIME);
    /// MS_NOSYMFOLLOW (Linux 5.10).
    pub const NOSYMFOLLOW: Self = Self(256);

    /// Both sets of flags.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags that `other` does not have.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags that are in both.
    pub const fn among(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// mount(2). Safe in the child: libc's wrapper writes nothing but `errno`, and the parent whose
/// `errno` that may be is suspended until the child is gone.
pub fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: MountFlags,
    data: Option<&CStr>,
) -> Result<(), Errno> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: every pointer is null, where mount(2) allows it, or a NUL-terminated string that
    // outlives the call; the file systems we mount read their data as such a string.
    let result = unsafe {
        libc::mount(
            pointer(source),
            target.as_ptr(),
            pointer(kind),
            flags.0,
            pointer(data).cast(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(Errno::last())
    }
}

/// umount2(2) with MNT_DETACH: the topmost mount on `target`, and all below it, leave the tree at
/// once, and are gone when no one uses them any more.
pub fn detach(target: &CStr) -> Result<(), Errno> {
    // SAFETY: the path is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::umount2, target.as_ptr(), libc::MNT_DETACH) }.map(drop)
}

/// pivot_root(2).
pub fn pivot_root(new: &CStr, old: &CStr) -> Result<(), Errno> {
    // SAFETY: both paths are NUL-terminated and outlive the call.
    unsafe { syscall!(Sysno::pivot_root, new.as_ptr(), old.as_ptr()) }.map(drop)
}

/// chroot(2).
pub fn change_root(path: &CStr) -> Result<(), Errno> {
    // SAFETY: the path is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::chroot, path.as_ptr()) }.map(drop)
}
