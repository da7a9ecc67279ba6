//! `--network ns:PATH`: a container in a network namespace that is there already, which stays as it is.

mod common;

use common::tree::*;
use common::*;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const OF_ONE_ID: &str =
    "--network ns:PATH: an ordinary user's container is in a user namespace of its own";

/// A process in a network namespace of its own, whose packets live for 77 hops and whose loopback is down.
struct Holder(Child);

impl Holder {
    /// `None`, and said so, without unshare(1).
    fn new(case: Case) -> Option<Self> {
        let script = "echo 77 > /proc/sys/net/ipv4/ip_default_ttl && echo ready && read -r line";
        let mut words: Vec<&str> = vec!["unshare", "--net"];
        if case.caller == Caller::Ordinary {
            words.extend(["--user", "--map-root-user"]);
        }
        words.extend(["sh", "-c", script]);
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let mut command = case.prepared(&words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("unshare");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("read");
        let holder = Self(child);
        if line != "ready\n" {
            skip("no network namespace can be made and set here");
            return None;
        }
        Some(holder)
    }

    fn file(&self, kind: &str) -> String {
        format!("/proc/{}/ns/{kind}", self.0.id())
    }

    /// As the kernel calls it.
    fn name(&self) -> String {
        let name = std::fs::read_link(self.file("net")).expect("a namespace");
        name.to_str().expect("letters").to_owned()
    }

    /// mydocker by this case's caller, who is root in the user namespace that the network belongs to.
    fn run(&self, case: Case, options: &[&str], script: &str) -> Outcome {
        let program = mydocker();
        let mut words: Vec<OsString> = Vec::new();
        if case.caller == Caller::Ordinary {
            let pid = self.0.id().to_string();
            let enter = ["nsenter", "--user", "--preserve-credentials", "-t", &pid];
            words.extend(enter.map(OsString::from));
        }
        let network = format!("ns:{}", self.file("net"));
        words.push(program.into());
        words.extend(["run", "--launch", case.launch, "--network", &network].map(OsString::from));
        words.extend(options.iter().map(OsString::from));
        words.extend(["/bin/sh", "-c", script].map(OsString::from));
        finish(case.prepared(&words))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_container_is_in_it_and_leaves_it_as_it_was() {
    each(|case, tree| {
        let Some(holder) = Holder::new(case) else {
            return;
        };
        let script = "readlink /proc/self/ns/net; cat /proc/sys/net/ipv4/ip_default_ttl";
        let expected = format!("{}\n77\n", holder.name());
        for options in [
            &[][..],
            &["--init"],
            &["--pid=host"],
            &["--timeout=60"],
            &["-u=1234:555"],
        ] {
            if case.caller == Caller::Ordinary && options == ["-u=1234:555"] {
                continue;
            }
            let outcome = holder.run(case, options, script);
            assert_eq!(outcome.output(case), expected, "{case} {options:?}");
            assert_eq!(outcome.stderr, "", "{case} {options:?}");
        }
        // In a root of its own sysfs is a new one, and shows that network. A loopback that is up has 0x9.
        let root = tree.name();
        let script = "cat /proc/sys/net/ipv4/ip_default_ttl /sys/class/net/lo/flags";
        let outcome = holder.run(case, &["--rootfs", &root], script);
        assert_eq!(outcome.output(case), "77\n0x8\n", "{case}");
        // Nothing of it is open.
        let script = "for file in /proc/self/fd/*; do readlink $file; done; true";
        let outcome = holder.run(case, &[], script);
        assert!(
            !outcome.output(case).contains("net:["),
            "{case}: {outcome:?}"
        );
    });
}

#[test]
fn it_is_read_from_a_file_that_was_bound_to_it() {
    for case in root_cases() {
        let Some(holder) = Holder::new(case) else {
            return;
        };
        // As `ip netns add` does it.
        let scratch = Scratch::new();
        let file = scratch.file("my net");
        std::fs::write(&file, "").expect("a file");
        let mount = |program: &str, words: &[&str]| {
            let status = Command::new(program).args(words).status();
            assert!(status.expect(program).success(), "{program} {words:?}");
        };
        mount("mount", &["--bind", &holder.file("net"), &file]);
        let network = format!("ns:{file}");
        let seen = case.run(&["--network", &network], &["readlink", "/proc/self/ns/net"]);
        let others = Case {
            caller: Caller::Ordinary,
            ..case
        };
        let refused = others.run(&["--network", &network], &["true"]);
        mount("umount", &[&file]);
        assert_eq!(seen.output(case), format!("{}\n", holder.name()), "{case}");
        assert_eq!(refused.code(), Some(125), "{refused:?}");
        assert!(refused.stderr.contains(OF_ONE_ID), "{refused:?}");
        assert!(refused.stderr.contains("nsenter -t PID -U"), "{refused:?}");
        assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
    }
}

#[test]
fn what_cannot_be_joined_is_refused_before_anything_is_made() {
    for case in cases() {
        let scratch = Scratch::new();
        let pipe = scratch.file("pipe");
        nix::unistd::mkfifo(pipe.as_str(), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let missing = scratch.file("missing");
        let open = format!("--network: open {missing}: no such file or directory (ENOENT)");
        for (path, reason) in [
            ("/etc/passwd", "it is no network namespace"),
            ("/", "it is no network namespace"),
            ("/proc/self/status", "it is no network namespace"),
            ("/dev/null", "it is no network namespace"),
            (
                "/proc/self/ns/net",
                "it is the network namespace that mydocker itself is in, not a container's",
            ),
            (
                "/proc/self/ns/ipc",
                "it is a namespace of another kind, not a network namespace",
            ),
            (&missing, &open),
        ] {
            let network = format!("ns:{path}");
            for before in [&[][..], &["--explain"]] {
                let options = [before, &["--network", &network]].concat();
                let outcome = case.run(&options, &["true"]);
                assert_eq!(outcome.code(), Some(125), "{case} {path}: {outcome:?}");
                // An ordinary user's container may join none, so no file is looked at.
                let said = match case.caller {
                    Caller::Root => {
                        outcome.stderr.contains(reason) && outcome.stderr.contains(path)
                    }
                    _ => outcome.stderr.contains(OF_ONE_ID),
                };
                assert!(said, "{case} {path}: {outcome:?}");
                assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
            }
        }
        // Its owner may open it; no one waits for a writer.
        if case.caller == Caller::Root {
            let network = format!("ns:{pipe}");
            let outcome = case.run(&["--network", &network], &["true"]);
            assert!(
                outcome.stderr.contains("it is no network namespace"),
                "{case}: {outcome:?}"
            );
        }
        let own = "ns:/proc/self/ns/net";
        for (option, reason) in [
            ("--sysctl=net.ipv4.ip_forward=1", "not the container's own"),
            ("--userns=auto", "--network ns:PATH"),
        ] {
            if case.caller == Caller::Ordinary && option == "--userns=auto" {
                // Who is listed nowhere has no ids for it.
                continue;
            }
            let outcome = case.run(&["--network", own, option], &["true"]);
            assert_eq!(outcome.code(), Some(125), "{case} {option}: {outcome:?}");
            let reason = match case.caller {
                Caller::Root => reason,
                _ => OF_ONE_ID,
            };
            assert!(
                outcome.stderr.contains(reason),
                "{case} {option}: {outcome:?}"
            );
        }
    }
}

#[test]
fn explain_tells_of_it() {
    for case in root_cases() {
        let Some(holder) = Holder::new(case) else {
            return;
        };
        let file = holder.file("net");
        let network = format!("ns:{file}");
        let outcome = case.run(&["--explain", "--network", &network], &["true"]);
        let said = outcome.output(case);
        let joins = format!("join network namespace {file}");
        assert!(said.contains(&joins), "{said}");
        assert!(!said.contains("set up network interface"), "{said}");
    }
}
