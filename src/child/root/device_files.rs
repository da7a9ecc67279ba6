//! Devices and links of config.json, at their places in the root.

use super::{RootState, find, older};
use crate::path_in_root::Missing;
use crate::plan::root::{DeviceFile, FileKind, PlacedLink};
use crate::report::{Failed, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::node;
use crate::sys::{Errno, MountFlags, descriptor, mount_tree, own_proc, process};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// For what else is made in the root.
const UMASK: u32 = 0o022;

/// The directory of the last one, in which the next one usually lies, too.
struct Last<'a>(Option<(&'a CStr, Undropped)>);

impl<'a> Last<'a> {
    fn find(&mut self, path: &'a CStr, state: &RootState) -> Result<BorrowedFd<'_>, Failed> {
        let is_it = matches!(&self.0, Some((last, _)) if *last == path);
        if !is_it {
            let found = find(state, path, Missing::MakeDirectory)?;
            if let Some((_, earlier)) = self.0.replace((path, found)) {
                descriptor::close(earlier);
            }
        }
        let last = self.0.as_ref().ok_or(Errno::EBADF)?;
        Ok(last.1.as_fd())
    }

    fn close(self) {
        if let Some((_, last)) = self.0 {
            descriptor::close(last);
        }
    }
}

pub fn make(files: &[DeviceFile], state: &RootState) -> Result<(), Failed> {
    // A mode is what was asked for.
    process::set_umask(0)?;
    let mut last = Last(None);
    let mut item = 0u8;
    for file in files {
        let failed = |errno| Part::Item(item).failed(errno);
        let directory = last
            .find(&file.directory, state)
            .map_err(|at| failed(at.errno))?;
        make_one(directory, file).map_err(failed)?;
        item = item.saturating_add(1);
    }
    last.close();
    process::set_umask(UMASK).map_err(Failed::from)
}

fn make_one(directory: BorrowedFd<'_>, file: &DeviceFile) -> Result<(), Errno> {
    let name = &file.name;
    let made = match file.kind {
        FileKind::Character(device) => node::make_device(directory, name, file.mode, device),
        FileKind::Block(device) => node::make_block_device(directory, name, file.mode, device),
        FileKind::Pipe => node::make_pipe(directory, name, file.mode),
    };
    match made {
        Ok(()) => match file.owner {
            Some(owner) => give(directory, file, owner),
            None => Ok(()),
        },
        // What is there stays, if it is this one; else it is covered.
        Err(Errno::EEXIST) => {
            let there = node::find(directory, name)?;
            let kind = facts::facts(there.as_fd())?.kind;
            match kind {
                found if is(found, file.kind) => {
                    descriptor::close(there);
                    Ok(())
                }
                // Nothing can be bound on a link, and what it leads to is no one's to cover.
                Kind::Link | Kind::Directory => Err(Errno::EEXIST),
                _ => bind(file, there),
            }
        }
        // In a user namespace, and where a sandbox denies it.
        Err(Errno::EPERM) => {
            let flags = libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_WRONLY;
            descriptor::close(node::open(directory, name, flags, 0)?);
            bind(file, node::find(directory, name)?)
        }
        Err(errno) => Err(errno),
    }
}

fn is(found: Kind, wanted: FileKind) -> bool {
    match wanted {
        FileKind::Character(device) => found == Kind::Character(device),
        FileKind::Block(device) => found == Kind::Block(device),
        FileKind::Pipe => found == Kind::Pipe,
    }
}

/// By its descriptor, for others may make names where it lies.
fn give(
    directory: BorrowedFd<'_>,
    file: &DeviceFile,
    (user, group): (u32, u32),
) -> Result<(), Errno> {
    let made = node::find(directory, &file.name)?;
    if !is(facts::facts(made.as_fd())?.kind, file.kind) {
        return Err(Errno::ESTALE);
    }
    node::change_owner_of(made.as_fd(), user, group)?;
    // A change of the owner clears these.
    if file.mode & (libc::S_ISUID | libc::S_ISGID) != 0 {
        own_proc::change_mode_of(made.as_fd(), file.mode)?;
    }
    descriptor::close(made);
    Ok(())
}

/// The host's, if it is this device. Read-only: it reads and writes all the same, but its mode and its owner stay.
fn bind(file: &DeviceFile, target: Undropped) -> Result<(), Errno> {
    let hosts = match mount_tree::copy(&file.path, false) {
        Err(errno) if mount_tree::is_unavailable(errno) => {
            return older::bind_file(&file.path, target.as_fd(), |found| is(found, file.kind));
        }
        hosts => hosts?,
    };
    let looked = facts::facts(hosts.as_fd())?;
    if !is(looked.kind, file.kind) {
        return Err(Errno::ENODEV);
    }
    // Of what is no one's in this user namespace no one changes anything.
    if looked.owner != facts::OVERFLOW {
        match mount_tree::change(hosts.as_fd(), MountFlags::READONLY, MountFlags::NONE, false) {
            Err(Errno::ENOSYS | Errno::EPERM) => {}
            done => done?,
        }
    }
    mount_tree::attach(hosts.as_fd(), target.as_fd())?;
    descriptor::close(hosts);
    descriptor::close(target);
    Ok(())
}

pub fn link(links: &[PlacedLink], state: &RootState) -> Result<(), Failed> {
    let mut last = Last(None);
    for link in links {
        let directory = last.find(&link.directory, state)?;
        if link.replaces {
            match node::remove_file(directory, &link.name) {
                Err(Errno::ENOENT) => {}
                done => done?,
            }
        }
        match node::make_link(&link.content, directory, &link.name) {
            Err(Errno::EEXIST) => {}
            done => done?,
        }
    }
    last.close();
    Ok(())
}

/// What the caller has handed on as 0, 1 and 2 is one of the container's, where it is /dev/null.
pub fn own_null(state: &RootState) -> Result<(), Failed> {
    let mut own = None;
    for number in 0..3 {
        let given = descriptor::standard(number);
        if !facts::facts(given).is_ok_and(|given| is_null(given.kind)) {
            continue;
        }
        if own.is_none() {
            own = Some(open_null(state)?);
        }
        let own = own.as_ref().ok_or(Errno::EBADF)?;
        descriptor::duplicate_to(own.as_fd(), number, state.child)?;
    }
    if let Some(own) = own {
        descriptor::close(own);
    }
    Ok(())
}

fn is_null(kind: Kind) -> bool {
    kind == Kind::Character(facts::NULL_DEVICE)
}

fn open_null(state: &RootState) -> Result<Undropped, Failed> {
    let directory = find(state, c"/dev", Missing::Refuse)?;
    // Before it is opened, for a device may do something then.
    let found = node::find(directory.as_fd(), c"null")?;
    if !is_null(facts::facts(found.as_fd())?.kind) {
        return Err(Errno::ENODEV.into());
    }
    descriptor::close(found);
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_NOFOLLOW;
    let opened = node::open(directory.as_fd(), c"null", flags, 0)?;
    descriptor::close(directory);
    match is_null(facts::facts(opened.as_fd())?.kind) {
        true => Ok(opened),
        false => Err(Errno::ENODEV.into()),
    }
}
