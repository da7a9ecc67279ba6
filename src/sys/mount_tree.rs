//! Mounts as descriptors: open_tree(2) and move_mount(2) (Linux 5.2), mount_setattr(2) (5.12).

use super::Errno;
use super::descriptor::Undropped;
use super::mount::MountFlags;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use syscalls::{Sysno, syscall};

// linux/mount.h; libc has them for some of its targets only.
const OPEN_TREE_CLONE: u32 = 1;
const OPEN_TREE_CLOEXEC: u32 = libc::O_CLOEXEC as u32;
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH: u32 = 0x40;
const MOUNT_ATTR_RDONLY: u64 = 0x1;
const MOUNT_ATTR_NOSUID: u64 = 0x2;
const MOUNT_ATTR_NODEV: u64 = 0x4;
const MOUNT_ATTR_NOEXEC: u64 = 0x8;
/// How times are kept is a number in these bits: RELATIME is 0.
const MOUNT_ATTR__ATIME: u64 = 0x70;
const MOUNT_ATTR_NOATIME: u64 = 0x10;
const MOUNT_ATTR_STRICTATIME: u64 = 0x20;
const MOUNT_ATTR_NODIRATIME: u64 = 0x80;
const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;
const MOUNT_ATTR_NOSYMFOLLOW: u64 = 0x0020_0000;

/// The flags of mount(2) about how times of access are kept, of which one holds.
pub const TIMES: MountFlags = MountFlags::NOATIME
    .and(MountFlags::RELATIME)
    .and(MountFlags::STRICTATIME);

/// The kernel's `struct mount_attr`, of its first size.
#[repr(C)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A copy of the mount that `path` lies on, from there down, with every mount below it if
/// `recursive`: a bind that is not attached anywhere yet. The caller closes it.
pub fn copy(path: &CStr, recursive: bool) -> Result<Undropped, Errno> {
    let depth = if recursive {
        libc::AT_RECURSIVE as u32
    } else {
        0
    };
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | depth;
    // SAFETY: the path is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::open_tree, libc::AT_FDCWD, path.as_ptr(), flags) }
        .map(|number| Undropped::new(number as RawFd))
}

/// A copy of the mount that `file` lies on, from there down, with every mount below it, as [`copy`] gives it.
pub fn copy_of(file: BorrowedFd<'_>) -> Result<Undropped, Errno> {
    copy_found(file, true)
}

/// [`copy_of`], with the mounts below it only if `recursive`.
pub fn copy_found(file: BorrowedFd<'_>, recursive: bool) -> Result<Undropped, Errno> {
    let depth = if recursive {
        libc::AT_RECURSIVE as u32
    } else {
        0
    };
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | depth | libc::AT_EMPTY_PATH as u32;
    // SAFETY: the path is an empty NUL-terminated string.
    unsafe { syscall!(Sysno::open_tree, file.as_raw_fd(), c"".as_ptr(), flags) }
        .map(|number| Undropped::new(number as RawFd))
}

/// Whether an errno of [`copy`] means that mounts which are attached nowhere cannot be had, so that another way is to
/// be taken: the kernel has none (before 5.2), or one more is too many, for each counts as a mount namespace (ENOSPC).
/// No one waits for room then: who waits would have a mount namespace of its own meanwhile, which others wait for.
pub fn is_unavailable(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSYS | Errno::ENOSPC)
}

/// Attaches `tree`, a mount, on top of what `target` is.
pub fn attach(tree: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: both paths are empty NUL-terminated strings.
    unsafe {
        syscall!(
            Sysno::move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            target.as_raw_fd(),
            c"".as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
        )
    }
    .map(drop)
}

/// Sets those of `flags` that restrict a mount (read-only, nosuid, nodev, noexec) and leaves those that
/// it has; gives it the propagation among them, if there is one. On every mount of the tree if
/// `recursive`, and then all or none.
pub fn set_attributes(
    tree: BorrowedFd<'_>,
    flags: MountFlags,
    recursive: bool,
) -> Result<(), Errno> {
    let mut set = 0;
    for (flag, attribute) in [
        (MountFlags::READONLY, MOUNT_ATTR_RDONLY),
        (MountFlags::NOSUID, MOUNT_ATTR_NOSUID),
        (MountFlags::NODEV, MOUNT_ATTR_NODEV),
        (MountFlags::NOEXEC, MOUNT_ATTR_NOEXEC),
    ] {
        if flags.contains(flag) {
            set |= attribute;
        }
    }
    let propagations = [MountFlags::PRIVATE, MountFlags::SLAVE, MountFlags::SHARED];
    let attributes = Attributes {
        set,
        clear: 0,
        propagation: propagations
            .into_iter()
            .find(|propagation| flags.contains(*propagation))
            .map_or(0, |propagation| propagation.0),
        user_namespace: 0,
    };
    apply(tree, &attributes, recursive)
}

/// Sets flags of mount(2) and takes others away, as far as they are a mount's and not its file system's; on every mount of
/// the tree if `recursive`, and then all or none. Before Linux 5.12: ENOSYS.
pub fn change(
    tree: BorrowedFd<'_>,
    set: MountFlags,
    clear: MountFlags,
    recursive: bool,
) -> Result<(), Errno> {
    // What is set stands in for all that times may be.
    let times = match set.among(TIMES) == MountFlags::NONE {
        true => 0,
        false => MOUNT_ATTR__ATIME,
    };
    // One of them is cleared only together with the others, and relatime is what is left.
    let cleared = match clear.among(TIMES) == MountFlags::NONE {
        true => 0,
        false => MOUNT_ATTR__ATIME,
    };
    let attributes = Attributes {
        set: attributes_of(set),
        clear: attributes_of(clear) & !MOUNT_ATTR__ATIME | times | cleared,
        propagation: 0,
        user_namespace: 0,
    };
    if attributes.set == 0 && attributes.clear == 0 {
        return Ok(());
    }
    apply(tree, &attributes, recursive)
}

fn attributes_of(flags: MountFlags) -> u64 {
    // As mount(2) has it of more than one about times.
    let flags = match flags.contains(MountFlags::STRICTATIME) {
        true => flags.without(MountFlags::NOATIME),
        false => flags,
    };
    [
        (MountFlags::READONLY, MOUNT_ATTR_RDONLY),
        (MountFlags::NOSUID, MOUNT_ATTR_NOSUID),
        (MountFlags::NODEV, MOUNT_ATTR_NODEV),
        (MountFlags::NOEXEC, MOUNT_ATTR_NOEXEC),
        (MountFlags::NODIRATIME, MOUNT_ATTR_NODIRATIME),
        (MountFlags::NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW),
        (MountFlags::STRICTATIME, MOUNT_ATTR_STRICTATIME),
        (MountFlags::NOATIME, MOUNT_ATTR_NOATIME),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .fold(0, |all, (_, attribute)| all | attribute)
}

/// Which mounts pass between it and its peers, one of MS_PRIVATE and its kin, with MS_REC or without. Before Linux 5.12:
/// ENOSYS.
pub fn propagate(tree: BorrowedFd<'_>, propagation: MountFlags) -> Result<(), Errno> {
    let attributes = Attributes {
        set: 0,
        clear: 0,
        propagation: propagation.without(MountFlags::RECURSIVE).0,
        user_namespace: 0,
    };
    apply(
        tree,
        &attributes,
        propagation.contains(MountFlags::RECURSIVE),
    )
}

/// Shows the files of a mount that is not attached yet, and of those below it if `recursive`, with other owners: who an id
/// on the disk is `user_namespace` tells.
///
/// Errors: EINVAL if a file system does not know that; EPERM.
pub fn map_ids(
    tree: BorrowedFd<'_>,
    user_namespace: BorrowedFd<'_>,
    recursive: bool,
) -> Result<(), Errno> {
    let attributes = Attributes {
        set: MOUNT_ATTR_IDMAP,
        clear: 0,
        propagation: 0,
        user_namespace: u64::try_from(user_namespace.as_raw_fd()).map_err(|_| Errno::EBADF)?,
    };
    apply(tree, &attributes, recursive)
}

fn apply(tree: BorrowedFd<'_>, attributes: &Attributes, recursive: bool) -> Result<(), Errno> {
    let depth = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty NUL-terminated string; the kernel reads one `struct mount_attr` of
    // the size that it is told.
    unsafe {
        syscall!(
            Sysno::mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | depth,
            std::ptr::from_ref(attributes),
            size_of::<Attributes>()
        )
    }
    .map(drop)
}
