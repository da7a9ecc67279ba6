//! What the container is kept from, in a root that has been entered: what is hidden, and what is only to be read.
//!
//! Every path is looked up once, inside the root, and what is found is a descriptor from there on. A file is hidden by the
//! container's own /dev/null, which is looked at to be that device before (CVE-2025-31133): another file in its place would
//! be read and written instead. A directory is hidden by an empty tmpfs, one for all of them.

use super::restrict::{find_there, forbid_writes_in_root};
use super::{RootState, find, older};
use crate::path_in_root::Missing;
use crate::plan::root::RestrictedPaths;
use crate::report::{Failed, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::mount::mount;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, mount_tree};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// What hides the rest.
#[derive(Default)]
struct Veils {
    null: Option<Undropped>,
    empty: Option<Undropped>,
}

pub fn restrict(step: &RestrictedPaths, state: &RootState) -> Result<(), Failed> {
    let count = u8::try_from(step.masked.len()).unwrap_or(u8::MAX);
    let mut item = count;
    // Before they may be hidden.
    for path in &step.read_only {
        forbid_writes(path, state).map_err(|errno| Part::Item(item).failed(errno))?;
        item = item.saturating_add(1);
    }
    let mut veils = Veils::default();
    item = 0;
    for path in &step.masked {
        veils
            .hide(path, state)
            .map_err(|errno| Part::Item(item).failed(errno))?;
        item = item.saturating_add(1);
    }
    for veil in [veils.null, veils.empty].into_iter().flatten() {
        descriptor::close(veil);
    }
    Ok(())
}

fn forbid_writes(path: &CStr, state: &RootState) -> Result<(), Errno> {
    match forbid_writes_in_root(path, state) {
        // Before Linux 5.12.
        Err(errno) if mount_tree::is_unavailable(errno) => {}
        done => return done,
    }
    let Some(target) = find_there(path, state)? else {
        return Ok(());
    };
    older::bind_found(target.as_fd(), target.as_fd())?;
    descriptor::close(target);
    // What lies on it now.
    let bound = find_there(path, state)?.ok_or(Errno::ENOENT)?;
    older::remount_found(bound.as_fd(), MountFlags::READONLY)?;
    descriptor::close(bound);
    Ok(())
}

impl Veils {
    fn hide(&mut self, path: &CStr, state: &RootState) -> Result<(), Errno> {
        let Some(target) = find_there(path, state)? else {
            return Ok(());
        };
        match facts::facts(target.as_fd())?.kind {
            Kind::Directory => self.hide_directory(target.as_fd())?,
            _ => self.hide_file(target.as_fd(), state)?,
        }
        descriptor::close(target);
        Ok(())
    }

    fn hide_file(&mut self, target: BorrowedFd<'_>, state: &RootState) -> Result<(), Errno> {
        if self.null.is_none() {
            self.null = Some(find_null(state)?);
        }
        let null = self.null.as_ref().ok_or(Errno::EBADF)?;
        match mount_tree::copy_of(null.as_fd()) {
            Err(errno) if mount_tree::is_unavailable(errno) => {
                older::bind_found(null.as_fd(), target)
            }
            tree => attach(tree?, target),
        }
    }

    fn hide_directory(&mut self, target: BorrowedFd<'_>) -> Result<(), Errno> {
        if let Some(empty) = &self.empty {
            match mount_tree::copy_of(empty.as_fd()) {
                Err(errno) if mount_tree::is_unavailable(errno) => {}
                tree => return attach(tree?, target),
            }
        }
        mount_empty(c"nr_blocks=1,nr_inodes=1").or_else(|errno| match errno {
            // A patch of Ubuntu's 5.4 wants two.
            Errno::EINVAL => mount_empty(c"nr_blocks=1,nr_inodes=2"),
            errno => Err(errno),
        })?;
        let empty = node::find(HERE, c"/..")?;
        directory::enter(target)?;
        mount(Some(c"/.."), c".", None, MountFlags::MOVE, None)?;
        if let Some(earlier) = self.empty.replace(empty) {
            descriptor::close(earlier);
        }
        Ok(())
    }
}

fn attach(tree: Undropped, target: BorrowedFd<'_>) -> Result<(), Errno> {
    mount_tree::attach(tree.as_fd(), target)?;
    descriptor::close(tree);
    Ok(())
}

fn mount_empty(data: &CStr) -> Result<(), Errno> {
    let kind = Some(c"tmpfs");
    mount(kind, c"/", kind, MountFlags::READONLY, Some(data))
}

/// The container's /dev/null.
fn find_null(state: &RootState) -> Result<Undropped, Errno> {
    let null = match find(state, c"/dev/null", Missing::Refuse) {
        Err(failed) if failed.errno == Errno::ENOENT => return Err(Errno::ENODEV),
        null => null.map_err(|failed| failed.errno)?,
    };
    match facts::facts(null.as_fd())?.kind {
        Kind::Character(facts::NULL_DEVICE) => Ok(null),
        _ => Err(Errno::ENODEV),
    }
}

/// Makes the mount on a path read-only.
pub fn freeze(path: &CStr, state: &RootState) -> Result<(), Failed> {
    let mounted = find(state, path, Missing::Refuse)?;
    let read_only = MountFlags::READONLY;
    match mount_tree::change(mounted.as_fd(), read_only, MountFlags::NONE, false) {
        Err(Errno::ENOSYS) => {
            directory::enter(mounted.as_fd())?;
            older::remount(c".", read_only)
        }
        done => done,
    }
    .map_err(|errno| Part::Restrict.failed(errno))?;
    descriptor::close(mounted);
    Ok(())
}
