//! `linux.netDevices`: network devices of the runtime's namespace that are moved into the container's, with the addresses that
//! they are to keep. From outside, while the child waits at `Gate::Runtime`: the container has no rights over them before.

use super::config::{Config, NamespaceKind};
use super::namespaces::NamespacesOf;
use crate::error::Error;
use crate::sys::clone::NewNamespaces;
use crate::sys::namespace;
use crate::sys::route::{Address, Devices};
use crate::sys::{Errno, Pid, descriptor, identity};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

/// Errors: what cannot be moved wherever it is run, or has no usable name.
pub fn check(config: &Config, namespaces: &NamespacesOf) -> Result<(), Error> {
    let devices = &config.linux.network_devices;
    if devices.is_empty() {
        return Ok(());
    }
    if !namespaces.has_own(NamespaceKind::Network) {
        return Err(Error::told(
            "unable to move network devices without a NET namespace",
        ));
    }
    if identity::effective_user() != 0 {
        return Err(Error::told(
            "network devices are not supported for rootless containers",
        ));
    }
    for (name, new) in devices {
        for name in [name]
            .into_iter()
            .chain(new.iter().filter(|new| !new.is_empty()))
        {
            if !is_name(name) {
                let reason = format!("invalid network device name \"{name}\"");
                return Err(Error::refused_for("linux.netDevices", reason));
            }
        }
    }
    Ok(())
}

/// What the kernel takes for a name (`dev_valid_name`).
fn is_name(name: &str) -> bool {
    let is_usual =
        |letter: char| !matches!(letter, '/' | ':' | '\0') && !letter.is_ascii_whitespace();
    (1..=15).contains(&name.len()) && !matches!(name, "." | "..") && name.chars().all(is_usual)
}

/// Moves them to the process `pid`'s network namespace.
pub fn move_to(config: &Config, pid: Pid) -> Result<(), Error> {
    let devices = &config.linux.network_devices;
    if devices.is_empty() {
        return Ok(());
    }
    let path = format!("/proc/{pid}/ns/net");
    let there = CString::new(path.as_str()).unwrap_or_default();
    let there = descriptor::open(&there, libc::O_RDONLY, 0)
        .map_err(|errno| Error::new("linux.netDevices: open", &path, errno))?;
    let sockets =
        || -> Result<(Devices, Devices), Errno> { Ok((Devices::here()?, devices_of(&there)?)) };
    let (from, to) = sockets().map_err(|errno| {
        Error::new("linux.netDevices: ask the kernel for", "the devices", errno)
    })?;
    for (name, new) in devices {
        let new = new.as_deref().filter(|new| !new.is_empty()).unwrap_or(name);
        let name = CString::new(name.as_str()).unwrap_or_default();
        let new = CString::new(new).unwrap_or_default();
        move_one((&from, &name), (&to, &new), &there)?;
    }
    Ok(())
}

/// The sockets of a namespace stay those of it.
fn devices_of(there: &OwnedFd) -> Result<Devices, Errno> {
    let own = namespace::own_network()?;
    namespace::join(there.as_fd(), NewNamespaces::NETWORK)?;
    let devices = Devices::here();
    namespace::join(own.as_fd(), NewNamespaces::NETWORK)?;
    devices
}

fn move_one(
    (from, name): (&Devices, &CStr),
    (to, new): (&Devices, &CStr),
    there: &OwnedFd,
) -> Result<(), Error> {
    let doing = |operation: &str| {
        let operation = format!("linux.netDevices: {operation}");
        move |errno| Error::new(operation.as_str(), name.to_bytes(), errno)
    };
    let index = from.index(name).map_err(doing("find"))?;
    // Before anything is changed: the kernel would move it first, and rename it then.
    if to.index(new) != Err(Errno::ENODEV) {
        return Err(Error::refused(
            [b"linux.netDevices: ", name.to_bytes()].concat(),
            "the container has a device of the new name already",
        ));
    }
    // Before it is down: some of IPv6 go then.
    let addresses = from
        .addresses(index)
        .map_err(doing("read the addresses of"))?;
    let was_up = from.is_up(name).map_err(doing("look at"))?;
    from.set_up(name, false).map_err(doing("set down"))?;
    if let Err(errno) = from.move_to(index, there.as_fd(), new) {
        if was_up {
            // It is the host's as before.
            let _ = from.set_up(name, true);
        }
        let operation = format!("move to the container, as {},", new.to_string_lossy());
        let hint = match errno {
            Errno::EINVAL => Some(
                "devices of this kind stay where they are (a loopback, a bridge with ports, ...)",
            ),
            _ => None,
        };
        return Err(doing(&operation)(errno).hint(hint));
    }
    let index = to.index(new).map_err(doing("find in the container"))?;
    let kept = addresses
        .iter()
        .filter(|address| Address::is_permanent_and_global(address));
    for address in kept {
        to.add_address(index, address)
            .map_err(doing("give its address to"))?;
    }
    to.set_up(new, true)
        .map_err(doing("set up in the container"))
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_of_devices() {
        for good in ["eth0", "a.b", "fifteen-letters", "x%d"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a:b",
            "a b",
            "sixteen--letters",
            "a\n",
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
