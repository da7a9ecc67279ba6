//! What the container shares with the host, and what it is called.

use super::{Choice, Line, Needs, Reading, Row, Section, text, words};
use crate::docker::{bad_value, topic::RUN_HELP};
use crate::error::Error;
use crate::spec::{JoinTarget, NamespaceChoice, Network};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

pub const OPTIONS: &[Row] = &[
    Row {
        long: "hostname",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::One(text("NAME"), |line| &mut line.run.hostname),
        brief: "the host name",
        help: "The host name. (`-h` is help, and not docker's short form of this.)",
        default: "twelve fresh hexadecimal digits",
    },
    Row {
        long: "domainname",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::One(text("NAME"), |line| &mut line.run.domain_name),
        brief: "the NIS domain name",
        help: "The NIS domain name, setdomainname(2).",
        default: "yours",
    },
    Row {
        long: "network",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::Own(words("none|host|ns:PATH", &["none", "host"]), network),
        brief: "only a loopback, yours, or one that is there",
        help: "`none`: only a loopback of its own; `host`: your network; `ns:PATH`: the network namespace of this file \
               (`ip netns add`, `/proc/PID/ns/net`), as it is, its loopback too; for root.",
        default: "`none`",
    },
    Row {
        long: "pid",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::Choice(&[
            Choice {
                word: "private",
                choose: |line: &mut Line| line.run.pid = NamespaceChoice::New,
            },
            Choice {
                word: "host",
                choose: |line: &mut Line| line.run.pid = NamespaceChoice::Host,
            },
        ]),
        brief: "share your process ids",
        help: "`host`: share your process ids; a keeper beside the command ends what it leaves behind.",
        default: "new ones",
    },
    Row {
        long: "ipc",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::Choice(&[
            Choice {
                word: "private",
                choose: |line: &mut Line| line.run.ipc = NamespaceChoice::New,
            },
            Choice {
                word: "host",
                choose: |line: &mut Line| line.run.ipc = NamespaceChoice::Host,
            },
        ]),
        brief: "share your IPC objects",
        help: "`host`: share your IPC objects.",
        default: "new ones",
    },
    Row {
        long: "uts",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::Choice(&[
            Choice {
                word: "private",
                choose: |line: &mut Line| line.run.uts = NamespaceChoice::New,
            },
            Choice {
                word: "host",
                choose: |line: &mut Line| line.run.uts = NamespaceChoice::Host,
            },
        ]),
        brief: "share your host name",
        help: "`host`: share your host name.",
        default: "one of its own",
    },
    Row {
        long: "cgroupns",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::Choice(&[
            Choice {
                word: "private",
                choose: |line: &mut Line| line.run.cgroup = NamespaceChoice::New,
            },
            Choice {
                word: "host",
                choose: |line: &mut Line| line.run.cgroup = NamespaceChoice::Host,
            },
        ]),
        brief: "see the names of all cgroups",
        help: "`host`: see cgroups by the names that they have for you.",
        default: "its own are the tops",
    },
    Row {
        long: "sysctl",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Nothing,
        reading: Reading::Many(text("NAME=VALUE"), |line| &mut line.run.sysctls),
        brief: "a setting of the container's own namespaces",
        help: "A setting of the container's own namespaces: `net.*`, `fs.mqueue.*`, `kernel.msg*`, `kernel.sem`, \
               `kernel.shm*`.",
        default: "the kernel's",
    },
    Row {
        long: "dns",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Root,
        reading: Reading::Many(text("ADDRESS"), |line| &mut line.run.dns),
        brief: "a name server for /etc/resolv.conf",
        help: "A name server for `/etc/resolv.conf`.",
        default: "with `--network host` or `ns:PATH` yours",
    },
    Row {
        long: "dns-search",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Root,
        reading: Reading::Many(text("DOMAIN"), |line| &mut line.run.dns_searches),
        brief: "a domain in which names are looked for",
        help: "A domain in which names are looked for; `.` for none.",
        default: "with `--network host` or `ns:PATH` yours",
    },
    Row {
        long: "dns-option",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Root,
        reading: Reading::Many(text("OPTION"), |line| &mut line.run.dns_options),
        brief: "an option of resolv.conf(5)",
        help: "An option of resolv.conf(5): `ndots:2`.",
        default: "with `--network host` or `ns:PATH` yours",
    },
    Row {
        long: "add-host",
        short: None,
        section: Section::Namespaces,
        needs: Needs::Root,
        reading: Reading::Many(text("NAME:ADDRESS"), |line| &mut line.run.hosts),
        brief: "a line for /etc/hosts",
        help: "A line for `/etc/hosts`.",
        default: "",
    },
];

fn network(line: &mut Line, name: &'static str, typed: OsString) -> Result<(), Error> {
    // podman's spelling; a path may have any bytes.
    if let Some(path) = typed.as_bytes().strip_prefix(b"ns:") {
        line.run.network = joined(name, path)?;
        return Ok(());
    }
    line.run.network = match typed.to_str() {
        Some("none") => Network::Loopback,
        Some("host") => Network::Host,
        // Those that docker and podman have by name.
        Some("bridge" | "default" | "private" | "slirp4netns" | "pasta") => {
            return Err(Error::refused(
                format!("--{name} {}", typed.to_string_lossy()),
                "there is no bridge: a container has a loopback (none), your network (host) or one that is there (ns:PATH, \
                 ip netns); a device is moved in by ip link set NAME netns PID",
            ));
        }
        Some(shared) if shared.starts_with("container:") => {
            return Err(Error::refused(
                format!("--{name} {shared}"),
                "another container's network is joined by the file of its namespace: --network ns:/proc/PID/ns/net (PID: \
                 mydocker inspect -f '{{.State.Pid}}' NAME)",
            ));
        }
        Some(path) if path.starts_with('/') => {
            return Err(Error::refused(
                format!("--{name} {path}"),
                "a network namespace that is there is named ns:PATH",
            ));
        }
        _ => return Err(bad_value((name, RUN_HELP), &typed, "none, host or ns:PATH")),
    };
    Ok(())
}

#[cold]
#[inline(never)]
fn joined(name: &str, path: &[u8]) -> Result<Network, Error> {
    let refused = |reason| {
        let option = [b"--", name.as_bytes(), b" ns:", path].concat();
        Error::refused(option, reason)
    };
    if path.is_empty() {
        return Err(refused("ns:PATH names the file of a network namespace"));
    }
    if !path.contains(&b'/') {
        return Err(refused(
            "it takes a path: ip netns keeps its names in /run/netns",
        ));
    }
    let path = CString::new(path).map_err(|_| refused("there is a NUL in the path"))?;
    Ok(Network::Join(JoinTarget::Path(path)))
}
