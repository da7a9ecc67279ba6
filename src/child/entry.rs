//! How a process comes to be in a container that runs. The plan's `container` has entered it (`plan/build/entry.rs` tells why
//! so): here the command's own process is born, and what it is given is opened.

use super::{Descriptors, become_command};
use crate::path_in_root::{self, Missing};
use crate::plan::{InitPlan, OwnDevice};
use crate::report::{Failed, Part};
use crate::sys::clone::{self, NewNamespaces};
use crate::sys::descriptor::Undropped;
use crate::sys::facts::{self, Kind};
use crate::sys::in_child::InChild;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, local_socket, terminal};
use crate::terminal_settings::TerminalSettings;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What the command's process needs of the one who has entered.
struct Entrant<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors<'a>,
}

/// The command's process is born in the container's PID namespace, a child of our parent's; and this one, which is in none
/// of the container's, has done all that it is for.
pub fn bear(child: InChild, plan: &InitPlan, descriptors: &Descriptors<'_>) -> ! {
    let entrant = Entrant {
        plan,
        descriptors: *descriptors,
    };
    let born = clone::spawn_sibling(
        child,
        NewNamespaces::NONE,
        |child, entrant: &Entrant<'_>| become_command(child, entrant.plan, &entrant.descriptors),
        &entrant,
    );
    super::bear(born, descriptors)
}

/// Finds a path of the container's, which is our root by now. No link of /proc is followed: what we have open is no one's
/// to name.
fn find(path: &CStr) -> Result<Undropped, Errno> {
    let root = node::open(HERE, c"/", libc::O_PATH | libc::O_DIRECTORY, 0)?;
    let found = path_in_root::find(root.as_fd(), path, Missing::Refuse);
    descriptor::close(root);
    found.map_err(|failed| match failed {
        path_in_root::PathFailure::Find(errno) | path_in_root::PathFailure::Make(errno) => errno,
    })
}

/// As [`super::root`]'s terminal of a container that begins, but on a devpts that others use as well.
pub fn make_terminal(
    settings: &TerminalSettings,
    socket: BorrowedFd<'_>,
    child: InChild,
) -> Result<(), Errno> {
    let directory = find(c"/dev/pts")?;
    // No one can make a name there.
    if !facts::file_system(directory.as_fd())?.is_devpts() {
        return Err(Errno::ENODEV);
    }
    let flags = libc::O_RDWR | libc::O_NOCTTY;
    let master = node::open(directory.as_fd(), c"ptmx", flags, 0)?;
    let slave = terminal::slave(master.as_fd(), directory.as_fd())?;
    descriptor::close(directory);
    settings.give(slave.as_fd())?;
    local_socket::send(socket, 0, Some(master.as_fd()))?;
    local_socket::send(socket, 0, Some(slave.as_fd()))?;
    descriptor::close(master);
    let kept = descriptor::duplicate_to(slave.as_fd(), socket.as_raw_fd(), child);
    descriptor::close(slave);
    kept
}

/// Opens what the container has for these devices, if it is that.
pub fn open_devices(own: &[Option<OwnDevice>; 3], child: InChild) -> Result<(), Failed> {
    for (number, wanted) in (0u8..).zip(own) {
        let Some(device) = wanted else { continue };
        let opened = open_device(*device).map_err(|errno| Part::Item(number).failed(errno))?;
        let placed = descriptor::duplicate_to(opened.as_fd(), number.into(), child);
        descriptor::close(opened);
        placed?;
    }
    Ok(())
}

fn open_device(device: OwnDevice) -> Result<Undropped, Errno> {
    let is_it = |file: BorrowedFd<'_>| match facts::facts(file)?.kind {
        Kind::Character(found) if found == device.device() => Ok(()),
        _ => Err(Errno::ENODEV),
    };
    // Before it is opened, for a device may do something then.
    let found = find(device.path())?;
    let looked = is_it(found.as_fd());
    descriptor::close(found);
    looked?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_NOFOLLOW;
    let opened = node::open(HERE, device.path(), flags, 0)?;
    match is_it(opened.as_fd()) {
        Ok(()) => Ok(opened),
        Err(errno) => {
            descriptor::close(opened);
            Err(errno)
        }
    }
}
