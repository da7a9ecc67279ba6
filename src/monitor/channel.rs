//! One direction of a relay: what is read from one file is written to another.

use crate::standard_streams::Stream;
use crate::sys::Errno;
use crate::sys::descriptor::Waiting;

/// How much is read at once.
const BUFFER: usize = 16 * 1024;

/// Reads only when what it read before is written, so that who writes goes no faster than who reads.
pub struct Channel {
    from: Stream<'static>,
    to: Stream<'static>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    what_comes: WhatComes,
    /// How many bytes have been read, and were allowed.
    taken: u64,
    /// Nothing more will come.
    is_at_end: bool,
}

/// What becomes of what is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WhatComes {
    IsPassed,
    /// Nobody takes it any more.
    IsDiscarded,
}

/// How much may still be read, of one channel or of several together.
pub struct Allowance {
    /// `None`: there is no limit.
    left: Option<u64>,
    is_exceeded: bool,
}

impl Allowance {
    pub const fn new(bytes: Option<u64>) -> Self {
        Self {
            left: bytes,
            is_exceeded: false,
        }
    }

    /// Whether there was more than may be.
    pub fn is_exceeded(&self) -> bool {
        self.is_exceeded
    }

    /// How many of `count` bytes that have come may be used.
    pub fn take(&mut self, count: usize) -> usize {
        let Some(left) = &mut self.left else {
            return count;
        };
        let taken = count.min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= taken as u64;
        self.is_exceeded |= taken < count;
        taken
    }
}

/// What a read has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    Something,
    /// Nothing for now.
    Nothing,
    /// Nothing now or ever. By an errno, if by one.
    End(Option<Errno>),
}

impl Channel {
    pub fn new(from: Stream<'static>, to: Stream<'static>) -> Self {
        Self {
            from,
            to,
            bytes: vec![0; BUFFER],
            start: 0,
            end: 0,
            what_comes: WhatComes::IsPassed,
            taken: 0,
            is_at_end: false,
        }
    }

    /// How many bytes have come, and were allowed.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether all that came has been written, and nothing more will come.
    pub fn is_done(&self) -> bool {
        self.is_at_end && self.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What was read and is to be written.
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub fn to(&self) -> &Stream<'static> {
        &self.to
    }

    /// Waits for something to read, if it is time for it.
    pub fn waiting_to_read(&self) -> Waiting {
        if self.is_empty() && !self.is_at_end {
            Waiting::to_read(self.from.file())
        } else {
            Waiting::none()
        }
    }

    /// Waits until what was read can be written.
    pub fn waiting_to_write(&self) -> Waiting {
        if self.is_empty() {
            Waiting::none()
        } else {
            Waiting::to_write(self.to.file())
        }
    }

    /// Waits until what was read can be written; with nothing to write, until no one would read it.
    pub fn waiting_for_reader(&self) -> Waiting {
        if self.is_empty() {
            Waiting::until_closed(self.to.file())
        } else {
            self.waiting_to_write()
        }
    }

    /// Reads once. What is not to be written any more, or is not allowed, is thrown away.
    pub fn read(&mut self, allowance: &mut Allowance) -> Got {
        if self.is_at_end {
            return Got::End(None);
        }
        (self.start, self.end) = (0, 0);
        loop {
            return match self.from.read(&mut self.bytes) {
                Ok(0) => Got::End(None),
                Ok(count) => {
                    let count = allowance.take(count.min(BUFFER));
                    self.taken += count as u64;
                    if self.what_comes == WhatComes::IsPassed {
                        self.end = count;
                    }
                    Got::Something
                }
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => Got::Nothing,
                Err(errno) => Got::End(Some(errno)),
            };
        }
    }

    /// Writes once.
    ///
    /// Errors: why nothing can be written any more. What was read is thrown away then.
    pub fn write(&mut self) -> Result<(), Errno> {
        match self.to.write(self.pending()) {
            Ok(count) => self.start = self.end.min(self.start + count),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => {
                self.discard();
                return Err(errno);
            }
        }
        Ok(())
    }

    /// Throws away what is to be written.
    pub fn discard(&mut self) {
        self.start = self.end;
    }

    /// Goes on reading, and throws away what comes.
    pub fn discard_all(&mut self) {
        self.what_comes = WhatComes::IsDiscarded;
        self.discard();
    }

    /// Reads no more.
    pub fn end(&mut self) {
        self.is_at_end = true;
    }
}
