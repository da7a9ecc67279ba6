//! The container's terminal, on a devpts of its own, so that its name is one that the container knows.

use super::stage;
use crate::sys::in_child::InChild;
use crate::sys::mount::mount;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, local_socket, terminal};
use crate::terminal_settings::TerminalSettings;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Makes it on the stage, sends both its ends over `socket` to the parent, which relays, and gives the
/// socket's number to the slave: the command's steps find the terminal there.
pub fn make(
    terminal_settings: &TerminalSettings,
    socket: BorrowedFd<'_>,
    child: InChild,
) -> Result<(), Errno> {
    let flags = libc::O_RDWR | libc::O_NOCTTY;
    let master = node::open(HERE, c"pts/ptmx", flags, 0)?;
    // The first terminal of a devpts that no one else has.
    if terminal::unlock(master.as_fd())? != 0 {
        return Err(Errno::EBUSY);
    }
    let slave = node::open(HERE, c"pts/0", flags, 0)?;
    terminal_settings.give(slave.as_fd())?;
    // As docker has it: what is written to the console comes out at the terminal.
    descriptor::close(stage::make_file(c"console")?);
    mount(Some(c"pts/0"), c"console", None, MountFlags::BIND, None)?;

    local_socket::send(socket, 0, Some(master.as_fd()))?;
    local_socket::send(socket, 0, Some(slave.as_fd()))?;
    descriptor::close(master);
    let kept = descriptor::duplicate_to(slave.as_fd(), socket.as_raw_fd(), child);
    descriptor::close(slave);
    kept
}
