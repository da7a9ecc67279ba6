//! Entries of directories: looked up, made, read as links, removed. Each by a name in an open
//! directory; [`HERE`] is the working one.

use super::Errno;
use super::descriptor::Undropped;
use super::device::Device;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use syscalls::{Sysno, syscall};

/// The working directory, whichever it is at the time.
// SAFETY: every call here takes AT_FDCWD for a directory, and it is not -1, the one forbidden value.
pub const HERE: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(libc::AT_FDCWD) };

/// The kernel's `struct open_how`.
#[repr(C)]
struct How {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// openat2(2) with RESOLVE_IN_ROOT (Linux 5.6): `path` as a process would see it whose root is `root`,
/// whatever links and `..` are on the way. Names it only (O_PATH). The caller closes it.
pub fn find_in_root(root: BorrowedFd<'_>, path: &CStr) -> Result<Undropped, Errno> {
    open_resolved(
        root,
        path,
        libc::O_PATH | libc::O_CLOEXEC,
        libc::RESOLVE_IN_ROOT,
    )
}

fn open_resolved(
    directory: BorrowedFd<'_>,
    path: &CStr,
    flags: i32,
    resolve: u64,
) -> Result<Undropped, Errno> {
    let how = How {
        flags: flags as u64,
        mode: 0,
        resolve,
    };
    // SAFETY: the path is NUL-terminated and outlives the call; the kernel reads one `struct open_how`
    // of the size that it is told.
    unsafe {
        syscall!(
            Sysno::openat2,
            directory.as_raw_fd(),
            path.as_ptr(),
            &raw const how,
            size_of::<How>()
        )
    }
    .map(|number| Undropped::new(number as RawFd))
}

/// A directory of `directory`, by one name, opened to be listed: no link, and nothing that is mounted there, which
/// someone else has put in the way (openat2(2), RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV). Before Linux 5.6 the last
/// is known by the number of its file system alone.
///
/// Errors: ENOTDIR and ELOOP for what is no directory, EXDEV for what is mounted.
pub fn open_inner(directory: BorrowedFd<'_>, name: &CStr) -> Result<Undropped, Errno> {
    inner(directory, name, libc::O_RDONLY)
}

/// [`open_inner`] of a directory that need not be open to us: it is only named (O_PATH).
pub fn find_inner(directory: BorrowedFd<'_>, name: &CStr) -> Result<Undropped, Errno> {
    inner(directory, name, libc::O_PATH)
}

fn inner(directory: BorrowedFd<'_>, name: &CStr, access: i32) -> Result<Undropped, Errno> {
    let flags = access | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let resolve = libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_XDEV | libc::RESOLVE_BENEATH;
    match open_resolved(directory, name, flags, resolve) {
        // EPERM is a filter's.
        Err(Errno::ENOSYS | Errno::EPERM) => {}
        opened => return opened,
    }
    let opened = open(directory, name, flags, 0)?;
    let file_system = |file| super::facts::facts(file).map(|facts| facts.identity.0);
    let same = file_system(directory)
        .and_then(|outer| Ok(outer == file_system(opened.as_fd())?))
        .and_then(|same| same.then_some(()).ok_or(Errno::EXDEV));
    match same {
        Ok(()) => Ok(opened),
        Err(errno) => {
            super::descriptor::close(opened);
            Err(errno)
        }
    }
}

/// What `path` leads to below `directory`, with no link followed and no mount crossed on the way (openat2(2)). Before
/// Linux 5.6 only the last part is sure to be no link: for a file system that has none, as proc's sys.
pub fn open_beneath(
    directory: BorrowedFd<'_>,
    path: &CStr,
    access: i32,
) -> Result<Undropped, Errno> {
    let flags = access | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let resolve = libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_XDEV | libc::RESOLVE_BENEATH;
    match open_resolved(directory, path, flags, resolve) {
        // EPERM is a filter's.
        Err(Errno::ENOSYS | Errno::EPERM) => open(directory, path, flags, 0),
        opened => opened,
    }
}

/// The directory that `path` leads to, by no link of /proc's to what a process has open or is in (openat2(2)). Before Linux
/// 5.6 such a link is followed. Names it only (O_PATH). The caller closes it.
pub fn open_plain_directory(path: &CStr) -> Result<Undropped, Errno> {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
    match open_resolved(HERE, path, flags, libc::RESOLVE_NO_MAGICLINKS) {
        Err(Errno::ENOSYS | Errno::EPERM) => open(HERE, path, flags, 0),
        opened => opened,
    }
}

/// openat(2) of what `name` is, a link if it is one, without opening it for anything (O_PATH). The
/// caller closes it.
pub fn find(directory: BorrowedFd<'_>, name: &CStr) -> Result<Undropped, Errno> {
    open(directory, name, libc::O_PATH | libc::O_NOFOLLOW, 0)
}

/// openat(2), close-on-exec. The caller closes it.
pub fn open(
    directory: BorrowedFd<'_>,
    name: &CStr,
    flags: i32,
    mode: u32,
) -> Result<Undropped, Errno> {
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe {
        syscall!(
            Sysno::openat,
            directory.as_raw_fd(),
            name.as_ptr(),
            flags,
            mode
        )
    }
    .map(|number| Undropped::new(number as RawFd))
}

/// faccessat(2): whether `name` in `directory` may be written; of a directory, whether entries may be made in it.
pub fn may_write(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe {
        syscall!(
            Sysno::faccessat,
            directory.as_raw_fd(),
            name.as_ptr(),
            libc::W_OK
        )
    }
    .map(drop)
}

/// faccessat(2): whether this process may execute `name` in `directory`.
pub fn may_execute(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    match may_execute_as_real(directory, name) {
        // Of a user who is not root that look leaves capabilities out, and CAP_DAC_OVERRIDE opens files.
        Err(Errno::EACCES) => {}
        looked => return looked,
    }
    // SAFETY: the name is NUL-terminated and outlives the call.
    let looked = unsafe {
        syscall!(
            Sysno::faccessat2,
            directory.as_raw_fd(),
            name.as_ptr(),
            libc::X_OK,
            libc::AT_EACCESS
        )
    };
    // Before Linux 5.8, or where a filter is in the way, it is as it seems.
    looked.map(drop).map_err(|_| Errno::EACCES)
}

fn may_execute_as_real(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe {
        syscall!(
            Sysno::faccessat,
            directory.as_raw_fd(),
            name.as_ptr(),
            libc::X_OK
        )
    }
    .map(drop)
}

/// mkdirat(2). The umask may take from `mode`.
pub fn make_directory(directory: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::mkdirat, directory.as_raw_fd(), name.as_ptr(), mode) }.map(drop)
}

/// mknodat(2) of a character device.
pub fn make_device(
    directory: BorrowedFd<'_>,
    name: &CStr,
    mode: u32,
    device: Device,
) -> Result<(), Errno> {
    make_node(directory, name, libc::S_IFCHR | mode, device)
}

/// mknodat(2) of a block device.
pub fn make_block_device(
    directory: BorrowedFd<'_>,
    name: &CStr,
    mode: u32,
    device: Device,
) -> Result<(), Errno> {
    make_node(directory, name, libc::S_IFBLK | mode, device)
}

/// mknodat(2) of a FIFO. The umask may take from `mode`.
pub fn make_pipe(directory: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<(), Errno> {
    let none = Device { major: 0, minor: 0 };
    make_node(directory, name, libc::S_IFIFO | mode, none)
}

/// linkat(2): gives what `old` is in its directory, a link if it is one, another name.
pub fn make_hard_link(
    old_directory: BorrowedFd<'_>,
    old: &CStr,
    directory: BorrowedFd<'_>,
    name: &CStr,
) -> Result<(), Errno> {
    // SAFETY: both names are NUL-terminated and outlive the call.
    unsafe {
        syscall!(
            Sysno::linkat,
            old_directory.as_raw_fd(),
            old.as_ptr(),
            directory.as_raw_fd(),
            name.as_ptr(),
            0
        )
    }
    .map(drop)
}

/// When something was changed last: seconds since 1970, and nanoseconds.
pub type Modified = (i64, u32);

/// utimensat(2): when an open file was changed last. (Not of one that is only named.)
pub fn set_modified(file: BorrowedFd<'_>, modified: Modified) -> Result<(), Errno> {
    let times = times(modified);
    // SAFETY: no path, which stands for the descriptor; the kernel reads two timespecs.
    unsafe { syscall!(Sysno::utimensat, file.as_raw_fd(), 0, times.as_ptr(), 0) }.map(drop)
}

/// utimensat(2) of what `name` is in `directory`, a link if it is one.
pub fn set_modified_of(
    directory: BorrowedFd<'_>,
    name: &CStr,
    modified: Modified,
) -> Result<(), Errno> {
    let times = times(modified);
    // SAFETY: the name is NUL-terminated and outlives the call; the kernel reads two timespecs.
    unsafe {
        syscall!(
            Sysno::utimensat,
            directory.as_raw_fd(),
            name.as_ptr(),
            times.as_ptr(),
            libc::AT_SYMLINK_NOFOLLOW
        )
    }
    .map(drop)
}

/// The access stays when it was.
fn times((seconds, nanoseconds): Modified) -> [libc::timespec; 2] {
    [(0, libc::UTIME_OMIT), (seconds, nanoseconds.into())]
        .map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec })
}

fn make_node(
    directory: BorrowedFd<'_>,
    name: &CStr,
    type_and_mode: u32,
    device: Device,
) -> Result<(), Errno> {
    let number = libc::makedev(device.major, device.minor);
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe {
        syscall!(
            Sysno::mknodat,
            directory.as_raw_fd(),
            name.as_ptr(),
            type_and_mode,
            number
        )
    }
    .map(drop)
}

/// symlinkat(2).
pub fn make_link(content: &CStr, directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    // SAFETY: both are NUL-terminated and outlive the call.
    unsafe {
        syscall!(
            Sysno::symlinkat,
            content.as_ptr(),
            directory.as_raw_fd(),
            name.as_ptr()
        )
    }
    .map(drop)
}

/// readlinkat(2) of a link that [`find`] has found: how many bytes of `buffer` its content fills.
pub fn read_link(link: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the name is empty, which stands for the link itself; the kernel writes at most `len`
    // bytes into the buffer.
    unsafe {
        syscall!(
            Sysno::readlinkat,
            link.as_raw_fd(),
            c"".as_ptr(),
            buffer.as_mut_ptr(),
            buffer.len()
        )
    }
}

/// readlinkat(2) of the link `name` in `directory`: how many bytes of `buffer` its content fills.
pub fn read_link_of(
    directory: BorrowedFd<'_>,
    name: &CStr,
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call; the kernel writes at most `len` bytes into the buffer.
    unsafe {
        syscall!(
            Sysno::readlinkat,
            directory.as_raw_fd(),
            name.as_ptr(),
            buffer.as_mut_ptr(),
            buffer.len()
        )
    }
}

/// Whether a rename may take the place of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// If it is of the same kind, at once for everyone who looks.
    Yes,
    /// EEXIST if there is something, and EINVAL where the file system cannot tell (RENAME_NOREPLACE).
    No,
    /// Each gets the other's name, at once; EINVAL where the file system cannot (RENAME_EXCHANGE).
    Swap,
}

/// renameat2(2) within a directory.
pub fn rename(
    directory: BorrowedFd<'_>,
    from: &CStr,
    to: &CStr,
    replace: Replace,
) -> Result<(), Errno> {
    let flags = match replace {
        Replace::Yes => 0,
        Replace::No => libc::RENAME_NOREPLACE,
        Replace::Swap => libc::RENAME_EXCHANGE,
    };
    // SAFETY: both names are NUL-terminated and outlive the call.
    unsafe {
        syscall!(
            Sysno::renameat2,
            directory.as_raw_fd(),
            from.as_ptr(),
            directory.as_raw_fd(),
            to.as_ptr(),
            flags
        )
    }
    .map(drop)
}

/// unlinkat(2) of what is no directory.
pub fn remove_file(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    remove(directory, name, 0)
}

/// unlinkat(2) of an empty directory.
pub fn remove_directory(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    remove(directory, name, libc::AT_REMOVEDIR)
}

fn remove(directory: BorrowedFd<'_>, name: &CStr, flags: i32) -> Result<(), Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::unlinkat, directory.as_raw_fd(), name.as_ptr(), flags) }.map(drop)
}

/// fchmodat(2) of what `name` is in `directory`, through a link: only where no one else makes names. The umask has no
/// part in it.
pub fn change_mode(directory: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::fchmodat, directory.as_raw_fd(), name.as_ptr(), mode) }.map(drop)
}

/// fchownat(2) of what `name` is in `directory`; of a link itself.
pub fn change_owner(
    directory: BorrowedFd<'_>,
    name: &CStr,
    user: u32,
    group: u32,
) -> Result<(), Errno> {
    // SAFETY: the name is NUL-terminated and outlives the call.
    unsafe {
        syscall!(
            Sysno::fchownat,
            directory.as_raw_fd(),
            name.as_ptr(),
            user,
            group,
            libc::AT_SYMLINK_NOFOLLOW
        )
    }
    .map(drop)
}

/// fchownat(2) of what a descriptor names (O_PATH too).
pub fn change_owner_of(file: BorrowedFd<'_>, user: u32, group: u32) -> Result<(), Errno> {
    // SAFETY: the name is empty, which stands for the descriptor; no other pointers.
    unsafe {
        syscall!(
            Sysno::fchownat,
            file.as_raw_fd(),
            c"".as_ptr(),
            user,
            group,
            libc::AT_EMPTY_PATH
        )
    }
    .map(drop)
}
