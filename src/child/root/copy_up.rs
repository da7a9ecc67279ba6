//! `tmpcopyup`: a new file system begins as a copy of the directory that it covers.

use crate::sys::facts::{self, Facts, Kind};
use crate::sys::node;
use crate::sys::{Errno, descriptor, directory};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// A directory below so many others is too deep: each level takes its part of the stack, and open files.
const DEEPEST: u32 = 64;

/// Copies what is in `from` into `to`, which no one else comes to. What is mounted in `from` is copied as well.
pub fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Errno> {
    copy_directory(from, to, DEEPEST)
}

fn copy_directory(from: BorrowedFd<'_>, to: BorrowedFd<'_>, depth: u32) -> Result<(), Errno> {
    let deeper = depth.checked_sub(1).ok_or(Errno::ELOOP)?;
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    let listed = node::open(from, c".", flags, 0)?;
    let mut outcome = Ok(());
    directory::each(listed.as_fd(), |name| {
        if outcome.is_ok() && !matches!(name.to_bytes(), b"." | b"..") {
            outcome = copy_entry(listed.as_fd(), to, name, deeper);
        }
    })?;
    descriptor::close(listed);
    outcome
}

fn copy_entry(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    name: &CStr,
    depth: u32,
) -> Result<(), Errno> {
    let found = match node::find(from, name) {
        // It went meanwhile.
        Err(Errno::ENOENT) => return Ok(()),
        found => found?,
    };
    let original = facts::facts(found.as_fd())?;
    match original.kind {
        Kind::Directory => {
            node::make_directory(to, name, 0o700)?;
            let made = node::find(to, name)?;
            copy_directory(found.as_fd(), made.as_fd(), depth)?;
            descriptor::close(made);
        }
        Kind::Regular => copy_file(from, to, name, &original)?,
        Kind::Link => copy_link(found.as_fd(), to, name)?,
        Kind::Pipe => node::make_pipe(to, name, 0)?,
        Kind::Character(device) => match node::make_device(to, name, 0, device) {
            // A user namespace has none of its own.
            Err(Errno::EPERM) => return skip(found),
            made => made?,
        },
        Kind::Block(device) => match node::make_block_device(to, name, 0, device) {
            Err(Errno::EPERM) => return skip(found),
            made => made?,
        },
        // No one answers at a copy.
        Kind::Socket => return skip(found),
    }
    match node::change_owner(to, name, original.owner, original.group) {
        // Whose owner is no one in this user namespace belongs to us.
        Err(Errno::EINVAL | Errno::EPERM) => {}
        done => done?,
    }
    if original.kind != Kind::Link {
        // After the owner, for a change of that clears set-id bits.
        node::change_mode(to, name, original.mode)?;
    }
    if let Kind::Directory | Kind::Regular = original.kind {
        let opened = node::open(
            from,
            name,
            libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK,
            0,
        )?;
        let modified = facts::modified(opened.as_fd())?;
        descriptor::close(opened);
        node::set_modified_of(to, name, modified)?;
    }
    skip(found)
}

fn skip(found: descriptor::Undropped) -> Result<(), Errno> {
    descriptor::close(found);
    Ok(())
}

// Apart, so that its buffer is on the stack once.
#[inline(never)]
fn copy_file(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    name: &CStr,
    original: &Facts,
) -> Result<(), Errno> {
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let source = node::open(from, name, flags, 0)?;
    // Whoever shares the directory may have put a device in its place.
    if facts::facts(source.as_fd())?.identity != original.identity {
        return Err(Errno::ESTALE);
    }
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
    let made = node::open(to, name, flags, 0o600)?;
    let mut buffer = [0; 16384];
    loop {
        let count = descriptor::read(source.as_fd(), &mut buffer)?;
        if count == 0 {
            break;
        }
        descriptor::write_all(made.as_fd(), buffer.get(..count).unwrap_or_default())?;
    }
    descriptor::close(source);
    descriptor::close(made);
    Ok(())
}

#[inline(never)]
fn copy_link(link: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let mut buffer = [0; 4096];
    let length = node::read_link(link, &mut buffer)?;
    // The last byte stays a terminator, or it is longer than any path.
    let content = buffer.get(..=length).ok_or(Errno::ENAMETOOLONG)?;
    let content = CStr::from_bytes_until_nul(content).map_err(|_| Errno::ENAMETOOLONG)?;
    node::make_link(content, to, name)
}
