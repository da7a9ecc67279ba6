//! A cgroup is made at its place, with those above it that are not there.

use super::hierarchies::Place;
use super::resources;
use crate::cgroup::{Directory, Version};
use crate::error::Error;
use crate::oci::config::Resources;
use crate::sys::Errno;
use std::ffi::CStr;

/// A cgroup at its place, and what was made for it.
pub struct Made {
    pub directory: Directory,
    /// The directories that were not there, the uppermost first: how many names of the place are the path of the first.
    pub first_new: usize,
}

impl Made {
    pub fn is_new(&self, place: &Place) -> bool {
        self.first_new <= place.names.len()
    }
}

/// Removes what was made for a cgroup that is not to be, as far as it is empty.
pub fn unmake(place: &Place, first_new: usize) {
    for depth in (first_new.max(1)..=place.names.len()).rev() {
        let Some(name) = place.names.get(depth - 1) else {
            return;
        };
        let Ok(above) = Directory::open(place.path(depth - 1), place.version()) else {
            return;
        };
        let removed = match depth == place.names.len() {
            true => above.remove(name),
            false => above.remove_empty(name),
        };
        if removed.is_err() {
            return;
        }
    }
}

fn failed<'a>(doing: &'a str, path: &'a CStr) -> impl Fn(Errno) -> Error + 'a {
    move |errno| {
        let hint = (errno == Errno::ENOSPC || errno == Errno::EAGAIN)
            .then_some("a limit on the number of cgroups is reached");
        Error::new(doing, path.to_bytes(), errno).hint(hint)
    }
}

/// Makes it, as it is where nothing is above it, with what it takes that processes can be in it: a cpuset, and in v2 the
/// controllers of `controllers`.
///
/// Errors: one cannot be made; what was made is removed again then.
#[cold]
#[inline(never)]
pub fn make(
    (place, top): (&Place, &Directory),
    asked: &Resources,
    controllers: &Controllers,
) -> Result<Made, Error> {
    let mut first_new = usize::MAX;
    let made = walk((place, top), asked, controllers, &mut first_new);
    if made.is_err() {
        unmake(place, first_new);
    }
    Ok(Made {
        directory: made?,
        first_new,
    })
}

/// The controllers of v2 that are passed on from the top down to the container's cgroup.
pub enum Controllers {
    /// As many as there are.
    All,
    These(Vec<&'static str>),
}

fn walk(
    (place, top): (&Place, &Directory),
    asked: &Resources,
    controllers: &Controllers,
    first_new: &mut usize,
) -> Result<Directory, Error> {
    let needs_cpuset = place.controllers.split(',').any(|one| one == "cpuset");
    // Usually what is above is there, and as it is to be.
    let shortcut = match place.version() {
        Version::V1 if !needs_cpuset => place.names.len() - 1,
        _ => 0,
    };
    let near = match shortcut {
        0 => None,
        depth => top.at(&place.below_top(depth)).ok(),
    };
    let depth = near.as_ref().map_or(0, |_| shortcut);
    let mut made = near;
    for (depth, name) in place.names.iter().enumerate().skip(depth) {
        let here = made.as_ref().unwrap_or(top);
        if place.version() == Version::V2 {
            pass_on(here, controllers);
        }
        let (next, is_new) = enter(here, name)?;
        if is_new {
            *first_new = (*first_new).min(depth + 1);
        }
        let is_last = depth + 1 == place.names.len();
        if needs_cpuset {
            if is_last {
                resources::set_cpuset(&next, &asked.cpu)?;
            }
            // Whatever is the runtime's own is as someone wants it.
            if depth >= place.own {
                fill(here, &next)?;
            }
        }
        if place.version() == Version::V2 {
            settle(&next, asked)?;
        }
        made = Some(next);
    }
    // There is a name at least.
    made.ok_or_else(|| failed("open", &place.top)(Errno::ENOENT))
}

/// The cgroup of this name: made, if it is not there.
fn enter(above: &Directory, name: &CStr) -> Result<(Directory, bool), Error> {
    let path = above.path_of(name);
    // Someone who ends a container beside this one may remove it between the two.
    for _ in 0..8 {
        match above.make(name) {
            Ok(made) => return Ok((made, true)),
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(failed("make the cgroup", &path)(errno)),
        }
        match above.child(name) {
            Ok(there) => return Ok((there, false)),
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(failed("open the cgroup", &path)(errno)),
        }
    }
    Err(failed("make the cgroup", &path)(Errno::ENOENT))
}

/// A cpuset of v1 begins without processors and memory nodes, and no process can be in it then.
fn fill(above: &Directory, below: &Directory) -> Result<(), Error> {
    for file in [c"cpuset.cpus", c"cpuset.mems"] {
        let read = |directory: &Directory| {
            directory
                .read(file)
                .map_err(failed("read", &directory.path_of(file)))
        };
        if read(below)?.is_empty() {
            let path = below.path_of(file);
            let list = read(above)?;
            below
                .write(file, list.as_bytes())
                .map_err(failed("write to", &path))?;
        }
    }
    Ok(())
}

/// Has a cgroup of v2 pass controllers on. Where some cannot be, what needs them fails when it is set.
fn pass_on(directory: &Directory, controllers: &Controllers) {
    let file = c"cgroup.subtree_control";
    let (Ok(there), Ok(passed)) = (directory.read(c"cgroup.controllers"), directory.read(file))
    else {
        return;
    };
    let is_wanted = |name: &&str| match controllers {
        Controllers::All => true,
        Controllers::These(these) => these.contains(name),
    };
    let is_missing = |name: &&str| !passed.split(' ').any(|one| one == *name);
    let words = there.split(' ').filter(|name| !name.is_empty());
    let missing = words.filter(is_wanted).filter(is_missing);
    let missing: Vec<String> = missing.map(|name| format!("+{name}")).collect();
    if !missing.is_empty() && directory.write(file, missing.join(" ").as_bytes()).is_err() {
        for one in missing {
            let _ = directory.write(file, one.as_bytes());
        }
    }
}

/// A cgroup of v2 below one with processes can be a threaded one alone, which has not all controllers.
fn settle(directory: &Directory, asked: &Resources) -> Result<(), Error> {
    let file = c"cgroup.type";
    let Ok(kind) = directory.read(file) else {
        return Ok(());
    };
    let how = match kind.as_str() {
        "domain invalid" if resources::needs_domain(asked) => "it is in an invalid state",
        "domain invalid" => {
            let _ = directory.write(file, b"threaded");
            return Ok(());
        }
        "threaded" | "domain threaded" if resources::needs_domain(asked) => "it is threaded",
        _ => return Ok(()),
    };
    let path = String::from_utf8_lossy(directory.path.to_bytes()).into_owned();
    Err(Error::told(&format!(
        "cannot enter cgroupv2 {path:?} with domain controllers -- {how}"
    )))
}
