//! Archives as tar(1) has them (ustar and pax, POSIX.1-2017): written, and read. A reader takes what GNU tar and old ones write
//! as well, and trusts nothing: what a name or a link leads to is for whoever makes files of it to check.

mod header;
mod reader;

pub use header::{END, header, padding, size};
pub use reader::{Fault, Reader};

/// Headers and contents begin at multiples of it.
const BLOCK: usize = 512;

/// One file of an archive, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As it is in the archive: any bytes but NUL, and not empty.
    pub path: Vec<u8>,
    pub kind: Kind,
    /// Permissions, with the set-id and sticky bits.
    pub mode: u32,
    pub user: u32,
    pub group: u32,
    pub modified: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With so many bytes of content.
    Regular(u64),
    Directory,
    /// A symbolic link, with its content.
    Link(Vec<u8>),
    /// Another name of the member with this path.
    HardLink(Vec<u8>),
    Pipe,
    Device,
}

/// When a file was changed last: seconds since 1970, and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub seconds: i64,
    pub nanoseconds: u32,
}

#[cfg(test)]
mod tests;
