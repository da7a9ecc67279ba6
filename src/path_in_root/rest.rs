//! What is left of a path while it is walked.

use crate::sys::{Errno, node};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// The longest path that the kernel takes, its terminator included (PATH_MAX).
pub const LONGEST_PATH: usize = 4096;

/// The longest name of a component, and its terminator.
const LONGEST_NAME: usize = 256;

/// Where a link's content begins.
#[derive(PartialEq, Eq)]
pub enum Direction {
    FromRoot,
    FromHere,
}

/// What is left of a path: the end of a buffer, so that a link's content fits before it.
pub struct Rest {
    bytes: [u8; LONGEST_PATH],
    start: usize,
}

/// One component and its terminator.
pub struct Component {
    bytes: [u8; LONGEST_NAME],
    length: usize,
}

impl Component {
    pub fn name(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub fn as_c_str(&self) -> Result<&CStr, Errno> {
        CStr::from_bytes_until_nul(&self.bytes).map_err(|_| Errno::ENAMETOOLONG)
    }
}

impl Rest {
    pub fn new(path: &[u8]) -> Result<Self, Errno> {
        let mut rest = Self {
            bytes: [0; LONGEST_PATH],
            start: LONGEST_PATH,
        };
        rest.put_before(path)?;
        Ok(rest)
    }

    fn left(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn put_before(&mut self, text: &[u8]) -> Result<(), Errno> {
        let start = self.start.checked_sub(text.len());
        let start = start.ok_or(Errno::ENAMETOOLONG)?;
        let place = self.bytes.get_mut(start..self.start);
        place.ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(text);
        self.start = start;
        Ok(())
    }

    /// Whether nothing but slashes is left.
    pub fn is_empty(&self) -> bool {
        self.left().iter().all(|byte| *byte == b'/')
    }

    pub fn next(&mut self) -> Result<Option<Component>, Errno> {
        let slashes = self.left().iter().take_while(|byte| **byte == b'/').count();
        self.start = self.start.saturating_add(slashes);
        let length = self.left().iter().take_while(|byte| **byte != b'/').count();
        if length == 0 {
            return Ok(None);
        }
        let mut component = Component {
            bytes: [0; LONGEST_NAME],
            length,
        };
        // The last byte stays the terminator.
        let place = component.bytes.get_mut(..length);
        let place = place.filter(|_| length < LONGEST_NAME);
        let name = self.left().get(..length).unwrap_or_default();
        place.ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(name);
        self.start = self.start.saturating_add(length);
        Ok(Some(component))
    }

    /// Puts the content of `link` before what is left.
    pub fn put_link_before(&mut self, link: BorrowedFd<'_>) -> Result<Direction, Errno> {
        let mut content = [0; LONGEST_PATH];
        let length = node::read_link(link, &mut content)?;
        let content = content.get(..length).unwrap_or_default();
        if content.is_empty() || length == LONGEST_PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        self.put_before(b"/")?;
        self.put_before(content)?;
        Ok(match content.first() {
            Some(b'/') => Direction::FromRoot,
            _ => Direction::FromHere,
        })
    }
}
