//! stdin, stdout and stderr, and the terminal.

use super::page::Page;
use super::telling::{Blank, Told};
use crate::field::Field;
use crate::hint::Doing;
use crate::plan::Prepared;
use crate::standard_streams;

impl<'p> Blank<'p> {
    pub fn controlling_terminal(self) -> Told<'p> {
        self.says("make the terminal the controlling one (TIOCSCTTY)", b"")
            .hint(Doing::ControllingTerminal)
            .why(
                "Its ^C and ^Z go to the container's processes then. Only the leader of a session can take one, so after \
                 setsid. ioctl_tty(2)",
            )
    }

    pub fn standard_terminal(self) -> Told<'p> {
        self.says("make the terminal", b"stdin, stdout and stderr")
            .why("The container's own, in the place of the caller's descriptors: dup2(2).")
    }

    pub fn give_pipes(self, which: &[bool; 3], user: u32) -> Told<'p> {
        let numbered = (0..).zip(which).filter(|(_, is_pipe)| **is_pipe);
        let names = numbered.map(|(number, _)| standard_streams::name(number));
        let names: Vec<&str> = names.collect();
        let object = format!("{}, which are pipes, to {user}", names.join(" and "));
        self.says("give", object.as_bytes()).why(
            "A pipe without a name belongs to who made it, and another user could not open /dev/stdout, which is that once \
             more: fchown(2). A file of the caller's is never given away.",
        )
    }

    pub fn standard_streams(self, prepared: [Option<Prepared>; 3]) -> Told<'p> {
        let name = |prepared| match prepared {
            Prepared::HostsNull => "/dev/null",
            Prepared::Pipe => "a pipe",
        };
        self.says("make", &list(prepared.map(|one| one.map(name))))
            .why("What was opened above takes the place of the caller's descriptors: dup2(2).")
            .on_page(|page, _| what_was_opened(page, prepared))
    }
}

/// `/dev/null stdin, a pipe stdout`: what becomes which of 0, 1 and 2.
pub fn list(names: [Option<&str>; 3]) -> Vec<u8> {
    let numbered = (0..).zip(names);
    let told = numbered
        .filter_map(|(number, name)| Some(format!("{} {}", name?, standard_streams::name(number))));
    told.collect::<Vec<String>>().join(", ").into_bytes()
}

fn what_was_opened(page: &mut Page, prepared: [Option<Prepared>; 3]) {
    if prepared.contains(&Some(Prepared::HostsNull)) {
        page.why(&Field::Input.between(
            "The container reads nothing without ",
            ": end-of-file at once, instead of what the caller types.",
        ));
    }
    if prepared.contains(&Some(Prepared::Pipe)) {
        page.why(&format!(
            "A terminal is not handed down without -t: whoever has it reads what is typed there later, and can change its \
             modes, its owner and who may write to it. And what is to be counted{} is counted on its way. \
             mydocker relays between the pipes and what the caller has.",
            Field::OutputLimit.aside(" (", ")")
        ));
    }
}
