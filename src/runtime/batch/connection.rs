//! Where jobs come from and their results go: stdin and stdout, or a caller's socket.

use crate::error::Error;
use crate::standard_streams::Stream;
use crate::sys::descriptor::Waiting;
use crate::sys::{Errno, inherited};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// The longest line.
pub const LONGEST: usize = 1 << 20;

/// How much is read at once.
const AT_ONCE: usize = 64 << 10;

/// How much room is kept for what is read: what one long line took is not.
const MOST_KEPT: usize = 2 * AT_ONCE;

/// Who does not take this much of results gets no further jobs run.
const UNTAKEN: usize = 1 << 20;

pub struct Connection {
    /// `None`: it is at its end.
    input: Option<Stream<'static>>,
    output: Stream<'static>,
    /// Where it is read to; what is there stands between `begun` and `end`.
    read: Vec<u8>,
    begun: usize,
    end: usize,
    /// How much of that has no end of a line.
    scanned: usize,
    /// Of a line that is too long, until it ends.
    skips: bool,
    /// How many lines there were.
    lines: u64,
    next: Option<Line>,
    /// Results, of which so much is written.
    results: Vec<u8>,
    written: usize,
    /// How many of its jobs run.
    pub running: usize,
}

/// A line, and its number.
struct Line {
    number: u64,
    /// Where in what has been read it stands. `None`: it is too long.
    text: Option<Range<usize>>,
}

impl Connection {
    /// stdin and stdout.
    ///
    /// Errors: what is written to stdout comes to no one, for the caller has closed it, or cannot be written at all.
    pub fn standard() -> Result<Self, Error> {
        match inherited::is_writable(1) {
            Ok(()) => Ok(Self::new(Stream::stdin(), Stream::stdout())),
            Err(errno) => Err(Error::new("write", "results to stdout", errno)),
        }
    }

    /// A caller, whose socket does not wait.
    pub fn caller(socket: OwnedFd) -> Self {
        let socket = Rc::new(socket);
        Self::new(Stream::shared(Rc::clone(&socket)), Stream::shared(socket))
    }

    fn new(input: Stream<'static>, output: Stream<'static>) -> Self {
        Self {
            input: Some(input),
            output,
            read: Vec::new(),
            begun: 0,
            end: 0,
            scanned: 0,
            skips: false,
            lines: 0,
            next: None,
            results: Vec::new(),
            written: 0,
            running: 0,
        }
    }

    /// Nothing comes any more, nothing runs, and all is written.
    pub fn is_over(&mut self) -> bool {
        self.input.is_none() && !self.is_ready() && self.running == 0 && self.is_written()
    }

    pub fn is_written(&self) -> bool {
        self.results.is_empty()
    }

    /// Whether there is a line of which the result has a place.
    pub fn is_ready(&mut self) -> bool {
        if self.next.is_none() {
            self.next = self.find();
        }
        self.next.is_some()
    }

    /// Whether who reads the results keeps up with them.
    pub fn keeps_up(&self) -> bool {
        self.results.len() - self.written < UNTAKEN
    }

    /// The number of a line, and the line, if it is not too long.
    pub fn take(&mut self) -> Option<(u64, Option<&[u8]>)> {
        let Line { number, text } = self.next.take()?;
        let text = text.map(|text| self.read.get(text).unwrap_or_default());
        Some((number, text))
    }

    /// The next line that has something in it. It stands where it does until more is read.
    fn find(&mut self) -> Option<Line> {
        loop {
            let rest = self.read.get(self.begun..self.end).unwrap_or_default();
            let unseen = rest.get(self.scanned..).unwrap_or_default();
            let end = unseen.iter().position(|byte| *byte == b'\n');
            let end = match end {
                Some(at) => self.scanned + at,
                None if self.input.is_none() && !rest.is_empty() => rest.len(),
                None => {
                    self.scanned = rest.len();
                    return self.is_too_long();
                }
            };
            let line = self.begun..self.begun + end;
            let is_blank = rest.get(..end).unwrap_or_default().trim_ascii().is_empty();
            self.begun = self.end.min(line.end + 1);
            self.scanned = 0;
            if std::mem::take(&mut self.skips) {
                continue;
            }
            self.lines += 1;
            if !is_blank {
                return Some(Line {
                    number: self.lines,
                    text: (line.len() <= LONGEST).then_some(line),
                });
            }
        }
    }

    /// The beginning of a line that has no end in sight is thrown away.
    fn is_too_long(&mut self) -> Option<Line> {
        if !self.skips && self.scanned <= LONGEST {
            return None;
        }
        let was_known = std::mem::replace(&mut self.skips, true);
        (self.begun, self.end, self.scanned) = (0, 0, 0);
        if was_known {
            return None;
        }
        self.lines += 1;
        Some(Line {
            number: self.lines,
            text: None,
        })
    }

    /// What to wait for: something to read, if more is `wanted`, and that results can be written, or that no one reads them.
    pub fn waiting(&self, wanted: bool) -> [Waiting; 2] {
        let input = match &self.input {
            Some(input) if wanted && self.next.is_none() => Waiting::to_read(input.file()),
            _ => Waiting::none(),
        };
        let output = match self.is_written() {
            true => Waiting::until_closed(self.output.file()),
            false => Waiting::to_write(self.output.file()),
        };
        [input, output]
    }

    /// Reads what there is. Call it when poll(2) says that there is something.
    ///
    /// Errors: nothing can be read any more. What was read before is there.
    pub fn read(&mut self) -> Result<(), Errno> {
        let Some(input) = &self.input else {
            return Ok(());
        };
        self.read.copy_within(self.begun..self.end, 0);
        (self.begun, self.end) = (0, self.end - self.begun);
        let enough = self.end + AT_ONCE;
        // What has been read to once is not made zero again.
        self.read
            .resize(enough.max(self.read.len().min(MOST_KEPT)), 0);
        self.read.shrink_to(MOST_KEPT);
        let room = self.read.get_mut(self.end..enough).unwrap_or_default();
        let count = input.read(room);
        self.end += count.unwrap_or(0);
        match count {
            Ok(1..) | Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            Ok(0) | Err(_) => self.input = None,
        }
        count.map(drop)
    }

    pub fn add(&mut self, result: &[u8]) {
        self.results.extend_from_slice(result);
    }

    /// Writes what goes. Call it when poll(2) says that something does.
    ///
    /// Errors: no one reads the results any more, or they cannot be written.
    pub fn write(&mut self) -> Result<(), Errno> {
        let rest = self.results.get(self.written..).unwrap_or_default();
        match self.output.write(rest) {
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            written => self.written += written?,
        }
        if self.written == self.results.len() {
            self.written = 0;
            self.results.clear();
            // What one long result took is not kept.
            self.results.shrink_to(UNTAKEN);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{descriptor, local_socket};
    use std::os::fd::AsFd;

    /// What is sent, as the lines that come of it.
    fn lines(sent: &[&[u8]]) -> Vec<(u64, Option<Vec<u8>>)> {
        let (ours, theirs) = local_socket::stream_pair().unwrap();
        descriptor::set_nonblocking(theirs.as_fd()).unwrap();
        let mut connection = Connection::caller(theirs);
        let mut lines = Vec::new();
        let mut take = |connection: &mut Connection| {
            while connection.is_ready() {
                let (number, text) = connection.take().unwrap();
                lines.push((number, text.map(<[u8]>::to_vec)));
            }
        };
        for part in sent {
            for bytes in part.chunks(AT_ONCE) {
                descriptor::write_all(ours.as_fd(), bytes).unwrap();
                connection.read().unwrap();
                take(&mut connection);
            }
        }
        drop(ours);
        connection.read().unwrap();
        take(&mut connection);
        assert!(connection.is_over());
        lines
    }

    #[test]
    fn lines_have_numbers() {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(
            lines(&[b"a\n\n  \nb", b"c\nd\n", b"e"]),
            [
                (1, text("a")),
                (4, text("bc")),
                (5, text("d")),
                (6, text("e"))
            ]
        );
        assert_eq!(lines(&[]), []);
    }

    #[test]
    fn what_follows_a_line_that_is_too_long_is_read() {
        let long = vec![b'x'; LONGEST + 1];
        let longer = vec![b'x'; 3 * LONGEST];
        let text = |text: &str| Some(text.as_bytes().to_vec());
        for long in [long, longer] {
            let lines = lines(&[b"a\n", &long, b"\nb\n"]);
            assert_eq!(lines, [(1, text("a")), (2, None), (3, text("b"))]);
        }
        assert_eq!(
            lines(&[&vec![b'x'; LONGEST], b"\n"])[0]
                .1
                .as_ref()
                .map(Vec::len),
            Some(LONGEST)
        );
    }
}
