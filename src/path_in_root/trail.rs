//! The way that a walk has come.

use super::rest::{LONGEST_PATH, Rest};
use crate::sys::descriptor::Undropped;
use crate::sys::{Errno, descriptor, node};
use std::os::fd::BorrowedFd;

/// How many directories of a walk are open at once. (A process may have 1024, of which others are used.)
const MOST_OPEN: usize = 32;

/// The directories from the root to where the walk is. The last ones are open; those above are known by the names that
/// led to them, none of which was a link.
pub struct Trail<'a> {
    root: BorrowedFd<'a>,
    /// Open directories: the one at depth N is in place N modulo their number.
    open: [Option<Undropped>; MOST_OPEN],
    pub depth: usize,
    /// Each with a slash behind it.
    names: [u8; LONGEST_PATH],
    length: usize,
}

impl<'a> Trail<'a> {
    pub fn new(root: BorrowedFd<'a>) -> Self {
        Self {
            root,
            open: [const { None }; MOST_OPEN],
            depth: 0,
            names: [0; LONGEST_PATH],
            length: 0,
        }
    }

    /// The place of the last directory; none if that is the root.
    fn last_place(&mut self) -> Option<&mut Option<Undropped>> {
        let index = self.depth.checked_sub(1)?;
        self.open.get_mut(index.checked_rem(MOST_OPEN)?)
    }

    pub fn last(&mut self) -> Result<BorrowedFd<'_>, Errno> {
        let root = self.root;
        match self.last_place() {
            None => Ok(root),
            Some(place) => place.as_ref().map(Undropped::as_fd).ok_or(Errno::EBADF),
        }
    }

    /// Goes down to `directory`. The trail closes it, whatever becomes of it.
    pub fn push(&mut self, name: &[u8], directory: Undropped) -> Result<(), Errno> {
        if let Err(errno) = self.remember(name) {
            descriptor::close(directory);
            return Err(errno);
        }
        self.depth = self.depth.saturating_add(1);
        let forgotten = self.last_place().and_then(|place| place.replace(directory));
        if let Some(forgotten) = forgotten {
            descriptor::close(forgotten);
        }
        Ok(())
    }

    fn remember(&mut self, name: &[u8]) -> Result<(), Errno> {
        let end = self.length.saturating_add(name.len());
        let place = self.names.get_mut(self.length..end);
        place.ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(name);
        *self.names.get_mut(end).ok_or(Errno::ENAMETOOLONG)? = b'/';
        self.length = end.saturating_add(1);
        Ok(())
    }

    /// What was gone down to last, for the caller to close.
    pub fn take_last(&mut self) -> Option<Undropped> {
        let taken = self.last_place()?.take();
        self.depth = self.depth.saturating_sub(1);
        let last_but = self.length.saturating_sub(1);
        let above = self.names.get(..last_but).unwrap_or_default();
        let slash = above.iter().rposition(|byte| *byte == b'/');
        self.length = slash.map_or(0, |slash| slash.saturating_add(1));
        taken
    }

    /// `..`; of the root, the root.
    pub fn back(&mut self) -> Result<(), Errno> {
        if let Some(left) = self.take_last() {
            descriptor::close(left);
        }
        match self.last_place() {
            Some(None) => self.reopen(),
            _ => Ok(()),
        }
    }

    /// Goes down once more to a directory that is no longer open.
    fn reopen(&mut self) -> Result<(), Errno> {
        let mut opened: Option<Undropped> = None;
        let names = self.names.get(..self.length).unwrap_or_default();
        let mut rest = Rest::new(names)?;
        while let Some(component) = rest.next()? {
            let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW;
            let above = opened.as_ref().map_or(self.root, Undropped::as_fd);
            let next = component
                .as_c_str()
                .and_then(|name| node::open(above, name, flags, 0));
            if let Some(above) = opened.take() {
                descriptor::close(above);
            }
            opened = Some(next?);
        }
        if let Some(place) = self.last_place() {
            *place = opened;
        }
        Ok(())
    }

    pub fn rewind(&mut self) {
        for place in &mut self.open {
            if let Some(left) = place.take() {
                descriptor::close(left);
            }
        }
        self.depth = 0;
        self.length = 0;
    }
}
