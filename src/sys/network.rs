//! The one thing a new network namespace needs: its loopback interface up.

use super::Errno;
use super::descriptor;
use std::os::fd::{AsRawFd, BorrowedFd};
use syscalls::{Sysno, syscall};

/// Sets `lo` up. The kernel gives it 127.0.0.1 and ::1 itself when that happens.
///
/// The ioctl goes to the network device through any socket; an AF_UNIX one is the cheapest to make
/// and works where the kernel has no IPv4.
///
/// Returns the socket, for its caller to close, by hand: a child leaves that to its execve, which closes
/// everything for less than a call takes.
///
/// Errors: as socket(2) and netdevice(7).
pub fn loopback_up() -> Result<BorrowedFd<'static>, Errno> {
    // SAFETY: no pointers; a new descriptor or an errno comes back.
    let socket = unsafe {
        syscall!(
            Sysno::socket,
            libc::AF_UNIX,
            libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
            0
        )
    }?;
    let socket = descriptor::borrowed(socket as i32);
    // SAFETY: all-zero bytes are a valid `ifreq`: integers, character arrays and null pointers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo\0") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which lives on our stack for the call.
    let result = unsafe {
        syscall!(
            Sysno::ioctl,
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS,
            &raw const request
        )
    };
    match result {
        Ok(_) => Ok(socket),
        Err(errno) => {
            descriptor::close(socket);
            Err(errno)
        }
    }
}
