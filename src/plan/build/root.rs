//! The steps for a root of the container's own, in their order.

use super::layers::layers;
use super::process::Becoming;
use super::settings;
use super::text::c_string;
use crate::plan::root::{
    BindMount, Copy, DeviceNode, EtcFile, FileSystem, KernelFs, Layers, MountKernelFs,
    OverlayMount, Restriction, RootStep, Way, Without,
};
use crate::plan::{Standard, Step};
use crate::spec::{
    Base, Bind, ContainerSpec, Devices, MASKED_IN_PROC, MASKED_IN_SYS, MountSource, NameFile,
    Namespace, READ_ONLY_IN_PROC, RootMount, RootSpec, Terminal,
};
use crate::sys::MountFlags;
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// What lies in these file systems is neither programs nor devices.
const RESTRICTIONS: MountFlags = BOUND.and(MountFlags::NODEV);

/// The flags of a bind, which says apart which devices open.
const BOUND: MountFlags = MountFlags::NOSUID.and(MountFlags::NOEXEC);

/// Whether the container's terminal is made on a devpts of its own.
pub fn makes_terminal(spec: &ContainerSpec) -> bool {
    spec.has_own_dev() && spec.process.terminal == Terminal::Own
}

/// What has to be done while the host's mounts still propagate.
#[cold]
#[inline(never)]
pub fn before_private(root: &RootSpec, steps: &mut Vec<Step>) {
    copies(root, true, steps);
}

/// The early copies, of those binds that propagate or of the others. Each has its slot among them all.
fn copies(root: &RootSpec, propagating: bool, steps: &mut Vec<Step>) {
    if root.is_premounted {
        // They come from outside.
        return;
    }
    let wanted = (0..)
        .zip(root.early())
        .filter(|(_, (_, bind))| bind.propagates() == propagating);
    for (slot, (mount, bind)) in wanted {
        steps.push(Step::Root(Box::new(RootStep::Copy(Copy {
            option: option(mount),
            path: bind.path.clone(),
            recursive: bind.recursive,
            slot,
        }))));
    }
}

#[cold]
#[inline(never)]
pub fn steps(spec: &ContainerSpec, root: &RootSpec, standard: Standard, steps: &mut Vec<Step>) {
    if !spec.namespaces.is_new(Namespace::User) {
        // (The kernel makes no user namespace for a process in a chroot.)
        steps.push(Step::Root(Box::new(RootStep::LeaveChroot)));
    }
    // While / is not covered, and its mounts are private.
    copies(root, false, steps);
    // The modes below are meant as they are; the command gets its own mask later.
    steps.push(Step::Umask(0));
    let mut push = |step| steps.push(Step::Root(Box::new(step)));
    let user_namespace = spec.is_in_user_namespace();
    // (With many ids a root of the host's is shifted, and would have its disks' nodes be the container's.)
    let devices = if root.security.privileged && !root.is_premounted {
        MountFlags::NONE
    } else {
        // Whatever nodes an image brings along: the container's devices are in /dev, and they are all that it has.
        MountFlags::NODEV
    };
    let is_overlay = match &root.base {
        Base::Directory(path) => {
            let read_only = if root.read_only {
                MountFlags::READONLY
            } else {
                MountFlags::NONE
            };
            push(RootStep::Directory {
                path: path.clone(),
                flags: devices.and(read_only),
                premounted: root.is_premounted,
                makes_places: root.makes_places,
            });
            false
        }
        Base::Overlay(overlay) => {
            let layers = layers(overlay, user_namespace, root.is_premounted);
            push(RootStep::Overlay(Layers {
                premounted: root.handed_directories(),
                flags: layers.flags.and(devices),
                ..layers
            }));
            true
        }
    };
    // First, for what is mounted may need it.
    push(proc(spec, root));
    // Before it is restricted, and while it is held.
    steps.extend(settings(spec));
    let mut push = |step| steps.push(Step::Root(Box::new(step)));
    if !root.mounts_on("/sys") {
        push(sys(root));
    }
    dev(spec, root, standard, &mut push);
    if spec.shares_ipc() && !root.mounts_on("/dev") {
        // As docker has it: what is shared is shared by its names too, if the host has them.
        for (name, path) in [("/dev/shm", c"/dev/shm"), ("/dev/mqueue", c"/dev/mqueue")] {
            if !root.mounts_on(name) {
                push(RootStep::Bind(BindMount {
                    optional: true,
                    ..bind_all(path, MountFlags::NONE, Devices::All)
                }));
            }
        }
    }
    let mut slot = root.handed_directories()..;
    let context = Context {
        root,
        devices,
        user_namespace,
    };
    let files = name_files(root);
    if files.iter().any(|file| file.looked_at.is_some()) {
        push(RootStep::LookAtNames(
            files.iter().map(|file| file.target.clone()).collect(),
        ));
    }
    // Those that are shared with the host are the last.
    let shared = root.mounts.iter().position(RootMount::reaches_host);
    let (own, shared) = root.mounts.split_at(shared.unwrap_or(root.mounts.len()));
    for mount in own {
        push(asked(&context, mount, &mut slot));
    }
    // After the mounts, or one could cover them; and not on those that are shared, for they would appear on the host.
    for file in files {
        push(RootStep::NameFile(file));
    }
    for mount in shared {
        push(asked(&context, mount, &mut slot));
    }
    if root.mounts_on("/dev") {
        // What was bound from it holds on to it.
        push(RootStep::DropStage);
    }
    if let Some(path) = &spec.process.working_directory {
        push(RootStep::MakeWorkingDirectory {
            path: path.clone(),
            owner: Becoming::new(&spec.identity).owner(),
        });
    }
    if root.read_only && is_overlay {
        // Last, for every place that was missing has been made. (A directory was read-only from the
        // beginning.)
        push(RootStep::ReadOnly);
    }
    push(RootStep::Enter);
}

/// /proc shows the PID namespace of whoever mounted it, so a new namespace needs a new mount.
fn proc(spec: &ContainerSpec, root: &RootSpec) -> RootStep {
    let options = &root.security.proc_options;
    let is_owned = spec.namespaces.is_new(Namespace::Pid) || !spec.is_in_user_namespace();
    RootStep::MountKernelFs(MountKernelFs {
        kernel_fs: KernelFs::Proc,
        way: if is_owned {
            Way::Fresh(file_system(c"/proc", c"proc", RESTRICTIONS, options))
        } else {
            // The host's PID namespace seen from a new user namespace: only the owner of a PID namespace may
            // mount a proc of it.
            Way::Bound(bind_all(c"/proc", BOUND, Devices::None))
        },
    })
}

/// Read-only: what is set there is the host's, whatever the namespace. A new sysfs shows the network
/// devices of our own network namespace; the owner of that alone may mount it.
fn sys(root: &RootSpec) -> RootStep {
    let access = if root.security.privileged {
        MountFlags::NONE
    } else {
        MountFlags::READONLY
    };
    RootStep::MountKernelFs(MountKernelFs {
        kernel_fs: KernelFs::Sysfs,
        way: Way::FreshOrBound(
            file_system(c"/sys", c"sysfs", RESTRICTIONS.and(access), c""),
            BindMount {
                // A host without one has none to show.
                optional: true,
                ..bind_all(c"/sys", BOUND.and(access), Devices::None)
            },
        ),
    })
}

fn dev(spec: &ContainerSpec, root: &RootSpec, standard: Standard, push: &mut impl FnMut(RootStep)) {
    let restricted = root.security.restricted_paths;
    let own_sys = !root.mounts_on("/sys");
    push(RootStep::Stage);
    let own_dev = !root.mounts_on("/dev");
    if own_dev || restricted {
        push(RootStep::Devices);
    }
    if restricted {
        let mut restrictions = vec![Restriction {
            kernel_fs: KernelFs::Proc,
            masked: MASKED_IN_PROC.map(Cow::Borrowed).into(),
            read_only: READ_ONLY_IN_PROC.map(Cow::Borrowed).into(),
        }];
        if own_sys {
            let throttles = root.security.throttles.iter().cloned().map(Cow::Owned);
            restrictions.push(Restriction {
                kernel_fs: KernelFs::Sysfs,
                masked: MASKED_IN_SYS
                    .map(Cow::Borrowed)
                    .into_iter()
                    .chain(throttles)
                    .collect(),
                // All of it is.
                read_only: Vec::new(),
            });
        }
        // Now, for what hides is on the stage.
        push(RootStep::Restrict(restrictions));
    }
    if own_dev {
        push(RootStep::Links);
        // Everyone may have a terminal of their own: ptmxmode. Of the group only where it is one: the kernel refuses an
        // id that is none of the user namespace's.
        let data = if spec.has_terminal_group() {
            c"newinstance,ptmxmode=0666,mode=0620,gid=5"
        } else {
            c"newinstance,ptmxmode=0666,mode=0620"
        };
        let flags = MountFlags::NOSUID.and(MountFlags::NOEXEC);
        push(RootStep::Staged(file_system(
            c"pts", c"devpts", flags, data,
        )));
        match standard {
            Standard::Terminal(terminal_settings) => push(RootStep::Terminal(terminal_settings)),
            Standard::Streams(streams) => {
                let own = streams.own();
                if own != [None; 3] {
                    // Now, while no one else can reach the nodes, and plain names do.
                    push(RootStep::StandardDevices(own));
                }
            }
        }
        // What someone asked for in their place they get instead of them.
        if !root.mounts_on("/dev/shm") {
            let data = match root.shared_memory {
                None => c"mode=1777,size=65536k".into(),
                Some(bytes) => c_string(format!("mode=1777,size={bytes}")),
            };
            push(RootStep::Staged(FileSystem {
                data,
                ..file_system(c"shm", c"tmpfs", RESTRICTIONS, c"")
            }));
        }
        if !root.mounts_on("/dev/mqueue") {
            push(RootStep::Staged(FileSystem {
                optional: true,
                ..file_system(c"mqueue", c"mqueue", RESTRICTIONS, c"")
            }));
        }
    }
    if own_dev {
        push(RootStep::PlaceDev);
    }
}

/// The files that only this container has, but those that someone brings along: they are what is wanted.
fn name_files(root: &RootSpec) -> Vec<EtcFile> {
    let brings_files = |mount: &RootMount| match &mount.source {
        MountSource::Bind(bind) => !bind.is_device,
        MountSource::Overlay(_) => true,
        MountSource::Tmpfs { .. } => false,
    };
    let looks = root.mounts.iter().any(brings_files);
    let wanted = root.name_files.iter().filter(|file| !root.covers(file));
    (0..)
        .zip(wanted)
        .map(|(slot, file)| EtcFile {
            target: c_string([b"/etc/", file.name.as_bytes()].concat()),
            content: file.content.clone(),
            without: without(file),
            looked_at: looks.then_some(slot),
            read_only: root.read_only,
        })
        .collect()
}

fn without(file: &NameFile) -> Without {
    match &file.asked_by {
        Some(option) => Without::Refused(c_string(option.as_bytes())),
        None if file.is_missed => Without::Told,
        None => Without::Fine,
    }
}

/// What the mounts that were asked for depend on.
struct Context<'a> {
    root: &'a RootSpec,
    /// What keeps device nodes from opening, if something does.
    devices: MountFlags,
    user_namespace: bool,
}

/// A mount that was asked for.
fn asked(
    context: &Context<'_>,
    mount: &RootMount,
    slots: &mut impl Iterator<Item = u8>,
) -> RootStep {
    let target = mount.target.clone();
    match &mount.source {
        MountSource::Bind(bind) => {
            let step = asked_bind(context, mount, bind, slots);
            if bind.is_device && !context.user_namespace {
                let end = target.to_bytes().iter().rposition(|byte| *byte == b'/');
                let directory = target.to_bytes().get(..end.unwrap_or(0).max(1));
                return RootStep::Device(DeviceNode {
                    directory: c_string(directory.unwrap_or(b"/")),
                    bind: step,
                });
            }
            RootStep::Bind(step)
        }
        MountSource::Tmpfs { flags, data } => RootStep::FileSystem(FileSystem {
            option: Some(option(mount)),
            ..file_system(&target, c"tmpfs", *flags, data)
        }),
        MountSource::Overlay(overlay) => {
            let layers = layers(overlay, context.user_namespace, false);
            RootStep::OverlayMount(OverlayMount {
                option: option(mount),
                target,
                layers: Layers {
                    flags: layers.flags.and(context.devices),
                    ..layers
                },
            })
        }
    }
}

fn asked_bind(
    context: &Context<'_>,
    mount: &RootMount,
    bind: &Bind,
    slots: &mut impl Iterator<Item = u8>,
) -> BindMount {
    let is_early = context.root.is_premounted || bind.is_copied_early();
    let access = if bind.is_device {
        // The host's node itself: it reads and writes all the same, but no one can change its mode, its owner or its
        // times by it.
        MountFlags::READONLY
    } else {
        MountFlags::NONE
    };
    BindMount {
        option: Some(option(mount)),
        path: bind.path.clone(),
        slot: is_early.then(|| slots.next()).flatten(),
        target: mount.target.clone(),
        recursive: bind.recursive,
        flags: bind.flags.and(access),
        recursive_flags: bind.recursive_flags,
        devices: match bind.devices {
            Devices::Source if context.devices == MountFlags::NONE => Devices::All,
            devices => devices,
        },
        is_device: bind.is_device,
        optional: bind.optional,
    }
}

fn option(mount: &RootMount) -> CString {
    c_string(mount.asked_by.as_bytes())
}

fn file_system(target: &CStr, kind: &CStr, flags: MountFlags, data: &CStr) -> FileSystem {
    FileSystem {
        option: None,
        target: target.into(),
        kind: kind.into(),
        flags,
        data: data.into(),
        optional: false,
    }
}

/// The host's, at the same place, with all that is mounted below: a part that the host covered must not
/// come to light.
fn bind_all(path: &CStr, flags: MountFlags, devices: Devices) -> BindMount {
    BindMount {
        option: None,
        path: path.into(),
        slot: None,
        target: path.into(),
        recursive: true,
        flags,
        recursive_flags: true,
        devices,
        is_device: false,
        optional: false,
    }
}
