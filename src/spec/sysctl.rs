//! `--sysctl`: settings of the kernel that belong to a namespace, of the container's own namespaces alone.

use super::{Namespace, Namespaces, c_string, named};
use crate::error::Error;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

/// A setting that the container begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysctl {
    /// Below /proc/sys, `net/ipv4/ip_forward`.
    pub path: CString,
    pub value: Vec<u8>,
}

/// Settings of an IPC namespace, as ipc_namespaces(7) lists them.
const OF_IPC: [&[u8]; 8] = [
    b"kernel/msgmax",
    b"kernel/msgmnb",
    b"kernel/msgmni",
    b"kernel/sem",
    b"kernel/shmall",
    b"kernel/shmmax",
    b"kernel/shmmni",
    b"kernel/shm_rmid_forced",
];

/// Errors: what is no name and value, and what would change the host: settings that no namespace has, and those of a
/// namespace that is the caller's.
pub fn all(typed: &[OsString], namespaces: Namespaces) -> Result<Vec<Sysctl>, Error> {
    typed.iter().map(|typed| one(typed, namespaces)).collect()
}

fn one(typed: &OsString, namespaces: Namespaces) -> Result<Sysctl, Error> {
    let option = || named("--sysctl", typed);
    let refused = |reason| Err(Error::refused(option(), reason));
    let bytes = typed.as_bytes();
    let Some(equals) = bytes.iter().position(|byte| *byte == b'=') else {
        return refused("it takes NAME=VALUE");
    };
    let (name, value) = (&bytes[..equals], &bytes[equals + 1..]);
    if value.is_empty() || value.contains(&b'\n') {
        return refused("its value is one line that is not empty");
    }
    let Some(path) = path(name) else {
        return refused("a name has parts between dots, none of them empty or ..");
    };
    let (namespace, shared) = if path.starts_with(b"net/") {
        (
            Namespace::Network,
            "with --network host it would be the host's",
        )
    } else if path.starts_with(b"fs/mqueue/") || OF_IPC.contains(&path.as_slice()) {
        (Namespace::Ipc, "with --ipc host it would be the host's")
    } else {
        return refused(
            "no namespace has it, so it would be the host's; net.*, fs.mqueue.*, kernel.msg*, kernel.sem and \
             kernel.shm* can be set",
        );
    };
    if !namespaces.contains(namespace) {
        return refused(shared);
    }
    Ok(Sysctl {
        path: c_string("--sysctl", &path)?,
        value: value.to_vec(),
    })
}

/// The path below /proc/sys. As sysctl(8) reads names: the separator is what comes first, a dot or a slash, and the other
/// one stands for it within a part (`net.ipv4.conf.eth0/1.forwarding` is about `eth0.1`).
fn path(name: &[u8]) -> Option<Vec<u8>> {
    let is_dotted = name.iter().find(|byte| matches!(byte, b'.' | b'/')) == Some(&b'.');
    let path: Vec<u8> = name
        .iter()
        .map(|byte| match byte {
            b'.' if is_dotted => b'/',
            b'/' if is_dotted => b'.',
            byte => *byte,
        })
        .collect();
    let is_usual = |part: &[u8]| !part.is_empty() && part != b"." && part != b"..";
    path.split(|byte| *byte == b'/')
        .all(is_usual)
        .then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str, namespaces: Namespaces) -> Result<String, String> {
        let found = one(&typed.into(), namespaces).map_err(|error| error.to_string())?;
        let value = String::from_utf8(found.value).unwrap();
        Ok(format!("{}={value}", found.path.into_string().unwrap()))
    }

    #[test]
    fn names_are_paths() {
        for (typed, expected) in [
            ("net.ipv4.ip_forward=1", "net/ipv4/ip_forward=1"),
            ("net/ipv4/ip_forward=1", "net/ipv4/ip_forward=1"),
            (
                "net.ipv4.conf.eth0/1.forwarding=1",
                "net/ipv4/conf/eth0.1/forwarding=1",
            ),
            (
                "net/ipv4/conf/eth0.1/forwarding=1",
                "net/ipv4/conf/eth0.1/forwarding=1",
            ),
            ("kernel.sem=250 32000 32 128", "kernel/sem=250 32000 32 128"),
            ("fs.mqueue.msg_max=20", "fs/mqueue/msg_max=20"),
            ("net.x=a=b", "net/x=a=b"),
        ] {
            assert_eq!(read(typed, Namespaces::CONTAINER).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_the_hosts_is_refused() {
        for (typed, reason) in [
            ("kernel.panic=1", "no namespace has it"),
            ("kernel.msgmax_=1", "no namespace has it"),
            ("vm.swappiness=1", "no namespace has it"),
            ("net=1", "no namespace has it"),
            ("net..ipv4=1", "none of them empty"),
            (".net.ipv4=1", "none of them empty"),
            ("net.ipv4.=1", "none of them empty"),
            ("net/../kernel/panic=1", "none of them empty or .."),
            ("net.//.kernel=1", "none of them empty or .."),
            ("/net/ipv4=1", "none of them empty"),
            ("=1", "none of them empty"),
            ("net.ipv4.ip_forward", "NAME=VALUE"),
            ("net.ipv4.ip_forward=", "one line"),
            ("net.ipv4.ip_forward=1\n2", "one line"),
        ] {
            let error = read(typed, Namespaces::CONTAINER).unwrap_err();
            assert!(error.contains(reason), "{typed}: {error}");
        }
        let shared = Namespaces::CONTAINER
            .without(Namespace::Network)
            .without(Namespace::Ipc);
        for (typed, reason) in [
            ("net.x=1", "--network host"),
            ("kernel.sem=1", "--ipc host"),
        ] {
            let error = read(typed, shared).unwrap_err();
            assert!(error.contains(reason), "{typed}: {error}");
        }
    }
}
