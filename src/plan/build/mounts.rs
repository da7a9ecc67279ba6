//! The mounts of a root, in the order in which the specification lists them.
//!
//! What is not in the list is not mounted. What the child needs for itself comes in between:
//!
//! - *The stage*, a tmpfs on top of /, to which no one in the container comes. The tmpfs that has nodes and links (the
//!   container's /dev, usually) is put together there and then placed; without one the stage is bare, and dropped at the
//!   end. It begins before the first mount that is no proc and no sysfs, since what follows may need it: files of names
//!   and devices are made there and bound.
//! - *What is hidden and read-only*: below the first proc and the first sysfs as soon as there is a stage, from the mounts
//!   themselves, which are held until then. Elsewhere, and below those that come later in the list, when everything is
//!   mounted but what is shared with the host.

use super::c_string::c_string;
use super::layers::layers;
use super::name_files::name_files;
use super::{NetworkSource, settings};
use crate::plan::root::{
    BindMount, DeviceNode, EtcFile, FileSystem, KernelFs, Layers, MountKernelFs, OverlayMount,
    RestrictedPaths, Restriction, RootStep, Way,
};
use crate::plan::{Standard, Step};
use crate::spec::{
    self, Bind, ContainerSpec, Devices, MountSource, Namespace, Node, OwnDevice, RootMount,
    RootSpec, below,
};
use crate::sys::MountFlags;
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::ops::RangeFrom;

/// A bare stage's: for files of names and nodes, and for no one's data.
const BARE: &CStr = c"mode=0755,size=65536k";

const BARE_FLAGS: MountFlags = MountFlags::NOSUID.and(MountFlags::STRICTATIME);

pub struct Mounting<'a> {
    spec: &'a ContainerSpec,
    root: &'a RootSpec,
    /// And not entered yet.
    network_is_beside: bool,
    standard: Standard,
    /// What keeps device nodes from opening, if something does.
    devices: MountFlags,
    user_namespace: bool,
    slots: RangeFrom<u8>,
    /// By their numbers among the mounts.
    assembled: Option<usize>,
    proc: Option<usize>,
    sysfs: Option<usize>,
    stage: Stage,
    /// What has still to be hidden, or made read-only.
    restrictions: Vec<(Access, &'a Cow<'static, CStr>)>,
    steps: &'a mut Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    None,
    Read,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    NotBegun,
    Aside,
    /// What was put together on it has gone to its place.
    Placed,
}

impl<'a> Mounting<'a> {
    pub fn new(
        spec: &'a ContainerSpec,
        root: &'a RootSpec,
        (network, standard): (NetworkSource, Standard),
        devices: MountFlags,
        steps: &'a mut Vec<Step>,
    ) -> Self {
        let first = |kind: &CStr| {
            let mut mounts = root.mounts.iter();
            mounts.position(|mount| mount.file_system(kind).is_some())
        };
        let masked = root.masked.iter().map(|path| (Access::None, path));
        let read_only = root.read_only_paths.iter().map(|path| (Access::Read, path));
        Self {
            spec,
            root,
            network_is_beside: network == NetworkSource::Beside,
            standard,
            devices,
            user_namespace: spec.is_in_user_namespace(),
            slots: root.handed_directories()..,
            assembled: root.assembled(),
            proc: first(c"proc"),
            sysfs: first(c"sysfs"),
            stage: Stage::NotBegun,
            restrictions: masked.chain(read_only).collect(),
            steps,
        }
    }

    pub fn all(mut self) {
        let mounts = &self.root.mounts;
        if self.proc.is_none() {
            self.enter_network();
            self.steps.extend(settings(self.spec));
        }
        let files = name_files(self.root);
        // Those that are shared with the host are the last.
        let shared = mounts.iter().position(RootMount::reaches_host);
        let shared = shared.unwrap_or(mounts.len());
        let asked = mounts.iter().position(|mount| mount.asked_by.is_some());
        let mut files = Some(files);
        let mut number = 0;
        while let Some(mount) = mounts.get(number) {
            let kernel_fs = self.kernel_fs(number);
            if kernel_fs.is_none() && self.stage == Stage::NotBegun {
                self.begin_stage(number);
            }
            if asked == Some(number) {
                self.look_at_names(files.as_deref().unwrap_or_default());
            }
            if shared == number {
                self.finish_own(files.take());
            }
            match kernel_fs {
                Some(kernel_fs) => self.mount_kernel_fs(kernel_fs, mount),
                None if self.assembled == Some(number) => {
                    self.push(RootStep::PlaceStage(mount.target.clone()));
                    self.stage = Stage::Placed;
                    number += self.root.assembled_with(number);
                }
                None => self.mount(mount),
            }
            number += 1;
        }
        if self.stage == Stage::NotBegun {
            self.begin_stage(number);
        }
        self.finish_own(files.take());
        if self.stage == Stage::Aside {
            // What was bound from it holds on to it.
            self.push(RootStep::DropStage);
        }
    }

    /// What comes after the mounts, or one could cover it; and before those that are shared, or it would appear on the
    /// host, wherever a link of the root leads.
    fn finish_own(&mut self, files: Option<Vec<EtcFile>>) {
        for file in files.into_iter().flatten() {
            self.push(RootStep::NameFile(file));
        }
        if !self.restrictions.is_empty() {
            self.restrict_the_rest();
        }
    }

    /// As late as may be, so that it is made by then: before it is set up, and before a sysfs, which shows its devices.
    fn enter_network(&mut self) {
        if std::mem::take(&mut self.network_is_beside) {
            self.steps.push(Step::NetworkBeside);
        }
    }

    fn push(&mut self, step: RootStep) {
        self.steps.push(Step::Root(Box::new(step)));
    }

    /// Whether the mount of this number is the first proc or the first sysfs.
    fn kernel_fs(&self, number: usize) -> Option<KernelFs> {
        match Some(number) {
            found if found == self.proc => Some(KernelFs::Proc),
            found if found == self.sysfs => Some(KernelFs::Sysfs),
            _ => None,
        }
    }

    fn mount_kernel_fs(&mut self, kernel_fs: KernelFs, mount: &RootMount) {
        let MountSource::FileSystem(new) = &mount.source else {
            return;
        };
        if kernel_fs == KernelFs::Sysfs {
            self.enter_network();
        }
        let fresh = self.file_system(mount, new);
        let hosts = new.instead.as_ref();
        let hosts = hosts.map(|bind| Box::new(self.bind(mount, bind, None)));
        let spec = self.spec;
        let owns_processes = !spec.namespaces.is_callers(Namespace::Pid) || !self.user_namespace;
        let way = match (kernel_fs, hosts) {
            // The host's PID namespace seen from a new user namespace: only the owner of a PID namespace may
            // mount a proc of it.
            (KernelFs::Proc, Some(hosts)) if !owns_processes => Way::Bound(hosts),
            // The host's processes are never shown instead of the container's own.
            (KernelFs::Proc, _) | (KernelFs::Sysfs, None) => Way::Fresh(fresh),
            // A new sysfs shows the network devices of our own network namespace; the owner of that alone may mount it.
            (KernelFs::Sysfs, Some(hosts)) => Way::FreshOrBound(fresh, hosts),
        };
        self.steps.push(Step::MountKernelFs(Box::new(MountKernelFs {
            kernel_fs,
            in_root: true,
            user_namespace: true,
            way,
        })));
        if kernel_fs == KernelFs::Proc {
            self.enter_network();
            // Before it is restricted, and while it is held.
            self.steps.extend(settings(spec));
        }
    }

    /// `done`: how many mounts are there already.
    fn begin_stage(&mut self, done: usize) {
        let tmpfs = self
            .assembled
            .and_then(|number| self.root.mounts.get(number));
        let tmpfs = tmpfs.and_then(|mount| mount.file_system(c"tmpfs"));
        let (flags, data) = match tmpfs {
            Some(tmpfs) => (tmpfs.flags, tmpfs.data.clone()),
            None => (BARE_FLAGS, BARE.into()),
        };
        self.push(RootStep::Stage { flags, data });
        self.stage = Stage::Aside;
        let nodes = match tmpfs {
            Some(_) => self.root.nodes.clone(),
            // What hides a file is its /dev/null.
            None if !self.restrictions.is_empty() => vec![null()],
            None => Vec::new(),
        };
        let has_null = nodes.iter().any(is_null);
        if !nodes.is_empty() {
            self.push(RootStep::Devices(nodes));
        }
        if has_null {
            // Now, for what hides is on the stage.
            self.restrict_held(done);
        }
        if let Some(number) = self.assembled {
            self.assemble(number);
        }
    }

    /// All of the tmpfs that has nodes and links, but the nodes.
    fn assemble(&mut self, number: usize) {
        if !self.root.links.is_empty() {
            self.push(RootStep::Links(self.root.links.clone()));
        }
        let mut standard = Some(self.standard);
        let mounts = self.root.mounts.get(number..).unwrap_or_default();
        for mount in mounts.iter().skip(1).take(self.root.assembled_with(number)) {
            let MountSource::FileSystem(found) = &mount.source else {
                continue;
            };
            self.push(RootStep::Staged(self.file_system(mount, found)));
            if *found.kind == *c"devpts" {
                self.make_standard(standard.take());
            }
        }
        self.make_standard(standard.take());
    }

    /// What 0, 1 and 2 are, of what the container's own /dev has.
    fn make_standard(&mut self, standard: Option<Standard>) {
        match standard {
            Some(Standard::Terminal(settings)) if self.root.has_own_dev() => {
                self.push(RootStep::Terminal(settings));
            }
            Some(Standard::Streams(streams)) if streams.own() != [None; 3] => {
                // Now, while no one else can reach the nodes, and plain names do.
                self.push(RootStep::StandardDevices(streams.own()));
            }
            Some(_) | None => {}
        }
    }

    /// What is hidden and read-only of a proc and a sysfs among the first `done` mounts.
    fn restrict_held(&mut self, done: usize) {
        let mut restrictions = Vec::new();
        for (kernel_fs, number) in [(KernelFs::Proc, self.proc), (KernelFs::Sysfs, self.sysfs)] {
            let number = number.filter(|number| *number < done);
            let Some(mount) = number.and_then(|number| self.root.mounts.get(number)) else {
                continue;
            };
            let mut restriction = Restriction {
                kernel_fs,
                directory: mount.target.clone(),
                masked: Vec::new(),
                read_only: Vec::new(),
            };
            self.restrictions.retain(|(access, path)| {
                let Some(name) = relative(path, &mount.target) else {
                    return true;
                };
                match access {
                    Access::None => restriction.masked.push(name),
                    Access::Read => restriction.read_only.push(name),
                }
                false
            });
            if !restriction.masked.is_empty() || !restriction.read_only.is_empty() {
                restrictions.push(restriction);
            }
        }
        if !restrictions.is_empty() {
            self.push(RootStep::Restrict(restrictions));
        }
    }

    /// Whatever could not be hidden earlier.
    fn restrict_the_rest(&mut self) {
        if self.stage == Stage::Placed {
            // It is the container's by now.
            self.push(RootStep::Stage {
                flags: BARE_FLAGS,
                data: BARE.into(),
            });
            self.push(RootStep::Devices(vec![null()]));
            self.stage = Stage::Aside;
        }
        self.restrict_held(self.root.mounts.len());
        let rest = std::mem::take(&mut self.restrictions);
        let of = |wanted| {
            let paths = rest.iter().filter(|(access, _)| *access == wanted);
            paths.map(|(_, path)| CString::from(&***path)).collect()
        };
        let (masked, read_only) = (of(Access::None), of(Access::Read));
        if !rest.is_empty() {
            self.push(RootStep::RestrictPaths(RestrictedPaths {
                masked,
                read_only,
            }));
        }
    }

    /// Before the mounts that were asked for, which may bring files along.
    fn look_at_names(&mut self, files: &[EtcFile]) {
        if files.iter().any(|file| file.looked_at.is_some()) {
            let targets = files.iter().map(|file| file.target.clone());
            self.push(RootStep::LookAtNames(targets.collect()));
        }
    }

    /// A mount of which nothing is held.
    fn mount(&mut self, mount: &RootMount) {
        let step = match &mount.source {
            MountSource::Bind(bind) => {
                let is_early =
                    bind.is_copied_early() || (self.root.is_premounted && mount.asked_by.is_some());
                let slot = is_early.then(|| self.slots.next()).flatten();
                let step = self.bind(mount, bind, slot);
                if bind.is_device && !self.user_namespace {
                    let target = mount.target.to_bytes();
                    let end = target.iter().rposition(|byte| *byte == b'/');
                    let directory = target.get(..end.unwrap_or(0).max(1));
                    RootStep::Device(DeviceNode {
                        directory: c_string(directory.unwrap_or(b"/")),
                        bind: step,
                    })
                } else {
                    RootStep::Bind(step)
                }
            }
            MountSource::FileSystem(found) => RootStep::FileSystem(self.file_system(mount, found)),
            MountSource::Overlay(overlay) => {
                let layers = layers(overlay, self.user_namespace, false);
                RootStep::OverlayMount(OverlayMount {
                    option: c_string(mount.label()),
                    target: mount.target.clone(),
                    layers: Layers {
                        flags: layers.flags.and(self.devices),
                        ..layers
                    },
                })
            }
        };
        self.push(step);
    }

    fn file_system(&self, mount: &RootMount, found: &spec::FileSystem) -> FileSystem {
        let data = match found.kind.to_bytes() {
            // The kernel refuses an id that is none of the user namespace's.
            b"devpts" if !self.spec.has_terminal_group() => without_group(&found.data),
            _ => found.data.clone(),
        };
        FileSystem {
            option: option(mount),
            target: mount.target.clone(),
            kind: found.kind.clone(),
            flags: found.flags,
            data,
            optional: found.optional,
        }
    }

    fn bind(&self, mount: &RootMount, bind: &Bind, slot: Option<u8>) -> BindMount {
        let access = if bind.is_device {
            // The host's node itself: it reads and writes all the same, but no one can change its mode, its owner or its
            // times by it.
            MountFlags::READONLY
        } else {
            MountFlags::NONE
        };
        BindMount {
            option: option(mount),
            path: bind.path.clone(),
            slot,
            target: mount.target.clone(),
            recursive: bind.recursive,
            flags: bind.flags.and(access),
            recursive_flags: bind.recursive_flags,
            devices: match bind.devices {
                Devices::Source if self.devices == MountFlags::NONE => Devices::All,
                devices => devices,
            },
            is_device: bind.is_device,
            optional: bind.optional,
        }
    }
}

fn option(mount: &RootMount) -> Option<CString> {
    let asked_by = mount.asked_by.as_ref();
    asked_by.map(|asked_by| c_string(asked_by.as_bytes()))
}

/// Below a directory, without a copy where none is needed.
#[expect(
    clippy::ptr_arg,
    reason = "whether it is borrowed for ever is what counts"
)]
fn relative(path: &Cow<'static, CStr>, directory: &CStr) -> Option<Cow<'static, CStr>> {
    let name = below(directory.to_bytes(), path.to_bytes())?;
    let start = path.count_bytes() - name.len();
    match path {
        Cow::Borrowed(path) => {
            let name = path.to_bytes_with_nul().get(start..)?;
            CStr::from_bytes_with_nul(name).ok().map(Cow::Borrowed)
        }
        Cow::Owned(_) => Some(Cow::Owned(c_string(name))),
    }
}

/// The options of a devpts whose terminals belong to whoever opens them.
fn without_group(data: &CStr) -> CString {
    let options = data.to_bytes().split(|byte| *byte == b',');
    let kept = options.filter(|option| !option.starts_with(b"gid="));
    c_string(kept.collect::<Vec<_>>().join(&b","[..]))
}

/// Whether a node of the stage is one that can hide a file.
fn is_null(node: &Node) -> bool {
    let name = node.path.to_bytes().rsplit(|byte| *byte == b'/').next();
    node.device == OwnDevice::Null.device() && name == Some(b"null")
}

fn null() -> Node {
    let null = OwnDevice::Null;
    Node {
        path: null.path().into(),
        hosts: null.path().into(),
        device: null.device(),
        mode: 0o666,
    }
}

#[cfg(test)]
mod tests;
