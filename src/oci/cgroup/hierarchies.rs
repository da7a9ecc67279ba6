//! Which hierarchies a container has a cgroup in, and where: `linux.cgroupsPath`.
//!
//! An absolute path is taken below the top of each hierarchy. A relative one, and the container's id where there is none, is
//! taken below the runtime's own cgroup; in v2 beside it, for a cgroup with processes passes no controllers on; and where v1
//! has the controllers, below v2's top. All as runc has it, for engines look there.

use crate::cgroup::{Directory, Hierarchy, HierarchyMount, Layout, Version, usual_of};
use crate::error::Error;
use crate::sys::{Errno, namespace};
use std::ffi::CString;

/// What is known of hierarchies of v1: runc's list. Others are someone else's.
const KNOWN: [&[u8]; 14] = [
    b"cpuset",
    b"devices",
    b"memory",
    b"cpu",
    b"cpuacct",
    b"pids",
    b"blkio",
    b"hugetlb",
    b"net_cls",
    b"net_prio",
    b"perf_event",
    b"freezer",
    b"rdma",
    b"misc",
];

const SYSTEMD: &[u8] = b"name=systemd";

fn is_wanted(names: &[u8]) -> bool {
    let mut all = names.split(|byte| *byte == b',');
    all.any(|name| name == SYSTEMD || KNOWN.contains(&name))
}

/// A hierarchy, with the place of the container's cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As in [`super::Record`].
    pub controllers: String,
    /// Where the hierarchy is mounted.
    pub top: CString,
    /// The names of the container's cgroup from there. At least one.
    pub names: Vec<CString>,
    /// How many of them are the runtime's own cgroup, or one above it.
    pub own: usize,
}

impl Place {
    pub fn version(&self) -> Version {
        match self.controllers.is_empty() {
            true => Version::V2,
            false => Version::V1,
        }
    }

    /// So many names, for who is at the top.
    pub fn below_top(&self, depth: usize) -> CString {
        let names: Vec<&[u8]> = self
            .names
            .iter()
            .take(depth)
            .map(|name| name.to_bytes())
            .collect();
        // As below.
        CString::new(names.join(&b'/')).unwrap_or_default()
    }

    /// The path of so many names from the top.
    pub fn path(&self, depth: usize) -> CString {
        let names = self.names.iter().take(depth);
        let parts = names.flat_map(|name| [&b"/"[..], name.to_bytes()]);
        let path = std::iter::once(self.top.to_bytes()).chain(parts);
        // Parts of C strings have no NUL.
        CString::new(path.collect::<Vec<_>>().concat()).unwrap_or_default()
    }
}

/// Places, with the tops of their hierarchies.
pub struct Places {
    pub all: Vec<Place>,
    tops: Vec<Directory>,
}

impl Places {
    /// The top of a place's hierarchy, open.
    pub fn top(&self, place: &Place) -> Option<&Directory> {
        self.tops.iter().find(|top| top.path == place.top)
    }
}

/// Where the container's cgroups are to be. Of v2 the last.
///
/// Errors: the texts of /proc that tell cannot be read, or the path is one of a cgroup that no container can have.
#[cold]
#[inline(never)]
pub fn places(path: Option<&str>, id: &str) -> Result<Places, Error> {
    let mut tops = Vec::with_capacity(16);
    let read = |file: &str| {
        let failed = |error: std::io::Error| {
            Error::new(
                "read",
                file,
                Errno::new(error.raw_os_error().unwrap_or(libc::EIO)),
            )
        };
        std::fs::read(file).map_err(failed)
    };
    let own = read("/proc/self/cgroup")?;
    // The kernel writes the usual host's mountinfo in 90 us. In another cgroup namespace its paths say something else.
    if namespace::is_initial_cgroup() {
        let text = usual_of(&own, is_wanted);
        let mut are_there = true;
        let layout = Layout::of(&text, &own, |hierarchy| is_wanted(hierarchy.names()));
        let places = places_in(&layout, (path, id), &mut |mount, version| {
            let top = Directory::open(mount.point.clone(), version);
            let top = top.ok().filter(|top| top.is_first() == Ok(true));
            are_there &= top.is_some();
            let is_it = top.is_some();
            tops.extend(top);
            is_it
        });
        if are_there {
            return places.map(|all| Places { all, tops });
        }
        tops.clear();
    }
    let mountinfo = read("/proc/self/mountinfo")?;
    let layout = Layout::of(&mountinfo, &own, |hierarchy| is_wanted(hierarchy.names()));
    let all = places_in(&layout, (path, id), &mut |mount, version| {
        let top = Directory::open(mount.point.clone(), version);
        let is_it = top.is_ok();
        tops.extend(top);
        is_it
    })?;
    Ok(Places { all, tops })
}

/// What a path is taken from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    Top,
    Own,
    AboveOwn,
}

/// `is_there`: whether a hierarchy is really mounted there.
fn places_in(
    layout: &Layout<'_>,
    (path, id): (Option<&str>, &str),
    is_there: &mut dyn FnMut(&HierarchyMount, Version) -> bool,
) -> Result<Vec<Place>, Error> {
    let path = path.filter(|path| !path.is_empty());
    let is_absolute = path.is_some_and(|path| path.starts_with('/'));
    let inner = names_of(path.unwrap_or(id).as_bytes())?;
    if inner.is_empty() {
        return Err(Error::refused(
            format!("cgroupsPath {}", path.unwrap_or(id)),
            "container's cgroup is not empty: it is the top of a hierarchy, or the runtime's own",
        ));
    }
    let mut place = |hierarchy: &Hierarchy<'_>, version: Version, base: Base| {
        let mount = layout
            .mounts(hierarchy)
            .find(|mount| is_there(mount, version))?;
        let own = mount.own.as_deref().unwrap_or_default();
        let mut names = match base {
            Base::Top => Vec::new(),
            Base::Own | Base::AboveOwn => names_of(own.to_bytes()).ok()?,
        };
        if base == Base::AboveOwn {
            names.pop();
        }
        let own = names.len();
        names.extend(inner.iter().cloned());
        Some(Place {
            controllers: String::from_utf8_lossy(hierarchy.names()).into_owned(),
            top: mount.point,
            names,
            own,
        })
    };
    let base = |relative| if is_absolute { Base::Top } else { relative };
    let v1 = layout.v1.iter();
    let mut places: Vec<Place> = v1
        .filter_map(|hierarchy| place(hierarchy, Version::V1, base(Base::Own)))
        .collect();
    let relative = match places.is_empty() {
        true => Base::AboveOwn,
        false => Base::Top,
    };
    if let Some(v2) = &layout.v2 {
        places.extend(place(v2, Version::V2, base(relative)));
    }
    // What is there and has no path could not be found again, nor removed.
    let is_long = |place: &Place| place.path(place.names.len()).count_bytes() > LONGEST;
    match places.iter().any(is_long) {
        true => Err(Error::new(
            "make the cgroup of",
            "cgroupsPath",
            Errno::ENAMETOOLONG,
        )),
        false => Ok(places),
    }
}

/// How long the path of a cgroup may be, so that its files have paths too (PATH_MAX, with a name of 255 bytes).
const LONGEST: usize = libc::PATH_MAX as usize - 257;

/// The names of a path, without `.` and `..`, which leads to no place above where it begins.
fn names_of(path: &[u8]) -> Result<Vec<CString>, Error> {
    let mut names = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(CString::new(name).map_err(|_| {
                Error::refused("cgroupsPath", "it has a NUL in it, and no path can")
            })?),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: (&[u8], &[u8]) = (
        b"1 0 0:1 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
2 0 0:2 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices
3 0 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
4 0 0:4 / /sys/fs/cgroup/openrc rw - cgroup cgroup rw,name=openrc
5 0 0:5 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
",
        b"5:name=openrc:/x\n4:name=systemd:/s/t\n3:devices:/\n2:pids:/p\n1:cpu,cpuacct:/a/b\n0::/u/v\n",
    );
    const PURE: (&[u8], &[u8]) = (
        b"1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        b"0::/user.slice/session-1.scope\n",
    );

    fn found((mountinfo, own): (&[u8], &[u8]), path: Option<&str>) -> Vec<String> {
        let layout = Layout::of(mountinfo, own, |hierarchy| is_wanted(hierarchy.names()));
        let places = places_in(&layout, (path, "id"), &mut |_, _| true).unwrap();
        let show = |place: &Place| {
            let path = place.path(place.names.len());
            format!("{}:{}", place.controllers, path.to_str().unwrap())
        };
        places.iter().map(show).collect()
    }

    #[test]
    fn an_absolute_path_is_below_the_top_of_every_hierarchy() {
        for path in ["/k/pod/../c", "//k/./c/", "/../../k/c"] {
            assert_eq!(
                found(HYBRID, Some(path)),
                [
                    "name=systemd:/sys/fs/cgroup/systemd/k/c",
                    "devices:/sys/fs/cgroup/devices/k/c",
                    "cpu,cpuacct:/sys/fs/cgroup/cpu,cpuacct/k/c",
                    ":/sys/fs/cgroup/unified/k/c",
                ]
            );
            assert_eq!(found(PURE, Some(path)), [":/sys/fs/cgroup/k/c"]);
        }
    }

    #[test]
    fn another_is_below_the_runtimes_own() {
        for (path, inner) in [
            (Some("k/c"), "k/c"),
            (Some("../../k"), "k"),
            (None, "id"),
            (Some(""), "id"),
        ] {
            let hybrid = [
                format!("name=systemd:/sys/fs/cgroup/systemd/s/t/{inner}"),
                format!("devices:/sys/fs/cgroup/devices/{inner}"),
                format!("cpu,cpuacct:/sys/fs/cgroup/cpu,cpuacct/a/b/{inner}"),
                format!(":/sys/fs/cgroup/unified/{inner}"),
            ];
            assert_eq!(found(HYBRID, path), hybrid);
            let pure = [format!(":/sys/fs/cgroup/user.slice/{inner}")];
            assert_eq!(found(PURE, path), pure);
        }
    }

    #[test]
    fn what_no_container_can_have_is_refused() {
        for path in ["/", "/..", ".", "a/.."] {
            let layout = Layout::of(PURE.0, PURE.1, |_| true);
            let error = places_in(&layout, (Some(path), "id"), &mut |_, _| true).unwrap_err();
            assert!(error.to_string().contains("is not empty"), "{error}");
        }
    }

    #[test]
    fn the_runtimes_own_hierarchies_are_found() {
        if !std::path::Path::new("/proc/self/cgroup").exists() {
            return;
        }
        let places = places(Some("/x"), "id").unwrap();
        for place in &places.all {
            assert!(places.top(place).is_some());
            assert_eq!(place.names, [CString::from(c"x")]);
        }
    }
}
