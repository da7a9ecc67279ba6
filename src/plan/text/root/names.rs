//! The files of names in /etc.

use crate::plan::root::{EtcFile, Without};
use crate::plan::text::page::Page;
use crate::plan::text::telling::{Blank, Told};

impl<'p> Blank<'p> {
    pub fn look_at_names(self) -> Told<'p> {
        self.says("look at the files of names in", b"/etc")
            .why("What a mount that was asked for brings along is told from what the root had.")
    }

    pub fn name_file(self, file: &EtcFile) -> Told<'p> {
        self.says("set up", file.target.to_bytes())
            .asked_by(file.option())
            .why(
                "A file that only this container has, bound on the root's, which stays as it is. mount(2), MS_BIND",
            )
            .why(
                "After the mounts that were asked for, on what its path leads to then, inside the root. If there is nothing, \
                 it is made in what mydocker has mounted itself (an overlay, a tmpfs), and never in DIR or a volume.",
            )
            .on_page(|page, _| items(page, file))
    }
}

fn items(page: &mut Page, file: &EtcFile) {
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
