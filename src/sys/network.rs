//! What a new network namespace needs: its loopback interface up, and its ports open to its users.

use super::descriptor::Undropped;
use super::node::{self, HERE};
use super::{Errno, descriptor, facts};
use std::ffi::CStr;
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
pub fn loopback_up() -> Result<Undropped, Errno> {
    // SAFETY: no pointers; a new descriptor or an errno comes back.
    let socket = unsafe {
        syscall!(
            Sysno::socket,
            libc::AF_UNIX,
            libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
            0
        )
    }?;
    let socket = Undropped::new(socket as i32);
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
            socket.as_fd().as_raw_fd(),
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

/// As a line of ping_group_range, icmp(7).
pub const ALL_GROUPS: &str = "0 2147483647";

/// Lets every user of this network namespace bind every port, and `groups`, a line of ping_group_range, ping; by `proc`,
/// or by /proc. The files are those of the network namespace of whoever opens them, whichever proc it is.
///
/// Errors: not that a kernel has no such file, nor that it cannot be written: nothing is less protected then.
pub fn open_to_users(proc: Option<BorrowedFd<'_>>, groups: &[u8]) -> Result<(), Errno> {
    let Some(proc) = proc else {
        let proc = node::open(HERE, c"/proc", libc::O_PATH | libc::O_DIRECTORY, 0)?;
        let done = match facts::file_system(proc.as_fd()) {
            Ok(found) if found.is_proc() => open_to_users(Some(proc.as_fd()), groups),
            // What is mounted on /proc need not be one: then this would write a file.
            Ok(_) => Err(Errno::ENODEV),
            Err(errno) => Err(errno),
        };
        descriptor::close(proc);
        return done;
    };
    write(proc, c"sys/net/ipv4/ip_unprivileged_port_start", &[b"0"])?;
    // All groups are too many where the caller's own user namespace has not all: then as many as most have, or root's.
    let all = [groups, b"0 65535", b"0 0"];
    write(proc, c"sys/net/ipv4/ping_group_range", &all)
}

/// Writes the first of `lines` that the kernel takes.
fn write(proc: BorrowedFd<'_>, name: &CStr, lines: &[&[u8]]) -> Result<(), Errno> {
    let written = node::open(proc, name, libc::O_WRONLY, 0).and_then(|file| {
        let mut done = Ok(0);
        for line in lines {
            done = descriptor::write(file.as_fd(), line);
            if done != Err(Errno::EINVAL) {
                break;
            }
        }
        descriptor::close(file);
        done
    });
    match written {
        Ok(_) | Err(Errno::ENOENT | Errno::EACCES | Errno::EPERM | Errno::EROFS) => Ok(()),
        Err(errno) => Err(errno),
    }
}
