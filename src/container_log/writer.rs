//! Writes the log of a container that runs.
//!
//! Nothing here fails for its caller: a container does not end because its log does. What is not written is counted, and the
//! next entry is tried again.

use super::entry::{self, Output};
use super::{Limits, name};
use crate::sys::Errno;
use crate::sys::descriptor;
use crate::sys::facts::{facts, facts_of};
use crate::sys::node::{self, Replace};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// How long a line without an end is waited for: what follows a prompt comes from who has read it.
const PATIENCE: Duration = Duration::from_millis(100);
const LONGEST_WAIT: u64 = PATIENCE.as_nanos() as u64;

/// Bytes of the log that are written at once, about. Little: whoever watches a container waits with what it has ever used.
const BATCH: usize = 8 * 1024;

/// Bytes of output that become text at once.
const PIECE: usize = 1024;

pub struct Writer {
    directory: OwnedFd,
    limits: Limits,
    /// `None`: it could not be opened, or the next one is to be begun.
    file: Option<OwnedFd>,
    /// Bytes in it.
    size: u64,
    /// Of stdout and of stderr.
    partial: [Partial; 2],
    lost: u64,
}

/// The beginning of a line whose end has not come yet.
#[derive(Default)]
struct Partial {
    bytes: Vec<u8>,
    /// When it is written as it is. `None`: it is nothing, or but the beginning of a letter.
    due: Option<u64>,
}

impl Writer {
    /// Writes to the log in `directory`, behind what is there. That there is a log is to be seen from now on.
    pub fn new(directory: OwnedFd, limits: Limits) -> Self {
        let mut writer = Self {
            directory,
            limits,
            file: None,
            size: 0,
            partial: Default::default(),
            lost: 0,
        };
        // If there is no room for it, it is tried again with the first entry.
        let _ = writer.file();
        writer
    }

    /// Bytes of output that have not become part of the log, because it could not be written.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes what the container has written. `now`: nanoseconds since 1970, here and below.
    pub fn append(&mut self, output: Output, bytes: &[u8], now: u64) {
        let mut partial = std::mem::take(self.partial_of(output));
        let mut batch = Batch::new(self, output, now);
        let mut rest = bytes;
        while !rest.is_empty() {
            if partial.bytes.is_empty() {
                match entry::first(rest) {
                    Some(length) => {
                        let (whole, after) = rest.split_at(length);
                        batch.entry(whole);
                        rest = after;
                    }
                    None => {
                        partial.bytes.extend_from_slice(rest);
                        rest = &[];
                    }
                }
            } else {
                let room = entry::LONGEST - partial.bytes.len();
                let most = rest.get(..room).unwrap_or(rest);
                let line = most.iter().position(|byte| *byte == b'\n');
                let (taken, after) = rest.split_at(line.map_or(most.len(), |at| at + 1));
                partial.bytes.extend_from_slice(taken);
                rest = after;
                if let Some(length) = entry::first(&partial.bytes) {
                    batch.entry(partial.bytes.get(..length).unwrap_or_default());
                    partial.written(length);
                }
            }
        }
        batch.finish();
        if !partial.bytes.is_empty() {
            let soon = now.saturating_add(LONGEST_WAIT);
            // An earlier one, unless the clock was set back.
            partial.due = Some(partial.due.map_or(soon, |due| due.min(soon)));
        }
        *self.partial_of(output) = partial;
    }

    /// How long until there is something for [`tick`](Self::tick) to do, if there will be.
    pub fn time_left(&self, now: u64) -> Option<Duration> {
        let due = self
            .partial
            .iter()
            .filter_map(|partial| partial.due)
            .min()?;
        Some(Duration::from_nanos(due.saturating_sub(now)).min(PATIENCE))
    }

    /// Writes the beginnings of lines whose ends have not come in time.
    pub fn tick(&mut self, now: u64) {
        for output in [Output::Stdout, Output::Stderr] {
            // What is due later still was written before the clock was set back.
            let is_due = |due: u64| {
                due.checked_sub(now)
                    .is_none_or(|left| left > LONGEST_WAIT || left == 0)
            };
            if self.partial_of(output).due.is_some_and(is_due) {
                let mut partial = std::mem::take(self.partial_of(output));
                let length = entry::whole_letters(&partial.bytes);
                let whole = partial.bytes.get(..length).unwrap_or_default();
                Batch::new(self, output, now).only(whole);
                partial.written(length);
                *self.partial_of(output) = partial;
            }
        }
    }

    /// Writes all that there is: nothing will come any more.
    pub fn flush(&mut self, now: u64) {
        for output in [Output::Stdout, Output::Stderr] {
            let partial = std::mem::take(self.partial_of(output));
            if !partial.bytes.is_empty() {
                Batch::new(self, output, now).only(&partial.bytes);
            }
        }
    }

    fn partial_of(&mut self, output: Output) -> &mut Partial {
        let [stdout, stderr] = &mut self.partial;
        match output {
            Output::Stdout => stdout,
            Output::Stderr => stderr,
        }
    }

    /// Adds text to the file; `open` bytes of the line that it goes on with, or ends, are in it already. If that fails, the
    /// line is taken out again.
    fn put(&mut self, text: &str, open: u64) -> Result<(), Errno> {
        let mut rest = text.as_bytes();
        let mut written = open;
        let put = loop {
            if rest.is_empty() {
                break Ok(());
            }
            let file = self.file().map(|file| descriptor::write(file, rest));
            match file {
                Err(errno) | Ok(Err(errno)) if errno != Errno::EINTR => break Err(errno),
                Ok(Ok(0)) => break Err(Errno::EIO),
                Ok(Ok(count)) => {
                    written += count as u64;
                    rest = rest.get(count..).unwrap_or_default();
                }
                _ => {}
            }
        };
        match put {
            Ok(()) => self.size += text.len() as u64,
            Err(_) => self.take_back(written),
        }
        put
    }

    /// Removes the last bytes of the file.
    #[cold]
    #[inline(never)]
    fn take_back(&mut self, bytes: u64) {
        let Some(file) = &self.file else { return };
        let size = facts(file.as_fd()).map(|facts| facts.size.saturating_sub(bytes));
        let taken = size.and_then(|size| set_size(file.as_fd(), size).map(|()| size));
        match taken {
            Ok(size) => self.size = size,
            // It is mended when it is opened again.
            Err(_) => self.file = None,
        }
    }

    /// The file that is written to.
    fn file(&mut self) -> Result<BorrowedFd<'_>, Errno> {
        if self.file.is_none() {
            let (file, size) = open(self.directory.as_fd())?;
            self.size = size;
            self.file = Some(file);
        }
        self.file.as_ref().map(AsFd::as_fd).ok_or(Errno::EBADF)
    }

    /// Begins another file if this one has no room for so many bytes.
    fn make_room(&mut self, bytes: u64) {
        if self.file().is_err() || self.size == 0 || self.size + bytes <= self.limits.size {
            return;
        }
        // Someone may have emptied it.
        let size = self.file().and_then(facts).map(|facts| facts.size);
        self.size = size.unwrap_or(self.size);
        if self.size == 0 || self.size + bytes <= self.limits.size {
            return;
        }
        // ENOENT: someone has removed it.
        if matches!(self.rotate(), Ok(()) | Err(Errno::ENOENT)) {
            self.file = None;
        }
    }

    /// Makes each file the next older one. What has no place is lost, the oldest first.
    #[cold]
    #[inline(never)]
    fn rotate(&self) -> Result<(), Errno> {
        let directory = self.directory.as_fd();
        let Some(oldest) = self.limits.files.checked_sub(1).filter(|last| *last > 0) else {
            return node::remove_file(directory, &name(0));
        };
        let is_there = |age: &u32| facts_of(directory, &name(*age)).is_ok();
        let older = (1..oldest).take_while(is_there).count() as u32;
        (0..=older)
            .rev()
            .try_for_each(|age| node::rename(directory, &name(age), &name(age + 1), Replace::Yes))
    }
}

impl Partial {
    /// Its first bytes are in the log; what is left of it is the beginning of a letter, or nothing.
    fn written(&mut self, length: usize) {
        if length < self.bytes.len() {
            self.bytes.drain(..length);
        } else {
            self.bytes = Vec::new();
        }
        self.due = None;
    }
}

/// Opens the file that is written to, and tells its size. The half of a line that someone who was killed has left is removed.
fn open(directory: BorrowedFd<'_>) -> Result<(OwnedFd, u64), Errno> {
    let flags = libc::O_RDWR | libc::O_APPEND | libc::O_CREAT | libc::O_NOFOLLOW;
    let file = descriptor::own(node::open(directory, &name(0), flags, 0o600)?);
    let size = facts(file.as_fd())?.size;
    let mut end = size;
    let mut block = [0; 512];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let wanted = block.get_mut(..(end - start) as usize).unwrap_or_default();
        let offset = usize::try_from(start).map_err(|_| Errno::EFBIG)?;
        let count = descriptor::read_at(file.as_fd(), wanted, offset)?;
        let newline = block.iter().take(count).rposition(|byte| *byte == b'\n');
        match newline {
            Some(at) => {
                end = start + at as u64 + 1;
                break;
            }
            None => end = start,
        }
    }
    if end < size {
        set_size(file.as_fd(), end)?;
    }
    Ok((file, end))
}

fn set_size(file: BorrowedFd<'_>, size: u64) -> Result<(), Errno> {
    let size = usize::try_from(size).map_err(|_| Errno::EFBIG)?;
    descriptor::set_size(file, size)
}

/// Entries that are written together.
struct Batch<'a> {
    writer: &'a mut Writer,
    output: Output,
    now: u64,
    /// How each line ends, once there was one.
    ending: Option<String>,
    /// What has not been written: whole lines, and the line that is being made.
    text: String,
    /// Bytes of it that are whole lines, and the bytes of output that are in those.
    whole: usize,
    outputs: u64,
    /// Bytes of the line that is being made that have been written. `None`: it has failed.
    open: Option<u64>,
}

impl<'a> Batch<'a> {
    fn new(writer: &'a mut Writer, output: Output, now: u64) -> Self {
        Self {
            writer,
            output,
            now,
            ending: None,
            text: String::new(),
            whole: 0,
            outputs: 0,
            open: Some(0),
        }
    }

    /// Makes a line of one entry's output.
    fn entry(&mut self, output: &[u8]) {
        entry::begin(&mut self.text);
        let mut rest = output;
        while !rest.is_empty() {
            let piece = rest.get(..PIECE).unwrap_or(rest);
            let (piece, after) = rest.split_at(entry::whole_letters(piece));
            rest = after;
            entry::push_output(&mut self.text, piece);
            if self.text.len() >= BATCH {
                self.write_lines();
                self.write_open_line(output);
            }
        }
        let ending = self
            .ending
            .get_or_insert_with(|| entry::ending(self.output, self.now));
        self.text.push_str(ending);
        let length = output.len() as u64;
        match self.open {
            Some(0) => {
                // The files are as full as they may be, whatever is written at once.
                if self.writer.size + self.text.len() as u64 > self.writer.limits.size {
                    self.write_lines();
                }
                self.whole = self.text.len();
                self.outputs += length;
            }
            Some(open) => {
                let text = std::mem::take(&mut self.text);
                if self.writer.put(&text, open).is_err() {
                    self.writer.lost += length;
                }
            }
            None => {
                self.text.clear();
                self.writer.lost += length;
            }
        }
        self.open = Some(0);
    }

    /// Writes one entry.
    fn only(mut self, output: &[u8]) {
        self.entry(output);
        self.finish();
    }

    fn finish(mut self) {
        self.write_lines();
    }

    fn write_lines(&mut self) {
        if self.whole == 0 {
            return;
        }
        let lines = self.text.get(..self.whole).unwrap_or_default();
        self.writer.make_room(lines.len() as u64);
        if self.writer.put(lines, 0).is_err() {
            self.writer.lost += self.outputs;
        }
        self.text.drain(..self.whole);
        (self.whole, self.outputs) = (0, 0);
    }

    /// Writes as much as there is of a line that is long, and is to hold `output`.
    fn write_open_line(&mut self, output: &[u8]) {
        if self.text.len() < BATCH {
            return;
        }
        if self.open == Some(0) {
            self.writer.make_room(entry::longest_line(output));
        }
        self.open = self.open.and_then(|open| {
            let put = self.writer.put(&self.text, open);
            put.ok().map(|()| open + self.text.len() as u64)
        });
        self.text.clear();
    }
}
