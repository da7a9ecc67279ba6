//! The files of a container's directory: their names, and how they are read and written.

use super::id::Id;
use crate::sys::node::{self, Replace};
use crate::sys::{Errno, descriptor};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub const LOCK: &CStr = c"lock";
pub const CONFIG: &CStr = c"config.json";
/// That while it is being written.
pub const NEW_CONFIG: &CStr = c"config.new";
pub const STATE: &CStr = c"state.json";
/// A page of room for the next state, whatever else fills the disk; and that state, while it is being written. What is in it
/// is of no use: nothing, or the state before this one.
pub const SPARE: &CStr = c"spare";

/// Room for a usual state: a page.
const ROOM: usize = 4096;

/// The longest files that are read: beyond all that mydocker writes. A configuration has the files that the words named.
pub const LONGEST_STATE: usize = 1 << 20;
pub const LONGEST_CONFIG: usize = 8 << 20;

/// A note of the container's name: a link, as `names` has one the other way round, which is the one that counts.
pub const NAME: &CStr = c"name";

/// The path of a file, from the directory of all containers.
pub fn inner(id: &Id, name: &CStr) -> CString {
    let path = [id.as_str().as_bytes(), b"/", name.to_bytes()].concat();
    CString::new(path).unwrap_or_default()
}

/// A file's whole content.
///
/// Errors: as open(2) and read(2); EFBIG if it is longer than `longest`.
pub fn read(directory: BorrowedFd<'_>, path: &CStr, longest: usize) -> Result<Vec<u8>, Errno> {
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = descriptor::own(node::open(directory, path, flags, 0)?);
    let mut content = Vec::new();
    let mut buffer = [0; ROOM];
    loop {
        let count = descriptor::read(file.as_fd(), &mut buffer)?;
        content.extend_from_slice(buffer.get(..count).unwrap_or_default());
        // No file here is written in place, so there is no more.
        if count < buffer.len() {
            return Ok(content);
        }
        if content.len() > longest {
            return Err(Errno::EFBIG);
        }
    }
}

/// Puts a file there, as a whole: under another name first.
///
/// Errors: as open(2), write(2) and rename(2).
pub fn write(
    directory: BorrowedFd<'_>,
    name: &CStr,
    draft: &CStr,
    content: &[u8],
) -> Result<(), Errno> {
    write_draft(directory, draft, content)?;
    node::rename(directory, draft, name, Replace::Yes)
}

/// [`write()`] of a file that is there. One that someone removes meanwhile stays removed, but where a file system cannot swap
/// names: there it may come back.
///
/// Errors: as those; ENOENT if it is not there.
pub fn rewrite(
    directory: BorrowedFd<'_>,
    name: &CStr,
    draft: &CStr,
    content: &[u8],
) -> Result<(), Errno> {
    drop(descriptor::own(node::find(directory, name)?));
    write_draft(directory, draft, content)?;
    match node::rename(directory, draft, name, Replace::Swap) {
        Err(Errno::EINVAL | Errno::ENOSYS) => node::rename(directory, draft, name, Replace::Yes),
        swapped => {
            let _ = node::remove_file(directory, draft);
            swapped
        }
    }
}

fn write_draft(directory: BorrowedFd<'_>, draft: &CStr, content: &[u8]) -> Result<(), Errno> {
    let file = open_draft(directory, draft)?;
    descriptor::write_all(file.as_fd(), content)?;
    descriptor::set_size(file.as_fd(), content.len())
}

fn open_draft(directory: BorrowedFd<'_>, draft: &CStr) -> Result<OwnedFd, Errno> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    node::open(directory, draft, flags, 0o600).map(descriptor::own)
}

/// Puts a state there, into the room that its spare has; the last state is the next one's spare. So on a full disk no one
/// else gets the room in between.
///
/// Errors: as [`write()`].
pub fn write_state(directory: BorrowedFd<'_>, content: &[u8]) -> Result<(), Errno> {
    write_draft(directory, SPARE, content)?;
    let swapped = node::rename(directory, SPARE, STATE, Replace::Swap);
    if swapped.is_err() {
        // The first one; or a file system that cannot.
        node::rename(directory, SPARE, STATE, Replace::Yes)?;
    }
    let wanted = content.len() + ROOM / 4;
    if swapped.is_err() || wanted > ROOM {
        keep_spare(directory, wanted);
    }
    Ok(())
}

/// Keeps room for the next state, which will be about as long as this one, where there is some.
fn keep_spare(directory: BorrowedFd<'_>, room: usize) {
    if let Ok(file) = open_draft(directory, SPARE) {
        let _ = descriptor::reserve(file.as_fd(), room.next_multiple_of(ROOM));
    }
}

/// Writes an exit code into the file of the lock, for who has that open: it stays the same file to the end, whoever starts or
/// removes the container meanwhile.
///
/// Errors: as write(2).
pub fn tell_exit(lock: BorrowedFd<'_>, exit: u8) -> Result<(), Errno> {
    descriptor::write_at(lock, &[exit], 0).map(drop)
}

/// The exit code of the last life that has ended, as [`tell_exit`] has told it.
pub fn told_exit(lock: BorrowedFd<'_>) -> Option<u8> {
    let mut exit = [0];
    match descriptor::read_at(lock, &mut exit, 0) {
        Ok(1) => Some(exit[0]),
        _ => None,
    }
}
