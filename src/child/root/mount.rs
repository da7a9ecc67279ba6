//! File systems without a source, on a directory of the container's.

use super::{RootState, base, find, place_for};
use crate::plan::root::{FileSystem, OverlayMount};
use crate::report::Failed;
use crate::sys::descriptor::Undropped;
use crate::sys::mount::{self, MountFlags, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, directory};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

pub fn file_system(step: &FileSystem, state: &RootState) -> Result<(), Failed> {
    let target = find(state, &step.target, place_for(state, step.option.is_some()))?;
    let mounted = match mount_on_top(step) {
        // The kernel was built without it, or it shows what this user namespace does not own.
        Err(Errno::ENODEV | Errno::EPERM) if step.optional => {
            descriptor::close(target);
            return Ok(());
        }
        Err(errno) => Err(errno),
        Ok(()) => move_from_top(target.as_fd()),
    };
    descriptor::close(target);
    let mounted = mounted?;
    if step.option.is_some() && !step.flags.contains(MountFlags::READONLY) {
        state.owns(mounted.as_fd())?;
    }
    descriptor::close(mounted);
    Ok(())
}

/// Mounts it on top of /, where `/..` names it, and moves it from there; what is mounted then.
pub fn mount_and_move(step: &FileSystem, target: BorrowedFd<'_>) -> Result<Undropped, Errno> {
    mount_on_top(step)?;
    move_from_top(target)
}

fn mount_on_top(step: &FileSystem) -> Result<(), Errno> {
    let kind = Some(step.kind.as_c_str());
    mount(kind, c"/", kind, step.flags, Some(&step.data))
}

fn move_from_top(target: BorrowedFd<'_>) -> Result<Undropped, Errno> {
    let mounted = node::find(HERE, c"/..")?;
    // Through the descriptor: `.` is what was found, whatever its path means by now.
    directory::enter(target)?;
    mount(Some(c"/.."), c".", None, MountFlags::MOVE, None)?;
    Ok(mounted)
}

/// Which mounts pass between the one on a path of the host's and its peers.
pub fn propagate(path: &CStr, flags: MountFlags) -> Result<(), Errno> {
    mount(None, path, None, flags, None)
}

pub fn overlay(step: &OverlayMount, state: &RootState) -> Result<(), Failed> {
    let target = find(state, &step.target, place_for(state, true))?;
    if let Some(like) = &step.layers.like {
        base::begin_upper(like, &step.layers.memory)?;
        // On top of the tmpfs, and from there to its place; then the tmpfs can go. The overlay holds on to
        // what it needs of it.
        base::mount_layers(&step.layers, c"/")?;
        let mounted = node::find(HERE, c"/..")?;
        state.owns(mounted.as_fd())?;
        descriptor::close(mounted);
        directory::enter(target.as_fd())?;
        mount(Some(c"/.."), c".", None, MountFlags::MOVE, None)?;
        mount::detach(c"/..")?;
    } else if let Some(work) = &step.layers.work {
        // The working directory is overlayfs' own; so from / to its place, as above.
        base::enter_work(work)?;
        base::mount_layers(&step.layers, c"/")?;
        directory::enter(target.as_fd())?;
        mount(Some(c"/.."), c".", None, MountFlags::MOVE, None)?;
    } else {
        directory::enter(target.as_fd())?;
        base::mount_layers(&step.layers, c".")?;
    }
    descriptor::close(target);
    Ok(())
}
