//! Reads a log from the oldest file to the newest, and goes on while it is written to.

use super::files::{File, Place, Toward};
use super::tail;
use crate::sys::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// Room for the longest line that we write, and for many usual ones.
const BLOCK: usize = 128 * 1024;

/// Longer than any line that is right.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

pub struct Reader {
    /// Open to be listed.
    directory: OwnedFd,
    /// Where the next line begins.
    place: Option<Place>,
    /// The file after that one: nothing is written to that one any more.
    next: Option<File>,
    buffer: Vec<u8>,
}

impl Reader {
    /// Reads the log in `directory` from its beginning.
    pub fn new(directory: OwnedFd) -> Self {
        Self {
            directory,
            place: None,
            next: None,
            buffer: Vec::new(),
        }
    }

    /// Goes on with the last so many lines of output, without what was written after `until`, and what follows them.
    ///
    /// Errors: as open(2) and read(2).
    pub fn skip_to_last(&mut self, lines: u64, until: u64) -> Result<(), Errno> {
        self.place = tail::find(self.directory.as_fd(), lines, until)?;
        self.next = None;
        Ok(())
    }

    /// Whether there is a log at all: whoever keeps one makes it at once.
    ///
    /// Errors: as open(2).
    pub fn finds_something(&self) -> Result<bool, Errno> {
        let newest = File::last(self.directory.as_fd(), Toward::Newer)?;
        Ok(newest.is_some())
    }

    /// Whole lines that have not been given before, with their ends; `None` if there are no more now.
    ///
    /// Errors: as open(2) and read(2).
    pub fn lines(&mut self) -> Result<Option<&[u8]>, Errno> {
        self.buffer.resize(self.buffer.len().max(BLOCK), 0);
        loop {
            let Some(place) = &mut self.place else {
                let oldest = File::last(self.directory.as_fd(), Toward::Older)?;
                let Some(file) = oldest else { return Ok(None) };
                self.place = Some(Place { file, offset: 0 });
                continue;
            };
            let count = place.file.read_at(&mut self.buffer, place.offset)?;
            let read = self.buffer.get(..count).unwrap_or_default();
            let end = read.iter().rposition(|byte| *byte == b'\n');
            if let Some(end) = end {
                place.offset += end as u64 + 1;
                return Ok(self.buffer.get(..=end));
            }
            if count == self.buffer.len() && count < LONGEST_LINE {
                self.buffer.resize(2 * count, 0);
            } else if count == self.buffer.len() {
                // It is no line of a log, wherever it ends.
                place.offset += count as u64;
                return Ok(self.buffer.get(..count));
            } else if count == 0 && place.file.size()? < place.offset {
                // Someone has emptied it.
                place.offset = 0;
            } else if let Some(file) = self.next.take() {
                *place = Place { file, offset: 0 };
            } else {
                self.next = place.file.next(self.directory.as_fd(), Toward::Newer)?;
                if self.next.is_none() {
                    return Ok(None);
                }
                // Once more: what was written to the file before the next one was begun.
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container_log::tests::Place as Scratch;
    use crate::container_log::{Entry, Output};

    /// All entries that there are now.
    fn drain(reader: &mut Reader, into: &mut Vec<(Output, Vec<u8>)>) {
        let mut output = Vec::new();
        while let Some(lines) = reader.lines().unwrap() {
            assert!(lines.ends_with(b"\n"));
            for line in lines.split_inclusive(|byte| *byte == b'\n') {
                let entry = Entry::read(&line[..line.len() - 1], &mut output).unwrap();
                into.push((entry.output, entry.bytes.to_vec()));
            }
        }
    }

    fn last(place: &Scratch, lines: u64, until: u64) -> Reader {
        let mut reader = Reader::new(place.directory());
        reader.skip_to_last(lines, until).unwrap();
        reader
    }

    fn text(entries: &[(Output, Vec<u8>)]) -> String {
        let bytes = entries.iter().flat_map(|(_, bytes)| bytes.clone());
        String::from_utf8(bytes.collect()).unwrap()
    }

    #[test]
    fn a_log_that_is_rotated_meanwhile_is_read_as_it_was_written() {
        let place = Scratch::new("follow");
        let mut random = fastrand::Rng::with_seed(15);
        let mut writer = place.writer(5_000, 100);
        let mut reader = Reader::new(place.directory());
        let (mut written, mut found) = (String::new(), Vec::new());
        for number in 0..3_000 {
            let line = format!("{number} {}\n", "x".repeat(random.usize(..60)));
            written.push_str(&line);
            writer.append(Output::Stdout, line.as_bytes(), 1);
            // Between two looks some files have become older.
            if random.u8(..200) == 0 {
                drain(&mut reader, &mut found);
            }
        }
        drain(&mut reader, &mut found);
        assert!(place.0.join("log.json.20").exists());
        assert_eq!(text(&found), written);
    }

    #[test]
    fn two_at_once() {
        const LINES: usize = 20_000;
        let place = Scratch::new("two");
        let mut writer = place.writer(50_000, 10_000);
        let writing = std::thread::spawn(move || {
            for number in 0..LINES {
                writer.append(Output::Stdout, format!("{number}\n").as_bytes(), 1);
            }
        });
        let mut reader = Reader::new(place.directory());
        let mut found = Vec::new();
        while !writing.is_finished() {
            drain(&mut reader, &mut found);
        }
        writing.join().unwrap();
        drain(&mut reader, &mut found);
        let numbers = text(&found);
        let numbers: Vec<usize> = numbers.lines().map(|line| line.parse().unwrap()).collect();
        assert!(numbers.into_iter().eq(0..LINES));
    }

    #[test]
    fn who_is_too_slow_goes_on_with_the_oldest() {
        let place = Scratch::new("slow");
        let mut writer = place.writer(100, 2);
        let mut reader = Reader::new(place.directory());
        let mut found = Vec::new();
        writer.append(Output::Stdout, b"0\n", 1);
        drain(&mut reader, &mut found);
        for number in 1..9 {
            writer.append(Output::Stdout, format!("{number}\n").as_bytes(), 1);
        }
        drain(&mut reader, &mut found);
        assert_eq!(text(&found), "0\n7\n8\n");
    }

    #[test]
    fn what_was_emptied_and_what_is_half() {
        let place = Scratch::new("half-read");
        let mut writer = place.writer(10_000, 2);
        let mut reader = Reader::new(place.directory());
        let mut found = Vec::new();
        drain(&mut reader, &mut found);
        writer.append(Output::Stdout, b"a\nb\n", 1);
        drain(&mut reader, &mut found);
        std::fs::write(place.0.join("log.json"), "").unwrap();
        drain(&mut reader, &mut found);
        writer.append(Output::Stdout, b"c\n", 1);
        drain(&mut reader, &mut found);
        assert_eq!(text(&found), "a\nb\nc\n");
        // A line is read when it is whole.
        let line = r#"{"log":"d\n","stream":"stdout","time":"2026-11-26T07:10:01Z"}"#;
        let before = std::fs::read_to_string(place.0.join("log.json")).unwrap();
        std::fs::write(place.0.join("log.json"), before.clone() + &line[..20]).unwrap();
        drain(&mut reader, &mut found);
        std::fs::write(place.0.join("log.json"), before + line + "\n").unwrap();
        drain(&mut reader, &mut found);
        assert_eq!(text(&found), "a\nb\nc\nd\n");
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let place = Scratch::new("endless");
        let long = vec![b'x'; LONGEST_LINE + 10];
        std::fs::write(place.0.join("log.json"), &long).unwrap();
        let mut reader = Reader::new(place.directory());
        assert_eq!(reader.lines().unwrap().unwrap().len(), LONGEST_LINE);
        assert!(reader.lines().unwrap().is_none());
    }

    #[test]
    fn the_last_lines() {
        let mut random = fastrand::Rng::with_seed(15);
        for _ in 0..60 {
            let place = Scratch::new("tail");
            let mut writer = place.writer(random.u64(200..20_000), 1_000);
            let mut all = String::new();
            for number in 0..random.usize(..400) {
                let long = if random.u8(..40) == 0 { 40_000 } else { 30 };
                let line = format!("{number} {}\n", "y".repeat(random.usize(..long)));
                all.push_str(&line);
                // In two pieces, which may be two entries.
                let (one, two) = line.split_at(random.usize(..line.len()));
                writer.append(Output::Stdout, one.as_bytes(), number as u64);
                if random.bool() {
                    writer.tick(number as u64 + 200_000_000);
                }
                writer.append(Output::Stdout, two.as_bytes(), number as u64);
            }
            let lines: Vec<&str> = all.split_inclusive('\n').collect();
            for wanted in [0, 1, 2, random.usize(..400), 1_000] {
                let mut reader = last(&place, wanted as u64, u64::MAX);
                let mut found = Vec::new();
                drain(&mut reader, &mut found);
                let first = lines.len().saturating_sub(wanted);
                assert_eq!(text(&found), lines[first..].concat(), "{wanted}");
            }
        }
    }

    #[test]
    fn the_last_lines_until_then() {
        let place = Scratch::new("tail-until");
        let mut writer = place.writer(300, 1_000);
        for second in 1..=20 {
            writer.append(Output::Stdout, format!("{second}\n").as_bytes(), second);
        }
        let mut reader = last(&place, 2, 10);
        let mut found = Vec::new();
        drain(&mut reader, &mut found);
        assert!(text(&found).starts_with("9\n10\n11\n"));
    }

    #[test]
    fn lines_of_both_outputs_are_counted() {
        let place = Scratch::new("tail-both");
        let mut writer = place.writer(1_000, 2);
        for (output, bytes) in [
            (Output::Stdout, "1\n"),
            (Output::Stdout, "2\n"),
            (Output::Stdout, "a"),
            (Output::Stderr, "e\n"),
            (Output::Stdout, "b\n"),
            (Output::Stderr, "$ "),
        ] {
            writer.append(output, bytes.as_bytes(), 1);
            writer.flush(1);
        }
        for (wanted, expected) in [
            (1, "$ "),
            (2, "b\n$ "),
            (3, "ae\nb\n$ "),
            (4, "2\nae\nb\n$ "),
        ] {
            let mut reader = last(&place, wanted, u64::MAX);
            let mut found = Vec::new();
            drain(&mut reader, &mut found);
            assert_eq!(text(&found), expected, "{wanted}");
        }
    }
}
