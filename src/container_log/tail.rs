//! Finds where the last lines of output begin, from the end.

use super::entry::{Entry, Output};
use super::files::{File, Place, Toward};
use crate::sys::Errno;
use std::os::fd::BorrowedFd;

const BLOCK: u64 = 64 * 1024;

/// Lines of output that are counted, the last one first.
struct Count {
    left: u64,
    /// What was written later does not count.
    until: u64,
    /// Whether there was an entry of stdout, of stderr.
    seen: [bool; 2],
}

/// Where the last so many lines begin. `None`: there is no log yet.
pub fn find(directory: BorrowedFd<'_>, lines: u64, until: u64) -> Result<Option<Place>, Errno> {
    let mut count = Count {
        left: lines,
        until,
        seen: [false; 2],
    };
    let mut here = File::last(directory, Toward::Newer)?;
    while let Some(file) = here {
        let before = search(&file, &mut count)?;
        let older = match before {
            Some(_) => None,
            None => file.next(directory, Toward::Older)?,
        };
        if older.is_none() {
            let offset = before.unwrap_or(0);
            return Ok(Some(Place { file, offset }));
        }
        here = older;
    }
    Ok(None)
}

/// Goes from the end of a file to the line with which the count is complete, and gives where it ends; `None` if it is not
/// complete at the file's beginning.
fn search(file: &File, count: &mut Count) -> Result<Option<u64>, Errno> {
    let mut start = file.size()?;
    // What has been read before the first end of a line in it.
    let mut text = Vec::new();
    let mut output = Vec::new();
    while start > 0 {
        let end = start;
        start = end.saturating_sub(BLOCK);
        let mut block = vec![0; (end - start) as usize];
        let filled = file.read_at(&mut block, start)?;
        block.truncate(filled);
        block.append(&mut text);
        text = block;
        // The last piece is what has no end yet, or nothing.
        while let Some(end) = text.iter().rposition(|byte| *byte == b'\n') {
            let begin = text.iter().take(end).rposition(|byte| *byte == b'\n');
            let begin = match begin {
                Some(before) => before + 1,
                None if start == 0 => 0,
                None => break,
            };
            let line = text.get(begin..end).unwrap_or_default();
            if let Some(entry) = Entry::read(line, &mut output) {
                if count.is_complete_before(&entry) {
                    return Ok(Some(start + end as u64 + 1));
                }
            }
            text.truncate(begin);
        }
    }
    Ok(None)
}

impl Count {
    /// Counts an entry, if the line that it ends may still be counted.
    fn is_complete_before(&mut self, entry: &Entry<'_>) -> bool {
        if entry.time > self.until {
            return false;
        }
        let [stdout, stderr] = &mut self.seen;
        let seen = match entry.output {
            Output::Stdout => stdout,
            Output::Stderr => stderr,
        };
        let is_end = !*seen || entry.bytes.ends_with(b"\n");
        *seen = true;
        if is_end && self.left == 0 {
            return true;
        }
        self.left -= u64::from(is_end);
        false
    }
}
