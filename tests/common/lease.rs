//! A file whose owner keeps everyone waiting who opens it (F_SETLEASE, fcntl(2)), as a file server does that does not answer.

use super::*;
use nix::unistd::{Gid, Uid, chown};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

/// Whoever keeps others waiting; ended with this.
pub struct Lease {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Lease {
    pub fn on(case: Case, file: &str) -> Self {
        let mut command = case.prepared(&[probe().into(), "lease".into(), file.into()]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let mut lease = Self { child, says };
        lease.says("leased");
        lease
    }

    pub fn says(&mut self, word: &str) {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), word);
    }
}

impl Lease {
    /// Whoever waits goes on.
    pub fn end(self) {}
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command to be held up, which says that it ran, if it did, and belongs to the caller.
pub fn held_up_command(scratch: &Scratch, case: Case) -> String {
    let file = scratch.file("command");
    write_program(&file, "#!/bin/sh\necho ran\n", 0o755);
    if case.caller == Caller::Ordinary && Uid::effective().is_root() {
        let (user, group) = (Uid::from_raw(ORDINARY), Gid::from_raw(ORDINARY_GROUP));
        chown(Path::new(&file), Some(user), Some(group)).unwrap();
    }
    file
}
