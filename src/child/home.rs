//! HOME of a command whose environment has none: what the container's own /etc/passwd says of its user, passwd(5).

use crate::plan::ExecPlan;
use crate::sys::facts::{self, Kind};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor};
use std::os::fd::BorrowedFd;

/// Of a longer file the rest is not read: a hostile one would have no end.
const MOST_BYTES: usize = 4 << 20;

/// A longer path is none.
const LONGEST_HOME: usize = 4000;

/// Puts the user's home into the environment. Without one it stays as it is, `/`.
pub fn find(user: u32, command: &ExecPlan) {
    let mut reading = Reading::new(user);
    if let Ok(true) = read(&mut reading) {
        command.environment.fill(reading.home());
    }
}

fn read(reading: &mut Reading) -> Result<bool, Errno> {
    // A link leads nowhere but in the container: everything of the host's is closed.
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = node::open(HERE, c"/etc/passwd", flags, 0)?;
    let found = read_file(file.as_fd(), reading);
    descriptor::close(file);
    found
}

fn read_file(file: BorrowedFd<'_>, reading: &mut Reading) -> Result<bool, Errno> {
    if facts::facts(file)?.kind != Kind::Regular {
        return Ok(false);
    }
    let mut buffer = [0; 4096];
    let mut offset = 0usize;
    while offset < MOST_BYTES {
        let count = descriptor::read_at(file, &mut buffer, offset)?;
        if count == 0 {
            // A last line without its end.
            return Ok(reading.take(b'\n'));
        }
        for byte in buffer.iter().take(count) {
            if reading.take(*byte) {
                return Ok(true);
            }
        }
        offset = offset.saturating_add(count);
    }
    Ok(false)
}

/// The file, byte by byte.
struct Reading {
    user: u32,
    /// Which field of the line it is at.
    field: u32,
    /// The user's number of this line, as far as it is one.
    number: Option<u32>,
    home: [u8; LONGEST_HOME],
    length: usize,
    is_too_long: bool,
}

const NUMBER: u32 = 2;
const HOME: u32 = 5;

impl Reading {
    fn new(user: u32) -> Self {
        Self {
            user,
            field: 0,
            number: None,
            home: [0; LONGEST_HOME],
            length: 0,
            is_too_long: false,
        }
    }

    fn home(&self) -> &[u8] {
        self.home.get(..self.length).unwrap_or_default()
    }

    /// True at the end of the user's line, if it has a home.
    fn take(&mut self, byte: u8) -> bool {
        match (byte, self.field) {
            (b'\n', _) => {
                let found = self.number == Some(self.user)
                    && self.field >= HOME
                    && self.length > 0
                    && !self.is_too_long;
                if !found {
                    *self = Self {
                        home: self.home,
                        ..Self::new(self.user)
                    };
                }
                return found;
            }
            (b':', _) => self.field = self.field.saturating_add(1),
            (b'0'..=b'9', NUMBER) => {
                let digit = u32::from(byte.wrapping_sub(b'0'));
                let before = match self.number {
                    None => Some(0),
                    Some(number) => number.checked_mul(10),
                };
                // A number that is too large is no one's: this one is "no change" to the kernel.
                let number = before.and_then(|number| number.checked_add(digit));
                self.number = Some(number.unwrap_or(u32::MAX));
            }
            (_, NUMBER) => self.number = Some(u32::MAX),
            (byte, HOME) => match self.home.get_mut(self.length) {
                Some(place) => {
                    *place = byte;
                    self.length = self.length.saturating_add(1);
                }
                None => self.is_too_long = true,
            },
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_found_by_the_number_of_the_user() {
        let passwd = b"\n# x\nroot:x:0:0:root:/root:/bin/sh\nbad:x:0x1:1::/bad:\nlarge:x:4294967301:5::/l:\nbin:x:1:1:::\n\
            short:x:7:7\nuser:x:1000:1000:A,B:/home/user:/bin/sh\nuser2:x:1000:1000::/other:/bin/sh\nlast:x:5:5::/last";
        for (user, expected) in [
            (0, Some("/root")),
            (1000, Some("/home/user")),
            (5, Some("/last")),
            (1, None),
            (7, None),
            (9, None),
        ] {
            let mut reading = Reading::new(user);
            let mut bytes = passwd.iter().chain(b"\n");
            let found = bytes.any(|byte| reading.take(*byte));
            let home = found.then(|| reading.home());
            assert_eq!(home, expected.map(str::as_bytes), "{user}");
        }
    }
}
