//! Settings of the kernel that belong to a namespace.

use super::Namespace;
use std::ffi::CString;

/// A setting that the container begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysctl {
    /// Below /proc/sys, `net/ipv4/ip_forward`.
    pub path: CString,
    pub value: Vec<u8>,
    /// The namespace that it belongs to.
    pub namespace: Namespace,
}

/// Why something is no setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SysctlFault {
    /// The value is not one line, or empty.
    Value,
    /// A part of the name is empty, `.` or `..`.
    Name,
    /// The setting belongs to no namespace, so it would be the host's.
    OfNoNamespace,
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

impl Sysctl {
    pub fn new(name: &[u8], value: &[u8]) -> Result<Self, SysctlFault> {
        if value.is_empty() || value.contains(&b'\n') {
            return Err(SysctlFault::Value);
        }
        let path = path(name).ok_or(SysctlFault::Name)?;
        let namespace = if path.starts_with(b"net/") {
            Namespace::Network
        } else if path.starts_with(b"fs/mqueue/") || OF_IPC.contains(&path.as_slice()) {
            Namespace::Ipc
        } else {
            return Err(SysctlFault::OfNoNamespace);
        };
        Ok(Self {
            path: CString::new(path).map_err(|_| SysctlFault::Name)?,
            value: value.to_vec(),
            namespace,
        })
    }
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

    #[test]
    fn names_are_paths() {
        for (name, expected) in [
            ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
            (
                "net.ipv4.conf.eth0/1.forwarding",
                "net/ipv4/conf/eth0.1/forwarding",
            ),
            (
                "net/ipv4/conf/eth0.1/forwarding",
                "net/ipv4/conf/eth0.1/forwarding",
            ),
            ("kernel.sem", "kernel/sem"),
            ("fs.mqueue.msg_max", "fs/mqueue/msg_max"),
        ] {
            let found = Sysctl::new(name.as_bytes(), b"250 32000").unwrap();
            assert_eq!(found.path.to_str(), Ok(expected));
            assert_eq!(found.value, b"250 32000");
        }
    }

    #[test]
    fn each_has_its_namespace() {
        for (name, namespace) in [
            ("net.x", Ok(Namespace::Network)),
            ("kernel.shmmax", Ok(Namespace::Ipc)),
            ("fs.mqueue.msg_max", Ok(Namespace::Ipc)),
            ("kernel.panic", Err(SysctlFault::OfNoNamespace)),
            ("kernel.msgmax_", Err(SysctlFault::OfNoNamespace)),
            ("vm.swappiness", Err(SysctlFault::OfNoNamespace)),
            ("net", Err(SysctlFault::OfNoNamespace)),
        ] {
            let found = Sysctl::new(name.as_bytes(), b"1").map(|found| found.namespace);
            assert_eq!(found, namespace, "{name}");
        }
    }
}
