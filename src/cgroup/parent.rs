//! The cgroup below which the container's is made: the caller's own, so that what limits the caller limits
//! the container too, or the one that `--cgroup-parent` names.
//!
//! In v2 a cgroup that passes controllers on has no processes ("no internal processes"), and the caller's
//! own has at least the caller. So there it is the nearest one above it that passes on what is needed, or can
//! be made to: the hierarchy's top on many hosts, a slice on one with systemd.

mod limited;
mod pass_on;
mod site;

pub use limited::count_what_is_below;
pub use pass_on::Controllers;
pub use site::{Site, Written};

use super::Version;
use super::asker::Asker;
use super::directory::{Directory, FIRST_INODE, joined};
use super::layout::{Hierarchy, HierarchyMount, Layout};
use crate::error::Error;
use crate::field::Field;
use crate::sys::{Errno, descriptor, facts};
use pass_on::PathFromTop;
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

/// What a site is searched for.
pub struct Search<'a> {
    pub asker: Asker,
    pub layout: &'a Layout<'a>,
    pub hierarchy: &'a Hierarchy<'a>,
    pub version: Version,
    /// The path of `--cgroup-parent`.
    pub named: Option<&'a CStr>,
    pub controllers: Controllers<'a>,
}

impl Search<'_> {
    /// Finds a site by looking, and makes the attempt there; in v2 with one after the other, until it succeeds.
    #[cold]
    #[inline(never)]
    pub fn find<T>(
        &self,
        attempt: impl Fn(&mut Site) -> Result<T, Error>,
    ) -> Result<(Site, T), Error> {
        let mut site = match (self.named, self.version) {
            (Some(path), _) => self.named_site(path)?,
            (None, Version::V1) => {
                let (_, directory) = self.place(own)?;
                limited::refuse_in_v1(self.asker, self.hierarchy, &directory)?;
                Site::at(self.asker, self.version, directory)
            }
            (None, Version::V2) => return self.climb(attempt),
        };
        let made = attempt(&mut site)?;
        Ok((site, made))
    }

    #[cold]
    #[inline(never)]
    fn named_site(&self, path: &CStr) -> Result<Site, Error> {
        let top = |mount: &HierarchyMount| Some(mount.point.clone());
        let (mount, top) = self.place(top)?;
        let mut site = Site::at(self.asker, self.version, top);
        site.follow(path)?;
        match self.version {
            Version::V1 if site.missing.is_empty() => {
                limited::refuse_in_v1(self.asker, self.hierarchy, &site.nearest)?;
            }
            // What is new has no limits.
            Version::V1 => {}
            Version::V2 => {
                let way = PathFromTop::new(self.asker, &mount, path);
                site.written = way.look(&site, way.len(), self.controllers)?;
            }
        }
        Ok(site)
    }

    /// Makes the attempt with the caller's own cgroup of v2, and with those above it, until it succeeds.
    fn climb<T>(
        &self,
        attempt: impl Fn(&mut Site) -> Result<T, Error>,
    ) -> Result<(Site, T), Error> {
        let asker = self.asker;
        let (mount, directory) = self.place(own)?;
        let way = PathFromTop::new(asker, &mount, mount.own.as_deref().unwrap_or_default());
        let mut site = Site::at(asker, self.version, directory);
        let mut failure: Option<Error> = None;
        for depth in (0..=way.len()).rev() {
            if depth != way.len() {
                // Beside it nothing would be limited by it.
                limited::refuse_in_v2(asker, &site.nearest)?;
                site = Site::at(asker, self.version, way.open(depth)?);
            }
            let looked = way.look(&site, depth, self.controllers);
            let made = looked.and_then(|written| {
                site.written = written;
                attempt(&mut site)
            });
            match made {
                Ok(made) => return Ok((site, made)),
                // That one's own cgroup has processes is as expected; what is wrong with those above it says more.
                Err(error) => match failure {
                    Some(ref kept) if kept.errno() != Some(Errno::EBUSY) => {}
                    _ => failure = Some(error),
                },
            }
        }
        Err(failure.unwrap_or_else(|| asker.refused("no cgroup is there")))
    }

    /// The place where a hierarchy can be used: the first that is what it is said to be.
    fn place(
        &self,
        path: impl Fn(&HierarchyMount) -> Option<CString>,
    ) -> Result<(HierarchyMount, Directory), Error> {
        let (layout, asker) = (self.layout, self.asker);
        let mut first = None;
        for mount in layout.mounts(self.hierarchy) {
            let Some(path) = path(&mount) else { continue };
            let opened = Directory::open(path.clone(), self.version).and_then(|directory| {
                // Not mounted, or mounted from another cgroup on.
                match !layout.assumed || is_top(&directory, &mount)? {
                    true => Ok(directory),
                    false => Err(Errno::ENODEV),
                }
            });
            match opened {
                Ok(directory) => return Ok((mount, directory)),
                Err(errno) => {
                    first.get_or_insert_with(|| asker.failed("open", &path, errno));
                }
            }
        }
        Err(first.unwrap_or_else(|| {
            if layout.mounts(self.hierarchy).next().is_none() {
                return asker.refused("its hierarchy of cgroups is mounted nowhere; see cgroups(7)");
            }
            let reason = "this process's own cgroup is not below what is mounted, as in a container: limit that one, \
                          or name a cgroup";
            let option = Field::CgroupParent.aside(" with ", "");
            asker.refused("").hint_instead(reason.to_owned() + &option)
        }))
    }
}

/// The path of the caller's own cgroup, if it is to be seen there.
fn own(mount: &HierarchyMount) -> Option<CString> {
    Some(joined(&mount.point, mount.own.as_ref()?))
}

/// Whether the top of what is mounted is the hierarchy's own, which is the first inode of its file system.
fn is_top(directory: &Directory, mount: &HierarchyMount) -> Result<bool, Errno> {
    if directory.path == mount.point {
        return directory.is_first();
    }
    let top = descriptor::open(&mount.point, libc::O_PATH, 0)?;
    Ok(facts::facts(top.as_fd())?.identity.1 == FIRST_INODE)
}
