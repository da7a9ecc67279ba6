//! A mount of config.json at its place.
//!
//! The place is found inside the root, and from there on it is a descriptor. A new file system is mounted on top of /, where
//! `/..` names it and no one else comes to, gets there what it is to have, and is moved: so no path is looked up twice
//! between the look and the mount (CVE-2021-30465, CVE-2019-19921).

use super::cover::may_cover;
use super::place_bind::change_below;
use super::{Descriptors, RootState, copy_up, find, place_bind};
use crate::path_in_root::Missing;
use crate::plan::root::{Content, FreshMount, KernelFs, PlacedMount};
use crate::report::{Failed, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::mount::mount;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, directory, mount_tree};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

pub fn place(
    step: &PlacedMount,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) -> Result<(), Failed> {
    match &step.content {
        Content::Fresh(fresh) => mount_fresh(step, fresh, state, descriptors),
        Content::Bound(bound) => place_bind::bind(step, bound, state, descriptors),
        Content::Remounted(fresh) => remount(step, fresh, state),
    }
}

fn mount_fresh(
    step: &PlacedMount,
    fresh: &FreshMount,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) -> Result<(), Failed> {
    let is_proc = fresh.kind.as_c_str() == c"proc";
    let (target, was_there) = if is_proc || fresh.kind.as_c_str() == c"sysfs" {
        (find_plain_directory(&step.target, state)?, true)
    } else {
        match find(state, &step.target, Missing::Refuse) {
            Err(failed) if failed.errno == Errno::ENOENT => {
                let made = find(state, &step.target, Missing::MakeDirectory)?;
                (made, false)
            }
            found => (found?, true),
        }
    };
    let covered = may_cover(target.as_fd(), is_proc, state)?;
    let kind = Some(fresh.kind.as_c_str());
    let source = Some(fresh.source.as_c_str());
    let mut buffer = [0; MOST_DATA];
    let keeps_mode = fresh.keeps_mode && was_there;
    let with_mode = match keeps_mode {
        true => with_mode(&fresh.data, covered.mode, &mut buffer),
        false => None,
    };
    let data = with_mode.unwrap_or(&fresh.data);
    match mount(source, c"/", kind, fresh.flags, Some(data)) {
        Err(errno @ (Errno::EPERM | Errno::EBUSY)) => {
            let instead = fresh.instead.as_deref().ok_or(errno)?;
            descriptor::close(target);
            return place_bind::bind(step, instead, state, descriptors);
        }
        mounted => mounted?,
    }
    if keeps_mode && with_mode.is_none() {
        node::change_mode(HERE, c"/..", covered.mode)?;
    }
    let mounted = node::find(HERE, c"/..")?;
    if fresh.copies {
        copy_up::copy(target.as_fd(), mounted.as_fd()).map_err(|errno| Part::Make.failed(errno))?;
    }
    // Through the descriptor: `.` is what was found, whatever its path means by now.
    directory::enter(target.as_fd())?;
    mount(Some(c"/.."), c".", None, MountFlags::MOVE, None)?;
    descriptor::close(target);
    finish(mounted.as_fd(), step)?;
    if is_proc && step.target.as_c_str() == c"/proc" && state.proc().is_none() {
        // Settings are written by it.
        state
            .kernel_fs(KernelFs::Proc)
            .set(Some(Undropped::keep(mounted)));
    } else {
        descriptor::close(mounted);
    }
    Ok(())
}

/// What mount(2) reads of options: a page.
const MOST_DATA: usize = 4096;

/// These options and this mode, so that whoever looks at the mounts sees it, too. `None`: it is too long.
fn with_mode<'b>(data: &CStr, mode: u32, buffer: &'b mut [u8; MOST_DATA]) -> Option<&'b CStr> {
    let before: &[u8] = match data.is_empty() {
        true => b"mode=",
        false => b",mode=",
    };
    // Octal, four digits, and what ends the text.
    let digits = [9, 6, 3, 0].map(|shift| b'0' | (mode >> shift & 7) as u8);
    let bytes = data
        .to_bytes()
        .iter()
        .chain(before)
        .chain(&digits)
        .chain(&[0]);
    let mut places = buffer.iter_mut();
    for byte in bytes {
        *places.next()? = *byte;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

/// What else its options ask for, of a mount that is attached.
fn finish(mounted: BorrowedFd<'_>, step: &PlacedMount) -> Result<(), Failed> {
    change_below(mounted, step)?;
    for propagation in &step.propagation {
        match mount_tree::propagate(mounted, *propagation) {
            Err(Errno::ENOSYS) => {
                directory::enter(mounted)?;
                mount(None, c".", None, *propagation, None)
            }
            done => done,
        }
        .map_err(|errno| Part::Restrict.failed(errno))?;
    }
    Ok(())
}

fn remount(step: &PlacedMount, fresh: &FreshMount, state: &RootState) -> Result<(), Failed> {
    let target = find(state, &step.target, Missing::Refuse)?;
    directory::enter(target.as_fd())?;
    let flags = fresh.flags.and(MountFlags::REMOUNT);
    let kind = Some(fresh.kind.as_c_str());
    mount(Some(&fresh.source), c".", kind, flags, Some(&fresh.data))?;
    finish(target.as_fd(), step)?;
    descriptor::close(target);
    Ok(())
}

/// The directory itself that a path names, made if it is not there: what the path ends in must be no link, for whoever made
/// the root would choose where proc is, and what is hidden of /proc would be there.
fn find_plain_directory(path: &CStr, state: &RootState) -> Result<Undropped, Failed> {
    let whole = path.to_bytes_with_nul();
    let start = whole.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let name = super::last_name(path);
    let mut buffer = [0; 4096];
    // The directory that it is in.
    let above = whole.get(..start).filter(|above| !above.is_empty());
    let above = above.unwrap_or(b"/");
    let room = buffer.get_mut(..above.len()).ok_or(Errno::ENAMETOOLONG)?;
    room.copy_from_slice(above);
    let above = CStr::from_bytes_until_nul(&buffer).map_err(|_| Errno::ENAMETOOLONG)?;
    let directory = find(state, above, Missing::MakeDirectory)?;
    let found = match node::find(directory.as_fd(), name) {
        Err(Errno::ENOENT) => {
            node::make_directory(directory.as_fd(), name, 0o755)
                .map_err(|errno| Part::Make.failed(errno))?;
            node::find(directory.as_fd(), name)
        }
        found => found,
    };
    descriptor::close(directory);
    let found = found.map_err(|errno| Part::Target.failed(errno))?;
    match facts::facts(found.as_fd())?.kind {
        Kind::Directory => Ok(found),
        _ => Err(Part::Target.failed(Errno::ENOTDIR)),
    }
}
