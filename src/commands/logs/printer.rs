//! Prints the entries of a log: each where the container has written it to, byte for byte.

use crate::container_log::{Entry, Output};
use crate::sys::{Errno, descriptor};
use crate::time;
use std::ops::RangeInclusive;

/// So much is written at once.
const BATCH: usize = 64 * 1024;

pub struct Printer {
    /// What is wanted, in nanoseconds since 1970.
    pub period: RangeInclusive<u64>,
    timestamps: bool,
    /// For what an entry holds.
    bytes: Vec<u8>,
    /// What has not been written, and where it goes.
    pending: Vec<u8>,
    output: Output,
    /// Whether stdout, and stderr, are in the middle of a line.
    inside: [bool; 2],
    /// Lines that are no entries.
    pub unreadable: u64,
}

/// The number of what could not be written to, and why.
type Failure = (i32, Errno);

impl Printer {
    pub fn new(period: RangeInclusive<u64>, timestamps: bool) -> Self {
        Self {
            period,
            timestamps,
            bytes: Vec::new(),
            pending: Vec::new(),
            output: Output::Stdout,
            inside: [false; 2],
            unreadable: 0,
        }
    }

    /// Prints whole lines of the log.
    pub fn print(&mut self, lines: &[u8]) -> Result<(), Failure> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
        let printed = lines.split(|byte| *byte == b'\n').try_for_each(|line| {
            match Entry::read(line, &mut bytes) {
                Some(entry) if self.period.contains(&entry.time) => self.entry(&entry),
                Some(_) => Ok(()),
                None => {
                    self.unreadable += 1;
                    Ok(())
                }
            }
        });
        self.bytes = bytes;
        printed
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        if entry.output != self.output || self.pending.len() >= BATCH {
            self.flush()?;
            self.output = entry.output;
        }
        let [stdout, stderr] = &mut self.inside;
        let inside = match entry.output {
            Output::Stdout => stdout,
            Output::Stderr => stderr,
        };
        if self.timestamps && !*inside {
            let time = time::to_the_nanosecond(entry.time);
            self.pending.extend_from_slice(time.as_bytes());
            self.pending.push(b' ');
        }
        *inside = !entry.bytes.ends_with(b"\n");
        self.pending.extend_from_slice(entry.bytes);
        Ok(())
    }

    /// Writes what has not been written.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let number = match self.output {
            Output::Stdout => 1,
            Output::Stderr => 2,
        };
        let written = descriptor::write_all(descriptor::standard(number), &self.pending);
        self.pending.clear();
        written.map_err(|errno| (number, errno))
    }
}
