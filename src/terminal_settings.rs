//! What the container's terminal takes from the caller's, wherever it is made: by mydocker on the host's
//! devpts, or by the child on the container's own. It keeps the child rule.

use crate::sys::Errno;
use crate::sys::descriptor;
use crate::sys::terminal::{self, Modes, Size};
use std::os::fd::BorrowedFd;

/// Looks of a terminal, and whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalSettings {
    /// The keys a person's fingers know, and whether backspace takes a character or a byte of UTF-8. The
    /// modes themselves whoever called may have set for itself.
    pub modes: Option<Modes>,
    /// A terminal without a size is what many are.
    pub size: Option<Size>,
    /// Whether what is written has no carriage returns added (ONLCR): where no terminal shows it.
    pub plain_newlines: bool,
    /// The terminal's user, if that is not the one who makes it: /dev/stderr would be closed to the command.
    pub owner: Option<u32>,
}

impl TerminalSettings {
    /// Gives it to a terminal's slave.
    pub fn give(&self, slave: BorrowedFd<'_>) -> Result<(), Errno> {
        if self.modes.is_some() || self.plain_newlines {
            let mut modes = terminal::modes(slave)?;
            if let Some(theirs) = self.modes {
                modes.characters = theirs.characters;
                modes.input |= theirs.input & libc::IUTF8;
            }
            if self.plain_newlines {
                modes.output &= !libc::ONLCR;
            }
            terminal::set_modes(slave, &modes)?;
        }
        if let Some(size) = self.size {
            // Nothing depends on it.
            let _ = terminal::set_size(slave, size);
        }
        if let Some(owner) = self.owner {
            descriptor::change_owner(slave, owner)?;
        }
        Ok(())
    }
}
