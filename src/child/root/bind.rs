//! Binds: something of the host's at a place in the container.
//!
//! A copy of the mount is restricted before it is attached, and attached to a descriptor: at no moment can
//! it be written that should not be, and no path is looked up twice.

use super::target::find_target;
use super::{RootState, older};
use crate::lingering;
use crate::plan::root::{BindMount, Copy, Restrictions};
use crate::report::{Failed, Part};
use crate::sys::descriptor::{ChildDescriptor, Undropped};
use crate::sys::facts::{self, Facts};
use crate::sys::{Errno, MountFlags, descriptor, directory, mount, mount_tree};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

pub fn copy(step: &Copy, state: &RootState) -> Result<(), Failed> {
    let copied = lingering::outlast(|| mount_tree::copy(&step.path, step.recursive));
    let copied = copied.map_err(|errno| Part::Source.failed(errno))?;
    state.copy(step.slot)?.set(Some(copied.keep()));
    Ok(())
}

/// A file of [`HIDDEN`](super::stage::HIDDEN) at a place that was found.
pub fn place_hidden(
    name: &CStr,
    flags: MountFlags,
    target: BorrowedFd<'_>,
    state: &RootState,
) -> Result<(), Errno> {
    directory::enter(state.hidden()?)?;
    match place(name, flags, target) {
        Err(errno) if mount_tree::is_unavailable(errno) => older::place_file(name, flags, target),
        placed => placed,
    }
}

fn place(name: &CStr, flags: MountFlags, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let tree = mount_tree::copy(name, false)?;
    let placed = restrict(tree.as_fd(), flags, false)
        .and_then(|()| mount_tree::attach(tree.as_fd(), target));
    descriptor::close(tree);
    placed
}

/// A copy that is not attached yet.
fn restrict_copy(tree: BorrowedFd<'_>, to: Restrictions) -> Result<(), Errno> {
    restrict(tree, to.all, true)?;
    restrict(tree, to.top, false)
}

/// Nothing to restrict is no reason to fail where the kernel cannot.
fn restrict(tree: BorrowedFd<'_>, flags: MountFlags, recursive: bool) -> Result<(), Errno> {
    if flags == MountFlags::NONE {
        return Ok(());
    }
    mount_tree::set_attributes(tree, flags, recursive)
}

pub fn bind(step: &BindMount, state: &RootState) -> Result<(), Failed> {
    if let Some(bound) = bind_and_keep(step, state)? {
        bound.close(state.child);
    }
    Ok(())
}

/// Binds, and returns what is bound then; none if the host has none and that is forgiven.
pub fn bind_and_keep(
    step: &BindMount,
    state: &RootState,
) -> Result<Option<ChildDescriptor<'static>>, Failed> {
    let tree = match step.slot {
        Some(slot) => state.copy(slot)?.take().ok_or(Errno::EBADF),
        None => mount_tree::copy(&step.path, step.recursive).map(Undropped::keep),
    };
    let tree = match tree {
        Err(errno) if mount_tree::is_unavailable(errno) => {
            return Ok(older::bind(step, state)?.map(Undropped::keep));
        }
        Err(Errno::ENOENT) if step.optional => return Ok(None),
        tree => tree.map_err(|errno| Part::Source.failed(errno))?,
    };
    let facts = facts::facts(tree.as_fd()).map_err(|errno| Part::Source.failed(errno))?;
    let restrictions = step.restrictions(facts.kind);
    match restrict_copy(tree.as_fd(), restrictions) {
        Ok(()) => attach(tree.as_fd(), step, &facts, state)?,
        Err(Errno::ENOSYS) => {
            let aside = older::restrict_aside(tree.as_fd(), restrictions, facts.kind);
            aside.map_err(|errno| Part::Restrict.failed(errno))?;
            attach(tree.as_fd(), step, &facts, state)?;
            // What lay on it has moved.
            mount::detach(c"/..")?;
        }
        Err(errno) => return Err(Part::Restrict.failed(errno)),
    }
    Ok(Some(tree))
}

fn attach(
    tree: BorrowedFd<'_>,
    step: &BindMount,
    source: &Facts,
    state: &RootState,
) -> Result<(), Failed> {
    let target = find_target(step, source, state)?;
    let attached = mount_tree::attach(tree, target.as_fd());
    descriptor::close(target);
    attached.map_err(Failed::from)
}
