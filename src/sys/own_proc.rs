//! What /proc tells of the process itself, also where the host has no proc mounted, or something else there. What
//! the child uses of it, in a mount namespace that is its own, allocates nothing.

use super::descriptor::Undropped;
use super::facts::{self, FileSystem};
use super::mount::{self, MountFlags};
use super::node::{self, HERE};
use super::{Errno, descriptor};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// Opens a file below /proc/self for reading.
///
/// Where that is none of proc's, by a proc of our own, which lies on top of / for the time (and takes 70 us more).
pub fn open(name: &CStr) -> Result<Undropped, Errno> {
    if let Some(opened) = open_in(c"/proc/self", name)? {
        return Ok(opened);
    }
    let kind = Some(c"proc");
    mount::mount(kind, c"/", kind, MountFlags::NONE, None)?;
    let opened = open_in(c"/../self", name);
    mount::detach(c"/..")?;
    opened?.ok_or(Errno::ENODEV)
}

/// /proc/self/fd, if there is a proc: the names in it lead to what the descriptors are.
///
/// Errors: ENODEV if there is none.
pub fn descriptors() -> Result<Undropped, Errno> {
    open_in(c"/proc/self", c"fd")?.ok_or(Errno::ENODEV)
}

/// Writes `value` to a file below /proc/sys, as a whole: by `proc`, or by /proc if that is one. The file is the one of the
/// namespaces that this process is in, whichever proc it is.
///
/// Errors: ENODEV if what is mounted on /proc is none, and so would be written to.
pub fn set(proc: Option<BorrowedFd<'_>>, path: &CStr, value: &[u8]) -> Result<(), Errno> {
    let Some(proc) = proc else {
        let proc = node::open(HERE, c"/proc", libc::O_PATH | libc::O_DIRECTORY, 0)?;
        let done = match is_root_of_proc(proc.as_fd()) {
            Ok(true) => set(Some(proc.as_fd()), path, value),
            Ok(false) => Err(Errno::ENODEV),
            Err(errno) => Err(errno),
        };
        descriptor::close(proc);
        return done;
    };
    let directory = node::find_inner(proc, c"sys")?;
    let opened = node::open_beneath(directory.as_fd(), path, libc::O_WRONLY);
    descriptor::close(directory);
    let file = opened?;
    let written = descriptor::write(file.as_fd(), value);
    descriptor::close(file);
    match written? {
        whole if whole == value.len() => Ok(()),
        _ => Err(Errno::EIO),
    }
}

/// Writes an attribute of this process for its security modules, /proc/self/attr, as a whole, by the proc that is mounted on
/// /proc: its root, and no link and no mount in it that leads elsewhere.
///
/// Errors: ENODEV if what is mounted on /proc is none, or a part of one.
pub fn set_attribute(name: &CStr, value: &[u8]) -> Result<(), Errno> {
    let proc = node::open(HERE, c"/proc", libc::O_PATH | libc::O_DIRECTORY, 0)?;
    let opened = open_attribute(proc.as_fd(), name);
    descriptor::close(proc);
    let file = opened?;
    let written = descriptor::write(file.as_fd(), value);
    descriptor::close(file);
    match written? {
        whole if whole == value.len() => Ok(()),
        _ => Err(Errno::EIO),
    }
}

fn open_attribute(proc: BorrowedFd<'_>, name: &CStr) -> Result<Undropped, Errno> {
    if !is_root_of_proc(proc)? {
        return Err(Errno::ENODEV);
    }
    // The number that this proc has for us, which is in a PID namespace of its own.
    let mut number = [0; 12];
    let length = node::read_link_of(proc, c"self", &mut number)?;
    *number.get_mut(length).ok_or(Errno::ENODEV)? = 0;
    let number = CStr::from_bytes_until_nul(&number).map_err(|_| Errno::ENODEV)?;
    let own = node::find_inner(proc, number)?;
    let directory = node::find_inner(own.as_fd(), c"attr");
    descriptor::close(own);
    let directory = directory?;
    let file = node::open_beneath(directory.as_fd(), name, libc::O_WRONLY);
    descriptor::close(directory);
    file
}

/// Whether the user namespace of this process has given up setgroups(2), user_namespaces(7).
pub fn denies_groups() -> Result<bool, Errno> {
    let file = open_in(c"/proc/self", c"setgroups")?.ok_or(Errno::ENODEV)?;
    let mut text = [0; 8];
    let read = descriptor::read(file.as_fd(), &mut text);
    descriptor::close(file);
    read.map(|_| text.starts_with(b"deny"))
}

/// Whether it is the root of a proc (its inode is PROC_ROOT_INO), and not a part of one that is bound.
fn is_root_of_proc(file: BorrowedFd<'_>) -> Result<bool, Errno> {
    const ROOT: u64 = 1;
    let is_proc = facts::file_system(file)?.is_proc();
    Ok(is_proc && facts::facts(file)?.identity.1 == ROOT)
}

/// A setting below /proc/sys, named and not opened.
///
/// Errors: as [`set`], but for what only opening and writing show.
#[cold]
#[inline(never)]
pub fn find_setting(path: &CStr) -> Result<OwnedFd, Errno> {
    let directory = descriptor::open(c"/proc/sys", libc::O_PATH | libc::O_DIRECTORY, 0)?;
    match facts::file_system(directory.as_fd())?.is_proc() {
        true => node::open_beneath(directory.as_fd(), path, libc::O_PATH).map(descriptor::own),
        false => Err(Errno::ENODEV),
    }
}

/// The mode of a file that a descriptor names, however it was opened (O_PATH too): fchmodat2(2) of the descriptor
/// itself (Linux 6.6), or by the name that proc has for it, which leads to that file and no other.
///
/// Errors: as chmod(2); those of [`descriptors`] before Linux 6.6.
pub fn change_mode_of(file: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    // SAFETY: the name is empty, which stands for the descriptor; no other pointers.
    let changed = unsafe {
        syscall!(
            Sysno::fchmodat2,
            file.as_raw_fd(),
            c"".as_ptr(),
            mode,
            libc::AT_EMPTY_PATH
        )
    };
    match changed {
        Err(Errno::ENOSYS | Errno::EPERM) => {}
        done => return done.map(drop),
    }
    let mut name = [0; 12];
    let directory = descriptors()?;
    let name = descriptor::decimal(file, &mut name).ok_or(Errno::EBADF);
    let changed = name.and_then(|name| node::change_mode(directory.as_fd(), name, mode));
    descriptor::close(directory);
    changed
}

/// Opens a file that was found (O_PATH), to be read: by the name that /proc has for it, for its own may mean something
/// else by now, a device that does something when it is opened.
pub fn open_found(found: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let file = descriptor::open(&descriptor::name_in_proc(found), READING, 0)?;
    // What is mounted on /proc need not be one.
    let identity = |file| facts::facts(file).map(|facts| facts.identity);
    if identity(file.as_fd())? == identity(found)? {
        Ok(file)
    } else {
        Err(Errno::ENODEV)
    }
}

/// If it is no file any more it does not keep us.
pub const READING: i32 = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;

/// None if the directory is not there, or not proc's.
fn open_in(directory: &CStr, name: &CStr) -> Result<Option<Undropped>, Errno> {
    let directory = match node::open(HERE, directory, libc::O_PATH | libc::O_DIRECTORY, 0) {
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES) => return Ok(None),
        directory => directory?,
    };
    let opened = match facts::file_system(directory.as_fd()).map(FileSystem::is_proc) {
        Ok(true) => node::open(directory.as_fd(), name, libc::O_RDONLY, 0).map(Some),
        Ok(false) => Ok(None),
        Err(errno) => Err(errno),
    };
    descriptor::close(directory);
    opened
}
