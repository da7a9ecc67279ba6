//! memfd_create(2) and its seals: how the plan reaches the re-executed init, and what mydocker runs from where a
//! container could reach its file.

use super::Errno;
use super::descriptor;
use super::in_child::InChild;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use syscalls::{Sysno, syscall};

/// No one can change, shrink or grow the file any more, nor take these seals away.
const ALL_SEALS: i32 = SIZE_SEALS | libc::F_SEAL_WRITE;

/// The size of the file stays, and so do these seals.
const SIZE_SEALS: i32 = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;

/// A memory file that holds `content` and can never be changed.
pub fn sealed(name: &CStr, content: &[u8]) -> Result<OwnedFd, Errno> {
    let file = create(name, 0)?;
    descriptor::write_all(file.as_fd(), content)?;
    seal(file.as_fd())?;
    Ok(file)
}

/// A memory file that is to be filled.
pub fn empty(name: &CStr) -> Result<OwnedFd, Errno> {
    create(name, 0)
}

/// A memory file that holds `content` and can be executed, not sealed yet.
///
/// Errors: EACCES where vm.memfd_noexec forbids it.
pub fn code(name: &CStr, content: &[u8]) -> Result<OwnedFd, Errno> {
    let file = create_executable(name)?;
    descriptor::write_all(file.as_fd(), content)?;
    Ok(file)
}

/// A memory file with all that `program` holds, which can be executed and never be changed.
///
/// Errors: EACCES where vm.memfd_noexec forbids it.
pub fn sealed_program(name: &CStr, program: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let file = create_executable(name)?;
    let size = super::facts::facts(program)?.size;
    let mut offset = 0u64;
    while offset < size {
        // SAFETY: the kernel reads the offset and moves it on.
        let sent = unsafe {
            syscall!(
                Sysno::sendfile,
                file.as_raw_fd(),
                program.as_raw_fd(),
                &raw mut offset,
                size - offset
            )
        }?;
        if sent == 0 {
            // It has been cut meanwhile.
            return Err(Errno::EIO);
        }
    }
    seal(file.as_fd())?;
    Ok(file)
}

/// A memory file of so many bytes, all 0, which cannot get shorter or longer any more.
pub fn of_size(name: &CStr, bytes: usize) -> Result<OwnedFd, Errno> {
    let file = create(name, 0)?;
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::ftruncate, file.as_raw_fd(), bytes) }?;
    // SAFETY: no pointers.
    unsafe {
        syscall!(
            Sysno::fcntl,
            file.as_raw_fd(),
            libc::F_ADD_SEALS,
            SIZE_SEALS
        )
    }?;
    Ok(file)
}

/// Whether `file` is a memory file that cannot get shorter or longer, as [`of_size`] makes it.
pub fn keeps_its_size(file: BorrowedFd<'_>) -> bool {
    has_seals(file.as_raw_fd(), SIZE_SEALS)
}

fn create_executable(name: &CStr) -> Result<OwnedFd, Errno> {
    /// `MFD_EXEC`: without it a newer kernel (6.3) may make files that cannot be executed, and complains.
    const EXECUTABLE: u32 = 0x10;
    match create(name, EXECUTABLE) {
        Err(Errno::EINVAL) => create(name, 0),
        created => created,
    }
}

fn create(name: &CStr, flags: u32) -> Result<OwnedFd, Errno> {
    // The caller's limit on the size of files (ulimit -f) holds for this one too: EFBIG is told, SIGXFSZ tells nothing.
    super::signal::survive_writes();
    let flags = flags | libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is NUL-terminated and outlives the call.
    let number = unsafe { syscall!(Sysno::memfd_create, name.as_ptr(), flags) }?;
    Ok(descriptor::owned(number as i32))
}

/// Puts every seal on it: it can never be changed any more.
///
/// The kernel refuses (EBUSY) while someone else may still write to a page of it, and on a busy machine that may seem so for
/// longer than it waits (`memfd_wait_for_pins`, 150 ms), though no one does.
pub(super) fn seal(file: BorrowedFd<'_>) -> Result<(), Errno> {
    const TRIES: u32 = 10;
    let mut sealed = Err(Errno::EBUSY);
    for _ in 0..TRIES {
        // SAFETY: no pointers.
        let answer =
            unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_ADD_SEALS, ALL_SEALS) };
        sealed = answer.map(drop);
        if sealed != Err(Errno::EBUSY) {
            break;
        }
    }
    sealed
}

/// Whether `file` is a memory file with every seal, as [`sealed`] makes it.
pub fn is_sealed(file: BorrowedFd<'_>) -> bool {
    has_seals(file.as_raw_fd(), ALL_SEALS)
}

/// In a child that has executed a program since: its parent has left it such a file at this number. `None`: this is no
/// such child.
pub fn in_executed_child(number: RawFd) -> Option<InChild> {
    // SAFETY: no pointers.
    let flags = unsafe { syscall!(Sysno::fcntl, number, libc::F_GETFD) };
    // It has come over the execve: all that this process opens itself closes on one.
    let has_come = flags.is_ok_and(|flags| flags as i32 & libc::FD_CLOEXEC == 0);
    (has_come && has_seals(number, ALL_SEALS)).then(InChild::new)
}

fn has_seals(number: RawFd, wanted: i32) -> bool {
    // SAFETY: no pointers; a descriptor that is no memory file, or none at all, gives an errno.
    let seals = unsafe { syscall!(Sysno::fcntl, number, libc::F_GET_SEALS) };
    seals.is_ok_and(|seals| seals as i32 & wanted == wanted)
}
