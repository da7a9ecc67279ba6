//! /proc/self/mountinfo, as far as it is needed: which mounts lie below a path, and how they are
//! restricted. Allocates nothing: the child uses it.

use super::descriptor;
use super::{Errno, MountFlags, own_proc};
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// What comes before a listed path, for it is seen from the root: the way to the top of what is mounted
/// there.
const TOP: &[u8] = b"/..";

const LONGEST_PATH: usize = 4096;

/// Calls `each` with every mount on `below` or beneath it: its path, by way of the top, and those of its
/// flags that restrict it.
pub fn below(below: &[u8], mut each: impl FnMut(&CStr, MountFlags)) -> Result<(), Errno> {
    let list = own_proc::open(c"mountinfo")?;
    let read = read(list.as_fd(), below, &mut each);
    descriptor::close(list);
    read
}

fn read(
    list: BorrowedFd<'_>,
    below: &[u8],
    each: &mut impl FnMut(&CStr, MountFlags),
) -> Result<(), Errno> {
    let mut line = Line::new();
    let mut buffer = [0; 1024];
    loop {
        let count = descriptor::read(list, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        for byte in buffer.iter().take(count) {
            if line.take(*byte)? && is_below(line.path(), below) {
                let flags = line.flags();
                each(line.full_path()?, flags);
            }
        }
    }
}

fn is_below(path: &[u8], below: &[u8]) -> bool {
    path.strip_prefix(below)
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// What mountinfo escapes, byte by byte: a space, tab, newline or backslash comes as a backslash and three octal digits
/// (`\040`). Allocates nothing: the child uses it.
#[derive(Default)]
pub struct Escape {
    /// The value and the count of the digits, while one comes.
    digits: Option<(u32, u32)>,
}

impl Escape {
    /// The byte that is meant, when it is complete.
    ///
    /// Errors: EBADMSG for what the kernel does not write.
    pub fn take(&mut self, byte: u8) -> Result<Option<u8>, Errno> {
        let (value, count) = match (self.digits, byte) {
            (None, b'\\') => {
                self.digits = Some((0, 0));
                return Ok(None);
            }
            (None, byte) => return Ok(Some(byte)),
            (Some((value, count)), byte) => {
                let digit = char::from(byte).to_digit(8).ok_or(Errno::EBADMSG)?;
                (value << 3 | digit, count.saturating_add(1))
            }
        };
        if count < 3 {
            self.digits = Some((value, count));
            return Ok(None);
        }
        self.digits = None;
        u8::try_from(value).map(Some).map_err(|_| Errno::EBADMSG)
    }
}

/// A line as it comes: `id parent major:minor root path options …`, separated by spaces.
struct Line {
    field: u32,
    /// [`TOP`], then the path, with what the kernel escapes unescaped.
    path: [u8; LONGEST_PATH],
    length: usize,
    escape: Escape,
    flags: MountFlags,
    /// The option that comes.
    option: [u8; 8],
    option_length: usize,
}

const PATH: u32 = 4;
const OPTIONS: u32 = 5;

impl Line {
    fn new() -> Self {
        let mut path = [0; LONGEST_PATH];
        for (to, from) in path.iter_mut().zip(TOP) {
            *to = *from;
        }
        Self {
            field: 0,
            path,
            length: TOP.len(),
            escape: Escape::default(),
            flags: MountFlags::NONE,
            option: [0; 8],
            option_length: 0,
        }
    }

    /// Takes the next byte. True: the line is complete.
    fn take(&mut self, byte: u8) -> Result<bool, Errno> {
        if self.field == OPTIONS && matches!(byte, b',' | b' ' | b'\n') {
            self.end_option();
        }
        match byte {
            b'\n' => {
                self.field = 0;
                return Ok(true);
            }
            b' ' => {
                self.field = self.field.saturating_add(1);
                if self.field == PATH {
                    self.length = TOP.len();
                } else if self.field == OPTIONS {
                    self.flags = MountFlags::NONE;
                }
            }
            byte if self.field == PATH => self.path_byte(byte)?,
            b',' => {}
            byte if self.field == OPTIONS => {
                if let Some(place) = self.option.get_mut(self.option_length) {
                    *place = byte;
                }
                self.option_length = self.option_length.saturating_add(1);
            }
            _ => {}
        }
        Ok(false)
    }

    fn path_byte(&mut self, byte: u8) -> Result<(), Errno> {
        match self.escape.take(byte)? {
            Some(byte) => self.push(byte),
            None => Ok(()),
        }
    }

    fn push(&mut self, byte: u8) -> Result<(), Errno> {
        // The last one stays the terminator.
        let place = self.path.get_mut(self.length);
        let place = place.filter(|_| self.length < LONGEST_PATH.saturating_sub(1));
        *place.ok_or(Errno::ENAMETOOLONG)? = byte;
        self.length = self.length.saturating_add(1);
        Ok(())
    }

    fn end_option(&mut self) {
        let option = self.option.get(..self.option_length).unwrap_or_default();
        let flag = match option {
            b"ro" => MountFlags::READONLY,
            b"nosuid" => MountFlags::NOSUID,
            b"nodev" => MountFlags::NODEV,
            b"noexec" => MountFlags::NOEXEC,
            _ => MountFlags::NONE,
        };
        self.flags = self.flags.and(flag);
        self.option_length = 0;
    }

    fn path(&self) -> &[u8] {
        self.path.get(TOP.len()..self.length).unwrap_or_default()
    }

    fn full_path(&mut self) -> Result<&CStr, Errno> {
        // What a longer path before this one has left.
        let place = self.path.get_mut(self.length);
        *place.ok_or(Errno::ENAMETOOLONG)? = 0;
        CStr::from_bytes_until_nul(&self.path).map_err(|_| Errno::ENAMETOOLONG)
    }

    fn flags(&self) -> MountFlags {
        self.flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_byte_by_byte() {
        let list = "36 25 0:32 / /stage/longer rw,nosuid,nodev,noexec,relatime shared:7 - proc proc rw\n\
                    37 36 8:1 /a\\040b /stage/x\\040y\\134z ro,relatime - ext4 /dev/sda1 rw,errors=ro\n\
                    38 36 8:1 / /staged rw - ext4 /dev/sda1 rw\n\
                    39 36 8:1 / / ro - ext4 /dev/sda1 rw\n";
        let mut line = Line::new();
        let mut found = Vec::new();
        for byte in list.bytes() {
            if line.take(byte).unwrap() && is_below(line.path(), b"/stage") {
                let flags = line.flags();
                found.push((line.full_path().unwrap().to_owned(), flags));
            }
        }
        let restricted = MountFlags::NOSUID
            .and(MountFlags::NODEV)
            .and(MountFlags::NOEXEC);
        assert_eq!(
            found,
            [
                (c"/../stage/longer".into(), restricted),
                (c"/../stage/x y\\z".into(), MountFlags::READONLY),
            ]
        );
    }

    #[test]
    fn our_own_list_can_be_read() {
        let mut found = 0;
        below(b"/proc", |path, _| {
            assert!(path.to_bytes().starts_with(b"/../proc"));
            found += 1;
        })
        .unwrap();
        assert!(found > 0);
    }
}
