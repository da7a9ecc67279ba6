//! Where a container's cgroup is to be: found by looking, and nothing made yet.

use super::super::Version;
use super::super::asker::Asker;
use super::super::directory::{Directory, joined, names};
use crate::error::Error;
use crate::sys::Errno;
use std::ffi::{CStr, CString};

/// The file by which a cgroup of v2 passes controllers on.
pub const PASSED_ON: &CStr = c"cgroup.subtree_control";

/// What is to be written to a file of a cgroup's, which need not be there yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    pub file: CString,
    pub value: String,
    cgroup: CString,
    /// A start goes on without it.
    is_optional: bool,
}

impl Written {
    pub fn new(cgroup: &CStr, controllers: &[&str], is_optional: bool) -> Self {
        Self {
            file: joined(cgroup, PASSED_ON),
            value: format!("+{}", controllers.join(" +")),
            cgroup: cgroup.to_owned(),
            is_optional,
        }
    }
}

pub struct Site {
    asker: Asker,
    version: Version,
    /// The directories above the nearest, from the top down, of a cgroup that is named.
    above: Vec<Directory>,
    /// The last one on the way that is there.
    pub nearest: Directory,
    /// The paths of what is missing below that, from the top down.
    pub missing: Vec<CString>,
    /// What is to be written, the uppermost first.
    pub written: Vec<Written>,
}

impl Site {
    /// A site in a cgroup that is there.
    pub fn at(asker: Asker, version: Version, nearest: Directory) -> Self {
        Self {
            asker,
            version,
            above: Vec::new(),
            nearest,
            missing: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Goes down towards `path`, as far as there is one.
    pub fn follow(&mut self, path: &CStr) -> Result<(), Error> {
        for name in names(path) {
            if let Some(last) = self.missing.last() {
                self.missing.push(joined(last, &name));
                continue;
            }
            let path = self.nearest.path_of(&name);
            match self.nearest.child(&name) {
                Ok(child) => self.go_to(child),
                Err(Errno::ENOENT) => self.missing.push(path),
                Err(errno) => return Err(self.asker.failed("mkdir", &path, errno)),
            }
        }
        Ok(())
    }

    fn go_to(&mut self, child: Directory) {
        let above = std::mem::replace(&mut self.nearest, child);
        self.above.push(above);
    }

    /// The path of the cgroup that the container's is made in.
    pub fn path(&self) -> &CStr {
        self.missing.last().unwrap_or(&self.nearest.path)
    }

    /// Makes what is missing, and then the cgroup `name` by `make`. What is on the way there stays, as with docker: it
    /// has a name that someone gave it, and others may be on their way there. So does what is passed on. `fill` is done
    /// with each cgroup on the way, and the one above it.
    #[cold]
    #[inline(never)]
    pub fn make(
        &mut self,
        name: &CStr,
        fill: impl Fn(&Directory, &Directory) -> Result<(), Error>,
        make: impl Fn(&Directory) -> Result<Directory, Errno>,
    ) -> Result<Directory, Error> {
        let there = self.above.iter().skip(1).chain([&self.nearest]);
        for (above, below) in self.above.iter().zip(there) {
            fill(above, below)?;
        }
        for path in std::mem::take(&mut self.missing) {
            let name = last_name(&path);
            let made = match self.nearest.make(&name) {
                // Someone else was faster.
                Err(Errno::EEXIST) => self.nearest.child(&name),
                made => made,
            };
            let made = made.map_err(|errno| self.asker.failed("mkdir", &path, errno))?;
            fill(&self.nearest, &made)?;
            self.go_to(made);
        }
        for written in &self.written {
            let done = Directory::open(written.cgroup.clone(), self.version)
                .and_then(|directory| directory.write(PASSED_ON, written.value.as_bytes()));
            match done {
                Err(errno) if !written.is_optional => {
                    return Err(self.asker.failed("write to", &written.file, errno));
                }
                _ => {}
            }
        }
        make(&self.nearest).map_err(|errno| self.not_made(name, errno))
    }

    /// Whether [`make`](Self::make) would succeed, as far as a look tells.
    #[cold]
    #[inline(never)]
    pub fn preview(&self, name: &CStr) -> Result<(), Error> {
        let may = self.nearest.may_write(c".");
        may.map_err(|errno| match self.missing.first() {
            Some(missing) => self.asker.failed("mkdir", missing, errno),
            None => self.not_made(name, errno),
        })
    }

    fn not_made(&self, name: &CStr, errno: Errno) -> Error {
        match self.version {
            Version::V1 => self
                .asker
                .failed("mkdir", &self.nearest.path_of(name), errno),
            Version::V2 => self.asker.failed("mkdir in", &self.nearest.path, errno),
        }
    }
}

fn last_name(path: &CStr) -> CString {
    names(path).pop().unwrap_or_default()
}
