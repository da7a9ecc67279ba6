//! /proc and /sys of the container.
//!
//! In a root of its own each is held by the mount itself. What is hidden of them is found from there and not by a path: a
//! hostile root may have a link for /proc that leads to one place before proc is mounted, and through what proc shows to
//! another place after it.

use super::mount::mount_and_move;
use super::{RootState, bind, find, place_for};
use crate::plan::root::{BindMount, FileSystem, KernelFs, MountKernelFs, Way};
use crate::report::{Failed, Part};
use crate::sys::mount::mount;
use crate::sys::{Errno, MountFlags, descriptor, facts};

// Apart, see `super::perform`.
#[cold]
#[inline(never)]
pub fn mount_in_root(step: &MountKernelFs, state: &RootState) -> Result<(), Failed> {
    match &step.way {
        Way::Fresh(fresh) => mount_fresh(fresh, step.kernel_fs, state),
        Way::Bound(bind) => bind_hosts(bind, step.kernel_fs, state),
        Way::FreshOrBound(fresh, bind) => match mount_fresh(fresh, step.kernel_fs, state) {
            // In a user namespace that does not own what it shows, or where parts of it are covered.
            Err(failed) if failed.errno == Errno::EPERM => bind_hosts(bind, step.kernel_fs, state),
            done => done,
        },
    }
}

/// Over the caller's own: where it is, is known.
pub fn mount_over(step: &MountKernelFs) -> Result<(), Failed> {
    match &step.way {
        Way::Fresh(fresh) => mount_here(fresh),
        Way::Bound(bind) => bind_here(bind),
        Way::FreshOrBound(fresh, bind) => match mount_here(fresh) {
            Err(failed) if failed.errno == Errno::EPERM => bind_here(bind),
            done => done,
        },
    }
}

fn mount_here(step: &FileSystem) -> Result<(), Failed> {
    let kind = Some(step.kind.as_c_str());
    let data = Some(step.data.as_c_str()).filter(|data| !data.is_empty());
    mount(kind, &step.target, kind, step.flags, data).map_err(Failed::from)
}

/// A bind takes no other flags, so it is restricted after it.
#[cold]
#[inline(never)]
fn bind_here(step: &BindMount) -> Result<(), Failed> {
    let source = Some(step.path.as_c_str());
    let bind = MountFlags::BIND.and(MountFlags::RECURSIVE);
    mount(source, &step.target, None, bind, None)?;
    let flags = MountFlags::BIND
        .and(MountFlags::REMOUNT)
        .and(MountFlags::NODEV)
        .and(step.flags);
    mount(source, &step.target, None, flags, None).map_err(|errno| Part::Restrict.failed(errno))
}

fn mount_fresh(step: &FileSystem, kernel_fs: KernelFs, state: &RootState) -> Result<(), Failed> {
    let target = find(state, &step.target, place_for(state, step.option.is_some()))?;
    let mounted = mount_and_move(step, target.as_fd());
    descriptor::close(target);
    state.kernel_fs(kernel_fs).set(Some(mounted?.keep()));
    Ok(())
}

fn bind_hosts(step: &BindMount, kernel_fs: KernelFs, state: &RootState) -> Result<(), Failed> {
    // The host has none, and so has the container.
    let Some(bound) = bind::bind_and_keep(step, state)? else {
        return Ok(());
    };
    let found = facts::file_system(bound.as_fd()).map_err(|errno| Part::Source.failed(errno))?;
    match kernel_fs {
        KernelFs::Proc if found.is_proc() => state.proc.set(Some(bound)),
        KernelFs::Sysfs if found.is_sysfs() => state.sysfs.set(Some(bound)),
        // Something else would be hidden, and what is to be hidden would not.
        KernelFs::Proc => return Err(Part::Source.failed(Errno::ENODEV)),
        // Whatever the host has at /sys: nothing that the kernel tells.
        KernelFs::Sysfs => bound.close(state.child),
    }
    Ok(())
}
