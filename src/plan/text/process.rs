//! What a process is besides its ids, its rights and its limits.

use super::telling::{Blank, Told};
use crate::field::Field;
use crate::hint::Doing;
use crate::sys::signal::SignalSet;
use std::ffi::CStr;

impl<'p> Blank<'p> {
    pub fn await_reaper(self) -> Told<'p> {
        self.says("wait for", b"the reaper to execute its own program").why(
            "Until it has executed its own program the reaper is a copy of mydocker, and it has mydocker's rights, for \
             this process has had them from it. The program says by a byte in a pipe that it runs, with no more rights \
             than it needs.",
        )
    }

    pub fn await_runtime(self) -> Told<'p> {
        self.says("wait for", b"the runtime at the container that is made").why(
            "Hooks of the runtime's side and what they change, network devices, the listener of a filter: while the container \
             is made, and before its root is entered.",
        )
    }

    pub fn await_record(self) -> Told<'p> {
        self.says("wait for", b"the record of the container's first process")
            .why("What lives on when mydocker ends has to be found by who deletes the container.")
    }

    pub fn await_start(self) -> Told<'p> {
        self.says("wait for", b"the start of the container (a byte in its FIFO)").why(
            "The container is created, and its command runs when someone starts it: by a FIFO in the container's directory of the \
             store, which this process alone has open.",
        )
    }

    pub fn await_job(self) -> Told<'p> {
        self.says("wait for", b"a job (a call at the pool's socket)").why(
            "The box is all made, and lacks only what is to run. It accepts a call itself, so that no one has to wake in between.",
        )
    }

    pub fn close_descriptors_from(self, first: u32) -> Told<'p> {
        self.says("close", format!("descriptors from {first}").as_bytes()).why(
            "Those below are handed on, as the engine asks for; a descriptor of the host's beyond them, a directory above all, would \
             be a way out. Before any path of the container's is looked up. close_range(2)",
        )
    }

    pub fn outlive_parent(self) -> Told<'p> {
        self.says("prctl", b"PR_SET_PDEATHSIG 0").why(
            "The container is its engine's: it stays when the runtime has ended. Not before it is written down, so that \
             nothing is left that no one can find. prctl(2)",
        )
    }

    pub fn new_session(self) -> Told<'p> {
        self.says("start a new session (setsid)", b"").why(
            "Out of the caller's session: in it /dev/tty would be the caller's terminal, into which TIOCSTI could \
             type. setsid(2), credentials(7)",
        )
    }

    pub fn session_keyring(self) -> Told<'p> {
        self.says("join", b"a new session keyring (keyctl)")
            .hint(Doing::JoinKeyring)
            .why(
                "The caller's keys (of encrypted directories, of network file systems) are not the container's. Before \
                 the user changes, for it counts among the caller's keys. keyctl(2), session-keyring(7)",
            )
    }

    pub fn usual_personality(self) -> Told<'p> {
        self.says("set", b"the personality to Linux").why(
            "Whatever the caller's is, which execve would hand down: to ask first would cost as much. Before the filter, \
             which allows only the harmless ones. personality(2)",
        )
    }

    pub fn umask(self, mask: u32) -> Told<'p> {
        self.says("umask", format!("{mask:03o}").as_bytes())
            .why(match mask {
                0 => {
                    "The modes of what is made below are meant as they are; the command gets its own mask later. umask(2)"
                }
                _ => "What the command makes is not writable by others. umask(2)",
            })
    }

    pub fn working_directory(self, path: &CStr) -> Told<'p> {
        self.says("change directory to", path.to_bytes())
            .only_for(Field::WorkingDirectory)
            .hint(Doing::ChangeDirectory)
            .why(
                "As the user, with no more rights: a directory that is closed to them stays closed. It must lie below the \
                 root, which a link to another process's directory (/proc/PID/cwd) would not. chdir(2)",
            )
    }

    pub fn default_signals(self, ignored: SignalSet) -> Told<'p> {
        self.says("reset", b"signals")
            .why(
                "Handlers are gone at execve, but what is ignored or blocked stays so, and the command expects neither: \
                 the mask is emptied, and what the caller ignores gets its default back. signal(7)",
            )
            .on_page(|page, _| {
                let numbers: Vec<String> = ignored.iter().map(|number| number.to_string()).collect();
                if !numbers.is_empty() {
                    page.items("ignored by the caller", &numbers);
                }
            })
    }

    pub fn close_descriptors(self) -> Told<'p> {
        self.says("close", b"inherited descriptors").why(
            "All but 0, 1 and 2: a descriptor of the host's, a directory above all, would be a way out. Now, and not by \
             execve (close-on-exec): a link in the root, /proc/self/fd/3/.., could lead out through it while the working \
             directory and the command are looked up. What stays until execve is the end of a pipe that tells mydocker of a \
             failure, where no memory is shared. close_range(2)",
        )
    }

    pub fn close_all_but_terminal(self) -> Told<'p> {
        self.says("close", b"all that is the host's").why(
            "All but 0, 1 and 2 and the container's terminal: before the command's process is born into the container, where              others may look at it. close_range(2)",
        )
    }

    pub fn death_signal(self) -> Told<'p> {
        self.says("prctl", b"PR_SET_PDEATHSIG").why(
            "The kernel sends SIGKILL when the parent ends, however that happens. First of all, so that nothing that holds the \
             start up outlives mydocker; and again where a change of the user has cleared it, or a child begins without. \
             prctl(2)",
        )
    }
}
