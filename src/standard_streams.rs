//! The standard descriptors, read and written without ever waiting in the call.
//!
//! They cannot be made non-blocking themselves: the flag belongs to the open file, which their other
//! users share, the caller's shell among them. So terminals and pipes are opened once more, by
//! /proc/self/fd; sockets take "do not wait" with each send; files keep no one waiting.

use crate::sys::Errno;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::facts::{Kind, facts};
use crate::sys::{signal, terminal};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What 0, 1 and 2 are called in messages.
pub fn name(number: RawFd) -> &'static str {
    match number {
        0 => "stdin",
        1 => "stdout",
        _ => "stderr",
    }
}

/// stdin, stdout or stderr, or a file of our own.
pub struct Stream<'a> {
    /// What poll(2) is asked about: the original. A FIFO opened anew does not tell that its writers
    /// are gone if they were before.
    file: File<'a>,
    way: NonBlocking,
    is_terminal: bool,
}

/// Whose the original is.
enum File<'a> {
    Others(BorrowedFd<'a>),
    /// A file of ours, closed with the last stream of it.
    Ours(Rc<OwnedFd>),
}

/// How not to wait.
enum NonBlocking {
    /// By the same pipe or terminal, opened once more, non-blocking.
    Reopened(OwnedFd),
    /// By asking with each send.
    Socket,
    /// There is nothing to do: it is non-blocking, or a file.
    Plain,
    /// A pipe or terminal that may not be opened, being another user's: by writing no more than
    /// what one that poll(2) calls writable takes at once. (A pipe with a second writer may still
    /// make us wait.)
    Little(usize),
}

/// What a writable pipe takes at once (PIPE_BUF). A terminal promises a single byte.
const PIPE_TAKES: usize = 4096;
const TERMINAL_TAKES: usize = 1;

/// Writes what was asked for to stdout, waiting as long as it takes. A reader that has gone has its answer.
#[cold]
#[inline(never)]
pub fn answer(text: &[u8]) -> Result<(), Errno> {
    let _ = signal::set_blocked(signal::OF_WRITES);
    match descriptor::write_all(descriptor::standard(1), text) {
        Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(()),
        done => done,
    }
}

/// Opens a file for lines of ours, behind what is there: non-blocking, so that a FIFO that no one reads
/// is an error and not a hang.
pub fn open_file(path: &CStr) -> Result<OwnedFd, Errno> {
    signal::survive_writes();
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_NOCTTY | libc::O_NONBLOCK;
    descriptor::open(path, flags, 0o644)
}

impl Stream<'static> {
    pub fn stdin() -> Self {
        Self::open(0, c"/proc/self/fd/0", libc::O_RDONLY)
    }

    pub fn stdout() -> Self {
        Self::open(1, c"/proc/self/fd/1", libc::O_WRONLY)
    }

    pub fn stderr() -> Self {
        Self::open(2, c"/proc/self/fd/2", libc::O_WRONLY)
    }

    /// A descriptor that the caller left open for writing.
    #[cold]
    #[inline(never)]
    pub fn callers(file: BorrowedFd<'static>) -> Self {
        let path = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Self::open_as(file, &path.unwrap_or_default(), libc::O_WRONLY)
    }

    fn open(number: RawFd, path: &CStr, access: i32) -> Self {
        Self::open_as(descriptor::standard(number), path, access)
    }

    fn open_as(file: BorrowedFd<'static>, path: &CStr, access: i32) -> Self {
        let open = |path| {
            let flags = access | libc::O_NOCTTY | libc::O_NONBLOCK;
            descriptor::open(path, flags, 0).ok()
        };
        let device = terminal::device(file).ok();
        let way = if let Some(device) = device {
            // The same terminal it must be: /dev/ptmx makes a new one each time. /dev/tty is open
            // to users whom su(1) keeps from their terminal's own name.
            let same = |again: &OwnedFd| terminal::device(again.as_fd()) == Ok(device);
            open(path)
                .filter(same)
                .or_else(|| open(c"/dev/tty").filter(same))
                .map_or(NonBlocking::Little(TERMINAL_TAKES), NonBlocking::Reopened)
        } else {
            match facts(file).map(|facts| facts.kind) {
                Ok(Kind::Pipe) => {
                    open(path).map_or(NonBlocking::Little(PIPE_TAKES), NonBlocking::Reopened)
                }
                Ok(Kind::Socket) => NonBlocking::Socket,
                // Not a file: opened anew it has an offset of its own, and would be overwritten
                // from the start.
                _ => NonBlocking::Plain,
            }
        };
        Self {
            file: File::Others(file),
            way,
            is_terminal: device.is_some(),
        }
    }

    /// A pipe or a terminal of our own, which does not wait.
    pub fn shared(file: Rc<OwnedFd>) -> Self {
        Self {
            file: File::Ours(file),
            way: NonBlocking::Plain,
            is_terminal: false,
        }
    }
}

impl<'a> Stream<'a> {
    /// A file of our own, which was opened non-blocking.
    pub fn ours(file: &'a OwnedFd) -> Self {
        Self {
            file: File::Others(file.as_fd()),
            way: NonBlocking::Plain,
            is_terminal: false,
        }
    }

    /// What to wait for.
    pub fn file(&self) -> BorrowedFd<'_> {
        match &self.file {
            File::Others(file) => *file,
            File::Ours(file) => file.as_fd(),
        }
    }

    /// Whether a write that failed means that no one reads any more, rather than that there was no room: a pipe or a
    /// socket whose other end is closed, a terminal whose screen is gone.
    pub fn reader_is_gone(&self, errno: Errno) -> bool {
        match errno {
            Errno::EPIPE | Errno::ECONNRESET => true,
            Errno::EIO => self.is_terminal,
            _ => false,
        }
    }

    /// Reads what there is. Call it when poll(2) says that there is something.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match &self.way {
            NonBlocking::Reopened(again) => descriptor::read(again.as_fd(), buffer),
            _ => descriptor::read(self.file(), buffer),
        }
    }

    /// Writes what goes at once. Call it when poll(2) says that something does.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match &self.way {
            NonBlocking::Reopened(again) => descriptor::write(again.as_fd(), bytes),
            NonBlocking::Socket => descriptor::send_without_waiting(self.file(), bytes),
            NonBlocking::Plain => descriptor::write(self.file(), bytes),
            NonBlocking::Little(most) => {
                descriptor::write(self.file(), bytes.get(..*most).unwrap_or(bytes))
            }
        }
    }

    /// Writes a line: by one write(2), or, for a pipe that has no room for it, by as many as it takes
    /// in the time that is given.
    ///
    /// Errors: EAGAIN if the reader has not taken all of it by then; as write(2).
    pub fn put(&self, mut line: &[u8], wait: Duration) -> Result<(), Errno> {
        let deadline = Instant::now() + wait;
        while !line.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut waiting = [Waiting::to_write(self.file())];
            descriptor::wait(&mut waiting, i32::try_from(left.as_millis()).unwrap_or(0))?;
            if !waiting.iter().any(Waiting::happened) {
                return Err(Errno::EAGAIN);
            }
            match self.write(line) {
                Ok(0) => return Err(Errno::EIO),
                Ok(count) => line = line.get(count..).unwrap_or_default(),
                // A pipe can be writable and yet have no room for a whole line of at most PIPE_BUF.
                Err(Errno::EAGAIN | Errno::EINTR) if !left.is_zero() => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}
