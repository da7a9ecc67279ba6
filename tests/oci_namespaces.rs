//! Namespaces of config.json, from outside: new ones, those that are joined, and who is who in a user namespace.

#[path = "oci_mounts/bundle.rs"]
mod bundle;
#[path = "common/mod.rs"]
mod common;

use bundle::{Bundle, each_of_root};
use common::*;
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};

/// A process in namespaces of its own, until it is dropped.
struct Holder(Child);

impl Holder {
    /// unshare(1) of these kinds; in a user namespace root is `FIRST` outside.
    fn new(options: &[&str]) -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(options);
        // It tells when it is there, and stays until its stdin ends.
        command.args(["sh", "-c", "echo ready; read line"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            skip("there is no unshare");
            return None;
        };
        let mut ready = [0; 6];
        let out = child.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(out, &mut ready).expect("it is there");
        let holder = Self(child);
        if options.contains(&"-U") {
            for file in ["uid_map", "gid_map"] {
                let path = format!("/proc/{}/{file}", holder.0.id());
                std::fs::write(path, format!("0 {FIRST} 65536\n")).expect("root may map");
            }
        }
        Some(holder)
    }

    fn path(&self, kind: &str) -> String {
        format!("/proc/{}/ns/{kind}", self.0.id())
    }

    fn link(&self, kind: &str) -> String {
        let link = std::fs::read_link(self.path(kind)).expect("a namespace");
        link.to_string_lossy().into_owned()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

const FIRST: u32 = 300_000;

fn own(kind: &str) -> String {
    let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace");
    link.to_string_lossy().into_owned()
}

/// What the kernel calls it, and config.json.
const KINDS: [(&str, &str); 7] = [
    ("user", "user"),
    ("net", "network"),
    ("uts", "uts"),
    ("ipc", "ipc"),
    ("cgroup", "cgroup"),
    ("mnt", "mount"),
    ("time", "time"),
];

/// The container's links, by the kernel's name.
fn links(bundle: &mut Bundle) -> Vec<(String, String)> {
    let script = "for n in user net uts ipc cgroup mnt time; do echo $n $(readlink /proc/self/ns/$n); done; id -u";
    let said = bundle.says(script);
    assert_eq!(said.lines().last(), Some("0"), "{}: {said}", bundle.case);
    let lines = said.lines().filter_map(|line| line.split_once(' '));
    let links = lines.map(|(kind, link)| (kind.to_owned(), link.to_owned()));
    links.collect()
}

fn wish(bundle: &mut Bundle, joined: &[(&str, String)], new: &[&str]) {
    let joined = joined
        .iter()
        .map(|(kind, path)| json!({"type": kind, "path": path}));
    let new = new.iter().map(|kind| json!({"type": kind}));
    bundle.config["linux"]["namespaces"] = joined.chain(new).collect::<Vec<Value>>().into();
}

fn map(bundle: &mut Bundle) {
    let map = json!([
        {"containerID": 0, "hostID": FIRST, "size": 1},
        {"containerID": 1, "hostID": FIRST + 100, "size": 999},
        {"containerID": 1000, "hostID": FIRST + 2000, "size": 1000},
    ]);
    bundle.config["linux"]["uidMappings"] = map.clone();
    bundle.config["linux"]["gidMappings"] = map;
}

/// The root's files belong to the container's root.
fn give(bundle: &Bundle) {
    let root = bundle.tree.beside("root");
    let status = Command::new("chown")
        .args(["-R", &FIRST.to_string(), &root])
        .status();
    assert!(status.expect("chown").success());
}

#[test]
fn what_is_new_is_its_own_and_what_is_not_listed_the_callers() {
    each_of_root(|mut bundle| {
        for (_, new) in KINDS.iter().filter(|(_, kind)| *kind != "user") {
            let others: &[&str] = if *new == "mount" { &[] } else { &[new] };
            wish(&mut bundle, &[], &[&["mount"], others].concat());
            for (kind, link) in links(&mut bundle) {
                let name = KINDS.iter().find(|(known, _)| *known == kind).unwrap().1;
                let is_new = name == *new || name == "mount";
                assert_eq!(link != own(&kind), is_new, "{}: {new} {kind}", bundle.case);
            }
        }
    });
}

#[test]
fn ids_are_mapped_line_by_line() {
    each_of_root(|mut bundle| {
        wish(&mut bundle, &[], &["mount", "pid", "user", "time"]);
        map(&mut bundle);
        give(&bundle);
        bundle.config["linux"]["timeOffsets"] =
            json!({"monotonic": {"secs": 86400, "nanosecs": 5}, "boottime": {"secs": 7}});
        bundle.config["process"]["user"] = json!({"uid": 1005, "gid": 3, "additionalGids": [1999]});
        let said = bundle.says("cat /proc/self/uid_map /proc/self/timens_offsets; id -u; id -G");
        let words: Vec<&str> = said.split_whitespace().collect();
        let expected =
            "0 300000 1 1 300100 999 1000 302000 1000 monotonic 86400 5 boottime 7 0 1005 3 1999";
        assert_eq!(words.join(" "), expected, "{}", bundle.case);

        bundle.config["process"]["user"] = json!({"uid": 2000, "gid": 3});
        let text = bundle.refusal("echo it runs");
        assert!(
            text.contains("process.user.uid 2000: it is not mapped"),
            "{text}"
        );
    });
}

/// A user namespace that is joined owns what is new; one that is new owns nothing of what is joined; and one that is joined
/// may have nothing to do with what is joined beside it.
#[test]
fn user_namespaces_go_together_with_namespaces_that_are_joined() {
    if root_cases().is_empty() {
        return;
    }
    let (Some(other), Some(hosts)) = (
        Holder::new(&["-U", "-n", "-u", "-i", "-T"]),
        Holder::new(&["-n", "-u"]),
    ) else {
        return;
    };
    each_of_root(|mut bundle| {
        give(&bundle);
        let kinds = [
            ("user", "user"),
            ("network", "net"),
            ("uts", "uts"),
            ("ipc", "ipc"),
            ("time", "time"),
        ];
        let all = kinds.map(|(kind, kernels)| (kind, other.path(kernels)));
        wish(&mut bundle, &all, &["mount", "pid"]);
        for (kind, link) in links(&mut bundle) {
            let is_joined = kinds.iter().any(|(_, kernels)| *kernels == kind);
            assert_eq!(
                link == other.link(&kind),
                is_joined || kind == "cgroup",
                "{}: {kind}",
                bundle.case
            );
        }

        wish(
            &mut bundle,
            &[("user", other.path("user"))],
            &["mount", "pid", "network", "uts", "cgroup"],
        );
        for (kind, link) in links(&mut bundle) {
            assert_eq!(
                link == other.link(&kind),
                kind == "user",
                "{}: {kind}",
                bundle.case
            );
            assert_eq!(
                link == own(&kind),
                matches!(kind.as_str(), "ipc" | "time"),
                "{kind}"
            );
        }

        let beside = [("user", other.path("user")), ("network", hosts.path("net"))];
        wish(&mut bundle, &beside, &["mount", "pid"]);
        let found = links(&mut bundle);
        assert_eq!(found[0].1, other.link("user"), "{}", bundle.case);
        assert_eq!(found[1].1, hosts.link("net"), "{}", bundle.case);

        wish(&mut bundle, &beside[1..], &["mount", "pid", "user"]);
        map(&mut bundle);
        let found = links(&mut bundle);
        assert!(![own("user"), other.link("user")].contains(&found[0].1));
        assert_eq!(found[1].1, hosts.link("net"), "{}", bundle.case);
    });
}

#[test]
fn mappings_of_a_user_namespace_that_is_joined_have_to_be_its_own() {
    if root_cases().is_empty() {
        return;
    }
    let Some(other) = Holder::new(&["-U"]) else {
        return;
    };
    let own = json!([{"containerID": 0, "hostID": FIRST, "size": 65536}]);
    let less = json!([{"containerID": 0, "hostID": FIRST, "size": 65535}]);
    each_of_root(|mut bundle| {
        give(&bundle);
        wish(
            &mut bundle,
            &[("user", other.path("user"))],
            &["mount", "pid"],
        );
        for (users, groups, is_taken) in [
            (json!([]), json!([]), true),
            (own.clone(), own.clone(), true),
            (own.clone(), less.clone(), false),
            (less.clone(), own.clone(), false),
            (own.clone(), json!([]), false),
        ] {
            bundle.config["linux"]["uidMappings"] = users;
            bundle.config["linux"]["gidMappings"] = groups;
            if is_taken {
                assert_eq!(bundle.says("echo it runs"), "it runs\n");
            } else {
                let text = bundle.refusal("echo it runs");
                assert!(
                    text.contains("both namespace path and non-matching mapping"),
                    "{text}"
                );
            }
        }
    });
}

#[test]
fn paths_are_checked_before_anything_is_made() {
    each_of_root(|mut bundle| {
        for (path, expected) in [
            (
                "/proc/self/ns/uts",
                "linux.namespaces: /proc/self/ns/uts: it is a namespace of another kind",
            ),
            ("/dev/null", "it is no network namespace"),
            ("/no/such/file", "(ENOENT)"),
        ] {
            wish(&mut bundle, &[("network", path.to_owned())], &["mount"]);
            let text = bundle.refusal("echo it runs");
            assert!(text.contains(expected), "{}: {text}", bundle.case);
        }
        wish(
            &mut bundle,
            &[("network", "/proc/self/ns/net".into())],
            &["mount"],
        );
        bundle.config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
        let text = bundle.refusal("echo it runs");
        assert!(
            text.contains("not allowed in host network namespace"),
            "{text}"
        );
    });
}

/// What a path names may be the host's own: that is none of the container's.
#[test]
fn what_the_runtime_is_in_is_not_the_containers_to_set() {
    let shmmni = std::fs::read_to_string("/proc/sys/kernel/shmmni").unwrap();
    each_of_root(|mut bundle| {
        let joined = ["ipc", "uts", "pid"].map(|kind| (kind, format!("/proc/self/ns/{kind}")));
        wish(&mut bundle, &joined, &["mount"]);
        bundle.config["linux"]["sysctl"] = json!({"kernel.shmmni": shmmni.trim()});
        let text = bundle.refusal("echo it runs");
        assert!(text.contains("hosts ipc namespace"), "{text}");
        bundle.config["linux"]["sysctl"] = json!({});
        // The one that it has.
        let name = nix::unistd::gethostname().unwrap();
        bundle.config["hostname"] = json!(name.to_str().unwrap());
        let text = bundle.refusal("echo it runs");
        assert!(text.contains("without a private UTS namespace"), "{text}");
        bundle.config["hostname"] = json!("");
        let said = bundle.says("for n in ipc uts pid; do readlink /proc/self/ns/$n; done");
        let expected: String = joined.iter().map(|(kind, _)| own(kind) + "\n").collect();
        assert_eq!(said, expected, "{}", bundle.case);
    });
}

#[test]
fn settings_are_the_containers_alone() {
    let of_host = || std::fs::read_to_string("/proc/sys/kernel/shmmni").unwrap();
    let before = of_host();
    each_of_root(|mut bundle| {
        wish(&mut bundle, &[], &["mount", "ipc", "network", "uts"]);
        bundle.config["linux"]["sysctl"] = json!({
            "kernel.shmmni": "1234",
            "net/ipv4/ping_group_range": "0 5",
            "kernel.domainname": "of.container",
        });
        let said = bundle
            .says("cd /proc/sys; cat kernel/shmmni net/ipv4/ping_group_range kernel/domainname");
        assert_eq!(said, "1234\n0\t5\nof.container\n", "{}", bundle.case);
        assert_eq!(of_host(), before);
    });
}

#[test]
fn network_devices_come_with_their_addresses() {
    each_of_root(|mut bundle| {
        let ip = |words: &str| {
            let done = Command::new("ip")
                .args(words.split(' '))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            done.is_ok_and(|status| status.success())
        };
        let (one, peer) = (
            format!("mdo{}", std::process::id() % 100_000),
            format!("mdp{}", std::process::id() % 100_000),
        );
        if !ip(&format!("link add {one} type veth peer name {peer}")) {
            skip("there is no ip, or no veth");
            return;
        }
        assert!(ip(&format!("addr add 10.98.0.5/24 dev {one}")));
        wish(&mut bundle, &[], &["mount", "network"]);
        let devices = |new: &str| json!({one.as_str(): {"name": new}});
        bundle.config["linux"]["netDevices"] = devices("lo");
        let text = bundle.refusal("echo it runs");
        let stays = ip(&format!("link show {one}"));
        bundle.config["linux"]["netDevices"] = devices("inside0");
        let outcome = bundle.run("busybox ip addr show inside0");
        ip(&format!("link del {peer}"));
        assert!(
            text.contains("has a device of the new name already"),
            "{text}"
        );
        assert!(stays, "{}: it is the host's as before", bundle.case);
        let said = outcome.stdout;
        assert!(
            said.contains("inet 10.98.0.5/24") && said.contains("UP"),
            "{}: {said} {}",
            bundle.case,
            outcome.stderr
        );
    });
}

/// Whoever has all rights in a user namespace and sees the processes of a container that is being made in it does not look into
/// one that still sees the host: its files in /proc are those of the host's root.
#[test]
fn who_is_set_up_belongs_to_no_user_namespace_that_is_joined() {
    if root_cases().is_empty() {
        return;
    }
    let Some(other) = Holder::new(&["-U"]) else {
        return;
    };
    each_of_root(|mut bundle| {
        give(&bundle);
        wish(
            &mut bundle,
            &[("user", other.path("user"))],
            &["mount", "pid"],
        );
        let told = bundle.tree.beside("told");
        let script = format!(
            "read state; pid=${{state#*'\"pid\":'}}; stat -c %u /proc/${{pid%%,*}}/mem > {told}"
        );
        let hook =
            json!({"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin"]});
        bundle.config["hooks"] = json!({"createRuntime": [hook]});
        assert_eq!(bundle.says("echo it runs"), "it runs\n");
        assert_eq!(
            std::fs::read_to_string(&told).unwrap(),
            "0\n",
            "{}",
            bundle.case
        );
    });
}
