//! `--sysctl`: settings of the kernel that belong to a namespace, of the container's own namespaces alone.

use super::named;
use crate::error::Error;
use crate::spec::{Namespace, Sysctl, SysctlFault};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// Errors: what is no name and value, and settings that no namespace has.
pub fn all(typed: &[OsString]) -> Result<Vec<Sysctl>, Error> {
    typed.iter().map(one).collect()
}

fn one(typed: &OsString) -> Result<Sysctl, Error> {
    let refused = |reason| Error::refused(named("--sysctl", typed), reason);
    let bytes = typed.as_bytes();
    let Some(equals) = bytes.iter().position(|byte| *byte == b'=') else {
        return Err(refused("it takes NAME=VALUE"));
    };
    Sysctl::new(&bytes[..equals], &bytes[equals + 1..]).map_err(|fault| {
        refused(match fault {
            SysctlFault::Value => "its value is one line that is not empty",
            SysctlFault::Name => "a name has parts between dots, none of them empty or ..",
            SysctlFault::OfNoNamespace => {
                "no namespace has it, so it would be the host's; net.*, fs.mqueue.*, kernel.msg*, kernel.sem and \
                 kernel.shm* can be set"
            }
        })
    })
}

/// The refusal of a setting whose namespace is not the container's own.
pub fn shared(typed: &OsString, namespace: Namespace, joins_network: bool) -> Error {
    let reason = match namespace {
        Namespace::Network if joins_network => {
            "with --network ns:PATH it would change a network that is not the container's own"
        }
        Namespace::Network => "with --network host it would be the host's",
        _ => "with --ipc host it would be the host's",
    };
    Error::refused(named("--sysctl", typed), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        for (typed, expected) in [
            ("net.ipv4.ip_forward=1", "net/ipv4/ip_forward=1"),
            ("kernel.sem=250 32000 32 128", "kernel/sem=250 32000 32 128"),
            ("net.x=a=b", "net/x=a=b"),
        ] {
            let found = one(&typed.into()).unwrap();
            let value = String::from_utf8(found.value).unwrap();
            assert_eq!(
                format!("{}={value}", found.path.into_string().unwrap()),
                expected
            );
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
            let error = one(&typed.into()).unwrap_err().to_string();
            assert!(error.contains(reason), "{typed}: {error}");
        }
        for (namespace, reason) in [
            (Namespace::Network, "--network host"),
            (Namespace::Ipc, "--ipc host"),
        ] {
            let error = shared(&"x.y=1".into(), namespace, false).to_string();
            assert!(error.starts_with("--sysctl x.y=1: "), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }
}
