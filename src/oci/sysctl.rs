//! `linux.sysctl`: settings of the kernel that the container's namespaces have for themselves.

use super::config::{Config, NamespaceKind};
use super::namespaces::NamespacesOf;
use crate::error::Error;
use crate::plan::Step;
use std::ffi::CString;

/// The steps that write them, when the container's proc is there and /proc/sys is not read-only yet.
///
/// Errors: a setting that is not the container's own, or no name of one.
pub fn steps(config: &Config, namespaces: &NamespacesOf) -> Result<Vec<Step>, Error> {
    let settings = config.linux.sysctls.iter();
    let steps = settings.map(|(name, value)| {
        let dotted = dotted(name);
        check(&dotted, config, namespaces)?;
        let path = path(&dotted).ok_or_else(|| {
            let subject = format!("linux.sysctl {name}");
            Error::refused(subject, "a part of the name is empty, or . or ..")
        })?;
        Ok(Step::Sysctl {
            path: Box::new(path),
            value: value.clone(),
        })
    });
    steps.collect()
}

/// The name with dots between its parts. As sysctl(8) reads names: what comes first, a dot or a slash, is the separator, and
/// the other one stands for it within a part.
fn dotted(name: &str) -> String {
    match name.find(['.', '/']).map(|at| name.as_bytes()[at]) {
        Some(b'/') => swapped(name),
        _ => name.to_owned(),
    }
}

fn swapped(name: &str) -> String {
    let swap = |letter| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    name.chars().map(swap).collect()
}

/// The path below /proc/sys.
fn path(dotted: &str) -> Option<CString> {
    let path = swapped(dotted);
    let is_usual = |part: &str| !matches!(part, "" | "." | "..");
    let is_path = path.split('/').all(is_usual);
    is_path.then(|| CString::new(path).ok())?
}

/// Settings of an IPC namespace, as ipc_namespaces(7) lists them.
const OF_IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

fn check(name: &str, config: &Config, namespaces: &NamespacesOf) -> Result<(), Error> {
    let refused = |reason: &str| Err(Error::told(&format!("sysctl \"{name}\" {reason}")));
    if OF_IPC.contains(&name) || name.starts_with("fs.mqueue.") {
        return match namespaces.has_own(NamespaceKind::Ipc) {
            true => Ok(()),
            false => refused("is not allowed in the hosts ipc namespace"),
        };
    }
    if name.starts_with("net.") {
        return match namespaces.has_own(NamespaceKind::Network) {
            true => Ok(()),
            false => refused("not allowed in host network namespace"),
        };
    }
    if name.starts_with("user.") {
        return match namespaces.has_own(NamespaceKind::User) {
            true => Ok(()),
            false => refused("not allowed: setting ucounts without a user namespace"),
        };
    }
    let has_names = namespaces.has_own(NamespaceKind::Uts);
    match name {
        "kernel.hostname" if has_names => {
            refused("is not allowed as it conflicts with the OCI \"hostname\" field")
        }
        "kernel.domainname" if has_names && config.domain_name.is_none() => Ok(()),
        "kernel.domainname" if has_names => {
            refused("is not allowed as it conflicts with the OCI \"domainname\" field")
        }
        _ => refused("is not in a separate kernel namespace"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::config::{Linux, NamespaceOf};
    use crate::oci::namespaces;

    fn of(kinds: &[NamespaceKind], names: &[&str]) -> Result<Vec<CString>, String> {
        let namespaces = kinds.iter().map(|kind| NamespaceOf {
            kind: *kind,
            path: None,
        });
        let settings = names.iter().map(|name| ((*name).to_owned(), b"1".to_vec()));
        let config = Config {
            linux: Linux {
                namespaces: namespaces.collect(),
                sysctls: settings.collect(),
                ..Linux::default()
            },
            ..Config::default()
        };
        let own = namespaces::read(&config).map_err(|error| error.to_string())?;
        let steps = steps(&config, &own).map_err(|error| error.to_string())?;
        let paths = steps.into_iter().map(|step| match step {
            Step::Sysctl { path, .. } => *path,
            step => panic!("{step:?}"),
        });
        Ok(paths.collect())
    }

    use NamespaceKind::{Ipc, Mount, Network, Uts};

    #[test]
    fn names_are_paths_below_proc_sys() {
        let all = [Mount, Ipc, Network, Uts];
        for (name, expected) in [
            ("net.ipv4.ip_forward", c"net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", c"net/ipv4/ip_forward"),
            (
                "net.ipv4.conf.eth0/1.forwarding",
                c"net/ipv4/conf/eth0.1/forwarding",
            ),
            (
                "net/ipv4/conf/eth0.1/forwarding",
                c"net/ipv4/conf/eth0.1/forwarding",
            ),
            ("kernel.sem", c"kernel/sem"),
            ("kernel/shmmax", c"kernel/shmmax"),
            ("fs.mqueue.msg_max", c"fs/mqueue/msg_max"),
            ("kernel.domainname", c"kernel/domainname"),
        ] {
            assert_eq!(of(&all, &[name]).unwrap(), [expected.to_owned()]);
        }
        for name in ["net.", "net./../kernel/panic", "net..x", "net.x\0"] {
            let text = of(&all, &[name]).unwrap_err();
            assert!(text.contains("a part of the name"), "{name}: {text}");
        }
    }

    #[test]
    fn what_is_the_hosts_is_refused() {
        for (kinds, name, expected) in [
            (&[Mount][..], "kernel.sem", "hosts ipc namespace"),
            (&[Mount], "fs.mqueue.msg_max", "hosts ipc namespace"),
            (
                &[Mount, Ipc],
                "net.ipv4.ip_forward",
                "host network namespace",
            ),
            (
                &[Mount, Uts],
                "kernel.hostname",
                "conflicts with the OCI \"hostname\"",
            ),
            (
                &[Mount],
                "kernel.domainname",
                "not in a separate kernel namespace",
            ),
            (
                &[Mount, Ipc, Network, Uts],
                "kernel.panic",
                "not in a separate kernel namespace",
            ),
            (
                &[Mount],
                "user.max_user_namespaces",
                "without a user namespace",
            ),
            (&[Mount, Network], "vm.swappiness", "not in a separate"),
        ] {
            let text = of(kinds, &[name]).unwrap_err();
            assert!(text.contains(expected), "{name}: {text}");
        }
    }
}
