//! Binds where the kernel knows no mounts as descriptors (before Linux 5.2, or before 5.12 to restrict
//! them).
//!
//! A bind takes no flags, they are set by a second mount(2) on a path. So that no one can put something
//! else there in between, that path lies on a tmpfs of our own; from there the finished mount moves to its
//! place.

use super::RootState;
use crate::plan::root::{BindMount, Restrictions};
use crate::report::{Failed, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::mount::{self, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{
    Errno, MountFlags, descriptor, directory, mount_list, mount_tree, own_proc, process,
};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// Where a bind is finished, seen from that tmpfs, from our root, and in the list of mounts. No mount of
/// the host's is called so.
pub const PLACE: &CStr = c"mydocker.finishing";
const PATH: &CStr = c"/../mydocker.finishing";
const LISTED: &[u8] = b"/mydocker.finishing";

const RESTRICTIONS: MountFlags = MountFlags::READONLY
    .and(MountFlags::NOSUID)
    .and(MountFlags::NODEV)
    .and(MountFlags::NOEXEC);

const PROPAGATIONS: MountFlags = MountFlags::PRIVATE
    .and(MountFlags::SLAVE)
    .and(MountFlags::SHARED);

/// How often the list is read until all is as it should be.
const PASSES: u32 = 8;

/// What is bound then; none if the host has none and that is forgiven.
pub fn bind(step: &BindMount, state: &RootState) -> Result<Option<Undropped>, Failed> {
    let source = match node::open(HERE, &step.path, libc::O_PATH, 0) {
        Err(Errno::ENOENT) if step.optional => return Ok(None),
        source => source.map_err(|errno| Part::Source.failed(errno))?,
    };
    let looked = facts::facts(source.as_fd()).map_err(|errno| Part::Source.failed(errno));
    descriptor::close(source);
    let looked = looked?;
    let target = super::target::find_target(step, &looked, state)?;
    finish(step, looked.kind)?;
    let bound = node::find(HERE, PATH)?;
    let moved = move_to(target.as_fd(), looked.kind == Kind::Directory);
    descriptor::close(target);
    moved?;
    mount::detach(c"/..")?;
    Ok(Some(bound))
}

/// The root once more, restricted with all that is mounted below it. The first one stays, covered.
pub fn restrict_base(path: &CStr, flags: MountFlags, state: &RootState) -> Result<(), Failed> {
    let failed = |errno| Part::Restrict.failed(errno);
    if path == c"/" {
        // By now / is covered, and a copy of it would be a copy of what covers it, too.
        if flags.contains(MountFlags::READONLY) {
            return Err(failed(Errno::ENOSYS));
        }
        // So it is restricted where it is. The host's, which the list has too, are what is covered.
        remount(c"/..", flags).map_err(failed)?;
        return restrict_listed(b"", flags).map_err(failed);
    }
    begin(true)?;
    let bind = MountFlags::BIND.and(MountFlags::RECURSIVE);
    mount(Some(path), PLACE, None, bind, None)?;
    restrict(flags, true).map_err(failed)?;
    // The tmpfs stays too, below.
    mount(Some(PATH), c"/", None, MountFlags::MOVE, None)?;
    state.cover();
    state.cover();
    process::change_directory(c"/..")?;
    if let Some(writable) = state.root.replace(Some(node::find(HERE, c".")?.keep())) {
        writable.close(state.child);
    }
    Ok(())
}

/// The tmpfs, and on it a place for a directory or a file.
pub fn begin(is_directory: bool) -> Result<(), Errno> {
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

fn finish(step: &BindMount, source: Kind) -> Result<(), Failed> {
    begin(source == Kind::Directory)?;
    let depth = if step.recursive {
        MountFlags::RECURSIVE
    } else {
        MountFlags::NONE
    };
    let flags = MountFlags::BIND.and(depth);
    let bound = mount(Some(&step.path), PLACE, None, flags, None);
    bound.map_err(|errno| Part::Source.failed(errno))?;
    // Private it is already; slave and shared ones are copies, which this kernel has not.
    let restricted = restrict_to(step.restrictions(source));
    restricted.map_err(|errno| Part::Restrict.failed(errno))
}

/// Puts a copy on the tmpfs and restricts it there; from there it can be attached once more. What the host mounts
/// meanwhile below one that is slave or shared is restricted with it; what it mounts later has the flags that the
/// host gives it, here as on newer kernels.
pub fn restrict_aside(
    tree: BorrowedFd<'_>,
    restrictions: Restrictions,
    source: Kind,
) -> Result<(), Errno> {
    begin(source == Kind::Directory)?;
    let place = node::find(HERE, PLACE)?;
    let attached = mount_tree::attach(tree, place.as_fd());
    descriptor::close(place);
    attached?;
    propagate(restrictions.top, MountFlags::NONE)?;
    propagate(restrictions.all, MountFlags::RECURSIVE)?;
    restrict_to(restrictions)
}

/// Gives it the propagation among `flags`, if there is one.
fn propagate(flags: MountFlags, depth: MountFlags) -> Result<(), Errno> {
    let propagation = MountFlags(flags.0 & PROPAGATIONS.0);
    if propagation == MountFlags::NONE {
        return Ok(());
    }
    mount(None, PLACE, None, propagation.and(depth), None)
}

fn restrict_to(restrictions: Restrictions) -> Result<(), Errno> {
    restrict(restrictions.all, true)?;
    restrict(restrictions.top, false)
}

/// Restricts what is in its place on the tmpfs, and what is mounted below it if `recursive`.
fn restrict(flags: MountFlags, recursive: bool) -> Result<(), Errno> {
    let flags = MountFlags(flags.0 & RESTRICTIONS.0);
    if flags == MountFlags::NONE {
        return Ok(());
    }
    remount(PLACE, flags)?;
    if recursive {
        restrict_listed(LISTED, flags)
    } else {
        Ok(())
    }
}

/// By path: a directory on the way may be renamed by its owner. So the list has the last word.
///
/// Of nodev it has not: a mount that no path leads to, in none of the passes, because another one covers it or a
/// part of the way to it, opens no devices. Who uncovers it has CAP_SYS_ADMIN and could undo nodev as well.
fn restrict_listed(below: &[u8], flags: MountFlags) -> Result<(), Errno> {
    let strict = flags.without(MountFlags::NODEV);
    if strict != MountFlags::NONE && !pass_over(below, strict, |_| false)? {
        return Err(Errno::EBUSY);
    }
    if flags.contains(MountFlags::NODEV) {
        pass_over(below, MountFlags::NODEV, leads_nowhere)?;
    }
    Ok(())
}

/// Whether a path that fails so does not lead to the mount, nor the container there.
fn leads_nowhere(errno: Errno) -> bool {
    matches!(
        errno,
        // Covered: EINVAL if what covers it has a directory of that name, which is no mount.
        Errno::ENOENT | Errno::ENOTDIR | Errno::EINVAL
            // The caller's rights end before.
            | Errno::EACCES
            // A dead FUSE, a stale NFS.
            | Errno::ENOTCONN | Errno::ESTALE
    )
}

/// Whether in the end all that is listed has `flags`.
fn pass_over(
    below: &[u8],
    flags: MountFlags,
    forgiven: impl Fn(Errno) -> bool,
) -> Result<bool, Errno> {
    for _ in 0..PASSES {
        let mut unrestricted = false;
        let mut outcome = Ok(());
        mount_list::below(below, |path, has| {
            if !has.contains(flags) {
                unrestricted = true;
                match remount(path, flags) {
                    Err(errno) if forgiven(errno) => {}
                    // Of mounts on each other it is the topmost that the path leads to.
                    done => outcome = outcome.and(done),
                }
            }
        })?;
        outcome?;
        if !unrestricted {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds `flags` to those that the mount on `path` has: without the ones that the host locked (nosuid on a
/// user's medium, say) the kernel would refuse.
pub fn remount(path: &CStr, flags: MountFlags) -> Result<(), Errno> {
    let mounted = node::open(HERE, path, libc::O_PATH, 0)?;
    let has = facts::file_system(mounted.as_fd());
    descriptor::close(mounted);
    let flags = MountFlags::REMOUNT
        .and(MountFlags::BIND)
        .and(flags)
        .and(has?.flags);
    mount(None, path, None, flags, None)
}

pub fn move_to(target: BorrowedFd<'_>, is_directory: bool) -> Result<(), Errno> {
    if is_directory {
        directory::enter(target)?;
        return mount(Some(PATH), c".", None, MountFlags::MOVE, None);
    }
    move_to_file(PATH, target)
}

/// Puts a file on another one, read-only if it has to be; by a name in the working directory.
pub fn place_file(name: &CStr, flags: MountFlags, target: BorrowedFd<'_>) -> Result<(), Errno> {
    mount(Some(name), name, None, MountFlags::BIND, None)?;
    if flags != MountFlags::NONE {
        remount(name, flags)?;
    }
    let mounted = node::find(HERE, name)?;
    let mut buffer = [0; 12];
    let by_number = descriptor::decimal(mounted.as_fd(), &mut buffer).ok_or(Errno::EBADF);
    let moved = by_number.and_then(|number| move_to_file(number, target));
    descriptor::close(mounted);
    moved
}

/// Moves a mount onto a file, which only /proc can name by its descriptor; `mounted` may be a number there, too.
fn move_to_file(mounted: &CStr, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let descriptors = own_proc::open(c"fd")?;
    let entered = directory::enter(descriptors.as_fd());
    descriptor::close(descriptors);
    entered?;
    let mut buffer = [0; 12];
    let name = descriptor::decimal(target, &mut buffer).ok_or(Errno::EBADF)?;
    mount(Some(mounted), name, None, MountFlags::MOVE, None)
}

/// Binds a file of the host's on another one, if it is what it has to be.
pub fn bind_file(
    path: &CStr,
    target: BorrowedFd<'_>,
    is_right: impl Fn(Kind) -> bool,
) -> Result<(), Errno> {
    let source = node::open(HERE, path, libc::O_PATH, 0)?;
    if !is_right(facts::facts(source.as_fd())?.kind) {
        return Err(Errno::ENODEV);
    }
    bind_found(source.as_fd(), target)?;
    descriptor::close(source);
    Ok(())
}

/// Binds what a descriptor names on what another one names, of the same type: by the names that /proc has for them.
pub fn bind_found(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    enter_descriptors()?;
    let (mut from, mut to) = ([0; 12], [0; 12]);
    let from = descriptor::decimal(source, &mut from).ok_or(Errno::EBADF)?;
    let to = descriptor::decimal(target, &mut to).ok_or(Errno::EBADF)?;
    let flags = MountFlags::BIND.and(MountFlags::RECURSIVE);
    mount(Some(from), to, None, flags, None)
}

/// [`remount`], of the mount that a descriptor names.
pub fn remount_found(mounted: BorrowedFd<'_>, flags: MountFlags) -> Result<(), Errno> {
    enter_descriptors()?;
    let mut buffer = [0; 12];
    let number = descriptor::decimal(mounted, &mut buffer).ok_or(Errno::EBADF)?;
    remount(number, flags)
}

/// To where descriptors have names.
fn enter_descriptors() -> Result<(), Errno> {
    let descriptors = own_proc::open(c"fd")?;
    let entered = directory::enter(descriptors.as_fd());
    descriptor::close(descriptors);
    entered
}
