//! Binds of config.json.

use super::cover::may_cover;
use super::{Descriptors, RootState, find, older};
use crate::path_in_root::Missing;
use crate::plan::root::{BoundMount, FlagChange, INSIDE_PROC, PlacedMount, Taken};
use crate::report::{Failed, Part};
use crate::sys::descriptor::{ChildDescriptor, Undropped};
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, mount, mount_tree};
use std::os::fd::BorrowedFd;

/// What of a mount's flags is about what its files may be used for.
const RESTRICTIVE: MountFlags = MountFlags::READONLY
    .and(MountFlags::NOSUID)
    .and(MountFlags::NODEV)
    .and(MountFlags::NOEXEC);

/// The flags that a mount may have to keep in a user namespace (the kernel's MNT_LOCK_*).
const LOCKABLE: MountFlags = RESTRICTIVE.and(TIMES);

const TIMES: MountFlags = mount_tree::TIMES.and(MountFlags::NODIRATIME);

pub fn bind(
    step: &PlacedMount,
    bound: &BoundMount,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) -> Result<(), Failed> {
    let tree = match bound.taken {
        Taken::Handed(slot) => descriptors
            .premounted
            .get(usize::from(slot))
            .map(|tree| tree.in_child(state.child))
            .ok_or(Errno::EBADF)?,
        Taken::Kept(slot) => state.copy(slot)?.take().ok_or(Errno::EBADF)?,
        Taken::Inside => {
            let found = find(state, &bound.path, Missing::Refuse)
                .map_err(|failed| Part::Source.failed(failed.errno))?;
            let tree = mount_tree::copy_found(found.as_fd(), bound.recursive)
                .map_err(|errno| Part::Source.failed(errno))?;
            descriptor::close(found);
            tree.keep()
        }
        Taken::Now => match mount_tree::copy(&bound.path, bound.recursive) {
            Err(errno) if mount_tree::is_unavailable(errno) => {
                return bind_older(step, bound, state);
            }
            tree => tree
                .map(Undropped::keep)
                .map_err(|errno| Part::Source.failed(errno))?,
        },
    };
    let source = look(tree.as_fd(), bound)?;
    let target = find_target(step, bound, &source, state)?;
    let changed = change(tree.as_fd(), step, bound);
    let is_unknown = matches!(&changed, Err(failed) if failed.errno == Errno::ENOSYS);
    match is_unknown {
        true => put_aside(tree, step, bound, &source)?,
        false => changed?,
    }
    mount_tree::attach(tree.as_fd(), target.as_fd())?;
    if is_unknown {
        // What lay on it has moved.
        mount::detach(c"/..")?;
    }
    descriptor::close(target);
    tree.close(state.child);
    Ok(())
}

fn look(source: BorrowedFd<'_>, bound: &BoundMount) -> Result<Facts, Failed> {
    let failed = |errno| Part::Source.failed(errno);
    if bound.is_proc && !facts::file_system(source).map_err(failed)?.is_proc() {
        return Err(failed(INSIDE_PROC));
    }
    facts::facts(source).map_err(failed)
}

fn find_target(
    step: &PlacedMount,
    bound: &BoundMount,
    source: &Facts,
    state: &RootState,
) -> Result<Undropped, Failed> {
    let is_directory = source.kind == Kind::Directory;
    let missing = match is_directory {
        true => Missing::MakeDirectory,
        false => Missing::MakeFile,
    };
    let target = find(state, &step.target, missing)?;
    let there = may_cover(target.as_fd(), bound.is_proc, state)?;
    match (is_directory, there.kind == Kind::Directory) {
        (true, false) => Err(Part::Target.failed(Errno::ENOTDIR)),
        (false, true) => Err(Part::Target.failed(Errno::EISDIR)),
        _ => Ok(target),
    }
}

/// All that its options ask for, of a tree that no one has come to yet.
fn change(tree: BorrowedFd<'_>, step: &PlacedMount, bound: &BoundMount) -> Result<(), Failed> {
    let failed = |errno| Part::Restrict.failed(errno);
    if !bound.flags.is_none() {
        replace_flags(tree, bound.flags).map_err(failed)?;
    }
    change_below(tree, step)?;
    for propagation in &step.propagation {
        mount_tree::propagate(tree, *propagation).map_err(failed)?;
    }
    Ok(())
}

/// What holds of all that is mounted below it, too.
pub fn change_below(tree: BorrowedFd<'_>, step: &PlacedMount) -> Result<(), Failed> {
    mount_tree::change(tree, step.below.set, step.below.clear, true)
        .map_err(|errno| Part::Restrict.failed(errno))
}

/// As `mount -o bind,…` has it: what is not set is cleared. Times stay as they are kept, if nothing is said of them.
fn replace_flags(tree: BorrowedFd<'_>, change: FlagChange) -> Result<(), Errno> {
    let set = change.set;
    let times = set.among(TIMES);
    let clear = RESTRICTIVE.without(set).and(change.clear);
    let (set, clear) = match times == MountFlags::NONE {
        true => (set, clear),
        // Of a mount(2) that says something of times the rest is the default.
        false => {
            let default = match times.among(mount_tree::TIMES) == MountFlags::NONE {
                true => MountFlags::RELATIME,
                false => MountFlags::NONE,
            };
            let clear = clear.and(MountFlags::NODIRATIME.without(set));
            (set.and(default), clear)
        }
    };
    match mount_tree::change(tree, set, clear, false) {
        // The mount came into a user namespace with flags that are locked there. Those stay, unless they contradict what
        // is asked for.
        Err(Errno::EPERM) => {
            let kept = kept_flags(tree, change)?;
            mount_tree::change(tree, set.without(kept), MountFlags::NONE, false)
        }
        done => done,
    }
}

/// The flags of a mount that may be locked, if nothing else is asked for.
fn kept_flags(mounted: BorrowedFd<'_>, change: FlagChange) -> Result<MountFlags, Errno> {
    let has = facts::file_system(mounted)?.flags;
    // What is neither of the others is strictatime, for which statfs(2) has no bit.
    let has = match has.among(mount_tree::TIMES) == MountFlags::NONE {
        true => has.and(MountFlags::STRICTATIME),
        false => has,
    };
    let contradicts = has.among(change.clear).among(LOCKABLE) != MountFlags::NONE;
    let times = change.set.among(TIMES);
    if contradicts || (times != MountFlags::NONE && times != has.among(TIMES)) {
        return Err(Errno::EPERM);
    }
    Ok(has.among(LOCKABLE))
}

/// Where the kernel changes mounts by their paths alone (before Linux 5.12): on a tmpfs of our own, from where it is attached
/// once more.
fn put_aside(
    tree: ChildDescriptor<'_>,
    step: &PlacedMount,
    bound: &BoundMount,
    source: &Facts,
) -> Result<(), Failed> {
    older::begin(source.kind == Kind::Directory)?;
    let place = node::find(HERE, older::PLACE)?;
    mount_tree::attach(tree.as_fd(), place.as_fd())?;
    descriptor::close(place);
    change_aside(step, bound)
}

/// As [`put_aside`], where the kernel knows no mounts as descriptors (before Linux 5.2).
fn bind_older(step: &PlacedMount, bound: &BoundMount, state: &RootState) -> Result<(), Failed> {
    let failed = |errno| Part::Source.failed(errno);
    let opened = node::open(HERE, &bound.path, libc::O_PATH, 0).map_err(failed)?;
    let source = look(opened.as_fd(), bound)?;
    descriptor::close(opened);
    let target = find_target(step, bound, &source, state)?;
    let is_directory = source.kind == Kind::Directory;
    older::begin(is_directory)?;
    let flags = match bound.recursive {
        true => MountFlags::BIND.and(MountFlags::RECURSIVE),
        false => MountFlags::BIND,
    };
    mount::mount(Some(&bound.path), older::PLACE, None, flags, None).map_err(failed)?;
    change_aside(step, bound)?;
    older::move_to(target.as_fd(), is_directory)?;
    descriptor::close(target);
    mount::detach(c"/..").map_err(Failed::from)
}

fn change_aside(step: &PlacedMount, bound: &BoundMount) -> Result<(), Failed> {
    let failed = |errno| Part::Restrict.failed(errno);
    if !step.below.is_none() {
        // Nothing but mount_setattr(2) does that.
        return Err(failed(Errno::ENOSYS));
    }
    if !bound.flags.is_none() {
        let remount = MountFlags::REMOUNT.and(MountFlags::BIND);
        let wanted = remount.and(bound.flags.set);
        match mount::mount(None, older::PLACE, None, wanted, None) {
            Err(Errno::EPERM) => {
                let place = node::open(HERE, older::PLACE, libc::O_PATH, 0)?;
                let kept = kept_flags(place.as_fd(), bound.flags).map_err(failed)?;
                descriptor::close(place);
                mount::mount(None, older::PLACE, None, wanted.and(kept), None)
            }
            done => done,
        }
        .map_err(failed)?;
    }
    for propagation in &step.propagation {
        mount::mount(None, older::PLACE, None, *propagation, None).map_err(failed)?;
    }
    Ok(())
}
