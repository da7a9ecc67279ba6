//! The filter of system calls.

use super::page::Page;
use super::telling::{Blank, Start, Told};
use crate::hint::Doing;
use crate::plan::FilterWith;
use crate::seccomp::{FilterSummary, HERE, summary};
use crate::spec::Filter;
use crate::sys::Errno;
use crate::sys::seccomp::Instruction;
use std::os::unix::ffi::OsStrExt;

impl<'p> Blank<'p> {
    pub fn filter_with(self, filter: &FilterWith) -> Told<'p> {
        let object = match filter.listens {
            true => "an engine's filter of system calls (seccomp), with a listener",
            false => "an engine's filter of system calls (seccomp)",
        };
        self.says("load", object.as_bytes())
            .hint(Doing::Filter)
            .why("With the flags that the engine asks for. seccomp(2), seccomp_unotify(2)")
    }

    pub fn await_listener(self) -> Told<'p> {
        self.says("wait for", b"the listener of the filter to be sent")
            .why("Who listens is to have it before the command's first call.")
    }

    pub fn filter(self, instructions: &[Instruction]) -> Told<'p> {
        self.says("load", b"the filter of system calls (seccomp)")
            .hint(Doing::Filter)
            .explained(|page, start| {
                program(page, instructions, start);
                rules(page, instructions);
            })
    }
}

fn program(page: &mut Page, instructions: &[Instruction], start: &Start<'_>) {
    let process = &start.spec.process;
    let place = if process.no_new_privileges {
        "Last of all, for the calls above need not be among those that it allows."
    } else {
        "Here, because without no_new_privs it takes CAP_SYS_ADMIN, which goes below."
    };
    page.why(&format!(
        "A program of {} instructions, which the kernel runs at each system call to know what becomes of it: \
         seccomp(2). {place}",
        instructions.len()
    ));
    match &process.filter {
        Filter::Profile(file) => page.foreign("profile, in docker's format", file.as_bytes()),
        Filter::Default | Filter::None => page.why(
            "The default, which is docker's: allowed is what programs need; not what changes the host (modules, clocks, \
             mounts, other namespaces) unless the container has the capability for it, nor what has been a way \
             into the kernel too often (io_uring, userfaultfd, keyrings).",
        ),
    }
}

fn rules(page: &mut Page, instructions: &[Instruction]) {
    let native = summary(instructions, HERE.native);
    summarized(page, &native);
    let Some(compat) = HERE.compat.map(|compat| summary(instructions, compat)) else {
        return;
    };
    if compat.has_none() {
        page.why(
            "Calls of 32-bit programs do not exist (ENOSYS): the profile does not list their architecture, and such \
             programs end at their first ones.",
        );
    } else {
        page.why(
            "32-bit programs, and 64-bit ones by int 0x80, make calls of other names and numbers. The same rules hold \
             for them; and what socketcall(2) is to do lies in memory, where no filter can look.",
        );
        summarized(page, &compat);
    }
}

fn summarized(page: &mut Page, summary: &FilterSummary) {
    let FilterSummary {
        allowed,
        looked_at,
        refused,
        others,
    } = summary;
    let text = format!("{} of {} calls", allowed.len(), summary.count());
    page.item("allowed", &text);
    for (label, names) in [
        ("the arguments decide", looked_at),
        ("ended, or told to someone", others),
    ] {
        if !names.is_empty() {
            page.items(label, names);
        }
    }
    for (errno, names) in refused {
        let name = Errno::new(*errno).name().unwrap_or("another errno");
        page.items(&format!("refused ({name})"), names);
    }
}
