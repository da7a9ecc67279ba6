//! Why each step of a root of the container's own is there. How they are done, and more of why, is in
//! `src/child/root`.

use super::page::Page;
use super::words;
use crate::error::printable;
use crate::plan::OwnDevice;
use crate::plan::root::{
    BindMount, Copy, FileSystem, KernelFs, Layers, MountKernelFs, Restriction, RootStep, Without,
};
use crate::spec::Devices;
use crate::sys::MountFlags;
use std::borrow::Cow;
use std::ffi::CStr;

#[cold]
#[inline(never)]
pub fn why(page: &mut Page, step: &RootStep) {
    match step {
        RootStep::Copy(step) => copy(page, step),
        RootStep::LeaveChroot => page.why(
            "In a chroot pivot_root would exchange the wrong mounts, and the tree outside would stay. Entering one's own \
             mount namespace once more leads to its root; if that is another one, this was a chroot, and is refused. \
             setns(2)",
        ),
        RootStep::Directory { premounted: true, .. } => page.why(
            "What will be /. mydocker opened it, with its own rights, and mapped the owners of its files to the \
             container's ids, if they were not the container's already; the device nodes in it are none. It is put \
             onto /, which is always there. open_tree(2), mount_setattr(2) (MOUNT_ATTR_IDMAP), move_mount(2)",
        ),
        RootStep::Directory { flags, .. } => {
            page.why(
                "What will be /. pivot_root wants a mount, and a directory need be none: so it is bound, onto /, which is \
                 always there. Where / points does not change by that; only /.. leads to what lies on it. \
                 mount(2), MS_BIND",
            );
            let bind = MountFlags::BIND.and(MountFlags::RECURSIVE);
            page.item("flags", &words::flags(bind.and(*flags)));
            no_devices(page, *flags);
            if flags.contains(MountFlags::READONLY) {
                page.why("Read-only now, while nothing else is mounted there: mount_setattr(2).");
            }
        }
        RootStep::Overlay(layers) => {
            page.why(
                "What will be /: an overlay of directories, of which the upper one alone, if there is one, is written to; mounted onto /, which is \
                 always there. mount(2), and the kernel's overlayfs.rst",
            );
            overlay(page, layers);
            no_devices(page, layers.flags);
        }
        RootStep::FileSystem(step) => {
            page.why(match step.option {
                Some(_) => {
                    "As was asked for: empty, in memory, and gone with the container. tmpfs(5)"
                }
                None => "A file system without a device, of the container's own. mount(2)",
            });
            file_system(page, step);
        }
        RootStep::MountKernelFs(step) => show(page, step),
        RootStep::Stage => {
            page.why(
                "Where the container's /dev, and files for its /etc, are put together: no process of any container can get at \
                 it there, so plain names will do. On top of /, like all that is not in its place yet. tmpfs(5)",
            );
            let flags = MountFlags::NOSUID.and(MountFlags::STRICTATIME);
            page.item("flags", &words::flags(flags));
            page.item("options", "mode=0755,size=65536k");
        }
        RootStep::Devices => {
            page.why(
                "The device nodes that every program may expect, and none of the host's disks. Only the host's root may make \
                 nodes, mknod(2); for an ordinary user, and where a sandbox denies it, the host's are bound.",
            );
            let names = OwnDevice::ALL.map(|device| printable(device.name().to_bytes()));
            page.item("nodes", &names.join(" "));
        }
        RootStep::StandardDevices(_) => page.why(
            "Instead of the host's nodes, whose mode and owner the container's root could change for everyone by \
             fchmod(2) and fchown(2): open(2), dup2(2). While no one else can reach the stage.",
        ),
        RootStep::Restrict(all) => restrictions(page, all),
        RootStep::Links => {
            page.why("As programs know them: symlink(2), into /proc; and ptmx of the container's own pts, not of the host's.");
            page.item("links", "fd stdin stdout stderr ptmx");
        }
        RootStep::Staged(step) => {
            page.why(match step.kind.to_bytes() {
                b"devpts" => {
                    "Terminals of the container's own, numbered from 0: the host's stay out of its reach. pts(4)"
                }
                b"mqueue" => {
                    "The POSIX message queues of the IPC namespace. A kernel without them is forgiven. mq_overview(7)"
                }
                _ => "Shared memory by names is files there, shm_overview(7).",
            });
            file_system(page, step);
        }
        RootStep::Terminal(terminal_settings) => {
            page.why(
                "Made inside, so that its name, /dev/pts/0, is one that the container knows; its master goes to mydocker over the \
                 socket. It is /dev/console too. pty(7)",
            );
            if let Some(size) = terminal_settings.size {
                page.item("size", &format!("{} rows, {} columns", size.rows, size.columns));
            }
            if let Some(owner) = terminal_settings.owner {
                page.item("owner", &owner.to_string());
            }
        }
        RootStep::NameFile(file) => {
            page.why(
                "A file that only this container has, bound on the root's, which stays as it is. mount(2), MS_BIND",
            );
            page.why(
                "After the mounts that were asked for, on what its path leads to then, inside the root. If there is nothing, \
                 it is made in what mydocker has mounted itself (an overlay, a tmpfs), and never in DIR or a volume.",
            );
            page.item(
                "else",
                match &file.without {
                    Without::Refused(_) => "an error, for an option asks for it",
                    Without::Told => "the container goes without, and a warning says so",
                    Without::Fine => "the container goes without",
                },
            );
            if file.looked_at.is_some() && file.option().is_none() {
                page.item("if a mount brings one along", "that one stays");
            }
            if file.read_only {
                page.item("flags", "ro");
            }
            if file.content.is_empty() {
                page.item("content", "none");
            }
            for line in file.content.split(|byte| *byte == b'\n') {
                if !line.is_empty() {
                    page.foreign("line", line);
                }
            }
        }
        RootStep::PlaceDev => page.why(
            "It is complete: the mount is moved from / to its place, MS_MOVE of mount(2). Nothing of the stage is left behind.",
        ),
        RootStep::DropStage => page.why(
            "What was bound from it holds on to it; the rest has served. umount2(2), MNT_DETACH",
        ),
        RootStep::Bind(step) => bind(page, step),
        RootStep::Device(step) => {
            page.why(
                "A node of the container's own, with the numbers, the mode and the owner of the host's: what is done to the \
                 node is not done to the host's. In the container's /dev, mknod(2); elsewhere, where no device opens \
                 (nodev), it is made on the tmpfs of /dev, below /dev/pts, and bound. Before the filter, which lets the \
                 container make none.",
            );
            page.foreign("of", step.bind.path.to_bytes());
            page.item(
                "if it is a terminal, or mknod is denied here",
                "the host's is bound, read-only: it reads and writes, and its mode and owner stay",
            );
        }
        RootStep::LookAtNames(_) => page.why(
            "What a mount that was asked for brings along is told from what the root had.",
        ),
        RootStep::OverlayMount(step) => {
            page.why(
                "As was asked for. In the order of the targets' depths, or a mount could cover another. \
                 mount(2), and the kernel's overlayfs.rst",
            );
            overlay(page, &step.layers);
            if step.layers.flags.contains(MountFlags::NODEV) {
                page.why("nodev: the device nodes that lie in it do not open.");
            }
        }
        RootStep::MakeWorkingDirectory { owner, .. } => {
            page.why(
                "If it is not there, as with docker: mkdir(2). After the mounts, for it may lie in one.",
            );
            if let Some((user, group)) = owner {
                page.item("owner of what is made", &format!("{user}:{group}"));
            }
        }
        RootStep::ReadOnly => page.why(
            "After every place for a mount that was missing has been made. The mount alone, not those on it: mount_setattr(2).",
        ),
        RootStep::Enter => page.why(
            "The new root becomes /, and the old one lies on top of it, and is then unmounted with every mount of the \
             host's: nothing leads there any more. After chroot(2) alone it would still be there, and who is root knows the way. pivot_root(2), \
             with `.` for both; where the host's / is an initramfs, which pivot_root refuses to move, it stays, covered, and chroot(2) has to do.",
        ),
    }
}

fn copy(page: &mut Page, step: &Copy) {
    page.why(
        "A copy of the mount, not placed yet, open_tree(2): one that is to propagate is taken before mounts are made \
         private, for a private one propagates no more; that of the whole / before something lies on /.",
    );
    page.foreign("of", step.path.to_bytes());
    if step.recursive {
        page.item("with", "the mounts below it");
    }
    page.item("which", &step.slot.to_string());
}

fn file_system(page: &mut Page, step: &FileSystem) {
    page.item("flags", &words::flags(step.flags));
    if !step.data.is_empty() {
        page.foreign("options", step.data.to_bytes());
    }
}

fn no_devices(page: &mut Page, flags: MountFlags) {
    if flags.contains(MountFlags::NODEV) {
        page.why(
            "nodev: the device nodes that an image may have brought along do not open. The container's devices are in \
             /dev, which is mounted later.",
        );
    }
}

fn overlay(page: &mut Page, layers: &Layers) {
    page.item("flags", &words::flags(layers.flags));
    page.foreign("options", layers.data.to_bytes());
    if layers.redirected.is_some() {
        page.item(
            "and, if the kernel takes it",
            "redirect_dir: directories of the lower layers can be renamed",
        );
    }
    if let Some(work) = &layers.work {
        page.foreign("entered before, as .", work.path.to_bytes());
    }
    if let Some(like) = &layers.like {
        page.item(
            "upper",
            &format!(
                "in memory, on a tmpfs, with the owner and the mode of {}",
                printable(like.to_bytes())
            ),
        );
        page.foreign("options of the tmpfs", layers.memory.to_bytes());
    }
}

fn bind(page: &mut Page, step: &BindMount) {
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
    let nodev = if step.devices == Devices::All {
        MountFlags::NONE
    } else {
        MountFlags::NODEV
    };
    page.item("flags", &words::flags(step.flags.and(nodev)));
    if nodev == MountFlags::NODEV {
        page.why(match step.devices {
            Devices::Source => {
                "nodev, unless it is a device itself: the device nodes that lie in it do not open; with the option dev \
                 they would. For what is mounted below it too."
            }
            Devices::All | Devices::None => "nodev: no device node in it opens, nor below it.",
        });
    }
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

fn show(page: &mut Page, step: &MountKernelFs) {
    page.why(match step.kernel_fs {
        KernelFs::Proc => {
            "A proc shows the PID namespace of who mounted it, so a new one needs a new proc. First, for what is mounted \
             later may need it. proc(5)"
        }
        KernelFs::Sysfs => {
            "A new sysfs shows the network devices of this network namespace. Read-only (unless --privileged), for what is \
             set there is the host's. sysfs(5)"
        }
    });
    if let Some(fresh) = step.way.fresh() {
        page.why(
            "Mounted on top of /, where /.. names it, and moved to its place: so it is held by the mount itself, and what \
             is hidden of it below is found without a path, which links of the root could lead elsewhere.",
        );
        file_system(page, fresh);
    }
    if let Some(hosts) = step.way.bound() {
        page.why(
            "Only the owner of a namespace may mount a new one of what it shows, and not where parts of the old one are \
             covered: else the host's is bound, with all that is mounted in it.",
        );
        page.foreign("else bound", hosts.path.to_bytes());
    }
}

fn restrictions(page: &mut Page, all: &[Restriction]) {
    page.why(
        "Much in them is the host's, whatever the namespace: so some paths are hidden, a file by /dev/null bound on it and a \
         directory by an empty one, and others are bound onto themselves, read-only. Those that this kernel does not \
         have are hidden already. mount(2), MS_BIND and MS_REMOUNT",
    );
    for step in all {
        for (label, paths) in [("hidden", &step.masked), ("read-only", &step.read_only)] {
            let whole = |path: &Cow<'static, CStr>| {
                let parts = [step.kernel_fs.directory().to_bytes(), b"/", path.to_bytes()];
                printable(&parts.concat())
            };
            let paths: Vec<String> = paths.iter().map(whole).collect();
            if !paths.is_empty() {
                page.items(label, &paths);
            }
        }
    }
}
