//! What / will be, and becoming it.

use super::{RootState, older};
use crate::lingering;
use crate::plan::root::{EnterHow, HANDED, Layers, WorkDirectory};
use crate::report::{Failed, Part};
use crate::sys::clone::NewNamespaces;
use crate::sys::descriptor::Undropped;
use crate::sys::facts::Facts;
use crate::sys::mount::{self, MountFlags, mount};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, directory, facts, mount_tree, namespace, own_proc, process};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// In a chroot, pivot_root would exchange the wrong mounts: the tree outside would stay, and be above us. So
/// the root has to be that of the mount namespace, which entering it once more gives. Where that is another
/// directory, this was a chroot, and the caller's paths were meant there.
///
/// It takes 12 calls, two of which look for this process in /proc, where no one has looked yet: most roots show in less that
/// they are that. (statmount(2) does not: it tells no one which place of its parent a mount lies on that / is on, nor
/// whether there is anything above.)
pub fn leave_chroot() -> Result<(), Errno> {
    let before = node::find(HERE, c"/")?;
    if is_top(before.as_fd())? {
        descriptor::close(before);
        return Ok(());
    }
    let namespace = own_proc::open(c"ns/mnt")?;
    let entered = namespace::join(namespace.as_fd(), NewNamespaces::MOUNT);
    descriptor::close(namespace);
    entered?;
    let after = node::find(HERE, c"/")?;
    let same = facts::facts(before.as_fd())?.identity == facts::facts(after.as_fd())?.identity;
    descriptor::close(before);
    descriptor::close(after);
    if same { Ok(()) } else { Err(Errno::EXDEV) }
}

/// Whether / is the mount namespace's root, if that shows at once; and goes there. It has nothing above it, so `..` of it is
/// itself, by the same mount, also for who has another root and is not kept from climbing by its own: /proc for the time,
/// or whatever directory has that name.
fn is_top(root: BorrowedFd<'_>) -> Result<bool, Errno> {
    let Ok(place) = facts::place(root, c".") else {
        return Ok(false);
    };
    if mount::change_root(c"/proc").is_err() {
        return Ok(false);
    }
    let above = facts::place(root, c"..");
    let other = facts::place(root, c"/");
    directory::enter(root)?;
    mount::change_root(c".")?;
    Ok(above == Ok(place) && other.is_ok_and(|other| other != place))
}

pub fn directory(path: &CStr, restrictions: MountFlags, state: &RootState) -> Result<(), Failed> {
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let opened = node::open(HERE, path, flags, 0).map_err(|errno| Part::Source.failed(errno))?;
    // pivot_root wants a mount point, and a directory need be none: so it is bound. Onto /, for that is
    // always there; and by the descriptor's own `.`, so that DIR may be / itself.
    directory::enter(opened.as_fd())?;
    descriptor::close(opened);
    let flags = MountFlags::BIND.and(MountFlags::RECURSIVE);
    mount(Some(c"."), c"/", None, flags, None)?;
    settle(state)?;
    if restrictions == MountFlags::NONE {
        return Ok(());
    }
    // Now, while nothing else is mounted there: every mount below DIR is as read-only as DIR.
    match mount_tree::set_attributes(state.root()?, restrictions, true) {
        Err(Errno::ENOSYS) => older::restrict_base(path, restrictions, state),
        done => done.map_err(|errno| Part::Restrict.failed(errno)),
    }
}

/// What is to be had of the host's is taken along as mounts that are nowhere, for its paths lead nowhere afterwards.
pub fn alone(path: &CStr, restrictions: MountFlags, state: &RootState) -> Result<(), Failed> {
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let opened = node::open(HERE, path, flags, 0).map_err(|errno| Part::Source.failed(errno))?;
    let tree = mount_tree::copy_found(opened.as_fd(), true);
    descriptor::close(opened);
    let tree = tree.map_err(|errno| Part::Source.failed(errno))?;
    let devices = mount_tree::copy(c"/dev", false).ok();
    lingering::outlast(namespace::new_empty_mounts)?;
    state.is_alone.set(true);
    state.hosts_devices.set(devices.map(Undropped::keep));
    // What is mounted in it from here on is not mounted on the host; and the rest as of any other directory.
    mount_tree::set_attributes(tree.as_fd(), restrictions.and(MountFlags::PRIVATE), true)
        .map_err(|errno| Part::Restrict.failed(errno))?;
    let place = node::find(HERE, c"/")?;
    let attached = mount_tree::attach(tree.as_fd(), place.as_fd());
    descriptor::close(place);
    descriptor::close(tree);
    attached?;
    settle(state)
}

/// The directory of a mount that was handed in, and is nowhere yet.
pub fn handed_directory(restrictions: MountFlags, state: &RootState) -> Result<(), Failed> {
    let tree = state.copy(0)?.take().ok_or(Errno::EBADF)?;
    if restrictions != MountFlags::NONE {
        mount_tree::set_attributes(tree.as_fd(), restrictions, true)
            .map_err(|errno| Part::Restrict.failed(errno))?;
    }
    let place = node::find(HERE, c"/")?;
    let attached = mount_tree::attach(tree.as_fd(), place.as_fd());
    descriptor::close(place);
    tree.close(state.child);
    attached?;
    settle(state)
}

pub fn overlay(layers: &Layers, state: &RootState) -> Result<(), Failed> {
    if layers.premounted > 0 {
        begin_handed(layers, state)?;
        state.cover();
    } else if let Some(like) = &layers.like {
        begin_upper(like, &layers.memory)?;
        state.cover();
    }
    if let Some(work) = &layers.work {
        enter_work(work)?;
    }
    mount_layers(layers, c"/")?;
    settle(state)?;
    state.owns(state.root()?).map_err(Failed::from)
}

/// Makes overlayfs' own directory the working one. overlayfs removes what it finds in it, and its path may lead to
/// another one by now, in a volume that others can write to: so it has to be the one that was made.
pub fn enter_work(work: &WorkDirectory) -> Result<(), Failed> {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = node::open(HERE, &work.path, flags, 0);
    let opened = opened.map_err(|errno| Part::Source.failed(errno))?;
    let looked = facts::facts(opened.as_fd());
    let entered = match looked {
        Ok(facts) if facts.identity == work.identity => directory::enter(opened.as_fd()),
        Ok(_) => Err(Errno::ESTALE),
        Err(errno) => Err(errno),
    };
    descriptor::close(opened);
    entered.map_err(|errno| Part::Source.failed(errno))
}

/// A tmpfs as for [`begin_upper`], with the layers that were handed in on directories of it: overlayfs takes them by
/// path, and only where they are in our mount namespace.
fn begin_handed(layers: &Layers, state: &RootState) -> Result<(), Failed> {
    let first = state.copy(0)?.get().ok_or(Errno::EBADF)?;
    begin_upper_like(&facts::facts(first.as_fd())?, &layers.memory)?;
    for (slot, name) in (0..layers.premounted).zip(HANDED) {
        let tree = state.copy(slot)?.take().ok_or(Errno::EBADF)?;
        node::make_directory(HERE, name, 0o755)?;
        let place = node::find(HERE, name)?;
        let attached = mount_tree::attach(tree.as_fd(), place.as_fd());
        descriptor::close(place);
        tree.close(state.child);
        attached?;
    }
    Ok(())
}

/// A tmpfs on top of /, with these options, for what is written to an overlay; the working directory is in it.
pub fn begin_upper(like: &CStr, memory: &CStr) -> Result<(), Failed> {
    let lower = node::open(HERE, like, libc::O_PATH | libc::O_DIRECTORY, 0);
    let lower = lower.map_err(|errno| Part::Source.failed(errno))?;
    let looked = facts::facts(lower.as_fd());
    descriptor::close(lower);
    begin_upper_like(&looked?, memory)
}

fn begin_upper_like(lower: &Facts, memory: &CStr) -> Result<(), Failed> {
    let Facts {
        mode, owner, group, ..
    } = *lower;
    mount(
        Some(c"tmpfs"),
        c"/",
        Some(c"tmpfs"),
        MountFlags::NONE,
        Some(memory),
    )?;
    process::change_directory(c"/..")?;
    node::make_directory(HERE, c"upper", 0o755)?;
    node::make_directory(HERE, c"work", 0o755)?;
    // The root of an overlay looks like its upper directory, and is to look like the lower one. In a user
    // namespace that owner may be unknown; then it is ours.
    match node::change_owner(HERE, c"upper", owner, group) {
        Ok(()) | Err(Errno::EINVAL | Errno::EPERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    // After the owner, for a change of that clears set-id bits.
    node::change_mode(HERE, c"upper", mode).map_err(Failed::from)
}

pub fn mount_layers(layers: &Layers, target: &CStr) -> Result<(), Errno> {
    let kind = c"overlay";
    let mount_with = |data| mount(Some(kind), target, Some(kind), layers.flags, Some(data));
    match &layers.redirected {
        // Before Linux 4.10, and in a user namespace that is the caller's, the kernel does not take it.
        Some(data) => match mount_with(data) {
            Err(Errno::EINVAL | Errno::EPERM) => mount_with(&layers.data),
            mounted => mounted,
        },
        None => mount_with(&layers.data),
    }
}

/// Goes to what has just been mounted on /, and keeps it.
///
/// `/` is where this process's root points, below what is mounted on it; `..` of it is itself again, but
/// looked up, which leads to the top.
fn settle(state: &RootState) -> Result<(), Failed> {
    state.cover();
    process::change_directory(c"/..")?;
    state.root.set(Some(node::find(HERE, c".")?.keep()));
    Ok(())
}

pub fn read_only(state: &RootState) -> Result<(), Failed> {
    match mount_tree::set_attributes(state.root()?, MountFlags::READONLY, false) {
        Err(Errno::ENOSYS) => older::remount(c"/..", MountFlags::READONLY),
        done => done,
    }
    .map_err(|errno| Part::Restrict.failed(errno))
}

pub fn enter(state: &RootState) -> Result<(), Errno> {
    if let Some(hidden) = state.hidden.take() {
        // Or `-w /proc/self/fd/N` could lead there.
        hidden.close(state.child);
    }
    if let Some(devices) = state.hosts_devices.take() {
        devices.close(state.child);
    }
    directory::enter(state.root()?)?;
    if state.is_alone.get() {
        // The kernel never moves a namespace's first mount away, but there is nothing to be seen: who climbs out of this
        // comes to a directory that is empty for ever, on which the root lies. (`setns` leads to the topmost, too.)
        mount::change_root(c".")?;
        return process::change_directory(c"/");
    }
    // With `.` for both, the old root comes to lie on top of the new one, and nothing need be made for it
    // (pivot_root(2), "pivot_root(".", ".")").
    match mount::pivot_root(c".", c".") {
        Ok(()) => {
            // It goes, and with it every mount of the host's; and the stages that lie on it. `.` is the
            // new root, and a mount is looked for from there to the top.
            for _ in 0..state.covers.get() {
                mount::detach(c".")?;
            }
        }
        Err(Errno::EINVAL) if is_initramfs()? => {
            // The kernel never moves the initial ramfs away. But what lies on its / hides it: with the
            // mount for a root, `..` ends there, and from outside of a second chroot it climbs no further
            // than to that place of the ramfs on which we lie, which leads back up to us. mountinfo shows
            // no mount that the root does not lead to. Who has CAP_SYS_ADMIN could take the mount away.
            #[cfg(feature = "oci")]
            if state.is_at_own_path.get() {
                mount(Some(c"."), c"/", None, MountFlags::MOVE, None)?;
            }
            mount::change_root(c".")?;
        }
        Err(errno) => return Err(errno),
    }
    process::change_directory(c"/")
}

/// What lies on / moves on, with everything that is mounted in it. Where the path is closed to us, it stays.
pub fn move_to_own_path(path: &CStr, state: &RootState) -> Result<(), Errno> {
    let place = match node::open(HERE, path, libc::O_PATH | libc::O_DIRECTORY, 0) {
        Err(Errno::EACCES) => return Ok(()),
        place => place?,
    };
    let (here, there) = (facts::facts(state.root()?), facts::facts(place.as_fd()));
    let entered = directory::enter(place.as_fd());
    descriptor::close(place);
    if here?.identity != there?.identity {
        return Err(Errno::ESTALE);
    }
    entered?;
    mount(Some(c"/.."), c".", None, MountFlags::MOVE, None)?;
    #[cfg(feature = "oci")]
    state.is_at_own_path.set(true);
    Ok(())
}

pub fn enter_as(how: EnterHow, state: &RootState) -> Result<(), Errno> {
    match how {
        EnterHow::Pivot => {
            directory::enter(state.root()?)?;
            mount::pivot_root(c".", c".")?;
            // The old root, which lies on top.
            let slave = MountFlags::SLAVE.and(MountFlags::RECURSIVE);
            mount(None, c"/..", None, slave, None)?;
            for _ in 0..state.covers.get() {
                mount::detach(c".")?;
            }
        }
        EnterHow::Chroot => {
            for path in [c"/proc", c"/sys"] {
                take_away(path)?;
            }
            directory::enter(state.root()?)?;
            mount::change_root(c".")?;
        }
    }
    process::change_directory(c"/")
}

/// Takes the host's proc or sysfs away, or covers it where that is not ours to do.
fn take_away(path: &CStr) -> Result<(), Errno> {
    const MOST: u32 = 16;
    for _ in 0..MOST {
        let there = match node::open(HERE, path, libc::O_PATH, 0) {
            Err(Errno::ENOENT) => return Ok(()),
            there => there?,
        };
        let file_system = facts::file_system(there.as_fd());
        descriptor::close(there);
        let file_system = file_system?;
        if !file_system.is_proc() && !file_system.is_sysfs() {
            return Ok(());
        }
        let slave = MountFlags::SLAVE.and(MountFlags::RECURSIVE);
        mount(None, path, None, slave, None)?;
        match mount::detach(path) {
            Err(Errno::EINVAL | Errno::EPERM) => {
                let kind = Some(c"tmpfs");
                return mount(kind, path, kind, MountFlags::READONLY, None);
            }
            done => done?,
        }
    }
    Err(Errno::EBUSY)
}

/// Whether / may be the initial ramfs. pivot_root has other reasons for EINVAL, and none of them is to
/// end in a chroot.
fn is_initramfs() -> Result<bool, Errno> {
    let root = node::find(HERE, c"/")?;
    let file_system = facts::file_system(root.as_fd());
    descriptor::close(root);
    Ok(file_system?.can_be_initramfs())
}
