//! The container's terminal, on a devpts of its own, so that its name is one that the container knows.

use super::{RootState, find, older, stage};
use crate::path_in_root::Missing;
use crate::report::{Failed, Part};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::in_child::InChild;
use crate::sys::mount::mount;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, MountFlags, descriptor, local_socket, mount_tree, terminal};
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

/// The same of the devpts that is mounted in the root. It is looked at to be one, in which no one can make names, and the
/// slave is bound on /dev/console by its descriptor (CVE-2025-52565).
pub fn make_in_root(
    settings: &TerminalSettings,
    socket: BorrowedFd<'_>,
    state: &RootState,
) -> Result<(), Failed> {
    let names = find(state, c"/dev/pts", Missing::Refuse)?;
    if !facts::file_system(names.as_fd())?.is_devpts() {
        return Err(Part::Target.failed(Errno::ENODEV));
    }
    let flags = libc::O_RDWR | libc::O_NOCTTY;
    let master = node::open(names.as_fd(), c"ptmx", flags, 0)?;
    let slave = terminal::slave(master.as_fd(), names.as_fd())?;
    descriptor::close(names);
    settings.give(slave.as_fd())?;
    let console = find_console(state)?;
    match mount_tree::copy_of(slave.as_fd()) {
        Err(errno) if mount_tree::is_unavailable(errno) => {
            older::bind_found(slave.as_fd(), console.as_fd())?;
        }
        tree => {
            let tree = tree?;
            mount_tree::attach(tree.as_fd(), console.as_fd())?;
            descriptor::close(tree);
        }
    }
    descriptor::close(console);
    local_socket::send(socket, 0, Some(master.as_fd()))?;
    local_socket::send(socket, 0, Some(slave.as_fd()))?;
    descriptor::close(master);
    let kept = descriptor::duplicate_to(slave.as_fd(), socket.as_raw_fd(), state.child);
    descriptor::close(slave);
    kept.map_err(Failed::from)
}

/// /dev/console itself, made if it is not there; never what a link of that name leads to.
fn find_console(state: &RootState) -> Result<Undropped, Failed> {
    let failed = |errno| Part::Make.failed(errno);
    let directory = find(state, c"/dev", Missing::MakeDirectory)?;
    let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_NOFOLLOW;
    match node::open(directory.as_fd(), c"console", flags, 0o666) {
        Ok(made) => descriptor::close(made),
        Err(Errno::EEXIST) => {}
        Err(errno) => return Err(failed(errno)),
    }
    let found = node::find(directory.as_fd(), c"console").map_err(failed)?;
    descriptor::close(directory);
    match facts::facts(found.as_fd())?.kind {
        Kind::Link => Err(failed(Errno::ELOOP)),
        Kind::Directory => Err(failed(Errno::EISDIR)),
        _ => Ok(found),
    }
}
