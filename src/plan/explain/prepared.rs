//! What is made before the clone.

use super::Start;
use crate::cgroup::Preview;
use crate::error::printable;
use crate::field::Field;
use crate::plan::build::makes_terminal;
use crate::plan::text::page::Page;
use crate::plan::{InitPlan, Prepared};
use crate::spec::{Base, Overlay, Terminal, Writes, work_directory};
use std::ffi::CStr;

/// What mydocker does and makes before there is a new process.
pub fn prepared(page: &mut Page, plan: &InitPlan, start: &Start<'_>) {
    page.section("mydocker, before there is a new process:");
    if start.in_sealed_copy {
        page.step("execute a copy of /proc/self/exe");
        page.why(
            "Until the command is executed, /proc/self/exe in the container is mydocker's own file, and a \
             hostile root could have that opened, to change it for the next one who starts a container \
             (CVE-2019-5736). So the file is copied to memory, sealed so that no one can change the copy, \
             and that is executed: memfd_create(2), fcntl(2).",
        );
    }
    if plan.needs_pool() {
        page.step("call the pool of network namespaces");
        page.why("Now, so that it answers while all the rest is done: unix(7).");
    }
    if let Some(root) = &start.spec.root {
        match &root.base {
            Base::Directory(path) if root.makes_places => lock_root(page, path),
            Base::Directory(_) => {}
            Base::Overlay(overlay) => upper(page, overlay),
        }
    }
    page.step("block signals");
    page.why(
        "One that comes from now on waits, and is handed on when the command runs. There is never a handler, \
         so none can run in the new process: sigprocmask(2), sigtimedwait(2).",
    );
    let limits = start.spec.limits.as_ref();
    let is_named = limits.is_some_and(|limits| limits.parent.is_some());
    for (index, cgroup) in start.cgroups.iter().enumerate() {
        made_cgroup(page, cgroup, index == 0, is_named);
    }
    if start.spec.process.terminal == Terminal::Own {
        if makes_terminal(start.spec) {
            page.step("make a socket pair for the terminal");
            page.why(
                "The container makes its terminal itself, on a /dev/pts of its own, and sends the master \
                 over this: unix(7), SCM_RIGHTS.",
            );
        } else {
            page.step("open a pseudo-terminal");
            page.why(
                "Its slave will be the container's terminal; mydocker keeps the master and relays between \
                 it and the caller's: pty(7).",
            );
        }
    }
    let prepared = plan.prepared_streams();
    if prepared.contains(&Some(Prepared::Pipe)) {
        page.step("make pipes for what is relayed");
        page.why(&Field::OutputLimit.between(
            "The container gets them in the place of the caller's terminal, and with ",
            " in that of stdout and stderr; one for both if both are the same. mydocker relays, or keeps what comes: pipe(2).",
        ));
    }
    if prepared.contains(&Some(Prepared::HostsNull)) {
        page.step("open /dev/null");
        page.why("It becomes stdin below. Opened now, for what is there then may be another one.");
    }
}

fn lock_root(page: &mut Page, path: &CStr) {
    page.step(&format!("lock {}", printable(path.to_bytes())));
    page.why(
        "Together with all who use it: it lacks /proc, /sys or /dev, and places for them are made, which are removed \
         when no container uses it any more. The lock is a byte of a file that only this user can open, fcntl(2), \
         F_OFD_SETLK: one on the directory itself could be had by everyone who may read it.",
    );
}

fn upper(page: &mut Page, overlay: &Overlay) {
    let Writes::Kept(upper) = &overlay.writes else {
        return;
    };
    let work = work_directory(&upper.path).unwrap_or_default();
    page.step(&format!("lock {}", printable(upper.path.to_bytes())));
    page.why(
        "For this container alone: two overlays that write to one upper directory would corrupt it. The lock is a byte \
         of a file that only this user can open, fcntl(2), F_OFD_SETLK.",
    );
    page.step(&format!("make {}", printable(work.to_bytes())));
    page.why(
        "overlayfs wants a directory of its own on the same file system, and not in the upper one. It is \
         removed at the end, from the directory that it lies in, which is opened now: a volume may hold it, and what \
         the container puts in its place is not followed.",
    );
}

fn made_cgroup(page: &mut Page, cgroup: &Preview, is_first: bool, is_named: bool) {
    page.step(&format!(
        "make the cgroup {}",
        printable(cgroup.path.to_bytes())
    ));
    let version = if cgroup.is_v2 {
        "cgroup v2"
    } else {
        "cgroup v1"
    };
    let of = [&[version], cgroup.controllers.as_slice()].concat();
    page.item("of", &of.join(" "));
    if !is_first {
        page.why(
            "A controller belongs to one hierarchy, so there is a cgroup in each that is needed.",
        );
    } else {
        let place = match (is_named, cgroup.is_v2) {
            (true, _) => Field::CgroupParent.between("below the one that ", " names"),
            (false, false) => {
                "below the caller's own, so that what limits the caller limits the container too".into()
            }
            (false, true) => {
                "below the caller's own, or, since one with processes passes no controllers on, the nearest above \
                 it that does or can"
                    .into()
            }
        };
        page.why(&format!(
            "Made and filled before the clone, so that the command's first instruction is within its limits; {place}; \
             removed at the end. (The name is another one at each start.) cgroups(7)",
        ));
    }
    for path in &cgroup.missing {
        page.foreign("made on the way, and stays", path.to_bytes());
    }
    for written in &cgroup.above {
        let text = format!(
            "{} to {}, which passes the controllers on",
            written.value,
            printable(written.file.to_bytes())
        );
        page.item("written above it", &text);
    }
    for setting in &cgroup.settings {
        let ways = setting.ways.iter();
        let ways: Vec<String> = ways
            .map(|(file, value)| format!("{value} to {}", printable(file.to_bytes())))
            .collect();
        let condition = if setting.if_there {
            ", if the kernel has that"
        } else {
            ""
        };
        let text = format!("{}{condition} ({})", ways.join(", or else "), setting.field);
        page.item("written", &text);
    }
}
