//! /dev, which is put together aside.

use crate::error::printable;
use crate::hint::Doing;
use crate::plan::OwnDevice;
use crate::plan::root::FileSystem;
use crate::plan::text::telling::{Blank, Told};
use crate::plan::text::{bits, streams};
use crate::spec::{Link, Node};
use crate::sys::MountFlags;
use crate::terminal_settings::TerminalSettings;
use std::ffi::CStr;

impl<'p> Blank<'p> {
    pub fn stage(self, flags: MountFlags, data: &CStr) -> Told<'p> {
        self.says("mount a tmpfs aside, for /dev", b"")
            .why(
                "Where the container's /dev, and files for its /etc, are put together: no process of any container can get at \
                 it there, so plain names will do. On top of /, like all that is not in its place yet. tmpfs(5)",
            )
            .on_page(|page, _| page.item("flags", &bits::flags(flags)))
            .foreign("options", data.to_bytes())
    }

    pub fn devices(self, nodes: &[Node]) -> Told<'p> {
        let first = nodes.first().map(|node| &*node.path);
        self.says("make the device nodes of", directory_of(first))
            .source(b"the host's /dev")
            .hint_of_source(Doing::BindDevices)
            .why(
                "The device nodes that every program may expect, and none of the host's disks. Only the host's root may make \
                 nodes, mknod(2); for an ordinary user, and where a sandbox denies it, the host's are bound.",
            )
            .on_page(|page, _| page.items("nodes", &names(nodes.iter().map(|node| &*node.path))))
    }

    pub fn standard_devices(self, own: [Option<OwnDevice>; 3]) -> Told<'p> {
        let paths = own.map(|one| one.and_then(|device| device.path().to_str().ok()));
        self.says("make the container's", &streams::list(paths)).why(
            "Instead of the host's nodes, whose mode and owner the container's root could change for everyone by \
             fchmod(2) and fchown(2): open(2), dup2(2). While no one else can reach the stage.",
        )
    }

    pub fn links(self, links: &[Link]) -> Told<'p> {
        let first = links.first().map(|link| &*link.path);
        self.says("make the links of", directory_of(first))
            .why("As programs know them: symlink(2), into /proc; and ptmx of the container's own pts, not of the host's.")
            .on_page(|page, _| page.items("links", &names(links.iter().map(|link| &*link.path))))
    }

    pub fn staged(self, step: &FileSystem) -> Told<'p> {
        self.says_file_system(step)
            .why(match step.kind.to_bytes() {
                b"devpts" => {
                    "Terminals of the container's own, numbered from 0: the host's stay out of its reach. pts(4)"
                }
                b"mqueue" => {
                    "The POSIX message queues of the IPC namespace. A kernel without them is forgiven. mq_overview(7)"
                }
                b"tmpfs" => "Shared memory by names is files there, shm_overview(7).",
                _ => "A file system without a device, of the container's own. mount(2)",
            })
            .mounted_with(step)
    }

    pub fn terminal(self, settings: &TerminalSettings) -> Told<'p> {
        self.says("make a terminal on", b"/dev/pts")
            .hint_otherwise(Doing::OpenTerminal)
            .why(
                "Made inside, so that its name, /dev/pts/0, is one that the container knows; its master goes to mydocker over the \
                 socket. It is /dev/console too. pty(7)",
            )
            .on_page(|page, _| {
                if let Some(size) = settings.size {
                    page.item("size", &format!("{} rows, {} columns", size.rows, size.columns));
                }
                if let Some(owner) = settings.owner {
                    page.item("owner", &owner.to_string());
                }
            })
    }

    pub fn another_terminal(self, settings: &TerminalSettings) -> Told<'p> {
        self.says("make a terminal on", b"the container's /dev/pts")
            .hint_otherwise(Doing::OpenTerminal)
            .why(
                "Of the container's own devpts, so that its name is one that the container knows; what lies on /dev/pts must be                  one, in which no one can make names. Its master goes to mydocker over the socket. pty(7)",
            )
            .on_page(|page, _| {
                if let Some(size) = settings.size {
                    page.item("size", &format!("{} rows, {} columns", size.rows, size.columns));
                }
            })
    }

    pub fn open_devices(self, own: [Option<OwnDevice>; 3]) -> Told<'p> {
        let paths = own.map(|one| one.and_then(|device| device.path().to_str().ok()));
        self.says("open the container's", &streams::list(paths))
            .hint_otherwise(Doing::OpenDevice)
            .why(
                "Instead of the host's nodes, whose mode and owner the container's root could change for everyone. With no                  more rights than the command's, for the container may have put something else there: what is not that                  device is refused. open(2)",
            )
    }

    pub fn place_stage(self, target: &CStr) -> Told<'p> {
        self.says("move the tmpfs to", target.to_bytes()).why(
            "It is complete: the mount is moved from / to its place, MS_MOVE of mount(2). Nothing of the stage is left behind.",
        )
    }

    pub fn drop_stage(self) -> Told<'p> {
        self.says("detach the tmpfs aside", b"").why(
            "What was bound from it holds on to it; the rest has served. umount2(2), MNT_DETACH",
        )
    }
}

/// Where the nodes or the links lie, by the first of them.
fn directory_of(first: Option<&CStr>) -> &[u8] {
    let path = first.map_or(&b""[..], CStr::to_bytes);
    let end = path.iter().rposition(|byte| *byte == b'/');
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// What each is called there.
fn names<'a>(paths: impl Iterator<Item = &'a CStr>) -> Vec<String> {
    let last = |path: &'a CStr| path.to_bytes().rsplit(|byte| *byte == b'/').next();
    paths.filter_map(last).map(printable).collect()
}
