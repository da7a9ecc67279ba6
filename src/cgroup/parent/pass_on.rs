//! Which controllers a cgroup of v2 passes on, and what it takes to have it pass on others.

use super::super::Version;
use super::super::asker::Asker;
use super::super::directory::{Directory, joined, names};
use super::super::layout::HierarchyMount;
use super::site::{PASSED_ON, Site, Written};
use crate::error::Error;
use crate::sys::Errno;
use std::ffi::{CStr, CString};

/// The controllers of v2 that a container wants.
#[derive(Clone, Copy)]
pub struct Controllers<'a> {
    pub needed: &'a [&'a str],
    /// A start goes on without these.
    pub optional: &'a [&'a str],
}

/// The way from the top of v2 to a cgroup.
pub struct PathFromTop<'a> {
    asker: Asker,
    mount: &'a HierarchyMount,
    names: Vec<CString>,
}

impl<'a> PathFromTop<'a> {
    pub fn new(asker: Asker, mount: &'a HierarchyMount, path: &CStr) -> Self {
        Self {
            asker,
            mount,
            names: names(path),
        }
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The cgroup so many names below the top.
    pub fn open(&self, depth: usize) -> Result<Directory, Error> {
        let names = self.names.iter().take(depth);
        let path = names.fold(self.mount.point.clone(), |path, name| joined(&path, name));
        let failed = |errno| self.asker.failed("open", &path, errno);
        Directory::open(path.clone(), Version::V2).map_err(failed)
    }

    /// What has to be written so that the cgroup of `site`, which is `depth` names below the top, passes `controllers`
    /// on: the uppermost first. What is passed on stays so: other containers may be there by then.
    #[cold]
    #[inline(never)]
    pub fn look(
        &self,
        site: &Site,
        depth: usize,
        controllers: Controllers<'_>,
    ) -> Result<Vec<Written>, Error> {
        let there = depth - site.missing.len();
        let look = |controllers: &[&str], is_optional| {
            let mut written = self.missing(&site.nearest, there, controllers, is_optional)?;
            if !controllers.is_empty() {
                let new = site.missing.iter();
                written.extend(new.map(|path| Written::new(path, controllers, is_optional)));
            }
            Ok::<_, Error>(written)
        };
        let mut written = look(controllers.needed, false)?;
        for name in controllers.optional {
            if !controllers.needed.contains(name) {
                written.extend(look(&[name], true).unwrap_or_default());
            }
        }
        Ok(written)
    }

    /// What has to be written so that `directory`, which is at `depth`, passes `controllers` on.
    fn missing(
        &self,
        directory: &Directory,
        depth: usize,
        controllers: &[&str],
        is_optional: bool,
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
            Some(above) => self.missing(&self.open(above)?, above, &lacking, is_optional)?,
            None => return Err(self.nowhere()),
        };
        written.push(Written::new(&directory.path, &missing, is_optional));
        Ok(written)
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
                    self.asker.field.spelled().as_bytes(),
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
        self.asker
            .failed("write to", &directory.path_of(PASSED_ON), errno)
    }

    fn nowhere(&self) -> Error {
        self.asker.refused(
            "this machine's cgroup v2 does not have it, and v1 neither (cgroup.controllers at its top)",
        )
    }
}
