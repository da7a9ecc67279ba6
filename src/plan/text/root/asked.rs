//! What can be asked for: binds, devices, file systems, overlays, the working directory.

use crate::error::printable;
use crate::field::Field;
use crate::hint::Doing;
use crate::plan::root::{BindMount, DeviceNode, FileSystem, OverlayMount};
use crate::plan::text::bits;
use crate::plan::text::page::Page;
use crate::plan::text::telling::{Blank, Named, Told};
use crate::spec::Devices;
use crate::sys::MountFlags;
use std::ffi::CStr;

impl<'p> Blank<'p> {
    pub fn says_file_system(self, step: &FileSystem) -> Named<'p> {
        let kind = printable(step.kind.to_bytes());
        self.says_of(format!("mount {kind} on").into(), step.target.to_bytes())
            .asked_by(step.option.as_deref())
    }

    pub fn says_bind(self, operation: &'static str, step: &BindMount) -> Named<'p> {
        self.says(operation, step.target.to_bytes())
            .asked_by(step.option.as_deref())
            .source(step.path.to_bytes())
    }

    pub fn file_system(self, step: &FileSystem) -> Told<'p> {
        let named = self.says_file_system(step);
        let named = match step.kind.to_bytes() {
            b"tmpfs" => named.hint(Doing::MountTmpfs),
            _ => named,
        };
        named
            .why(match step.option {
                Some(_) if *step.kind == *c"tmpfs" => {
                    "As was asked for: empty, in memory, and gone with the container. tmpfs(5)"
                }
                _ => "A file system without a device, of the container's own. mount(2)",
            })
            .mounted_with(step)
    }

    pub fn bind(self, step: &BindMount) -> Told<'p> {
        self.says_bind("bind on", step)
            .hint_of_source(if step.is_device {
                Doing::FindDevice
            } else {
                Doing::CopyMount
            })
            .explained(|page, _| explain_bind(page, step))
    }

    pub fn device(self, step: &DeviceNode) -> Told<'p> {
        self.says_bind("make a device node on", &step.bind)
            .hint_of_source(Doing::FindDevice)
            .why(
                "A node of the container's own, with the numbers, the mode and the owner of the host's: what is done to the \
                 node is not done to the host's. In the container's /dev, mknod(2); elsewhere, where no device opens \
                 (nodev), it is made on the tmpfs of /dev, below /dev/pts, and bound. Before the filter, which lets the \
                 container make none.",
            )
            .foreign("of", step.bind.path.to_bytes())
            .item(
                "if it is a terminal, or mknod is denied here",
                "the host's is bound, read-only: it reads and writes, and its mode and owner stay",
            )
    }

    pub fn overlay_mount(self, step: &OverlayMount) -> Told<'p> {
        self.says("mount an overlay on", step.target.to_bytes())
            .asked_by(Some(&step.option))
            .looks_up_layers(&step.layers)
            .why(
                "As was asked for. In the order of the targets' depths, or a mount could cover another. \
                 mount(2), and the kernel's overlayfs.rst",
            )
            .layers(&step.layers)
            .on_page(|page, _| {
                if step.layers.flags.contains(MountFlags::NODEV) {
                    page.why("nodev: the device nodes that lie in it do not open.");
                }
            })
    }

    pub fn make_working_directory(self, path: &CStr, owner: Option<(u32, u32)>) -> Told<'p> {
        self.says("make", path.to_bytes())
            .asked_by_field(Field::WorkingDirectory, path)
            .hint_of_place(Doing::FindDirectory)
            .why(
                "If it is not there, as with docker: mkdir(2). After the mounts, for it may lie in one.",
            )
            .on_page(|page, _| {
                if let Some((user, group)) = owner {
                    page.item("owner of what is made", &format!("{user}:{group}"));
                }
            })
    }
}

impl Told<'_> {
    /// What a file system is mounted with.
    pub fn mounted_with(self, step: &FileSystem) -> Self {
        self.on_page(|page, _| {
            page.item("flags", &bits::flags(step.flags));
            if !step.data.is_empty() {
                page.foreign("options", step.data.to_bytes());
            }
        })
    }
}

fn explain_bind(page: &mut Page, step: &BindMount) {
    let whose = match &step.option {
        Some(_) => "Something of the host's, as was asked for.",
        None => "The host's, since that namespace is shared.",
    };
    page.why(&format!(
        "{whose} A copy of its mount is restricted before it is attached, so at no moment can be written what should \
         not be; and the place is looked up inside the root, out of which no link leads: open_tree(2), \
         mount_setattr(2), move_mount(2), openat2(2)."
    ));
    page.foreign("from", step.path.to_bytes());
    no_devices(page, step);
    if let Some(slot) = step.slot {
        page.item("the copy taken above", &slot.to_string());
    }
    if step.is_device {
        page.why(
            "ro: it reads and writes all the same, but its mode, its owner and its times stay.",
        );
    }
    if step.recursive {
        page.item(
            "with",
            if step.recursive_flags {
                "the mounts below it, which get the same flags"
            } else {
                "the mounts below it, which keep their flags"
            },
        );
    }
}

/// The flags, and what they mean for device nodes.
fn no_devices(page: &mut Page, step: &BindMount) {
    let nodev = match step.devices {
        Devices::All => MountFlags::NONE,
        Devices::Source | Devices::None => MountFlags::NODEV,
    };
    page.item("flags", &bits::flags(step.flags.and(nodev)));
    match step.devices {
        Devices::All => {}
        Devices::Source => page.why(
            "nodev, unless it is a device itself: the device nodes that lie in it do not open; with the option dev \
             they would. For what is mounted below it too.",
        ),
        Devices::None => page.why("nodev: no device node in it opens, nor below it."),
    }
}
