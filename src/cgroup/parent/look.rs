//! Where a container's cgroup would be made, without making anything.

use super::super::Version;
use super::super::directory::{Directory, joined};
use super::super::layout::{Hierarchy, HierarchyMount, Layout};
use super::{Asked, PASSED_ON, PathFromTop, Wanted, climb, limited, names, place};
use crate::error::Error;
use crate::sys::Errno;
use std::ffi::{CStr, CString};

impl PathFromTop<'_> {
    /// What [`pass_on`](Self::pass_on) would write, the uppermost first, as far as that can be known.
    fn would_pass_on(
        &self,
        directory: &Directory,
        depth: usize,
        controllers: &[&str],
    ) -> Result<Vec<Written>, Error> {
        let missing = self.not_passed_on(directory, controllers)?;
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |errno| self.not_written(directory, errno);
        directory.may_write(PASSED_ON).map_err(failed)?;
        let has = directory.read(c"cgroup.controllers").map_err(failed)?;
        let lacks = |name: &&&str| !has.split(' ').any(|one| one == **name);
        let lacking: Vec<&str> = missing.iter().filter(lacks).copied().collect();
        let mut written = match depth.checked_sub(1) {
            _ if lacking.is_empty() => Vec::new(),
            Some(above) => self.would_pass_on(&self.open(above)?, above, &lacking)?,
            None => return Err(self.nowhere()),
        };
        written.push(Written::new(&directory.path, &missing));
        Ok(written)
    }
}

/// What would be written to a file of a cgroup's, which need not be there yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    pub file: CString,
    pub value: String,
}

impl Written {
    fn new(directory: &CStr, controllers: &[&str]) -> Self {
        Self {
            file: joined(directory, PASSED_ON),
            value: format!("+{}", controllers.join(" +")),
        }
    }
}

/// Where a container's cgroup would be made.
pub struct Site {
    /// What is to be above it.
    pub path: CString,
    /// What is missing of that, from the top down.
    pub missing: Vec<CString>,
    pub written: Vec<Written>,
}

/// What [`in_v1`](super::in_v1) would do.
#[cold]
#[inline(never)]
pub fn look_v1(
    asked: Asked,
    hierarchy: (&Layout<'_>, &Hierarchy<'_>),
    wished: Option<&CStr>,
    name: &CStr,
) -> Result<Site, Error> {
    let (top, missing) = match wished {
        None => {
            let own = |mount: &HierarchyMount| Some(joined(&mount.point, mount.own.as_ref()?));
            (place(asked, hierarchy, Version::V1, own)?.1, Vec::new())
        }
        Some(path) => {
            let top = |mount: &HierarchyMount| Some(mount.point.clone());
            follow(asked, place(asked, hierarchy, Version::V1, top)?.1, path)?
        }
    };
    if missing.is_empty() {
        limited::refuse_in_v1(asked, hierarchy.1, &top)?;
    }
    let first = missing.first().cloned();
    let made = first.unwrap_or_else(|| top.path_of(name));
    let failed = |errno| asked.failed("mkdir", &made, errno);
    top.may_write(c".").map_err(failed)?;
    Ok(Site {
        path: missing.last().cloned().unwrap_or(top.path),
        missing,
        written: Vec::new(),
    })
}

/// What [`in_v2`](super::in_v2) would do.
#[cold]
#[inline(never)]
pub fn look_v2(
    asked: Asked,
    hierarchy: (&Layout<'_>, &Hierarchy<'_>),
    wished: Option<&CStr>,
    controllers: Wanted<'_>,
) -> Result<Site, Error> {
    let look = |way: &PathFromTop<'_>, directory: &Directory, depth| {
        let mut written = way.would_pass_on(directory, depth, controllers.needed)?;
        for name in controllers.counting {
            written.extend(
                way.would_pass_on(directory, depth, &[name])
                    .unwrap_or_default(),
            );
        }
        let failed = |errno| asked.failed("mkdir in", &directory.path, errno);
        directory.may_write(c".").map_err(failed)?;
        Ok(written)
    };
    let Some(path) = wished else {
        let (directory, written) = climb(asked, hierarchy, look)?;
        return Ok(Site {
            path: directory.path,
            missing: Vec::new(),
            written,
        });
    };
    let top = |mount: &HierarchyMount| Some(mount.point.clone());
    let (mount, top) = place(asked, hierarchy, Version::V2, top)?;
    let (directory, missing) = follow(asked, top, path)?;
    let way = PathFromTop::new(asked, &mount, path);
    let mut written = look(&way, &directory, way.names.len() - missing.len())?;
    if !controllers.needed.is_empty() {
        let new = missing.iter();
        written.extend(new.map(|path| Written::new(path, controllers.needed)));
    }
    Ok(Site {
        path: missing.last().cloned().unwrap_or(directory.path),
        missing,
        written,
    })
}

/// Goes down from `top` towards `path` as far as there is one: how far, and the paths of what is missing.
fn follow(asked: Asked, top: Directory, path: &CStr) -> Result<(Directory, Vec<CString>), Error> {
    let mut directory = top;
    let mut missing: Vec<CString> = Vec::new();
    for name in names(path) {
        if let Some(last) = missing.last() {
            missing.push(joined(last, &name));
            continue;
        }
        match directory.child(&name) {
            Ok(child) => directory = child,
            Err(Errno::ENOENT) => missing.push(directory.path_of(&name)),
            Err(errno) => return Err(asked.failed("mkdir", &directory.path_of(&name), errno)),
        }
    }
    Ok((directory, missing))
}
