//! The cgroup below which the container's is made: the caller's own, so that what limits the caller limits
//! the container too, or the one that `--cgroup-parent` names.
//!
//! In v2 a cgroup that passes controllers on has no processes ("no internal processes"), and the caller's
//! own has at least the caller. So there it is the nearest one above it that passes on what is needed, or can
//! be made to: the hierarchy's top on many hosts, a slice on one with systemd.

mod limited;
mod look;

pub use limited::count_what_is_below;
pub use look::{Site, Written, look_v1, look_v2};

use super::Version;
use super::directory::{Directory, FIRST_INODE, joined};
use super::layout::{Hierarchy, HierarchyMount, Layout};
use crate::error::Error;
use crate::field::Field;
use crate::sys::facts::FileSystem;
use crate::sys::{Errno, descriptor, facts, identity};
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

/// Who needs a hierarchy, for messages.
#[derive(Clone, Copy)]
pub struct Asked {
    pub field: Field,
    /// The controller's name.
    pub controller: &'static str,
}

const DELEGATE: &str = "an ordinary user needs a cgroup v2 of their own: systemd-run --user --scope -p Delegate=yes \
                        mydocker run ... (mydocker help limits)";

const ROOTS_ALONE: &str =
    "limits of cgroup v1 are root's to give; an ordinary user's take v2 (mydocker help limits)";

impl Asked {
    /// `doing` to `path` failed.
    pub fn failed(self, doing: &str, path: &CStr, errno: Errno) -> Error {
        let hint = match errno {
            Errno::EROFS | Errno::EACCES | Errno::EPERM | Errno::EBUSY
                if identity::effective_user() != 0 =>
            {
                Some(if is_v1(path) { ROOTS_ALONE } else { DELEGATE })
            }
            Errno::EROFS | Errno::EACCES | Errno::EPERM => Some(
                "cgroups may not be changed here, as in a container that was not given any of its own",
            ),
            Errno::EBUSY => Some(
                "cgroup v2 wants processes in leaves: move those of this cgroup, mydocker's caller among them, into \
                 one below it",
            ),
            Errno::ENOENT if doing == "open" => {
                Some("it is not seen here, as in a container: limit that one from outside")
            }
            // By our own look at what was opened.
            Errno::ENODEV => {
                Some("something else than its hierarchy of cgroups is there, mounted over it")
            }
            Errno::EAGAIN => {
                Some("a limit on the number of cgroups is reached (cgroup.max.descendants)")
            }
            _ => None,
        };
        Error::new(format!("{}: {doing}", self.field), path.to_bytes(), errno).hint(hint)
    }

    pub fn refused(self, reason: &'static str) -> Error {
        let object = format!("{}: the {} controller", self.field, self.controller);
        Error::refused(object, reason)
    }
}

/// Whether a path that need not be there lies in a hierarchy of v1.
fn is_v1(path: &CStr) -> bool {
    let mut part = path.to_bytes();
    loop {
        let there = CString::new(part).unwrap_or_default();
        if let Ok(opened) = descriptor::open(&there, libc::O_PATH, 0) {
            return facts::file_system(opened.as_fd()).is_ok_and(FileSystem::is_cgroup_v1);
        }
        let end = part.iter().rposition(|byte| *byte == b'/');
        match end.and_then(|end| part.get(..end)) {
            Some(above) if !above.is_empty() => part = above,
            _ => return false,
        }
    }
}

/// The place where a hierarchy can be used: the first that is what it is said to be.
fn place(
    asked: Asked,
    (layout, hierarchy): (&Layout<'_>, &Hierarchy<'_>),
    version: Version,
    path: impl Fn(&HierarchyMount) -> Option<CString>,
) -> Result<(HierarchyMount, Directory), Error> {
    let mut first = None;
    for mount in layout.mounts(hierarchy) {
        let Some(path) = path(&mount) else { continue };
        let opened = Directory::open(path.clone(), version).and_then(|directory| {
            // Not mounted, or mounted from another cgroup on.
            match !layout.assumed || is_top(&directory, &mount)? {
                true => Ok(directory),
                false => Err(Errno::ENODEV),
            }
        });
        match opened {
            Ok(directory) => return Ok((mount, directory)),
            Err(errno) => {
                first.get_or_insert_with(|| asked.failed("open", &path, errno));
            }
        }
    }
    Err(first.unwrap_or_else(|| {
        asked.refused(if layout.mounts(hierarchy).next().is_none() {
            "its hierarchy of cgroups is mounted nowhere; see cgroups(7)"
        } else {
            "this process's own cgroup is not below what is mounted, as in a container: limit that one, or name a \
             cgroup with --cgroup-parent"
        })
    }))
}

/// Whether the top of what is mounted is the hierarchy's own, which is the first inode of its file system.
fn is_top(directory: &Directory, mount: &HierarchyMount) -> Result<bool, Errno> {
    if directory.path == mount.point {
        return directory.is_first();
    }
    let top = descriptor::open(&mount.point, libc::O_PATH, 0)?;
    Ok(facts::facts(top.as_fd())?.identity.1 == FIRST_INODE)
}

/// For a hierarchy of v1. `wished` is the path of `--cgroup-parent`; `prepare` is done with each cgroup on the
/// way there, and the one above it.
#[cold]
#[inline(never)]
pub fn in_v1(
    asked: Asked,
    hierarchy: (&Layout<'_>, &Hierarchy<'_>),
    wished: Option<&CStr>,
    prepare: impl Fn(&Directory, &Directory) -> Result<(), Error>,
) -> Result<Directory, Error> {
    match wished {
        None => {
            let own = |mount: &HierarchyMount| Some(joined(&mount.point, mount.own.as_ref()?));
            let (_, directory) = place(asked, hierarchy, Version::V1, own)?;
            limited::refuse_in_v1(asked, hierarchy.1, &directory)?;
            Ok(directory)
        }
        Some(path) => {
            let top = |mount: &HierarchyMount| Some(mount.point.clone());
            let (_, directory) = place(asked, hierarchy, Version::V1, top)?;
            let directory = descend(asked, directory, path, prepare)?;
            limited::refuse_in_v1(asked, hierarchy.1, &directory)?;
            Ok(directory)
        }
    }
}

/// Goes down from `top` to `path`, and makes what is missing. That stays, as with docker: it has a name that
/// someone gave it, and others may be on their way there.
fn descend(
    asked: Asked,
    top: Directory,
    path: &CStr,
    prepare: impl Fn(&Directory, &Directory) -> Result<(), Error>,
) -> Result<Directory, Error> {
    let mut directory = top;
    for name in names(path) {
        let failed = |errno| asked.failed("mkdir", &directory.path_of(&name), errno);
        let child = match directory.child(&name) {
            Err(Errno::ENOENT) => match directory.make(&name) {
                // Someone else was faster.
                Err(Errno::EEXIST) => directory.child(&name),
                made => made,
            },
            found => found,
        };
        let child = child.map_err(failed)?;
        prepare(&directory, &child)?;
        directory = child;
    }
    Ok(directory)
}

/// The names of a path, without its slashes.
fn names(path: &CStr) -> Vec<CString> {
    let names = path.to_bytes().split(|byte| *byte == b'/');
    names
        .filter(|name| !name.is_empty())
        .filter_map(|name| CString::new(name).ok())
        .collect()
}

/// The controllers of v2 that a container wants.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub needed: &'a [&'a str],
    /// Without these some figures are not reported, and no more.
    pub counting: &'a [&'a str],
}

impl<'a> Wanted<'a> {
    pub fn new(needed: &'a [&'a str], counted: bool) -> Self {
        Self {
            needed,
            counting: if counted { &["memory", "pids"] } else { &[] },
        }
    }
}

/// For v2: a cgroup that passes `controllers` on, and what `make` makes in it.
#[cold]
#[inline(never)]
pub fn in_v2<T>(
    asked: Asked,
    hierarchy: (&Layout<'_>, &Hierarchy<'_>),
    wished: Option<&CStr>,
    controllers: Wanted<'_>,
    make: impl Fn(&Directory) -> Result<T, Errno>,
) -> Result<(Directory, T), Error> {
    if let Some(path) = wished {
        let top = |mount: &HierarchyMount| Some(mount.point.clone());
        let (mount, top) = place(asked, hierarchy, Version::V2, top)?;
        let directory = descend(asked, top, path, |_, _| Ok(()))?;
        let way = PathFromTop::new(asked, &mount, path);
        way.pass_on_all(&directory, way.names.len(), controllers)?;
        let made =
            make(&directory).map_err(|errno| asked.failed("mkdir in", &directory.path, errno))?;
        return Ok((directory, made));
    }
    climb(asked, hierarchy, |way, directory, depth| {
        way.pass_on_all(directory, depth, controllers)?;
        make(directory).map_err(|errno| asked.failed("mkdir in", &directory.path, errno))
    })
}

/// Makes the attempt with the caller's own cgroup of v2, and with those above it, until it succeeds.
fn climb<T>(
    asked: Asked,
    hierarchy: (&Layout<'_>, &Hierarchy<'_>),
    attempt: impl Fn(&PathFromTop<'_>, &Directory, usize) -> Result<T, Error>,
) -> Result<(Directory, T), Error> {
    let own = |mount: &HierarchyMount| Some(joined(&mount.point, mount.own.as_ref()?));
    let (mount, mut directory) = place(asked, hierarchy, Version::V2, own)?;
    let way = PathFromTop::new(asked, &mount, mount.own.as_deref().unwrap_or_default());
    let mut failure: Option<Error> = None;
    for depth in (0..=way.names.len()).rev() {
        if depth != way.names.len() {
            // Beside it nothing would be limited by it.
            limited::refuse_in_v2(asked, &directory)?;
            directory = way.open(depth)?;
        }
        match attempt(&way, &directory, depth) {
            Ok(made) => return Ok((directory, made)),
            // That one's own cgroup has processes is as expected; what is wrong with those above it says more.
            Err(error) => match failure {
                Some(ref kept) if kept.errno() != Some(Errno::EBUSY) => {}
                _ => failure = Some(error),
            },
        }
    }
    Err(failure.unwrap_or_else(|| asked.refused("no cgroup is there")))
}

/// The way from the top of v2 to a cgroup.
struct PathFromTop<'a> {
    asked: Asked,
    mount: &'a HierarchyMount,
    names: Vec<CString>,
}

const PASSED_ON: &CStr = c"cgroup.subtree_control";

impl<'a> PathFromTop<'a> {
    fn new(asked: Asked, mount: &'a HierarchyMount, path: &CStr) -> Self {
        Self {
            asked,
            mount,
            names: names(path),
        }
    }

    /// The cgroup so many names below the top.
    fn open(&self, depth: usize) -> Result<Directory, Error> {
        let names = self.names.iter().take(depth);
        let path = names.fold(self.mount.point.clone(), |path, name| joined(&path, name));
        let failed = |errno| self.asked.failed("open", &path, errno);
        Directory::open(path.clone(), Version::V2).map_err(failed)
    }

    fn pass_on_all(
        &self,
        directory: &Directory,
        depth: usize,
        controllers: Wanted<'_>,
    ) -> Result<(), Error> {
        self.pass_on(directory, depth, controllers.needed)?;
        for name in controllers.counting {
            let _ = self.pass_on(directory, depth, &[name]);
        }
        Ok(())
    }

    /// Sees to it that `directory`, which is at `depth`, passes `controllers` on. What is passed on stays so:
    /// other containers may be there by then.
    #[cold]
    #[inline(never)]
    fn pass_on(
        &self,
        directory: &Directory,
        depth: usize,
        controllers: &[&str],
    ) -> Result<(), Error> {
        let missing = self.not_passed_on(directory, controllers)?;
        if missing.is_empty() {
            return Ok(());
        }
        let failed = |errno| self.not_written(directory, errno);
        let line = format!("+{}", missing.join(" +"));
        match directory.write(PASSED_ON, line.as_bytes()) {
            // It has not got them itself.
            Err(Errno::ENOENT) if depth > 0 => {
                self.pass_on(&self.open(depth - 1)?, depth - 1, &missing)?;
                directory.write(PASSED_ON, line.as_bytes()).map_err(failed)
            }
            Err(Errno::ENOENT) => Err(self.nowhere()),
            done => done.map_err(failed),
        }
    }

    /// The `controllers` that `directory` does not pass on. If there are some, it has no processes.
    fn not_passed_on<'c>(
        &self,
        directory: &Directory,
        controllers: &[&'c str],
    ) -> Result<Vec<&'c str>, Error> {
        // The real top has no such file, and may have processes.
        let kind = directory.read(c"cgroup.type");
        if kind.as_ref().is_ok_and(|kind| kind != "domain") {
            let file = directory.path_of(c"cgroup.type");
            return Err(Error::refused(
                [
                    self.asked.field.spelled().as_bytes(),
                    b": ",
                    file.to_bytes(),
                ]
                .concat(),
                "the cgroup is threaded: it can have threads of a process below it, and no container",
            ));
        }
        let failed = |errno| self.not_written(directory, errno);
        let passed = directory.read(PASSED_ON).map_err(failed)?;
        let missing: Vec<&str> = controllers
            .iter()
            .filter(|controller| !passed.split(' ').any(|name| name == **controller))
            .copied()
            .collect();
        // With processes the kernel refuses some controllers (memory, io), and others (cpu, pids) it passes on
        // to threads alone from then on.
        if !missing.is_empty()
            && kind.is_ok()
            && directory.read(c"cgroup.procs") != Ok(String::new())
        {
            return Err(failed(Errno::EBUSY));
        }
        Ok(missing)
    }

    fn not_written(&self, directory: &Directory, errno: Errno) -> Error {
        self.asked
            .failed("write to", &directory.path_of(PASSED_ON), errno)
    }

    fn nowhere(&self) -> Error {
        self.asked.refused(
            "this machine's cgroup v2 does not have it, and v1 neither (cgroup.controllers at its top)",
        )
    }
}
