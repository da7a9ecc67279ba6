//! One mount of config.json to the step, or the steps, that make it.

use super::handed::Handed;
use super::options::Options;
use super::{below, c_string, clean};
use crate::error::{Error, printable};
use crate::oci::cgroup::Records;
use crate::oci::config::{Config, Mount};
use crate::plan::root::{
    BoundMount, Content, FlagChange, FreshMount, MAY_BE_COVERED, PlacedMount, RootStep, Taken,
};
use crate::sys::MountFlags;
use std::ffi::{CStr, CString};
use std::path::Path;

/// What becomes of one mount.
pub struct One<'a, 'c> {
    pub config: &'c Config,
    pub bundle: &'a Path,
    /// Which of the mounts it is.
    pub number: usize,
    pub cgroups: &'a Records,
    pub handed: &'a mut Handed<'c>,
    /// What is made read-only at the end.
    pub frozen: &'a mut Vec<CString>,
    pub steps: Vec<RootStep>,
}

/// What the flags of a bind itself are.
const BIND: MountFlags = MountFlags::BIND
    .and(MountFlags::RECURSIVE)
    .and(MountFlags::REMOUNT);

/// mount(2) reads one page of options, the terminator included, and cuts off the rest.
const MOST_DATA: usize = 4095;

/// Whether a mount shows a part of the host's tree of files.
pub fn is_bind(mount: &Mount) -> bool {
    Options::of(&mount.options)
        .flags
        .set
        .contains(MountFlags::BIND)
        || mount.kind.as_deref() == Some(c"bind")
}

/// Whether `bind,remount` gives other flags to what an earlier mount has brought to the same place, whatever its source, as
/// mount(8) has it. Where there is nothing it is a bind.
fn changes_earlier(config: &Config, number: usize, mount: &Mount) -> bool {
    let target = clean(&mount.destination);
    let remounts = || {
        Options::of(&mount.options)
            .flags
            .set
            .contains(MountFlags::REMOUNT)
    };
    let mut earlier = config.mounts.iter().take(number);
    remounts() && earlier.any(|earlier| clean(&earlier.destination) == target)
}

impl One<'_, '_> {
    pub fn mount(&mut self, mount: &Mount) -> Result<(), Error> {
        let options = Options::of(&mount.options);
        let target = self.target(mount);
        if target.as_c_str() == c"/" {
            return Err(Error::refused(
                "/",
                "nothing can be mounted on the top of the root: it is root.path",
            ));
        }
        if options.data.len() > MOST_DATA {
            return Err(Error::refused(
                target.to_bytes(),
                "its options are longer than the 4095 bytes that mount(2) reads",
            ));
        }
        check_proc(mount, &target)?;
        let maps = !mount.user_mappings.is_empty() || !mount.group_mappings.is_empty();
        if is_bind(mount) && !changes_earlier(self.config, self.number, mount) {
            return self.bind(mount, options, target);
        }
        if maps || options.maps_ids.is_some() {
            return Err(Error::refused(
                target.to_bytes(),
                "the ids of a bind alone can be mapped",
            ));
        }
        match mount.kind.as_deref().map(CStr::to_bytes) {
            Some(b"cgroup") => self.cgroup(mount, options, target),
            _ => {
                self.fresh(mount, options, target);
                Ok(())
            }
        }
    }

    fn bind(&mut self, mount: &Mount, options: Options, target: CString) -> Result<(), Error> {
        let Some(source) = &mount.source else {
            return Err(Error::refused(target.to_bytes(), "a bind needs a source"));
        };
        let path = below(self.bundle, source);
        let recursive = options.flags.set.contains(MountFlags::RECURSIVE);
        let inside = self.inside(&path).filter(|_| options.maps_ids.is_none());
        let (path, taken) = match inside {
            Some(inside) => (inside, Taken::Inside),
            None => {
                let taken = self
                    .handed
                    .taken(mount, &path, recursive, options.maps_ids)?;
                (path, taken)
            }
        };
        let flags = FlagChange {
            set: options.flags.set.without(BIND),
            clear: options.flags.clear,
        };
        let is_proc = target.as_c_str() == c"/proc";
        self.steps.push(RootStep::Place(PlacedMount {
            target,
            content: Content::Bound(BoundMount {
                path,
                recursive,
                taken,
                flags,
                is_proc,
            }),
            below: options.below,
            propagation: options.propagation,
        }));
        Ok(())
    }

    /// The container's path of a source that an earlier mount has brought into the root. Where the host has the root it
    /// is not to be seen, for the root is mounted on /.
    fn inside(&self, source: &CStr) -> Option<CString> {
        let inner = self.below_root(source)?;
        let is_at = |mount: &Mount| {
            let target = self.target(mount);
            let below = inner.to_bytes().strip_prefix(target.to_bytes());
            below.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
        };
        let mut earlier = self.config.mounts.iter().take(self.number);
        earlier.any(is_at).then_some(inner)
    }

    /// Where it is mounted, in the container. As in runc, who writes the host's path of a place in the root means that place.
    fn target(&self, mount: &Mount) -> CString {
        let target = clean(&mount.destination);
        self.below_root(&target).unwrap_or(target)
    }

    /// The container's path of what the host has below the root, as far as the words of both go.
    fn below_root(&self, path: &CStr) -> Option<CString> {
        let root = clean(&below(self.bundle, &self.config.root.path));
        let path = clean(path);
        match path.to_bytes().strip_prefix(root.to_bytes())? {
            [] => Some(c"/".into()),
            inner @ [b'/', ..] => Some(c_string(inner.to_vec())),
            _ => None,
        }
    }

    /// What is mounted anew, or once more.
    fn fresh(&mut self, mount: &Mount, options: Options, target: CString) {
        let kind: CString = mount.kind.clone().unwrap_or_else(|| c"none".into());
        let is_tmpfs = kind.as_c_str() == c"tmpfs";
        let remounts = options.flags.set.contains(MountFlags::REMOUNT);
        let mut flags = options.flags.set;
        if remounts && kind.as_c_str() == c"bind" {
            // The mount's alone, and not those of its whole file system.
            flags = flags.and(MountFlags::BIND);
        }
        if !remounts
            && flags.contains(MountFlags::READONLY)
            && (is_tmpfs || target.as_c_str() == c"/dev")
        {
            // There is something to be put into it first.
            flags = flags.without(MountFlags::READONLY);
            self.frozen.push(target.clone());
        }
        let is_bare = matches!(kind.to_bytes(), b"proc" | b"sysfs" | b"mqueue");
        let fresh = FreshMount {
            source: mount.source.clone().unwrap_or_else(|| kind.clone()),
            data: match is_bare {
                true => c_string(options.data.clone()),
                false => self.labelled(options.data.clone()),
            },
            flags,
            keeps_mode: is_tmpfs && !has_mode(&options.data),
            copies: is_tmpfs && options.copies,
            instead: None,
            kind,
        };
        self.place(target, fresh, options, remounts);
    }

    pub fn place(&mut self, target: CString, fresh: FreshMount, options: Options, remounts: bool) {
        self.steps.push(RootStep::Place(PlacedMount {
            target,
            content: match remounts {
                true => Content::Remounted(fresh),
                false => Content::Fresh(fresh),
            },
            below: options.below,
            propagation: options.propagation,
        }));
    }

    /// A bind of the host's that no option asks for in words.
    pub fn place_bound(
        &mut self,
        target: CString,
        path: CString,
        flags: MountFlags,
        propagation: Vec<MountFlags>,
    ) {
        self.steps.push(RootStep::Place(PlacedMount {
            target,
            content: Content::Bound(BoundMount {
                path,
                recursive: true,
                taken: Taken::Now,
                flags: FlagChange {
                    set: flags,
                    clear: MountFlags::NONE,
                },
                is_proc: false,
            }),
            below: FlagChange::default(),
            propagation,
        }));
    }

    /// Options with `linux.mountLabel`.
    fn labelled(&self, mut data: Vec<u8>) -> CString {
        if let Some(label) = &self.config.linux.mount_label {
            if !data.is_empty() {
                data.push(b',');
            }
            data.extend(b"context=\"");
            data.extend(label.to_bytes());
            data.push(b'"');
        }
        c_string(data)
    }
}

/// Which of the binds of the host's whole / are to be copied before the root is bound: slot, and whether with what is mounted
/// below. Those that are handed in are not among them.
pub fn kept_roots(config: &Config, handed: &Handed<'_>) -> Vec<(u8, bool)> {
    let mounts = config.mounts.iter().enumerate();
    let binds =
        mounts.filter(|(number, mount)| is_bind(mount) && !changes_earlier(config, *number, mount));
    let of_root = binds.filter(|(_, mount)| handed.is_kept(mount));
    (0..)
        .zip(of_root)
        .map(|(slot, (_, mount))| {
            let options = Options::of(&mount.options);
            (slot, options.flags.set.contains(MountFlags::RECURSIVE))
        })
        .collect()
}

fn has_mode(data: &[u8]) -> bool {
    data.split(|byte| *byte == b',')
        .any(|option| option.starts_with(b"mode="))
}

/// Nothing but a proc on /proc, and nothing below it but what lxcfs has: the child looks once more at what is there.
fn check_proc(mount: &Mount, target: &CStr) -> Result<(), Error> {
    let path = target.to_bytes();
    let refused = |reason: &str| {
        Err(Error::told(&format!(
            "\"{}\" cannot be mounted because it is {reason}",
            printable(path)
        )))
    };
    match path.strip_prefix(b"/proc") {
        Some(b"") if !is_bind(mount) && mount.kind.as_deref() != Some(c"proc") => {
            refused("not of type proc")
        }
        Some([b'/', ..]) if !MAY_BE_COVERED.contains(&target) => refused("inside /proc"),
        _ => Ok(()),
    }
}
