//! memfd_create(2) and its seals: how the plan reaches the re-executed init, and what mydocker runs from where a
//! container could reach its file.

use super::Errno;
use super::descriptor;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// No one can change, shrink or grow the file any more, nor take these seals away.
const ALL_SEALS: i32 =
    libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;

/// A memory file that holds `content` and can never be changed.
pub fn sealed(name: &CStr, content: &[u8]) -> Result<OwnedFd, Errno> {
    let file = create(name, 0)?;
    descriptor::write_all(file.as_fd(), content)?;
    seal(file.as_fd())?;
    Ok(file)
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
    let sizes = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::ftruncate, file.as_raw_fd(), bytes) }?;
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_ADD_SEALS, sizes) }?;
    Ok(file)
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
    // SAFETY: no pointers; a descriptor that is no memory file, or none at all, gives an errno.
    let seals = unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_GET_SEALS) };
    seals.is_ok_and(|seals| seals as i32 & ALL_SEALS == ALL_SEALS)
}
