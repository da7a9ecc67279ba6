//! Who is called 0 need not be the host's root: in every user namespace and sandbox a run gives a container, or one line
//! that says what is missing.

use crate::common::tree::*;
use crate::common::*;
use std::ffi::OsString;
use std::process::{Child, Command, Stdio};

/// What mydocker is called through.
struct Surroundings {
    name: &'static str,
    words: Vec<OsString>,
    /// Holds a namespace.
    _holder: Option<Holder>,
}

struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn plain(name: &'static str, words: &[&str]) -> Surroundings {
    Surroundings {
        name,
        words: words.iter().map(OsString::from).collect(),
        _holder: None,
    }
}

/// Root of a user namespace with so many ids, which the host's root has mapped.
fn with_ids(count: u32) -> Surroundings {
    let holder = Command::new("unshare")
        .args(["--user", "sleep", "1000"])
        .stdin(Stdio::null())
        .spawn()
        .expect("unshare");
    let pid = holder.id();
    let holder = Holder(holder);
    let own = std::fs::read_link("/proc/self/ns/user").unwrap();
    assert!(eventually(|| {
        std::fs::read_link(format!("/proc/{pid}/ns/user")).is_ok_and(|other| other != own)
    }));
    for file in ["uid_map", "gid_map"] {
        std::fs::write(format!("/proc/{pid}/{file}"), format!("0 100000 {count}\n")).unwrap();
    }
    let target = pid.to_string();
    let words = [
        "nsenter", "-t", &target, "-U", "--setuid", "0", "--setgid", "0",
    ];
    Surroundings {
        name: "many ids",
        words: words.map(OsString::from).into(),
        _holder: Some(holder),
    }
}

fn all(case: Case) -> Vec<Surroundings> {
    let mut all = vec![
        plain("none", &[]),
        plain("one id", &["unshare", "--user", "--map-root-user"]),
        plain(
            "one id, and a tree of its own",
            &[
                "unshare",
                "--user",
                "--map-root-user",
                "--mount",
                "--pid",
                "--fork",
                "--mount-proc",
            ],
        ),
        Surroundings {
            name: "mydocker --privileged",
            words: [mydocker().into()]
                .into_iter()
                .chain(["run", "--privileged", "-i"].map(OsString::from))
                .collect(),
            _holder: None,
        },
    ];
    if case.caller == Caller::Root {
        all.push(with_ids(65_536));
    }
    let mut bwrap = vec![
        "bwrap",
        "--unshare-all",
        "--dev-bind",
        "/",
        "/",
        "--proc",
        "/proc",
    ];
    bwrap.extend([
        "--cap-add",
        "ALL",
        "--uid",
        "0",
        "--gid",
        "0",
        "--unshare-user",
    ]);
    let mut works = bwrap.clone();
    works.push("true");
    let works: Vec<OsString> = works.iter().map(OsString::from).collect();
    // It is no part of what mydocker needs.
    if Command::new("bwrap").arg("--version").output().is_ok()
        && finish(case.prepared(&works)).code() == Some(0)
    {
        all.push(plain("bwrap", &bwrap));
    }
    all
}

#[test]
fn a_container_or_one_line() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        for around in all(case) {
            let run = |options: &[&str]| {
                let words = [
                    around.words.clone(),
                    tree.words(options, &["/bin/echo", "hello"]),
                ];
                finish(case.prepared(&words.concat()))
            };
            let what = |options: &[&str]| format!("{case} {} {options:?}", around.name);
            for options in [
                &[][..],
                &["--overlay"],
                &["--overlay", "-t"],
                &["--overlay", "--tmpfs", "/mnt:uid=0,gid=0"],
                &["--overlay", "--pid", "host"],
                &["--overlay", "--network", "host"],
                &["--overlay", "--init", "--read-only"],
                &["--overlay", "--privileged"],
                &["--device", "/dev/full:/dev/f", "--overlay"],
            ] {
                let outcome = run(options);
                assert_eq!(outcome.code(), Some(0), "{}: {outcome:?}", what(options));
                assert_eq!(outcome.stdout.trim_end(), "hello", "{}", what(options));
            }
            for options in [
                &["-m", "64m"][..],
                &["--pids-limit", "64"],
                &["--userns", "auto"],
                &["--userns", "100000:65536"],
                &["--userns", "host"],
                &["-u", "1000"],
                &["-u", "smith"],
                &["--overlay", "--tmpfs", "/mnt:uid=1000,gid=5"],
            ] {
                let outcome = run(options);
                match outcome.code() {
                    Some(0) => assert_eq!(outcome.stdout.trim_end(), "hello", "{}", what(options)),
                    code => {
                        assert_eq!(code, Some(125), "{}: {outcome:?}", what(options));
                        assert_eq!(outcome.stdout, "", "{}", what(options));
                        let lines: Vec<&str> = outcome.stderr.lines().collect();
                        assert!(
                            matches!(lines[..], [line] if line.starts_with("mydocker: ")),
                            "{}: {outcome:?}",
                            what(options)
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn terminals_belong_to_their_group_where_there_is_one() {
    for case in root_cases() {
        let Some(tree) = Tree::new(case) else { return };
        for around in all(case) {
            let script = "stat -c %g /dev/pts/0";
            let words = [
                around.words.clone(),
                tree.words(&["-t"], &["/bin/sh", "-c", script]),
            ];
            let outcome = finish(case.prepared(&words.concat()));
            let expected = match around.name {
                "none" | "many ids" | "mydocker --privileged" => "5",
                _ => "0",
            };
            let what = format!("{case} {}: {outcome:?}", around.name);
            assert_eq!(outcome.stdout.trim_end(), expected, "{what}");
        }
    }
}
