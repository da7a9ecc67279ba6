//! Mounts of type cgroup: what the container sees of its own cgroups, in whatever way the machine has them.
//!
//! - v2 alone: the hierarchy, mounted anew; where that may not be (in a user namespace with the host's cgroup namespace) the
//!   host's is bound, or the container's own cgroup.
//! - v1, and v2 beside it: a tmpfs with a directory for each hierarchy of v1, named ones (systemd's) too, and links where
//!   one has more than one controller. With a cgroup namespace each is mounted anew, for the kernel shows there what is below
//!   the namespace's top; else the container's own cgroup is bound.

use super::c_string;
use super::one::One;
use super::options::Options;
use crate::error::Error;
use crate::oci::config::{Mount, NamespaceKind};
use crate::plan::root::{BoundMount, FlagChange, FreshMount, PlacedLink, RootStep, Taken};
use crate::sys::mount_list::Escape;
use crate::sys::{Errno, MountFlags, descriptor, facts};
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

/// Where every machine with v2 alone has it.
const UNIFIED: &CStr = c"/sys/fs/cgroup";

/// What the kernel's own files need.
const FLAGS: MountFlags = MountFlags::NOSUID
    .and(MountFlags::NODEV)
    .and(MountFlags::NOEXEC);

impl One<'_, '_> {
    pub fn cgroup(
        &mut self,
        mount: &Mount,
        options: Options,
        target: CString,
    ) -> Result<(), Error> {
        let has_namespace = super::has(self.config, NamespaceKind::Cgroup);
        if is_v2_alone() {
            self.unified(mount, options, target, has_namespace);
            return Ok(());
        }
        let read = |path: &str| {
            std::fs::read(path).map_err(|error| {
                let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
                Error::new("read", path, errno)
            })
        };
        let hierarchies = hierarchies(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?);
        let is_read_only = options.flags.set.contains(MountFlags::READONLY);
        let tmpfs = FreshMount {
            kind: c"tmpfs".into(),
            source: c"tmpfs".into(),
            data: c"mode=755".into(),
            flags: FLAGS,
            keeps_mode: false,
            copies: false,
            instead: None,
        };
        let outer = Options {
            propagation: options.propagation.clone(),
            ..Options::default()
        };
        self.place(target.clone(), tmpfs, outer, false);
        for hierarchy in &hierarchies {
            self.hierarchy(hierarchy, &options, &target, has_namespace);
        }
        let links: Vec<PlacedLink> = hierarchies
            .iter()
            .flat_map(|hierarchy| hierarchy.links(&target))
            .collect();
        if !links.is_empty() {
            self.steps.push(RootStep::PlacedLinks(links));
        }
        if is_read_only {
            self.frozen.push(target);
        }
        Ok(())
    }

    fn unified(&mut self, mount: &Mount, options: Options, target: CString, has_namespace: bool) {
        let mut own = self.cgroups.0.iter();
        let own = own.find(|record| record.controllers.is_empty());
        let path = match own.filter(|_| has_namespace) {
            // As in a namespace.
            Some(record) => record.path.clone(),
            None => UNIFIED.into(),
        };
        let flags = options.flags.set;
        let instead = BoundMount {
            path,
            recursive: false,
            taken: Taken::Now,
            flags: FlagChange {
                set: flags,
                clear: MountFlags::NONE,
            },
            is_proc: false,
        };
        let fresh = FreshMount {
            kind: c"cgroup2".into(),
            source: mount.source.clone().unwrap_or_else(|| c"cgroup".into()),
            data: c_string(options.data.clone()),
            flags,
            keeps_mode: false,
            copies: false,
            instead: Some(Box::new(instead)),
        };
        self.place(target, fresh, options, false);
    }

    fn hierarchy(
        &mut self,
        hierarchy: &Hierarchy,
        options: &Options,
        target: &CStr,
        has_namespace: bool,
    ) {
        let place = c_string([target.to_bytes(), b"/", &hierarchy.name].concat());
        if has_namespace {
            let read_only = options.flags.set.among(MountFlags::READONLY);
            let fresh = FreshMount {
                kind: c"cgroup".into(),
                source: hierarchy.source(),
                data: c_string(hierarchy.controllers.clone()),
                flags: FLAGS.and(read_only),
                keeps_mode: false,
                copies: false,
                instead: None,
            };
            self.place(place, fresh, Options::default(), false);
            return;
        }
        let mut own = self.cgroups.0.iter();
        let own = own.find(|record| record.controllers.as_bytes() == hierarchy.controllers);
        let path = match own {
            Some(record) => record.path.clone(),
            None => hierarchy.own.clone(),
        };
        let flags = options.flags.set;
        self.place_bound(place, path, flags, options.propagation.clone());
    }
}

fn is_v2_alone() -> bool {
    let directory = descriptor::open(UNIFIED, libc::O_PATH, 0);
    directory.is_ok_and(|directory| {
        facts::file_system(directory.as_fd()).is_ok_and(facts::FileSystem::is_cgroup_v2)
    })
}

/// A hierarchy of v1.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    /// What its directory is called: cpu,cpuacct; systemd.
    name: Vec<u8>,
    /// As /proc/self/cgroup has them: cpu,cpuacct; name=systemd.
    controllers: Vec<u8>,
    /// The runtime's own cgroup in it.
    own: CString,
}

impl Hierarchy {
    /// As runc has it in mountinfo, by which programs tell systemd's.
    fn source(&self) -> CString {
        match self.controllers.strip_prefix(b"name=") {
            Some(name) => c_string(name.to_vec()),
            None => c"cgroup".into(),
        }
    }

    /// Its controllers by their single names.
    fn links(&self, target: &CStr) -> impl Iterator<Item = PlacedLink> {
        let names = self.name.split(|byte| *byte == b',');
        names
            .filter(|name| *name != self.name)
            .map(move |name| PlacedLink {
                directory: target.into(),
                name: c_string(name.to_vec()),
                content: c_string(self.name.clone()),
                replaces: false,
            })
    }
}

/// The hierarchies of v1 that are mounted somewhere, each once.
fn hierarchies(mountinfo: &[u8], cgroup: &[u8]) -> Vec<Hierarchy> {
    let mut all = Vec::new();
    for line in lines(cgroup) {
        let mut fields = line.splitn(3, |byte| *byte == b':').skip(1);
        let (Some(controllers), Some(own)) = (fields.next(), fields.next()) else {
            continue;
        };
        // v2's has none.
        if controllers.is_empty() {
            continue;
        }
        let mounted = lines(mountinfo).find_map(|line| mounted(line, controllers));
        let Some((root, point)) = mounted else {
            continue;
        };
        let Some(inner) = below(&root, own) else {
            continue;
        };
        let name = point.rsplit(|byte| *byte == b'/').next();
        all.push(Hierarchy {
            name: name.unwrap_or_default().to_vec(),
            controllers: controllers.to_vec(),
            own: c_string([&point, inner].concat()),
        });
    }
    all
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// The root and the place of a line of mountinfo, if it is of the hierarchy that has these controllers.
fn mounted(line: &[u8], controllers: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let dash = fields.iter().position(|field| *field == b"-")?;
    if *fields.get(dash + 1)? != b"cgroup" {
        return None;
    }
    let mut options = fields.get(dash + 3)?.split(|byte| *byte == b',');
    let first = controllers.split(|byte| *byte == b',').next()?;
    if !options.any(|option| option == first) {
        return None;
    }
    Some((plain(fields.get(3)?)?, plain(fields.get(4)?)?))
}

fn plain(field: &[u8]) -> Option<Vec<u8>> {
    let mut escape = Escape::default();
    let mut plain = Vec::with_capacity(field.len());
    for byte in field {
        plain.extend(escape.take(*byte).ok()?);
    }
    Some(plain)
}

/// What follows `root` in `path`: nothing, or with a slash before each name.
fn below<'a>(root: &[u8], path: &'a [u8]) -> Option<&'a [u8]> {
    let root = root.strip_suffix(b"/").unwrap_or(root);
    let rest = path.strip_prefix(root)?;
    match rest {
        b"/" => Some(b""),
        [] | [b'/', ..] => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_those_of_v1() {
        let mountinfo = b"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct\n\
            33 31 0:33 /lxc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            34 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
            35 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let cgroup =
            b"5:memory:/lxc/one\n4:cpu,cpuacct:/\n3:pids:/\n1:name=systemd:/user/me\n0::/user\n";
        let found = hierarchies(mountinfo, cgroup);
        let found: Vec<(&[u8], &[u8], &[u8])> = found
            .iter()
            .map(|one| (&*one.name, &*one.controllers, one.own.to_bytes()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    &b"memory"[..],
                    &b"memory"[..],
                    &b"/sys/fs/cgroup/memory/one"[..]
                ),
                (
                    b"cpu,cpuacct",
                    b"cpu,cpuacct",
                    b"/sys/fs/cgroup/cpu,cpuacct"
                ),
                (
                    b"systemd",
                    b"name=systemd",
                    b"/sys/fs/cgroup/systemd/user/me"
                ),
            ]
        );
    }

    #[test]
    fn a_controller_has_a_link_where_it_shares_its_hierarchy() {
        let hierarchy = Hierarchy {
            name: b"cpu,cpuacct".to_vec(),
            controllers: b"cpu,cpuacct".to_vec(),
            own: CString::default(),
        };
        let links = hierarchy.links(c"/sys/fs/cgroup");
        let links: Vec<String> = links
            .map(|link| format!("{:?} {:?}", link.name, link.content))
            .collect();
        assert_eq!(
            links,
            [r#""cpu" "cpu,cpuacct""#, r#""cpuacct" "cpu,cpuacct""#]
        );
    }
}
