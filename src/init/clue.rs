//! Why execve(2) has failed, as far as the file shows it: one errno has several causes. Looked for after the failure,
//! in the container and with the command's own rights, so that what its root holds leads nowhere else.

use crate::plan::ExecPlan;
use crate::report::Clue;
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor};
use std::ffi::CStr;

/// Bytes of a script in which its first line is looked for, as the kernel does (BINPRM_BUF_SIZE).
const FIRST_LINE: usize = 256;

/// The candidate that is to be named, and why it failed.
pub fn find(command: &ExecPlan, candidate: u32, errno: Errno) -> (u32, Clue) {
    match errno {
        Errno::EACCES => {
            let index = usize::try_from(candidate).unwrap_or(usize::MAX);
            let file = command.candidates.get(index);
            (candidate, file.map_or(Clue::None, |file| refused(file)))
        }
        // One that is there lacks what it names: it is the one to tell of, not the last of PATH.
        Errno::ENOENT => (0u32..)
            .zip(&command.candidates)
            .map(|(index, file)| (index, missing(file)))
            .find(|(_, clue)| !matches!(clue, Clue::None | Clue::NotThere))
            .unwrap_or_else(|| {
                let is_one = command.candidates.len() == 1;
                let only = command.candidates.first().filter(|_| is_one);
                (candidate, only.map_or(Clue::None, |file| missing(file)))
            }),
        _ => (candidate, Clue::None),
    }
}

fn refused(file: &CStr) -> Clue {
    let opened = match node::open(HERE, file, libc::O_PATH, 0) {
        Ok(opened) => opened,
        Err(Errno::EACCES) => return Clue::Closed,
        Err(_) => return Clue::None,
    };
    let (looked, mount) = (facts::facts(opened), facts::file_system(opened));
    descriptor::close(opened);
    let Ok(facts) = looked else { return Clue::None };
    match facts.kind {
        Kind::Regular => {}
        Kind::Directory => return Clue::Directory,
        _ => return Clue::None,
    }
    if mount.is_ok_and(|mount| mount.flags.contains(MountFlags::NOEXEC)) {
        return Clue::NoExec;
    }
    if facts.mode & 0o111 == 0 {
        return Clue::NoBit;
    }
    match node::may_execute(HERE, file) {
        Ok(()) => named(file, Clue::RefusedInterpreter, Clue::RefusedLoader),
        Err(Errno::EACCES) => Clue::NotForUser,
        Err(_) => Clue::None,
    }
}

fn missing(file: &CStr) -> Clue {
    match node::open(HERE, file, libc::O_PATH, 0) {
        Ok(opened) => descriptor::close(opened),
        Err(Errno::ENOENT) => return Clue::NotThere,
        Err(_) => return Clue::None,
    }
    named(file, Clue::MissingInterpreter, Clue::MissingLoader)
}

/// What a file that is there names: a script its interpreter, a program its loader.
fn named(file: &CStr, interpreter: Clue, loader: Clue) -> Clue {
    let is_regular = node::open(HERE, file, libc::O_PATH, 0).is_ok_and(|opened| {
        let looked = facts::facts(opened);
        descriptor::close(opened);
        looked.is_ok_and(|facts| facts.kind == Kind::Regular)
    });
    // If it has become something else by now it does not keep us.
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
    let (true, Ok(opened)) = (is_regular, node::open(HERE, file, flags, 0)) else {
        return Clue::None;
    };
    let mut beginning = [0; FIRST_LINE];
    let read = descriptor::read_at(opened, &mut beginning, 0);
    descriptor::close(opened);
    let beginning = beginning.get(..read.unwrap_or(0)).unwrap_or_default();
    if beginning.starts_with(b"\x7fELF") {
        return loader;
    }
    let Some(line) = beginning.strip_prefix(b"#!") else {
        return Clue::None;
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or(line);
    let mut words = line
        .split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|word| !word.is_empty());
    // The kernel takes it for a letter of the interpreter's name.
    if words.next().is_some_and(|path| path.ends_with(b"\r")) {
        return Clue::CarriageReturn;
    }
    interpreter
}
