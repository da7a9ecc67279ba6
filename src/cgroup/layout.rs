//! Which hierarchies of cgroups there are, where they are mounted, and where in each this process is: decided
//! from the texts of /proc/self/mountinfo (proc(5)) and /proc/self/cgroup (cgroups(7)) and nothing else.
//!
//! A controller belongs to one hierarchy: to one of v1, alone or with others, or else to v2. So hosts have v1
//! (a mount for each, or for a few together), v2, or both beside each other, at whatever places.

use super::Controller;
use std::ffi::CString;

/// The hierarchies of this machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    pub v1: Vec<Hierarchy>,
    pub v2: Option<Hierarchy>,
}

/// A hierarchy, as the caller sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Those bound to it, of v1. What v2 has, its files say.
    pub controllers: Vec<Controller>,
    /// Where it is mounted, the writable ones first. Empty: nowhere that the caller sees.
    pub mounts: Vec<Mount>,
}

/// A place where a hierarchy is mounted.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    pub point: CString,
    /// Where the caller is, from there: empty, or with a slash before each name. `None`: not below it.
    pub own: Option<CString>,
    pub writable: bool,
}

impl Layout {
    pub fn new(mountinfo: &[u8], cgroup: &[u8]) -> Self {
        let mut layout = Self {
            v1: Vec::new(),
            v2: None,
        };
        for line in cgroup.split(|byte| *byte == b'\n') {
            // 4:cpu,cpuacct:/user.slice
            let mut fields = line.splitn(3, |byte| *byte == b':');
            let (Some(number), Some(names), Some(own)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            if number == b"0" && names.is_empty() {
                let mounts = mounts(mountinfo, own, b"cgroup2", |_| true);
                layout.v2 = Some(Hierarchy {
                    controllers: Vec::new(),
                    mounts,
                });
                continue;
            }
            let names: Vec<&[u8]> = names.split(|byte| *byte == b',').collect();
            let known = Controller::ALL.into_iter();
            let controllers: Vec<Controller> = known
                .filter(|controller| names.contains(&controller.v1_name().as_bytes()))
                .collect();
            // A hierarchy of only others has nothing to do with us: systemd's own, freezer, devices.
            if !controllers.is_empty() {
                // Its options name its controllers, in another order perhaps.
                let is_it = |options: &[u8]| {
                    options
                        .split(|byte| *byte == b',')
                        .any(|option| names.contains(&option))
                };
                let mounts = mounts(mountinfo, own, b"cgroup", is_it);
                layout.v1.push(Hierarchy {
                    controllers,
                    mounts,
                });
            }
        }
        layout
    }

    /// The hierarchy of v1 that `controller` is bound to, if it is to one.
    pub fn v1_of(&self, controller: Controller) -> Option<&Hierarchy> {
        self.v1
            .iter()
            .find(|hierarchy| hierarchy.controllers.contains(&controller))
    }
}

/// Where the hierarchy is mounted whose super block has `kind` and options that `is_it` knows.
fn mounts(mountinfo: &[u8], own: &[u8], kind: &[u8], is_it: impl Fn(&[u8]) -> bool) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for line in mountinfo.split(|byte| *byte == b'\n') {
        // 36 35 98:0 ROOT POINT rw,noatime master:1 - KIND SOURCE rw,OPTIONS
        let mut fields = line.split(|byte| *byte == b' ');
        let (Some(root), Some(point), Some(options)) =
            (fields.nth(3), fields.next(), fields.next())
        else {
            continue;
        };
        let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
        let (Some(found), Some(_), Some(super_options)) = (rest.next(), rest.next(), rest.next())
        else {
            continue;
        };
        if found != kind || !is_it(super_options) {
            continue;
        }
        let Ok(point) = CString::new(plain(point)) else {
            continue;
        };
        let is_writable =
            |options: &[u8]| options.split(|byte| *byte == b',').next() == Some(b"rw");
        mounts.push(Mount {
            point,
            own: below(&plain(root), own),
            writable: is_writable(options) && is_writable(super_options),
        });
    }
    mounts.sort_by_key(|mount| !mount.writable);
    mounts
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

/// A path without mountinfo's escapes: `\040` for a space, and the like.
fn plain(escaped: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let code = match (byte, after) {
            (b'\\', [a, b, c, ..]) => [a, b, c].into_iter().try_fold(0u32, |code, digit| {
                Some(code * 8 + char::from(*digit).to_digit(8)?)
            }),
            _ => None,
        };
        match code.and_then(|code| u8::try_from(code).ok()) {
            Some(code) => {
                path.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            None => path.push(*byte),
        }
    }
    path
}

#[cfg(test)]
mod tests;
