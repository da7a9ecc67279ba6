//! Records of a Unix socket with several descriptors.

use super::Errno;
use super::descriptor::{self, Undropped};
use super::local_socket::Message;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd};
use syscalls::{Sysno, syscall};

/// The most descriptors that come with one record.
pub const MOST_FILES: usize = 4;

/// The kernel's own `struct cmsghdr`, with as many descriptors behind it as there may be.
#[repr(C, align(8))]
struct ControlOfMany {
    length: usize,
    level: i32,
    kind: i32,
    numbers: [i32; MOST_FILES],
}

impl ControlOfMany {
    /// The header's length, and where the descriptors begin.
    const HEADER: usize = size_of::<Self>() - size_of::<[i32; MOST_FILES]>();
}

/// A message whose control message has `room` bytes.
fn message_of_many(part: &mut libc::iovec, control: &mut ControlOfMany, room: usize) -> Message {
    let mut message = Message::new(part, None);
    message.control = std::ptr::from_mut(control).cast();
    message.control_length = room;
    message
}

/// Sends one record with these descriptors, [`MOST_FILES`] at most. Never waits.
///
/// Errors: as sendmsg(2); EINVAL for more descriptors.
pub fn send_files(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    files: &[BorrowedFd<'_>],
) -> Result<(), Errno> {
    if files.len() > MOST_FILES {
        return Err(Errno::EINVAL);
    }
    let length = ControlOfMany::HEADER + size_of_val(files);
    let mut control = ControlOfMany {
        length,
        level: libc::SOL_SOCKET,
        kind: libc::SCM_RIGHTS,
        numbers: [-1; MOST_FILES],
    };
    for (number, file) in control.numbers.iter_mut().zip(files) {
        *number = file.as_raw_fd();
    }
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // An empty control message would be one of no descriptors, which the kernel refuses.
    let room = if files.is_empty() { 0 } else { length };
    let message = message_of_many(&mut part, &mut control, room);
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the kernel reads the message, the bytes, which it does not change, and `room` bytes of the control message; all
    // live as long as the call.
    unsafe {
        syscall!(
            Sysno::sendmsg,
            socket.as_raw_fd(),
            &raw const message,
            flags
        )
    }
    .map(drop)
}

/// A record that [`send_files`] has sent: its bytes, and the descriptors, close-on-exec, for the receiver to close by hand.
#[derive(Debug)]
pub struct Files<'b> {
    pub bytes: &'b mut [u8],
    pub files: [Option<Undropped>; MOST_FILES],
}

/// Receives one record, and waits for it if the socket does. One of no bytes is the end.
///
/// Errors: as recvmsg(2); EMSGSIZE if there was more than there is room for.
pub fn receive_files<'b>(
    socket: BorrowedFd<'_>,
    buffer: &'b mut [MaybeUninit<u8>],
) -> Result<Files<'b>, Errno> {
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut control = ControlOfMany {
        length: 0,
        level: 0,
        kind: 0,
        numbers: [-1; MOST_FILES],
    };
    let mut message = message_of_many(&mut part, &mut control, size_of::<ControlOfMany>());
    // SAFETY: the kernel writes the buffer, the control message and the message's lengths, which live as long as the call.
    let count = unsafe {
        syscall!(
            Sysno::recvmsg,
            socket.as_raw_fd(),
            &raw mut message,
            libc::MSG_CMSG_CLOEXEC
        )
    }?;
    let cut = message.flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) as u32 != 0;
    let came = message.control_length >= ControlOfMany::HEADER
        && control.level == libc::SOL_SOCKET
        && control.kind == libc::SCM_RIGHTS;
    let mut files = [const { None }; MOST_FILES];
    if came {
        let bytes = control.length.saturating_sub(ControlOfMany::HEADER);
        let numbers = control.numbers.iter().take(bytes / size_of::<i32>());
        for (place, number) in files.iter_mut().zip(numbers) {
            *place = Some(Undropped::new(*number));
        }
    }
    let filled = buffer.get_mut(..count).unwrap_or_default();
    // SAFETY: the kernel has filled in as many bytes as it tells, which are no more than there is room for.
    let bytes = unsafe { std::slice::from_raw_parts_mut(filled.as_mut_ptr().cast(), filled.len()) };
    if cut {
        close_all(files);
        return Err(Errno::EMSGSIZE);
    }
    Ok(Files { bytes, files })
}

/// Closes what has come.
pub fn close_all(files: [Option<Undropped>; MOST_FILES]) {
    for file in files.into_iter().flatten() {
        descriptor::close(file);
    }
}
