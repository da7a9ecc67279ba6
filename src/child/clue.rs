//! Why execve(2) has failed, as far as the file shows it: one errno has several causes. Looked for after the failure,
//! in the container and with the command's own rights, so that what its root holds leads nowhere else.

use super::candidates::Candidates;
use crate::report::Clue;
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MACHINE, MACHINE_OF_32_BITS, MountFlags, descriptor};
use std::ffi::CStr;

/// Bytes of a file by which the kernel tells what it is, a script's first line among them (BINPRM_BUF_SIZE).
const FIRST_BYTES: usize = 256;

/// As many as Linux before 5.1 reads; it cuts a longer line.
const FIRST_BYTES_ONCE: usize = 128;

/// The files of a container, as they show themselves to the command's process.
pub trait Files {
    /// Errors: as open(2) of what is only named (O_PATH).
    fn look(&self, file: &CStr) -> Result<Looked, Errno>;

    /// Errors: as access(2).
    fn may_execute(&self, file: &CStr) -> Result<(), Errno>;

    /// `None`: it is no file, or may not be read.
    fn beginning(&self, file: &CStr) -> Option<Beginning>;
}

/// What of a file decides whether it can be executed.
pub struct Looked {
    pub kind: Kind,
    pub mode: u32,
    /// Whether its mount is noexec.
    pub is_no_exec: bool,
}

/// The files of the container that this process is in.
pub struct OwnFiles;

impl Files for OwnFiles {
    fn look(&self, file: &CStr) -> Result<Looked, Errno> {
        let opened = node::open(HERE, file, libc::O_PATH, 0)?;
        let (looked, mount) = (
            facts::facts(opened.as_fd()),
            facts::file_system(opened.as_fd()),
        );
        descriptor::close(opened);
        let facts = looked?;
        Ok(Looked {
            kind: facts.kind,
            mode: facts.mode,
            is_no_exec: mount.is_ok_and(|mount| mount.flags.contains(MountFlags::NOEXEC)),
        })
    }

    fn may_execute(&self, file: &CStr) -> Result<(), Errno> {
        node::may_execute(HERE, file)
    }

    fn beginning(&self, file: &CStr) -> Option<Beginning> {
        if self.look(file).ok()?.kind != Kind::Regular {
            return None;
        }
        // If it has become something else by now it does not keep us.
        let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
        let opened = node::open(HERE, file, flags, 0).ok()?;
        let mut beginning = Beginning::NONE;
        let read = descriptor::read_at(opened.as_fd(), &mut beginning.bytes, 0);
        descriptor::close(opened);
        beginning.length = read.ok()?;
        Some(beginning)
    }
}

/// The candidate that is to be named, and why it failed.
pub fn find(
    files: &impl Files,
    candidates: Candidates<'_>,
    (candidate, errno): (u32, Errno),
) -> (u32, Clue) {
    match errno {
        Errno::EACCES => {
            let index = usize::try_from(candidate).unwrap_or(usize::MAX);
            let file = candidates.get(index);
            (
                candidate,
                file.map_or(Clue::None, |file| refused(files, file)),
            )
        }
        // One that is there lacks what it names: it is the one to tell of, not the last of PATH.
        Errno::ENOENT => (0u32..)
            .zip(candidates.iter())
            .map(|(index, file)| (index, missing(files, file)))
            .find(|(_, clue)| !matches!(clue, Clue::None | Clue::NotThere))
            .unwrap_or_else(|| {
                let is_one = candidates.len() == 1;
                let only = candidates.get(0).filter(|_| is_one);
                (
                    candidate,
                    only.map_or(Clue::None, |file| missing(files, file)),
                )
            }),
        Errno::ENOEXEC | Errno::ELOOP => {
            let index = usize::try_from(candidate).unwrap_or(usize::MAX);
            let beginning = candidates.get(index).and_then(|file| files.beginning(file));
            let clue = match (beginning, errno) {
                (None, _) => Clue::None,
                (Some(beginning), Errno::ENOEXEC) => beginning.is_no_program(),
                // Else it is links that lead in a circle.
                (Some(beginning), _) => match beginning.content() {
                    Content::Script(FirstLine::Names(_)) => Clue::CircleOfInterpreters,
                    _ => Clue::None,
                },
            };
            (candidate, clue)
        }
        _ => (candidate, Clue::None),
    }
}

fn refused(files: &impl Files, file: &CStr) -> Clue {
    let looked = match files.look(file) {
        Ok(looked) => looked,
        Err(Errno::EACCES) => return Clue::Closed,
        Err(_) => return Clue::None,
    };
    match looked.kind {
        Kind::Regular => {}
        Kind::Directory => return Clue::Directory,
        _ => return Clue::None,
    }
    if looked.is_no_exec {
        return Clue::NoExec;
    }
    if looked.mode & 0o111 == 0 {
        return Clue::NoBit;
    }
    match files.may_execute(file) {
        Ok(()) => match files.beginning(file).as_ref().map(Beginning::content) {
            Some(Content::Program) => Clue::RefusedLoader,
            Some(Content::Script(FirstLine::Names(name))) => refused_interpreter(files, name),
            _ => Clue::None,
        },
        Err(Errno::EACCES) => Clue::NotForUser,
        Err(_) => Clue::None,
    }
}

fn refused_interpreter(files: &impl Files, name: &[u8]) -> Clue {
    let mut buffer = [0; FIRST_BYTES + 1];
    let is_script = path(name, &mut buffer).is_some_and(|path| {
        let beginning = || files.beginning(path);
        files.may_execute(path).is_ok() && beginning().is_some_and(|one| one.is_script())
    });
    match is_script {
        true => Clue::InterpreterIsScript,
        false => Clue::RefusedInterpreter,
    }
}

fn missing(files: &impl Files, file: &CStr) -> Clue {
    match files.look(file) {
        Ok(_) => {}
        Err(Errno::ENOENT) => return Clue::NotThere,
        Err(_) => return Clue::None,
    }
    let Some(beginning) = files.beginning(file) else {
        return Clue::None;
    };
    match beginning.content() {
        Content::Program => Clue::MissingLoader,
        // The kernel takes it for a letter of the interpreter's name.
        Content::Script(FirstLine::Names(name)) if name.ends_with(b"\r") => Clue::CarriageReturn,
        Content::Script(FirstLine::Names(name)) => missing_interpreter(files, name, &beginning),
        _ => Clue::None,
    }
}

/// What is missing of the interpreter that a script names.
fn missing_interpreter(files: &impl Files, name: &[u8], script: &Beginning) -> Clue {
    let mut buffer = [0; FIRST_BYTES + 1];
    let Some(path) = path(name, &mut buffer) else {
        return Clue::None;
    };
    if files.look(path).is_err() {
        return Clue::MissingInterpreter;
    }
    if script.first_line().len() >= FIRST_BYTES_ONCE {
        // The kernel may have looked for another one.
        return Clue::None;
    }
    match files.beginning(path).as_ref().map(Beginning::content) {
        Some(Content::Program) => Clue::MissingLoaderOfInterpreter,
        Some(Content::Script(_)) => Clue::InterpreterIsScript,
        _ => Clue::None,
    }
}

/// A name of a script's as system calls take one.
fn path<'a>(name: &[u8], buffer: &'a mut [u8; FIRST_BYTES + 1]) -> Option<&'a CStr> {
    buffer.get_mut(..name.len())?.copy_from_slice(name);
    CStr::from_bytes_until_nul(buffer).ok()
}

/// What a file begins with.
pub struct Beginning {
    bytes: [u8; FIRST_BYTES],
    length: usize,
}

pub enum Content<'a> {
    /// ELF.
    Program,
    Script(FirstLine<'a>),
    Other,
}

/// What the kernel takes a script's first line for.
pub enum FirstLine<'a> {
    Names(&'a [u8]),
    NamesNothing,
    /// The name may go on where the kernel has stopped to read.
    IsTooLong,
}

impl Beginning {
    const NONE: Self = Self {
        bytes: [0; FIRST_BYTES],
        length: 0,
    };

    /// Of a file with this content.
    pub fn of(content: &[u8]) -> Self {
        let mut beginning = Self::NONE;
        for (to, from) in beginning.bytes.iter_mut().zip(content) {
            *to = *from;
        }
        beginning.length = content.len().min(FIRST_BYTES);
        beginning
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn first_line(&self) -> &[u8] {
        let mut lines = self.bytes().split(|byte| *byte == b'\n');
        lines.next().unwrap_or_default()
    }

    fn is_script(&self) -> bool {
        matches!(self.content(), Content::Script(_))
    }

    pub fn content(&self) -> Content<'_> {
        if self.bytes().starts_with(b"\x7fELF") {
            return Content::Program;
        }
        let line = self.first_line();
        let Some(words) = line.strip_prefix(b"#!") else {
            return Content::Other;
        };
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let begin = words.iter().position(|byte| !is_blank(byte));
        let name = words
            .get(begin.unwrap_or(words.len())..)
            .unwrap_or_default();
        let end = name.iter().position(|byte| is_blank(byte) || *byte == 0);
        // As load_script does, where no line feed is in sight.
        let may_go_on = line.len() == FIRST_BYTES && end.is_none();
        let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
        Content::Script(match name {
            _ if may_go_on => FirstLine::IsTooLong,
            [] => FirstLine::NamesNothing,
            name => FirstLine::Names(name),
        })
    }

    /// Why the kernel knows no way to execute it (ENOEXEC).
    fn is_no_program(&self) -> Clue {
        match self.content() {
            Content::Program => self.is_no_program_here(),
            Content::Script(FirstLine::Names(_)) => Clue::UnusableInterpreter,
            Content::Script(FirstLine::NamesNothing) => Clue::NoInterpreter,
            Content::Script(FirstLine::IsTooLong) => Clue::LongFirstLine,
            Content::Other if self.bytes().is_empty() => Clue::Empty,
            Content::Other if self.is_behind_something() => Clue::LateFirstLine,
            Content::Other if !self.bytes().contains(&0) => Clue::NoFirstLine,
            Content::Other => Clue::None,
        }
    }

    /// Whether something that is not seen stands before its `#!`: a byte order mark, white space.
    fn is_behind_something(&self) -> bool {
        const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
        let bytes = self.bytes();
        let mut marks = MARKS.iter();
        let behind = marks.find_map(|mark| bytes.strip_prefix(*mark));
        // A mark of two bytes stands for letters of two bytes.
        let mut letters = behind.unwrap_or(bytes).iter().filter(|byte| **byte != 0);
        letters.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'#')
            && letters.next() == Some(&b'!')
    }

    /// For which machine a program is; see elf(5).
    fn is_no_program_here(&self) -> Clue {
        let [_, _, _, _, class, order, .., low, high] = self.bytes().get(..20).unwrap_or_default()
        else {
            return Clue::Damaged;
        };
        let machine = match order {
            1 => u16::from_le_bytes([*low, *high]),
            _ => u16::from_be_bytes([*low, *high]),
        };
        let is_32_bit = *class == 1;
        match machine {
            MACHINE_OF_32_BITS if is_32_bit => Clue::For32Bit,
            MACHINE if is_32_bit => Clue::For32Bit,
            MACHINE => Clue::Damaged,
            _ => Clue::ForAnotherMachine,
        }
    }
}
