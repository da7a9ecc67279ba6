//! Binds where the kernel knows no mounts as descriptors (before Linux 5.2, or before 5.12 to restrict
//! them).
//!
//! A bind takes no flags, they are set by a second mount(2) on a path. So that no one can put something
//! else there in between, that path lies on a tmpfs of our own; from there the finished mount moves to its
//! place.

use super::{Held, bind};
use crate::plan::root::BindMount;
use crate::report::{Failed, Part};
use crate::sys::facts::{self, Kind};
use crate::sys::mount::{self, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, mount_list, process};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// Where a bind is finished, seen from that tmpfs, from our root, and in the list of mounts. No mount of
/// the host's is called so.
const PLACE: &CStr = c"mydocker.finishing";
const PATH: &CStr = c"/../mydocker.finishing";
const LISTED: &[u8] = b"/mydocker.finishing";

const RESTRICTIONS: MountFlags = MountFlags::READONLY
    .and(MountFlags::NOSUID)
    .and(MountFlags::NODEV)
    .and(MountFlags::NOEXEC);

/// How often the list is read until all is as it should be.
const PASSES: u32 = 8;

/// What is bound then; none if the host has none and that is forgiven.
pub fn bind(step: &BindMount, held: &Held) -> Result<Option<BorrowedFd<'static>>, Failed> {
    let source = match node::open(HERE, &step.path, libc::O_PATH, 0) {
        Err(Errno::ENOENT) if step.optional => return Ok(None),
        source => source.map_err(|errno| Part::Source.failed(errno))?,
    };
    let looked = facts::facts(source).map_err(|errno| Part::Source.failed(errno));
    descriptor::close(source);
    let looked = looked?;
    let target = bind::find_target(step, &looked, held)?;
    finish(&step.path, step, looked.kind == Kind::Directory)?;
    let bound = node::find(HERE, PATH)?;
    let moved = move_to(target, looked.kind == Kind::Directory);
    descriptor::close(target);
    moved?;
    mount::detach(c"/..")?;
    Ok(Some(bound))
}

/// The root once more, restricted with all that is mounted below it. The first one stays, covered.
pub fn restrict_base(path: &CStr, flags: MountFlags, held: &Held) -> Result<(), Failed> {
    let failed = |errno| Part::Restrict.failed(errno);
    if path == c"/" {
        // By now / is covered, and a copy of it would be a copy of what covers it, too.
        if flags.contains(MountFlags::READONLY) {
            return Err(failed(Errno::ENOSYS));
        }
        // What is mounted below the host's / the host has mounted: devices are in its /dev, which is covered.
        return remount(c"/..", flags).map_err(failed);
    }
    begin(true)?;
    let bind = MountFlags::BIND.and(MountFlags::RECURSIVE);
    mount(Some(path), PLACE, None, bind, None)?;
    restrict(flags, true).map_err(failed)?;
    // The tmpfs stays too, below.
    mount(Some(PATH), c"/", None, MountFlags::MOVE, None)?;
    held.cover();
    held.cover();
    process::change_directory(c"/..")?;
    if let Some(writable) = held.root.replace(Some(node::find(HERE, c".")?)) {
        descriptor::close(writable);
    }
    Ok(())
}

/// The tmpfs, and on it a place for a directory or a file.
fn begin(is_directory: bool) -> Result<(), Errno> {
    let kind = Some(c"tmpfs");
    mount(kind, c"/", kind, MountFlags::NONE, Some(c"mode=0755"))?;
    process::change_directory(c"/..")?;
    if is_directory {
        node::make_directory(HERE, PLACE, 0o755)
    } else {
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY;
        node::open(HERE, PLACE, flags, 0o644).map(descriptor::close)
    }
}

fn finish(path: &CStr, step: &BindMount, is_directory: bool) -> Result<(), Failed> {
    begin(is_directory)?;
    let depth = if step.recursive {
        MountFlags::RECURSIVE
    } else {
        MountFlags::NONE
    };
    let flags = MountFlags::BIND.and(depth);
    mount(Some(path), PLACE, None, flags, None).map_err(|errno| Part::Source.failed(errno))?;
    let restrictions = MountFlags(step.flags.0 & RESTRICTIONS.0);
    if restrictions != MountFlags::NONE {
        let restricted = restrict(restrictions, step.recursive_flags);
        restricted.map_err(|errno| Part::Restrict.failed(errno))?;
    }
    Ok(())
}

/// Restricts what is in its place on the tmpfs, and what is mounted below it if `recursive`.
fn restrict(flags: MountFlags, recursive: bool) -> Result<(), Errno> {
    remount(PLACE, flags)?;
    if !recursive {
        return Ok(());
    }
    // By path: a directory on the way may be renamed by its owner. So the list has the last word.
    for _ in 0..PASSES {
        let mut unrestricted = false;
        let mut outcome = Ok(());
        mount_list::below(LISTED, |path, has| {
            if !has.contains(flags) {
                unrestricted = true;
                outcome = outcome.and(remount(path, flags));
            }
        })?;
        outcome?;
        if !unrestricted {
            return Ok(());
        }
    }
    Err(Errno::EBUSY)
}

/// Adds `flags` to those that the mount on `path` has: without the ones that the host locked (nosuid on a
/// user's medium, say) the kernel would refuse.
pub fn remount(path: &CStr, flags: MountFlags) -> Result<(), Errno> {
    let mounted = node::open(HERE, path, libc::O_PATH, 0)?;
    let has = facts::file_system(mounted);
    descriptor::close(mounted);
    let flags = MountFlags::REMOUNT
        .and(MountFlags::BIND)
        .and(flags)
        .and(has?.flags);
    mount(None, path, None, flags, None)
}

fn move_to(target: BorrowedFd<'_>, is_directory: bool) -> Result<(), Errno> {
    if is_directory {
        directory::enter(target)?;
        return mount(Some(PATH), c".", None, MountFlags::MOVE, None);
    }
    move_to_file(PATH, target)
}

/// Moves a mount onto a file, which only /proc can name by its descriptor.
pub fn move_to_file(mounted: &CStr, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let descriptors = node::open(HERE, c"/proc/self/fd", libc::O_PATH | libc::O_DIRECTORY, 0)?;
    let is_proc = facts::file_system(descriptors).map(facts::FileSystem::is_proc);
    let entered = directory::enter(descriptors);
    descriptor::close(descriptors);
    entered?;
    if !is_proc? {
        return Err(Errno::ENODEV);
    }
    let mut buffer = [0; 12];
    let name = descriptor::decimal(target, &mut buffer).ok_or(Errno::EBADF)?;
    mount(Some(mounted), name, None, MountFlags::MOVE, None)
}
