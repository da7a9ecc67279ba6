//! The steps for a root of the container's own, in their order.

use super::NetworkSource;
use super::c_string::c_string;
use super::layers::layers;
use super::mounts::Mounting;
use super::process::Becoming;
use crate::plan::root::{Copy, Layers, RootStep};
use crate::plan::{Standard, Step};
use crate::spec::{Base, ContainerSpec, Namespace, RootSpec, Terminal};
use crate::sys::MountFlags;

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
            option: c_string(mount.label()),
            path: bind.path.clone(),
            recursive: bind.recursive,
            slot,
        }))));
    }
}

#[cold]
#[inline(never)]
pub fn steps(
    spec: &ContainerSpec,
    root: &RootSpec,
    network: NetworkSource,
    standard: Standard,
    steps: &mut Vec<Step>,
) {
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
    let devices = if root.opens_devices && !root.is_premounted {
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
    Mounting::new(spec, root, (network, standard), devices, steps).all();
    let mut push = |step| steps.push(Step::Root(Box::new(step)));
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
