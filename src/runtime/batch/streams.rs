//! What a job has for 0, 1 and 2. They are the worker's own while it runs, as those of a shell's child are: so a run finds
//! them where it finds its caller's.

use super::job::{Input, Job, Output};
use crate::error::Error;
use crate::json::{Object, base64};
use crate::sys::descriptor::{self, replace_one_standard, replace_standard};
use crate::sys::{Errno, facts, memfd};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// The files of a worker that its jobs use one after the other. No container has them: what is told inline comes by pipes
/// from which mydocker copies, so that it has an end.
pub struct Streams {
    null: OwnedFd,
    /// What stdout and stderr are copied to.
    inline: [OwnedFd; 2],
}

impl Streams {
    /// Nothing of batch's own is 0, 1 and 2 from here on.
    pub fn new() -> Result<Self, Error> {
        let null = descriptor::open(c"/dev/null", libc::O_RDWR, 0)
            .map_err(|errno| Error::new("open", "/dev/null", errno))?;
        let file = || {
            memfd::empty(c"output").map_err(|errno| Error::new("memfd_create", "for output", errno))
        };
        let streams = Self {
            null,
            inline: [file()?, file()?],
        };
        streams.put_null()?;
        Ok(streams)
    }

    fn put_null(&self) -> Result<(), Error> {
        replace_standard(self.null.as_fd()).map_err(put)
    }

    /// Takes those of a job away, and what it has written.
    pub fn give_up(&self, job: &Job) -> Result<(), Error> {
        for (number, output) in [(1, &job.output), (2, &job.error)] {
            if *output == Output::Inline {
                let _ = descriptor::set_size(self.inline(number).as_fd(), 0);
            }
        }
        match job {
            Job {
                input: Input::Nothing,
                output: Output::Nowhere,
                error: Output::Nowhere | Output::WithStdout,
                ..
            } => Ok(()),
            _ => self.put_null(),
        }
    }

    /// Puts those of a job into their places.
    pub fn take(&self, job: &Job) -> Result<(), Error> {
        match &job.input {
            Input::Nothing => {}
            Input::Bytes(bytes) => {
                let failed = |errno| Error::new("keep", "stdin", errno);
                let file = memfd::sealed(c"input", bytes).map_err(failed)?;
                descriptor::rewind(file.as_fd()).map_err(failed)?;
                replace_one_standard(file.as_fd(), 0).map_err(put)?;
            }
            Input::File(path) => {
                let file = open(path, libc::O_RDONLY, "stdin_file")?;
                replace_one_standard(file.as_fd(), 0).map_err(put)?
            }
        }
        self.take_output(&job.output, 1)?;
        self.take_output(&job.error, 2)?;
        // One file that is opened twice has two places to write at, and one output would lie over the other.
        let are_files = [&job.output, &job.error].map(|output| matches!(output, Output::File(_)));
        match are_files == [true; 2] && is_same_file().map_err(put)? {
            true => self.take_output(&Output::WithStdout, 2),
            false => Ok(()),
        }
    }

    fn take_output(&self, output: &Output, number: i32) -> Result<(), Error> {
        match output {
            Output::Nowhere => Ok(()),
            Output::Inline => {
                let file = self.inline(number);
                descriptor::rewind(file.as_fd())
                    .and_then(|()| replace_one_standard(file.as_fd(), number))
            }
            Output::File(path) => {
                let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
                let key = ["stdout_file", "stderr_file"][usize::from(number == 2)];
                replace_one_standard(open(path, flags, key)?.as_fd(), number)
            }
            Output::WithStdout => replace_one_standard(descriptor::standard(1), number),
        }
        .map_err(put)
    }

    fn inline(&self, number: i32) -> &OwnedFd {
        let [output, error] = &self.inline;
        if number == 1 { output } else { error }
    }

    /// Tells what has been written inline: as text, or, if it is none, in base64.
    pub fn tell(&self, job: &Job, object: &mut Object) -> Result<(), Error> {
        for (number, output, names) in [
            (1, &job.output, ["stdout", "stdout_base64"]),
            (2, &job.error, ["stderr", "stderr_base64"]),
        ] {
            if *output != Output::Inline {
                continue;
            }
            let bytes = content(self.inline(number))
                .map_err(|errno| Error::new("read", names[0], errno))?;
            match std::str::from_utf8(&bytes) {
                Ok(_) => object.text(names[0], &bytes),
                Err(_) => object.text(names[1], base64::encode(&bytes).as_bytes()),
            }
        }
        Ok(())
    }
}

fn put(errno: Errno) -> Error {
    Error::new("dup", "what the job reads and writes", errno)
}

/// Whether stdout and stderr are the same file, by whatever paths.
fn is_same_file() -> Result<bool, Errno> {
    let identity = |number| facts::facts(descriptor::standard(number)).map(|facts| facts.identity);
    Ok(identity(1)? == identity(2)?)
}

/// A FIFO is not waited for: one to be read that no one writes to is at its end, one to be written to that no one reads is
/// an error.
fn open(path: &OsStr, flags: i32, key: &str) -> Result<OwnedFd, Error> {
    let failed = |errno| Error::new(format!("{key}: open"), path.as_bytes(), errno);
    let name = CString::new(path.as_bytes()).map_err(|_| failed(Errno::EINVAL))?;
    let flags = flags | libc::O_NOCTTY | libc::O_NONBLOCK;
    let file = descriptor::open(&name, flags, 0o666).map_err(failed)?;
    descriptor::set_blocking(file.as_fd()).map_err(failed)?;
    Ok(file)
}

fn content(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let size = facts::facts(file.as_fd())?.size;
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| Errno::EFBIG)?];
    let mut had = 0;
    while let Some(rest) = bytes.get_mut(had..).filter(|rest| !rest.is_empty()) {
        match descriptor::read_at(file.as_fd(), rest, had)? {
            0 => break,
            count => had += count,
        }
    }
    bytes.truncate(had);
    Ok(bytes)
}
