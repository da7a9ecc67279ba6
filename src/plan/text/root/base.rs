//! What becomes /, from before anything is mounted to the pivot_root.

use crate::field::Field;
use crate::hint::Doing;
use crate::plan::root::{Copy, Layers};
use crate::plan::text::bits;
use crate::plan::text::page::Page;
use crate::plan::text::telling::{Blank, Named, Told};
use crate::sys::MountFlags;
use std::ffi::CStr;

impl<'p> Blank<'p> {
    pub fn copy(self, step: &Copy) -> Told<'p> {
        self.says("copy the mount of", step.path.to_bytes())
            .asked_by(Some(&step.option))
            .source(step.path.to_bytes())
            .hint_otherwise(Doing::CopyMount)
            .why(
                "A copy of the mount, not placed yet, open_tree(2): one that is to propagate is taken before mounts are \
                 made private, for a private one propagates no more; that of the whole / before something lies on /.",
            )
            .foreign("of", step.path.to_bytes())
            .on_page(|page, _| {
                if step.recursive {
                    page.item("with", "the mounts below it");
                }
                page.item("which", &step.slot.to_string());
            })
    }

    pub fn leave_chroot(self) -> Told<'p> {
        self.says("enter the mount namespace's root (setns)", b"")
            .hint_otherwise(Doing::PivotRoot)
            .why(
                "In a chroot pivot_root would exchange the wrong mounts, and the tree outside would stay. Entering one's \
                 own mount namespace once more leads to its root; if that is another one, this was a chroot, and is \
                 refused. Nothing is entered where / is known to be that root: `..` of it is / itself by the same \
                 mount, also for who has another root meanwhile. setns(2), chroot(2), statx(2)",
            )
    }

    pub fn directory(self, path: &CStr, flags: MountFlags, premounted: bool) -> Told<'p> {
        let named = self
            .says_for(Field::Root, ": bind", path.to_bytes())
            .source(path.to_bytes());
        if premounted {
            return named.why(
                "What will be /. mydocker opened it, with its own rights, and mapped the owners of its files to the \
                 container's ids, if they were not the container's already; the device nodes in it are none. It is put \
                 onto /, which is always there. open_tree(2), mount_setattr(2) (MOUNT_ATTR_IDMAP), move_mount(2)",
            );
        }
        named
            .why(
                "What will be /. pivot_root wants a mount, and a directory need be none: so it is bound, onto /, which is \
                 always there. Where / points does not change by that; only /.. leads to what lies on it. \
                 mount(2), MS_BIND",
            )
            .on_page(|page, _| {
                let bind = MountFlags::BIND.and(MountFlags::RECURSIVE);
                page.item("flags", &bits::flags(bind.and(flags)));
                no_devices(page, flags);
                if flags.contains(MountFlags::READONLY) {
                    page.why("Read-only now, while nothing else is mounted there: mount_setattr(2).");
                }
            })
    }

    pub fn alone(self, path: &CStr, flags: MountFlags) -> Told<'p> {
        self.says_for(
            Field::Root,
            ": enter an empty mount namespace with",
            path.to_bytes(),
        )
        .source(path.to_bytes())
        .hint_otherwise(Doing::MakeNamespace("mnt"))
        .why(
            "What will be /, in a mount namespace that has no other mount: none of the host's is copied, none is to be \
             taken away. So nothing of the host's may be wanted but this directory, and its devices where nodes \
             cannot be made, of which a copy is kept. It is put onto the namespace's /, an empty directory; only /.. leads \
             to what lies on that. open_tree(2), unshare(2) (UNSHARE_EMPTY_MNTNS, Linux 7.1), mount_setattr(2), \
             move_mount(2)",
        )
        .on_page(|page, _| {
            page.item("flags", &bits::flags(MountFlags::PRIVATE.and(flags)));
            no_devices(page, flags);
        })
    }

    pub fn overlay(self, layers: &Layers) -> Told<'p> {
        // With several directories and --read-only nobody has asked for more than those.
        let field = if layers.flags.contains(MountFlags::READONLY) {
            Field::Root
        } else {
            Field::Overlay
        };
        self.says_for(field, ": mount an overlay,", layers.data.to_bytes())
            .looks_up_layers(layers)
            .why(
                "What will be /: an overlay of directories, of which the upper one alone, if there is one, is written to; mounted onto /, which is \
                 always there. mount(2), and the kernel's overlayfs.rst",
            )
            .layers(layers)
            .on_page(|page, _| no_devices(page, layers.flags))
    }

    pub fn read_only(self) -> Told<'p> {
        self.says_for(Field::ReadOnly, ": make read-only", b"/").why(
            "After every place for a mount that was missing has been made. The mount alone, not those on it: mount_setattr(2).",
        )
    }

    pub fn enter(self) -> Told<'p> {
        self.says("enter the root (pivot_root)", b"")
            .hint_otherwise(Doing::PivotRoot)
            .why(
                "The new root becomes /, and the old one lies on top of it, and is then unmounted with every mount of the \
                 host's: nothing leads there any more. After chroot(2) alone it would still be there, and who is root knows the way. pivot_root(2), \
                 with `.` for both; where the host's / is an initramfs, which pivot_root refuses to move, it stays, covered, and chroot(2) has to do.",
            )
    }
}

impl Named<'_> {
    /// What of an overlay is looked up before it is mounted.
    pub fn looks_up_layers(self, layers: &Layers) -> Self {
        let work = layers.work.as_ref().map(|work| &work.path);
        let path = layers.like.as_ref().or(work);
        self.source(path.map_or(b"", |path| path.to_bytes()))
            .hint(Doing::MountOverlay)
            .hint_of_source(Doing::EnterLayer)
    }
}

impl Told<'_> {
    /// What an overlay is mounted with.
    pub fn layers(self, layers: &Layers) -> Self {
        self.on_page(|page, _| {
            page.item("flags", &bits::flags(layers.flags));
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
                let what = b"in memory, on a tmpfs, with the owner and the mode of ";
                page.foreign("upper", &[what, like.to_bytes()].concat());
                page.foreign("options of the tmpfs", layers.memory.to_bytes());
            }
        })
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
