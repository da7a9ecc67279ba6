//! Which hierarchies of cgroups there are, where they are mounted, and where in each this process is: decided
//! from the texts of /proc/self/mountinfo (proc(5)) and /proc/self/cgroup (cgroups(7)) and nothing else.
//!
//! The kernel takes 90 us of a start that follows a rest to write mountinfo, a fifth of all that limits cost.
//! So the usual places are tried first, where mountinfo would say nothing new ([`usual`]); whatever is not
//! exactly as assumed there is found out before anything is limited, and then mountinfo is asked.
//!
//! A controller belongs to one hierarchy: to one of v1, alone or with others, or else to v2. So hosts have v1
//! (a mount for each, or for a few together), v2, or both beside each other, at whatever places.

use super::Controller;
use crate::sys::mount_list::Escape;
use std::ffi::CString;

/// The hierarchies of this machine, by the texts that tell of them.
#[derive(Debug)]
pub struct Layout<'a> {
    pub v1: Vec<Hierarchy<'a>>,
    pub v2: Option<Hierarchy<'a>>,
    mounts: Vec<Mounted<'a>>,
    /// The mounts are those that hosts have, and it is not known whether this one does.
    pub assumed: bool,
}

/// A hierarchy, as the caller sees it.
#[derive(Debug)]
pub struct Hierarchy<'a> {
    /// As its line has them; v2's has none, its files say what it has.
    names: &'a [u8],
    /// Where the caller is, from the hierarchy's top.
    own: &'a [u8],
}

/// A line of mountinfo, its fields as they are there.
#[derive(Debug)]
struct Mounted<'a> {
    root: &'a [u8],
    point: &'a [u8],
    is_v2: bool,
    super_options: &'a [u8],
    writable: bool,
}

/// A place where a hierarchy is mounted.
#[derive(Debug, PartialEq, Eq)]
pub struct HierarchyMount {
    pub point: CString,
    /// Where the caller is, from there: empty, or with a slash before each name. `None`: not below it.
    pub own: Option<CString>,
    pub writable: bool,
}

impl<'a> Layout<'a> {
    #[cold]
    #[inline(never)]
    pub fn new(mountinfo: &'a [u8], cgroup: &'a [u8]) -> Self {
        // One of only others has nothing to do with us: systemd's own, devices.
        Self::of(mountinfo, cgroup, |hierarchy| {
            hierarchy.controllers().next().is_some()
        })
    }

    /// The hierarchies that are wanted, whatever is bound to them.
    #[cold]
    #[inline(never)]
    pub fn of(
        mountinfo: &'a [u8],
        cgroup: &'a [u8],
        is_wanted: impl Fn(&Hierarchy<'_>) -> bool,
    ) -> Self {
        let mut layout = Self {
            v1: Vec::new(),
            v2: None,
            mounts: mountinfo
                .split(|byte| *byte == b'\n')
                .filter_map(Mounted::new)
                .collect(),
            assumed: false,
        };
        for line in cgroup.split(|byte| *byte == b'\n') {
            // 4:cpu,cpuacct:/user.slice
            let mut fields = line.splitn(3, |byte| *byte == b':');
            let (Some(number), Some(names), Some(own)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let hierarchy = Hierarchy { names, own };
            if number == b"0" && names.is_empty() {
                layout.v2 = Some(hierarchy);
            } else if is_wanted(&hierarchy) {
                layout.v1.push(hierarchy);
            }
        }
        layout
    }

    /// The layout by a text of [`usual`].
    pub fn assumed(usual: &'a [u8], cgroup: &'a [u8]) -> Self {
        Self {
            assumed: true,
            ..Self::new(usual, cgroup)
        }
    }

    /// The hierarchy of v1 that `controller` is bound to, if it is to one.
    pub fn v1_of(&self, controller: Controller) -> Option<&Hierarchy<'a>> {
        self.v1.iter().find(|hierarchy| hierarchy.has(controller))
    }

    /// Where `hierarchy` is mounted, the writable ones first. Nothing: nowhere that the caller sees.
    pub fn mounts(&self, hierarchy: &Hierarchy<'_>) -> impl Iterator<Item = HierarchyMount> {
        let is_it = |mounted: &&Mounted<'_>| match hierarchy.names {
            b"" => mounted.is_v2,
            // Its options name its controllers, in another order perhaps.
            names => {
                let mut options = words(mounted.super_options);
                !mounted.is_v2 && options.any(|option| words(names).any(|name| name == option))
            }
        };
        [true, false].into_iter().flat_map(move |writable| {
            let all = self.mounts.iter().filter(is_it);
            let those = all.filter(move |mounted| mounted.writable == writable);
            those.filter_map(move |mounted| {
                Some(HierarchyMount {
                    point: CString::new(plain(mounted.point)?).ok()?,
                    own: below(&plain(mounted.root)?, hierarchy.own),
                    writable,
                })
            })
        })
    }
}

impl Hierarchy<'_> {
    /// What is bound to it, as /proc/self/cgroup has it; of v2 nothing.
    pub fn names(&self) -> &[u8] {
        self.names
    }

    pub fn has(&self, controller: Controller) -> bool {
        controller.is_among(self.names)
    }

    /// Whether it only freezes, and neither limits nor counts anything.
    pub fn only_freezes(&self) -> bool {
        self.controllers()
            .all(|controller| controller == Controller::Freezer)
    }

    /// The controllers of v1 that are ours to use.
    pub fn controllers(&self) -> impl Iterator<Item = Controller> {
        Controller::ALL
            .into_iter()
            .filter(|controller| self.has(*controller))
    }
}

impl Controller {
    /// Whether a line of /proc/self/cgroup has it.
    fn is_among(self, names: &[u8]) -> bool {
        words(names).any(|name| name == self.v1_name().as_bytes())
    }
}

fn words(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',')
}

impl<'a> Mounted<'a> {
    /// A line, if it is of a hierarchy.
    fn new(line: &'a [u8]) -> Option<Self> {
        // 36 35 98:0 ROOT POINT rw,noatime master:1 - KIND SOURCE rw,OPTIONS
        let mut fields = line.split(|byte| *byte == b' ');
        let (root, point, options) = (fields.nth(3)?, fields.next()?, fields.next()?);
        let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
        let (kind, _, super_options) = (rest.next()?, rest.next()?, rest.next()?);
        let is_writable = |options| words(options).next() == Some(b"rw");
        Some(Self {
            root,
            point,
            is_v2: match kind {
                b"cgroup" => false,
                b"cgroup2" => true,
                _ => return None,
            },
            super_options,
            writable: is_writable(options) && is_writable(super_options),
        })
    }
}

/// What mountinfo says of cgroups on a host that has them where systemd, OpenRC and most others mount them: v1
/// at /sys/fs/cgroup by the controllers' names, v2 beside it, or there alone.
pub fn usual(cgroup: &[u8]) -> Vec<u8> {
    usual_of(cgroup, |names| {
        Controller::ALL.iter().any(|one| one.is_among(names))
    })
}

/// [`usual`], of the hierarchies whose names are wanted.
pub fn usual_of(cgroup: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    const V2: &[u8] = b" rw - cgroup2 cgroup2 rw\n";
    let mut text = Vec::with_capacity(512);
    let mut beside = false;
    for line in cgroup.split(|byte| *byte == b'\n') {
        let names = line.splitn(3, |byte| *byte == b':').nth(1);
        if let Some(names) = names.filter(|names| is_wanted(names)) {
            for part in [
                b"0 0 0:0 / /sys/fs/cgroup/",
                // One without controllers has its own name for a directory's.
                names.strip_prefix(b"name=").unwrap_or(names),
                b" rw - cgroup cgroup rw,",
                names,
                b"\n",
            ] {
                text.extend_from_slice(part);
            }
            beside = true;
        }
    }
    text.extend_from_slice(b"0 0 0:0 / /sys/fs/cgroup");
    if beside {
        text.extend_from_slice(b"/unified");
    }
    text.extend_from_slice(V2);
    text
}

/// Where `own` is below `root`, both from the hierarchy's top. What begins with `/..` lies outside of the
/// caller's cgroup namespace, and its name there says nothing.
fn below(root: &[u8], own: &[u8]) -> Option<CString> {
    let rest = match root {
        b"/" => own,
        root => own.strip_prefix(root)?,
    };
    let rest = if rest == b"/" { b"" } else { rest };
    let outside = rest.starts_with(b"/..") && matches!(rest.get(3), None | Some(b'/'));
    if !rest.is_empty() && !rest.starts_with(b"/") || outside {
        return None;
    }
    CString::new(rest).ok()
}

/// A path without mountinfo's escapes. `None`: the kernel has not written it.
fn plain(escaped: &[u8]) -> Option<Vec<u8>> {
    let mut escape = Escape::default();
    let mut path = Vec::with_capacity(escaped.len());
    for byte in escaped {
        path.extend(escape.take(*byte).ok()?);
    }
    Some(path)
}

#[cfg(test)]
mod tests;
