//! Terminals and pseudo-terminals: the ioctls of ioctl_tty(2).

use super::descriptor::{self, open};
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
///
/// The slave is opened by TIOCGPTPEER, which cannot be fooled by what is mounted on /dev/pts;
/// kernels before 4.13 have only the name.
pub fn pseudo_terminal() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = libc::O_RDWR | libc::O_NOCTTY;
    let master = open(c"/dev/ptmx", flags, 0)?;
    let number = unlock(master.as_fd())?;
    // SAFETY: TIOCGPTPEER takes open flags as its argument, no pointer.
    let slave = unsafe {
        syscall!(
            Sysno::ioctl,
            master.as_raw_fd(),
            libc::TIOCGPTPEER,
            flags | libc::O_CLOEXEC
        )
    };
    match slave {
        Ok(slave) => Ok((master, descriptor::owned(slave as i32))),
        Err(Errno::ENOTTY | Errno::EINVAL) => {
            let path =
                std::ffi::CString::new(format!("/dev/pts/{number}")).map_err(|_| Errno::EINVAL)?;
            let slave = open(&path, flags, 0)?;
            Ok((master, slave))
        }
        Err(errno) => Err(errno),
    }
}
