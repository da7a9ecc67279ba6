//! Sockets of the engine's that are sent a descriptor: a container's terminal (`--console-socket`), or a pidfd
//! (`--pidfd-socket`).

use crate::error::Error;
use crate::sys::{Errno, descriptor, local_socket};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The name that goes with the master of a terminal, as runc has it.
pub const TERMINAL: &str = "/dev/ptmx";
/// As well, with the pidfd of a container's first process, and of another.
pub const FIRST_PROCESS: &str = "standard";
pub const ANOTHER: &str = "setns";

/// How long who listens may take. A container that is being made is not to be kept by who does not listen any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends `file` and its name to who listens at `path`.
#[cold]
#[inline(never)]
pub fn send(path: &OsStr, name: &str, file: BorrowedFd<'_>) -> Result<(), Error> {
    let failed = |operation: &str, errno| Error::new(operation, path.as_bytes(), errno);
    let socket = connect(path).map_err(|errno| failed("connect to", errno))?;
    local_socket::send_named(socket.as_fd(), name.as_bytes(), file)
        .map_err(|errno| failed("send a descriptor to", errno))
}

fn connect(path: &OsStr) -> Result<OwnedFd, Errno> {
    let whole = CString::new(path.as_bytes()).map_err(|_| Errno::EINVAL)?;
    match local_socket::connect_stream(&whole, PATIENCE) {
        Err(Errno::ENAMETOOLONG) => {}
        connected => return connected,
    }
    // By its directory, the name of which is short in /proc.
    let path = Path::new(path);
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::ENAMETOOLONG);
    };
    let above = CString::new(above.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let above = descriptor::open(&above, libc::O_PATH | libc::O_DIRECTORY, 0)?;
    let short = descriptor::name_in_proc(above.as_fd());
    let short = [short.to_bytes(), b"/", name.as_bytes()].concat();
    let short = CString::new(short).map_err(|_| Errno::EINVAL)?;
    local_socket::connect_stream(&short, PATIENCE)
}
