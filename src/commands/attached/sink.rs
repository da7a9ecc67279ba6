//! What the container has written, on its way to the caller's stdout or stderr.

use crate::standard_streams::Stream;
use crate::sys::Errno;
use crate::sys::descriptor::Waiting;

pub struct Sink {
    pub number: i32,
    stream: Stream<'static>,
    pending: Vec<u8>,
    start: usize,
}

impl Sink {
    pub fn new(number: i32, stream: Stream<'static>) -> Self {
        Self {
            number,
            stream,
            pending: Vec::new(),
            start: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.pending.len()
    }

    /// Takes something when what came before is written.
    pub fn put(&mut self, bytes: &[u8]) {
        self.pending.clear();
        self.pending.extend(bytes);
        self.start = 0;
    }

    pub fn waiting(&self) -> Waiting {
        match self.is_empty() {
            true => Waiting::none(),
            false => Waiting::to_write(self.stream.file()),
        }
    }

    /// Writes what goes at once. Call it when poll(2) says that something does.
    ///
    /// Errors: nothing can be written any more.
    pub fn write(&mut self) -> Result<(), Failed> {
        let rest = self.pending.get(self.start..).unwrap_or_default();
        match self.stream.write(rest) {
            Ok(count) => self.start += count,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) if self.stream.reader_is_gone(errno) => return Err(Failed::NoReader),
            Err(errno) => return Err(Failed::With(errno)),
        }
        Ok(())
    }
}

/// Why nothing can be written any more.
#[derive(Clone, Copy, Debug)]
pub enum Failed {
    NoReader,
    With(Errno),
}
