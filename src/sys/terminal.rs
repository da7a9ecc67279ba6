//! Terminals and pseudo-terminals: the ioctls of ioctl_tty(2).

use super::descriptor::{self, Undropped, open};
use super::node::{self, HERE};
use super::{Errno, Pid};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// The kernel's `struct termios`: modes and special characters of a terminal. libc's is another
/// one, larger than what TCGETS writes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    pub input: u32,
    pub output: u32,
    pub control: u32,
    pub local: u32,
    pub line: u8,
    /// Indexed by VINTR, VEOF and their kin.
    pub characters: [u8; 19],
}

impl Modes {
    /// As cfmakeraw(3): every byte passes as it is, in both directions.
    pub fn raw(mut self) -> Self {
        self.input &= !(libc::IGNBRK
            | libc::BRKINT
            | libc::PARMRK
            | libc::ISTRIP
            | libc::INLCR
            | libc::IGNCR
            | libc::ICRNL
            | libc::IXON);
        self.output &= !libc::OPOST;
        self.local &= !(libc::ECHO | libc::ECHONL | libc::ICANON | libc::ISIG | libc::IEXTEN);
        self.control = self.control & !(libc::CSIZE | libc::PARENB) | libc::CS8;
        // A read returns as soon as there is a byte.
        self.characters[libc::VMIN] = 1;
        self.characters[libc::VTIME] = 0;
        self
    }
}

/// Rows, columns and pixels: the kernel's `struct winsize`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub rows: u16,
    pub columns: u16,
    pub width: u16,
    pub height: u16,
}

fn ioctl<T>(file: BorrowedFd<'_>, request: libc::Ioctl, argument: *mut T) -> Result<usize, Errno> {
    // SAFETY: private to this file; each caller passes a pointer to what `request` reads or writes.
    unsafe { syscall!(Sysno::ioctl, file.as_raw_fd(), request, argument) }
}

/// TCGETS. On the master of a pseudo-terminal these are the slave's modes. ENOTTY: no terminal.
pub fn modes(file: BorrowedFd<'_>) -> Result<Modes, Errno> {
    let mut modes = Modes::default();
    ioctl(file, libc::TCGETS, &raw mut modes)?;
    Ok(modes)
}

/// TCSETS: at once, without waiting for output to drain (a stopped terminal would never).
pub fn set_modes(file: BorrowedFd<'_>, modes: &Modes) -> Result<(), Errno> {
    let mut modes = *modes;
    ioctl(file, libc::TCSETS, &raw mut modes).map(drop)
}

/// TIOCGDEV: the number of the terminal's device; on a master, of its slave's. ENOTTY: no terminal.
pub fn device(file: BorrowedFd<'_>) -> Result<u32, Errno> {
    let mut device: u32 = 0;
    ioctl(file, libc::TIOCGDEV, &raw mut device)?;
    Ok(device)
}

/// TIOCGWINSZ.
pub fn size(file: BorrowedFd<'_>) -> Result<Size, Errno> {
    let mut size = Size::default();
    ioctl(file, libc::TIOCGWINSZ, &raw mut size)?;
    Ok(size)
}

/// TIOCSWINSZ: also sends SIGWINCH to the terminal's foreground, if the size is another.
pub fn set_size(file: BorrowedFd<'_>, mut size: Size) -> Result<(), Errno> {
    ioctl(file, libc::TIOCSWINSZ, &raw mut size).map(drop)
}

/// TIOCGPGRP: the foreground process group. On a master, that of the slave.
pub fn foreground_group(file: BorrowedFd<'_>) -> Result<Pid, Errno> {
    let mut group: Pid = 0;
    ioctl(file, libc::TIOCGPGRP, &raw mut group)?;
    Ok(group)
}

/// TIOCSCTTY: `file` becomes the controlling terminal of our session, which has none and which we
/// lead. Not by force: 0 does not steal it from another session.
pub fn make_controlling(file: BorrowedFd<'_>) -> Result<(), Errno> {
    ioctl(file, libc::TIOCSCTTY, std::ptr::null_mut::<u8>()).map(drop)
}

/// getpgrp(2): our own process group.
pub fn own_group() -> Pid {
    // SAFETY: no pointers. getpgid, since arm64 has no getpgrp; it cannot fail for ourselves.
    unsafe { syscall!(Sysno::getpgid, 0) }.map_or(0, |group| group as Pid)
}

/// TIOCSPTLCK and TIOCGPTN: makes the slave of a new `master` one that can be opened; its number.
pub fn unlock(master: BorrowedFd<'_>) -> Result<u32, Errno> {
    let mut locked: i32 = 0;
    ioctl(master, libc::TIOCSPTLCK, &raw mut locked)?;
    let mut number: u32 = 0;
    ioctl(master, libc::TIOCGPTN, &raw mut number)?;
    Ok(number)
}

/// A new pseudo-terminal: master, then slave. Both close-on-exec, neither our controlling terminal.
pub fn pseudo_terminal() -> Result<(OwnedFd, OwnedFd), Errno> {
    let master = open(c"/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY, 0)?;
    let names = || node::open(HERE, c"/dev/pts", libc::O_PATH | libc::O_DIRECTORY, 0);
    match unlock_and_open_peer(master.as_fd())? {
        Peer::Opened(slave) => Ok((master, descriptor::own(slave))),
        Peer::Numbered(number) => {
            let names = descriptor::own(names()?);
            let slave = by_number(names.as_fd(), number)?;
            Ok((master, descriptor::own(slave)))
        }
    }
}

/// The slave of a new `master`, close-on-exec and not our controlling terminal; `names` is the devpts that both belong to.
pub fn slave(master: BorrowedFd<'_>, names: BorrowedFd<'_>) -> Result<Undropped, Errno> {
    match unlock_and_open_peer(master)? {
        Peer::Opened(slave) => Ok(slave),
        Peer::Numbered(number) => by_number(names, number),
    }
}

enum Peer {
    Opened(Undropped),
    /// Kernels before 4.13 have only the name.
    Numbered(u32),
}

/// TIOCGPTPEER cannot be fooled by what is mounted on /dev/pts.
fn unlock_and_open_peer(master: BorrowedFd<'_>) -> Result<Peer, Errno> {
    let number = unlock(master)?;
    // SAFETY: TIOCGPTPEER takes open flags as its argument, no pointer.
    let slave = unsafe {
        syscall!(
            Sysno::ioctl,
            master.as_raw_fd(),
            libc::TIOCGPTPEER,
            libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC
        )
    };
    match slave {
        Ok(slave) => Ok(Peer::Opened(Undropped::new(slave as i32))),
        Err(Errno::ENOTTY | Errno::EINVAL) => Ok(Peer::Numbered(number)),
        Err(errno) => Err(errno),
    }
}

fn by_number(names: BorrowedFd<'_>, number: u32) -> Result<Undropped, Errno> {
    let mut name = [0; 12];
    let name = descriptor::decimal_of(number, &mut name).ok_or(Errno::EINVAL)?;
    node::open(names, name, libc::O_RDWR | libc::O_NOCTTY, 0)
}
