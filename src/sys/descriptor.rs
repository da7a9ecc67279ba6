//! File descriptors: open, read, write, duplicate, close, wait for.

//!
//! Who closes a descriptor is in its type:
//!
//! - an [`OwnedFd`] closes itself, and a [`BorrowedFd`] is someone else's: std's types, for the parent;
//! - an [`Undropped`] is closed by hand, or given an owner: what a child opens, where nothing may be dropped. There is
//!   no copy of it, so it is closed once or owned once;
//! - a [`ChildDescriptor`] is a number in a child's table: its copy of what its parent has, or what it has opened and
//!   keeps. It is copied freely, for no destructor closes it and nothing can own it; only a child ([`InChild`]) closes
//!   it, whose table is its own.

use super::Errno;
use super::in_child::InChild;
use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use syscalls::{Sysno, syscall};

/// 0, 1 or 2, which are no one's own. (Another number stands for 2.)
pub const fn standard(number: RawFd) -> BorrowedFd<'static> {
    let number = match number {
        0 | 1 => number,
        _ => 2,
    };
    // SAFETY: they are open from the start ([`super::inherited::open_standard`]), and none is -1. Nothing that owns a
    // descriptor owns one of these.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// An open file that nothing closes by itself.
#[derive(Debug)]
#[must_use = "nothing closes it by itself"]
pub struct Undropped(RawFd);

impl Undropped {
    /// Takes a descriptor that a system call has just returned.
    pub(super) const fn new(number: RawFd) -> Self {
        Self(number)
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: a system call has returned it, and it is open until `close` or an owner takes it, by value.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }

    /// Leaves it open, until a child closes it or executes something.
    pub const fn keep(self) -> ChildDescriptor<'static> {
        ChildDescriptor(self.0, PhantomData)
    }
}

/// A descriptor in a child's table. Of what its parent has it is a copy with the same number, and `'a` is as long as the
/// parent's is open.
#[derive(Clone, Copy, Debug)]
pub struct ChildDescriptor<'a>(RawFd, PhantomData<BorrowedFd<'a>>);

impl<'a> ChildDescriptor<'a> {
    /// What children have of this one.
    pub fn of(file: BorrowedFd<'a>) -> Self {
        Self(file.as_raw_fd(), PhantomData)
    }

    /// What the parent has put there for a child that has executed a program since. If there is nothing, calls answer
    /// EBADF.
    pub const fn numbered(number: RawFd, _: InChild) -> Self {
        // Never -1, which no [`BorrowedFd`] may be.
        Self(number & RawFd::MAX, PhantomData)
    }

    pub const fn as_fd(self) -> BorrowedFd<'a> {
        // SAFETY: in the parent it is what `of` has borrowed, or what no one closes. In the child that is open as well, for
        // it was when the child was born; a child that closes it does not name it again.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }

    /// In the child, where the parent's destructors close nothing.
    pub const fn in_child(self, _: InChild) -> ChildDescriptor<'static> {
        ChildDescriptor(self.0, PhantomData)
    }

    /// close(2).
    pub fn close(self, _: InChild) {
        close_number(self.0);
    }
}

/// Takes a descriptor that a system call has just returned.
pub(super) fn owned(number: RawFd) -> OwnedFd {
    // SAFETY: only called with the fresh result of a successful call, which no one else knows.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Gives a descriptor an owner, which closes it.
pub fn own(file: Undropped) -> OwnedFd {
    owned(file.0)
}

/// open(2), close-on-exec, relative to the working directory.
pub fn open(path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: the path is NUL-terminated and outlives the call.
    let number = unsafe {
        syscall!(
            Sysno::openat,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags | libc::O_CLOEXEC,
            mode
        )
    }?;
    Ok(owned(number as RawFd))
}

/// openat(2), close-on-exec, for the child: of what lies in `directory`, without waiting if it is a
/// FIFO. The caller closes it with [`close`].
pub fn open_in(directory: BorrowedFd<'_>, path: &CStr) -> Result<Undropped, Errno> {
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the path is NUL-terminated and outlives the call.
    unsafe { syscall!(Sysno::openat, directory.as_raw_fd(), path.as_ptr(), flags) }
        .map(|number| Undropped(number as RawFd))
}

/// lseek(2) back to the start.
pub fn rewind(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::lseek, file.as_raw_fd(), 0, libc::SEEK_SET) }.map(drop)
}

/// open(2) for the child, where nothing may be dropped: the caller closes it with [`close`].
pub fn open_undropped(path: &CStr, flags: i32) -> Result<Undropped, Errno> {
    open(path, flags, 0).map(|file| Undropped(std::os::fd::IntoRawFd::into_raw_fd(file)))
}

/// A pipe, both ends close-on-exec: first the reader, then the writer.
pub fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: the kernel writes two integers into the array.
    unsafe { syscall!(Sysno::pipe2, ends.as_mut_ptr(), libc::O_CLOEXEC) }?;
    Ok((owned(ends[0]), owned(ends[1])))
}

/// A pipe for the child: the caller closes both ends with [`close`].
pub fn pipe_undropped() -> Result<(Undropped, Undropped), Errno> {
    let (reader, writer) = pipe()?;
    let keep = |end| Undropped(std::os::fd::IntoRawFd::into_raw_fd(end));
    Ok((keep(reader), keep(writer)))
}

/// read(2), once. Zero is end-of-file.
pub fn read(file: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most `len` bytes into the buffer.
    unsafe {
        syscall!(
            Sysno::read,
            file.as_raw_fd(),
            buffer.as_mut_ptr(),
            buffer.len()
        )
    }
}

/// pread(2), once: from `offset`, whatever the file's own is.
pub fn read_at(file: BorrowedFd<'_>, buffer: &mut [u8], offset: usize) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most `len` bytes into the buffer.
    unsafe {
        syscall!(
            Sysno::pread64,
            file.as_raw_fd(),
            buffer.as_mut_ptr(),
            buffer.len(),
            offset
        )
    }
}

/// pwrite(2), once: from `offset`, whatever the file's own is.
pub fn write_at(file: BorrowedFd<'_>, bytes: &[u8], offset: usize) -> Result<usize, Errno> {
    // SAFETY: the kernel reads at most `len` bytes from the slice.
    unsafe {
        syscall!(
            Sysno::pwrite64,
            file.as_raw_fd(),
            bytes.as_ptr(),
            bytes.len(),
            offset
        )
    }
}

/// Has the file system keep room for so many bytes at the end of a file, where it can: fallocate(2). The file's size stays.
///
/// Errors: ENOSPC or EDQUOT, there is none.
pub fn reserve(file: BorrowedFd<'_>, bytes: usize) -> Result<(), Errno> {
    // SAFETY: no pointers.
    let end = unsafe { syscall!(Sysno::lseek, file.as_raw_fd(), 0, libc::SEEK_END) };
    // Else it is a pipe, or a terminal.
    let Ok(end) = end else { return Ok(()) };
    let keep_size = libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: no pointers.
    let kept = unsafe { syscall!(Sysno::fallocate, file.as_raw_fd(), keep_size, end, bytes) };
    match kept {
        Err(errno @ (Errno::ENOSPC | Errno::EDQUOT)) => Err(errno),
        // Some file systems cannot, and a device has no room to keep.
        _ => Ok(()),
    }
}

/// ftruncate(2).
pub fn set_size(file: BorrowedFd<'_>, bytes: usize) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::ftruncate, file.as_raw_fd(), bytes) }.map(drop)
}

/// write(2), once.
pub fn write(file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel reads at most `len` bytes from the slice.
    unsafe { syscall!(Sysno::write, file.as_raw_fd(), bytes.as_ptr(), bytes.len()) }
}

/// write(2) until every byte is written, waiting where the file itself does not.
pub fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(file, bytes) {
            Ok(0) => return Err(Errno::EIO),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => wait(&mut [Waiting::to_write(file)], -1)?,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// send(2) without waiting, for a socket that others have open too.
pub fn send_without_waiting(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel reads at most `len` bytes from the slice; no address is given.
    unsafe {
        syscall!(
            Sysno::sendto,
            socket.as_raw_fd(),
            bytes.as_ptr(),
            bytes.len(),
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            0,
            0
        )
    }
}

/// close(2). Linux frees the descriptor whatever it answers, so there is nothing to do about an
/// errno.
pub fn close(file: Undropped) {
    close_number(file.0);
}

/// Of a number that nothing owns.
pub(super) fn close_number(number: RawFd) {
    // SAFETY: no pointers. The callers know that no one else closes it.
    let _ = unsafe { syscall!(Sysno::close, number) };
}

/// Makes `number` another name of `file` in a child's table, not close-on-exec, closing what `number` was.
pub fn duplicate_to(file: BorrowedFd<'_>, number: RawFd, _: InChild) -> Result<(), Errno> {
    replace(file, number)
}

pub(super) fn replace(file: BorrowedFd<'_>, number: RawFd) -> Result<(), Errno> {
    if file.as_raw_fd() == number {
        return keep_across_exec(file);
    }
    // SAFETY: no pointers; `number` is one of those that the caller means to replace.
    unsafe { syscall!(Sysno::dup3, file.as_raw_fd(), number, 0) }.map(drop)
}

/// Puts `file` into the places of 0, 1 and 2, of which nothing else is kept.
pub fn replace_standard(file: BorrowedFd<'_>) -> Result<(), Errno> {
    (0..3).try_for_each(|number| replace(file, number))
}

/// Puts `file` into the place of 0, 1 or 2.
pub fn replace_one_standard(file: BorrowedFd<'_>, number: RawFd) -> Result<(), Errno> {
    match (0..3).contains(&number) {
        true => replace(file, number),
        false => Err(Errno::EBADF),
    }
}

/// Another name of `file`, close-on-exec, numbered `lowest` or above.
pub fn duplicate_above(file: BorrowedFd<'_>, lowest: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: no pointers.
    let number = unsafe {
        syscall!(
            Sysno::fcntl,
            file.as_raw_fd(),
            libc::F_DUPFD_CLOEXEC,
            lowest
        )
    }?;
    Ok(owned(number as RawFd))
}

/// fchown(2) of the user; the group stays.
pub fn change_owner(file: BorrowedFd<'_>, user: u32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::fchown, file.as_raw_fd(), user, u32::MAX) }.map(drop)
}

/// Has the next execve close it.
pub fn close_on_exec(file: BorrowedFd<'_>) -> Result<(), Errno> {
    set_descriptor_flags(file, libc::FD_CLOEXEC)
}

/// Gives a pipe to a user, as far as that is allowed: it is a comfort, and forbids nothing.
pub fn give_pipe(pipe: BorrowedFd<'_>, user: u32) -> Result<(), Errno> {
    match change_owner(pipe, user) {
        // Without CAP_CHOWN, or in a user namespace that the pipe's maker is not in.
        Err(Errno::EPERM | Errno::EINVAL) => Ok(()),
        done => done,
    }
}

/// Takes close-on-exec off.
pub fn keep_across_exec(file: BorrowedFd<'_>) -> Result<(), Errno> {
    set_descriptor_flags(file, 0)
}

fn set_descriptor_flags(file: BorrowedFd<'_>, flags: i32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_SETFD, flags) }.map(drop)
}

/// Makes reads and writes answer EAGAIN instead of waiting. Only for open file descriptions of our
/// own: the flag is shared with everyone who has it open.
pub fn set_nonblocking(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: no pointers.
    let flags = unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_GETFL) }?;
    // SAFETY: no pointers.
    unsafe {
        syscall!(
            Sysno::fcntl,
            file.as_raw_fd(),
            libc::F_SETFL,
            flags | libc::O_NONBLOCK as usize
        )
    }
    .map(drop)
}

/// Makes reads and writes wait again, of an open file description of our own.
pub fn set_blocking(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: no pointers.
    let flags = unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_GETFL) }?;
    let flags = flags & !(libc::O_NONBLOCK as usize);
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_SETFL, flags) }.map(drop)
}

/// Closes 0 and 1, but those that are kept.
pub fn close_input_and_output(keep_input: bool, keep_output: bool) {
    if !keep_input && !keep_output {
        // SAFETY: no pointers.
        let closed = unsafe { syscall!(Sysno::close_range, 0, 1, 0) };
        if closed.is_ok() {
            return;
        }
        // Before Linux 5.9, or in a filter's way.
    }
    for (number, keep) in [(0, keep_input), (1, keep_output)] {
        if !keep {
            close_number(number);
        }
    }
}

/// The name that /proc has for a descriptor of this process.
pub fn name_in_proc(file: BorrowedFd<'_>) -> CString {
    CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap_or_default()
}

/// The descriptor's number, as text.
pub fn decimal<'a>(file: BorrowedFd<'_>, buffer: &'a mut [u8; 12]) -> Option<&'a CStr> {
    decimal_of(u32::try_from(file.as_raw_fd()).ok()?, buffer)
}

/// A number as text. Allocates nothing: the child uses it.
pub fn decimal_of(mut number: u32, buffer: &mut [u8; 12]) -> Option<&CStr> {
    // The last byte stays the terminator.
    let mut start = buffer.len().checked_sub(1)?;
    loop {
        start = start.checked_sub(1)?;
        let digit = number.checked_rem(10)?;
        *buffer.get_mut(start)? = b'0'.checked_add(u8::try_from(digit).ok()?)?;
        number = number.checked_div(10)?;
        if number == 0 {
            break;
        }
    }
    CStr::from_bytes_until_nul(buffer.get(start..)?).ok()
}

/// One descriptor to wait for: poll(2)'s struct.
#[repr(transparent)]
pub struct Waiting(libc::pollfd);

impl Waiting {
    /// Waits for nothing: poll(2) passes over negative descriptors.
    pub const fn none() -> Self {
        Self::number(-1, 0)
    }

    /// Waits until `file` has something to read, or is hung up.
    pub fn to_read(file: BorrowedFd<'_>) -> Self {
        Self::number(file.as_raw_fd(), libc::POLLIN)
    }

    /// Waits until `file` takes something, or no one will ever read it.
    pub fn to_write(file: BorrowedFd<'_>) -> Self {
        Self::number(file.as_raw_fd(), libc::POLLOUT)
    }

    /// Waits until no one will ever read what is written to `file`, or write what is read from it. (That poll(2) tells
    /// unasked.)
    pub fn until_closed(file: BorrowedFd<'_>) -> Self {
        Self::number(file.as_raw_fd(), 0)
    }

    const fn number(fd: RawFd, events: i16) -> Self {
        Self(libc::pollfd {
            fd,
            events,
            revents: 0,
        })
    }

    /// Whether it waits for something.
    pub fn asks(&self) -> bool {
        self.0.fd >= 0
    }

    /// Whether anything happened: readable, writable, hung up, or in error. What it is, the read
    /// or write that follows will tell.
    pub fn happened(&self) -> bool {
        self.0.revents != 0
    }
}

/// poll(2). `timeout` in milliseconds, negative for none. A signal's interruption is an answer with
/// nothing in it.
pub fn wait(waiting: &mut [Waiting], timeout: i32) -> Result<(), Errno> {
    wait_here(waiting, timeout)
}

/// [`wait`], in the caller's own code.
#[inline(always)]
pub(super) fn wait_here(waiting: &mut [Waiting], timeout: i32) -> Result<(), Errno> {
    let limit = libc::timespec {
        tv_sec: (timeout / 1000).into(),
        tv_nsec: i64::from(timeout % 1000) * 1_000_000,
    };
    let limit = if timeout < 0 {
        std::ptr::null()
    } else {
        &raw const limit
    };
    // SAFETY: `Waiting` is a transparent `pollfd`; the kernel writes into `len` of them and reads
    // one timespec. ppoll, since arm64 has no poll.
    match unsafe {
        syscall!(
            Sysno::ppoll,
            waiting.as_mut_ptr(),
            waiting.len(),
            limit,
            0,
            0
        )
    } {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// As [`wait`], for a time of less than a millisecond.
pub fn wait_briefly(waiting: &mut [Waiting], longest: std::time::Duration) -> Result<(), Errno> {
    // The kernel's `struct timespec` of 64-bit machines.
    let longest = [longest.as_secs(), u64::from(longest.subsec_nanos())];
    // SAFETY: the kernel reads and writes `len` entries of the slice, and reads two words; no set of signals is given.
    unsafe {
        syscall!(
            Sysno::ppoll,
            waiting.as_mut_ptr(),
            waiting.len(),
            longest.as_ptr(),
            0,
            0
        )
    }
    .map(drop)
}
