//! Mounts, devices and links as config.json has them.

use crate::error::printable;
use crate::hint::Doing;
use crate::plan::root::{
    Content, DeviceFile, EnterHow, FlagChange, INSIDE_PROC, PlacedLink, PlacedMount,
    RestrictedPaths,
};
use crate::plan::text::bits;
use crate::plan::text::page::Page;
use crate::plan::text::telling::{Blank, Told};
use crate::sys::{Errno, MountFlags};
use crate::terminal_settings::TerminalSettings;
use std::ffi::{CStr, CString};

impl<'p> Blank<'p> {
    pub fn place(self, step: &PlacedMount) -> Told<'p> {
        let target = step.target.to_bytes();
        let named = match &step.content {
            Content::Fresh(fresh) => {
                let kind = printable(fresh.kind.to_bytes());
                let named = self.says_of(format!("mount {kind} on").into(), target);
                match fresh.kind.to_bytes() {
                    b"proc" | b"sysfs" => {
                        let named = named.found(
                            Errno::ENOTDIR,
                            "it must be mounted on ordinary directory, and not on a link or a file",
                        );
                        named.source(fresh.source.to_bytes())
                    }
                    _ => named.found(
                        INSIDE_PROC,
                        "it cannot be mounted because it is inside /proc",
                    ),
                }
            }
            Content::Bound(bound) => self
                .says("bind on", target)
                .source(bound.path.to_bytes())
                .hint_of_source(Doing::CopyMount)
                .found(
                    INSIDE_PROC,
                    match bound.is_proc {
                        true => "it cannot be mounted because it is not of type proc",
                        false => "it cannot be mounted because it is inside /proc",
                    },
                ),
            Content::Remounted(_) => self.says("remount", target).found(
                INSIDE_PROC,
                "it cannot be mounted because it is inside /proc",
            ),
        };
        named
            .why(
                "As config.json lists it. Its place is looked up inside the root, out of which no link leads; everything that \
                 its options ask for is set before it is attached there. mount(2), open_tree(2), mount_setattr(2), \
                 move_mount(2), openat2(2)",
            )
            .on_page(|page, _| explain(page, step))
    }

    pub fn propagate(self, path: &CStr, flags: MountFlags) -> Told<'p> {
        let what = bits::flags(flags);
        self.says_of(format!("set propagation ({what}) of").into(), path.to_bytes())
            .why(
                "Which mounts pass between this one and its peers: those of the host's come to the container (slave), or \
                 do not (private); those of the container stay in it. mount_namespaces(7)",
            )
    }

    pub fn device_files(self, files: &[DeviceFile]) -> Told<'p> {
        self.says("make the devices in", b"the root")
            .why(
                "Nodes of the container's own, mknod(2); where none may be made the host's are bound, if they are these \
                 devices.",
            )
            .on_page(|page, _| paths(page, "devices", files.iter().map(|file| &file.path)))
    }

    pub fn placed_links(self, links: &[PlacedLink]) -> Told<'p> {
        self.says("make the links in", b"the root")
            .why("As programs know them: symlink(2). What has one of these names already stays, but for ptmx.")
            .on_page(|page, _| paths(page, "links", links.iter().map(|link| &link.name)))
    }

    pub fn console(self, settings: &TerminalSettings) -> Told<'p> {
        self.says("make a terminal on", b"/dev/pts in the root")
            .hint_otherwise(Doing::OpenTerminal)
            .why(
                "Of the devpts that is mounted there, which is looked at to be one; its slave is bound on /dev/console by its \
                 descriptor, which no name can lead elsewhere. pty(7)",
            )
            .on_page(|page, _| {
                if let Some(size) = settings.size {
                    page.item("size", &format!("{} rows, {} columns", size.rows, size.columns));
                }
            })
    }

    pub fn own_null(self) -> Told<'p> {
        self.says("open the container's", b"/dev/null")
            .found(Errno::ENODEV, "it is not that device")
            .why(
                "In the places of 0, 1 and 2, where they are the host's node: its mode and owner the container's root could \
                 change for everyone. dup2(2)",
            )
    }

    pub fn own_path(self, path: &CStr) -> Told<'p> {
        self.says("move the container's root to", path.to_bytes())
            .found(Errno::ESTALE, "it has become another directory meanwhile")
            .why(
                "So hooks find it that enter the mount namespace and mount something there, by the path that config.json has. \
                 MS_MOVE of mount(2)",
            )
    }

    pub fn freeze(self, path: &CStr) -> Told<'p> {
        self.says("make read-only", path.to_bytes()).why(
            "Asked for by its options; not before everything has been put into it. mount_setattr(2)",
        )
    }

    pub fn restrict_found(self, paths: &RestrictedPaths) -> Told<'p> {
        self.says("hide and make read-only", b"what config.json lists")
            .found(
                Errno::ENODEV,
                "the container's /dev/null, which would hide files, is not that device",
            )
            .why(
                "A file is hidden by the container's /dev/null bound on it, which is looked at to be that device; a \
                 directory by an empty one, read-only. What is only to be read is bound onto itself. What is not there \
                 is hidden already.",
            )
            .on_page(|page, _| {
                self::paths(page, "hidden", paths.masked.iter());
                self::paths(page, "read-only", paths.read_only.iter());
            })
    }

    pub fn enter_as(self, how: EnterHow) -> Told<'p> {
        match how {
            EnterHow::Pivot => self.says("enter the root (pivot_root, from a shared /)", b""),
            EnterHow::Chroot => self.says("enter the root (chroot)", b""),
        }
        .hint_otherwise(Doing::PivotRoot)
        .why(match how {
            EnterHow::Pivot => {
                "The mounts of the old root are made slaves before they are taken away, or they would be taken away from the \
                 host. pivot_root(2), mount_namespaces(7)"
            }
            EnterHow::Chroot => {
                "Asked for: what covers the host's / becomes the root. The host's proc and sysfs are taken away before, which \
                 would let the container mount whole ones of its own. chroot(2)"
            }
        })
    }
}

fn paths<'a>(page: &mut Page, label: &str, paths: impl Iterator<Item = &'a CString>) {
    let paths: Vec<&[u8]> = paths.map(|path| path.to_bytes()).collect();
    if !paths.is_empty() {
        page.foreign(label, &paths.join(&b' '));
    }
}

fn explain(page: &mut Page, step: &PlacedMount) {
    let change = |page: &mut Page, label: &str, change: FlagChange| {
        if !change.is_none() {
            page.item(label, &bits::flags(change.set));
        }
    };
    match &step.content {
        Content::Fresh(fresh) | Content::Remounted(fresh) => {
            page.item("flags", &bits::flags(fresh.flags));
            page.foreign("options", fresh.data.to_bytes());
        }
        Content::Bound(bound) => {
            page.foreign("from", bound.path.to_bytes());
            change(page, "flags", bound.flags);
        }
    }
    change(page, "flags, with what is below", step.below);
    for propagation in &step.propagation {
        page.item("propagation", &bits::flags(*propagation));
    }
}
