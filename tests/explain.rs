//! `--explain`: it tells what a run does, all of it and nothing else, refuses what a run refuses, and does nothing.

mod common;

use common::*;
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;

/// The names of what is told, in their order.
fn told(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| {
        let (number, name) = line.split_once(". ")?;
        number.trim().parse::<u32>().ok().map(|_| name.to_owned())
    });
    names.map(|name| plain(&name)).collect()
}

/// What the log says at debug: the namespaces that the clone makes, and the steps.
fn logged(text: &str) -> (String, Vec<String>) {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let namespaces = lines
        .iter()
        .find_map(|line| line["namespaces"].as_str())
        .expect("namespaces");
    let steps = lines.iter().filter(|line| line["step"].is_number());
    let names = steps.map(|line| plain(line["msg"].as_str().unwrap()));
    (namespaces.to_owned(), names.collect())
}

/// Without the digits that a cgroup gets anew each time.
fn plain(name: &str) -> String {
    match name.split_once("/mydocker-") {
        Some((before, after)) if after.len() > 12 => format!("{before}/mydocker-{}", &after[12..]),
        _ => name.to_owned(),
    }
}

/// Explains, and then runs, with the same options; what is told has to be what is done.
fn compare(case: Case, options: &[&str]) {
    let options = [&["--hostname=box"], options].concat();
    let label = format!("{case} {options:?}");
    let explained = case.run(&[&["--explain"], &options[..]].concat(), &["true"]);
    let ran = case.run(&[&["--log-level=debug"], &options[..]].concat(), &["true"]);
    assert_eq!(ran.code(), Some(0), "{label}: {ran:?}");
    assert_eq!(explained.code(), Some(0), "{label}: {explained:?}");
    assert_eq!(explained.stderr, "", "{label}");

    let (namespaces, steps) = logged(&ran.stderr);
    let told = told(&explained.stdout);
    let mut rest = told.iter();
    for step in &steps {
        assert!(
            rest.any(|name| name == step),
            "{label}: {step}, after those before it, in {told:#?}"
        );
    }
    // And no others, but for what is around the plan.
    let around = told.iter().filter(|name| !steps.contains(name));
    let known = [
        "execute ",
        "lock ",
        "make /",
        "block signals",
        "call the pool ",
        "make the cgroup ",
        "make a socket pair ",
        "make pipes ",
        "open ",
        "clone into new namespaces",
        "stay as ",
        "execve true",
        "relay ",
        "hand signals on ",
        "leave ",
    ];
    for name in around {
        assert!(
            known.iter().any(|known| name.starts_with(known)),
            "{label}: {name}"
        );
    }
    // A kind of namespace is a line of its own; what is not made says whose it is.
    for kind in ["user", "mount", "PID", "UTS", "IPC", "network", "cgroup"] {
        let start = format!("       {kind}: ");
        let line = explained
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap_or_else(|| panic!("{label}: {kind}"));
        let is_made = !line.starts_with("the caller's") && !line.starts_with("none yet");
        let is_cloned = namespaces.split(' ').any(|name| name == kind);
        assert_eq!(is_made, is_cloned, "{label}: {line}");
    }
    assert_is_readable(&explained.stdout, &label);
}

/// No line is wider than a terminal, but for a step's name and single words; nothing is coloured.
fn assert_is_readable(text: &str, label: &str) {
    assert!(text.ends_with('\n') && !text.contains('\x1b'), "{label}");
    for line in text.lines() {
        let is_name = line
            .split_once(". ")
            .is_some_and(|(number, _)| number.len() <= 3 && number.trim().parse::<u32>().is_ok());
        let is_word = line.trim().split(' ').count() <= 2;
        assert!(
            line.chars().count() <= 90 || is_name || is_word,
            "{label}: {line}"
        );
        assert_eq!(line.trim_end(), line, "{label}");
    }
}

#[test]
fn what_is_told_is_what_is_done() {
    for case in cases() {
        for options in [
            &[][..],
            &["-t", "--init"],
            &["-i", "-u", "1000", "-w", "/usr"],
            &["--pid=host", "--timeout=30", "--stop-signal=QUIT"],
            &["--output-limit=1g"],
            &["--ipc=host", "--network=host"],
            &["--ulimit", "nofile=64:128", "--oom-score-adj=500"],
            &["--cap-drop=ALL", "--security-opt=seccomp=unconfined"],
            &["--security-opt=no-new-privileges=false", "--no-new-keyring"],
            &["--privileged"],
        ] {
            if options.contains(&"--security-opt=no-new-privileges=false")
                && case.caller == Caller::Ordinary
                && case.launch == "re-exec"
            {
                // Once is enough of this one.
                continue;
            }
            compare(case, options);
        }
    }
}

#[test]
fn of_a_root_too() {
    common::tree::each(|case, tree| {
        let root = tree.name();
        let (lower, upper) = (tree.directory("lower"), tree.directory("upper"));
        let volume = format!("{lower}:/mnt/volume:ro");
        let slave = format!("{lower}:/mnt/slave:rslave");
        let kept = format!("--overlay={upper}");
        for options in [
            &["-ti"][..],
            &["--overlay", "--read-only", "-v", &volume, "-w", "/made"],
            &[
                "--overlay",
                "-v",
                &slave,
                "--tmpfs=/tmp:size=1m",
                "--ipc=host",
            ],
            &[&kept, "--device=/dev/null:/dev/other", "--dns=1.2.3.4"],
            &["--security-opt=systempaths=unconfined", "-v", "/dev:/dev"],
        ] {
            let options = [&["--rootfs", &root], options].concat();
            compare(case, &options);
        }
    });
}

#[test]
fn of_limits_too() {
    for case in root_cases() {
        let options = ["-m", "64m", "--cpus", "1", "--pids-limit", "64"];
        let outcome = case.run(&options, &["true"]);
        if outcome.code() != Some(0) {
            return skip(&format!("no limits here: {}", outcome.stderr));
        }
        compare(case, &options);
        let scratch = Scratch::new();
        let times = scratch.file("times");
        compare(case, &["-m", "64m", "--timing", &times]);
        let text = case.run(&[&options[..], &["--explain"]].concat(), &["true"]);
        for value in ["67108864 to memory.", "100000", "64 to pids.max"] {
            assert!(text.stdout.contains(value), "{case}: {text:?}");
        }
    }
}

#[test]
fn what_a_step_carries_is_shown() {
    for case in cases() {
        let scratch = Scratch::new();
        let profile = scratch.file("profile.json");
        let content = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
            [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}"#;
        std::fs::write(&profile, content).unwrap();
        let seccomp = format!("--security-opt=seccomp={profile}");
        let options = ["--explain", "--cap-drop=ALL", "--cap-add=NET_RAW", &seccomp];
        let options = [&options[..], &["-e", "SECRET=hush", "-u", "1000"]].concat();
        let outcome = case.run(&options, &["sh", "-c", "two  words"]);
        let text = outcome.output(case);
        let mut expected = vec![
            "left: NET_RAW\n".to_owned(),
            format!("profile, in docker's format: {profile}\n"),
            "refused (EACCES): mkdir mkdirat\n".to_owned(),
            "candidates: /usr/local/sbin/sh /usr/local/bin/sh".to_owned(),
            "environment, by names: PATH HOSTNAME HOME SECRET\n".to_owned(),
            "arguments: sh -c two  words\n".to_owned(),
            "user_namespaces(7)".to_owned(),
        ];
        if case.caller == Caller::Ordinary {
            expected.push("inside, outside, how many: 1000 ".to_owned());
        } else {
            expected.push("setresuid 1000\n".to_owned());
        }
        for words in expected {
            let words = words.as_str();
            if cfg!(target_arch = "aarch64") && words.contains("mkdir ") {
                continue;
            }
            if words.contains("user_namespaces") && case.caller == Caller::Root {
                continue;
            }
            assert!(text.contains(words), "{case}: {words} in {text}");
        }
        assert!(
            !text.contains("hush"),
            "{case}: a value is no one's business"
        );
    }
}

#[test]
fn what_is_refused_is_refused_in_the_same_words() {
    for case in cases() {
        let scratch = Scratch::new();
        let (log, bad, file) = (
            scratch.file("log"),
            scratch.file("bad"),
            scratch.file("file"),
        );
        std::fs::write(&bad, "{}").unwrap();
        std::fs::write(&file, "").unwrap();
        let bad = format!("--security-opt=seccomp={bad}");
        let directory = scratch.path().to_str().unwrap().to_owned();
        let in_itself = format!("--overlay={directory}");
        let timing = format!("--timing={directory}");
        for options in [
            &["--no-such-option"][..],
            &["--user=nobody-by-this-name"],
            &["--hostname="],
            &["--workdir=relative"],
            &["--memory=much"],
            &["--memory=4m", "--memory-swap=2m"],
            &["--device-read-bps=/dev/null:1m"],
            &["--cap-add=NOTHING"],
            &["--read-only"],
            &["--ulimit=nofile=2:1"],
            &["--timeout=0"],
            &["--cpu-time=0"],
            &["--output-limit=much"],
            &["--stop-signal=NOPE"],
            &[&bad],
            &["--security-opt=seccomp=/nowhere/at/all"],
            &["--rootfs=/nowhere/at/all"],
            &["--rootfs", &file],
            &["--rootfs", &directory, "-v", "/nowhere/at/all:/x"],
            &["--rootfs", &directory, "-v", "/usr:/proc"],
            &["--rootfs", &directory, "--device", &file],
            &["--rootfs", &directory, &in_itself],
            &["--rootfs", &directory, "--overlay=/nowhere/at/all"],
            &["--rootfs", &directory, "--rootfs", &directory],
            &["--timing=/nowhere/at/all"],
            &[&timing],
            &["--log=/nowhere/at/all"],
            &["--hostname=", "--log", &log],
            &["--hostname=", "--log-format=text"],
        ] {
            let really = case.run(options, &["true"]);
            let _ = std::fs::remove_file(&log);
            let explained = case.run(&[options, &["--explain"]].concat(), &["true"]);
            assert_eq!(really.code(), Some(125), "{case} {options:?}: {really:?}");
            assert_eq!(
                (explained.code(), &explained.stdout, &explained.stderr),
                (really.code(), &really.stdout, &really.stderr),
                "{case} {options:?}"
            );
            assert!(!Path::new(&log).exists(), "{case} {options:?}");
        }
        let explained = case.run(&["--explain"], &[] as &[&str]);
        assert_eq!(explained.code(), Some(125), "{case}");
        assert!(explained.stderr.contains("missing container command"));
    }
}

#[test]
fn limits_that_may_not_be_set() {
    for case in ordinary_cases() {
        let options = ["-m", "64m", "--pids-limit=9"];
        let really = case.run(&options, &["true"]);
        let explained = case.run(&[&options[..], &["--explain"]].concat(), &["true"]);
        assert_eq!(
            explained.code(),
            really.code(),
            "{case}: {explained:?} {really:?}"
        );
        // But for the digits of the name.
        let words = |text: &str| -> Vec<String> { text.split(' ').map(plain).collect() };
        assert_eq!(words(&explained.stderr), words(&really.stderr), "{case}");
    }
}

/// Every cgroup that there is of ours.
fn cgroups(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path().display().to_string());
            cgroups(&entry.path(), found);
        }
    }
}

#[test]
fn nothing_is_made_and_nothing_is_left() {
    common::tree::each(|case, tree| {
        let root = tree.name();
        // Without a place for /proc, which a run would make.
        std::fs::remove_dir(tree.root().join("proc")).unwrap();
        let upper = tree.directory("upper");
        let (times, log) = (tree.beside("times"), tree.beside("log"));
        let beside = Path::new(&times).parent().unwrap().to_owned();
        let before = common::tree::snapshot(&beside);
        let parent = mark();
        let kept = format!("--overlay={upper}");
        let mut all = vec![
            vec!["--rootfs", &root, "-w", "/made", "-v", "/usr:/mnt/new"],
            vec!["--rootfs", &root, &kept, "-ti"],
            vec!["--timing", &times, "--log", &log, "--log-level=debug"],
        ];
        let named = format!("--cgroup-parent=/{parent}");
        if case.caller == Caller::Root {
            all.push(vec!["-m", "64m", &named]);
            all.push(vec!["--pids-limit=9", "--timing", &times]);
        }
        for options in &all {
            let outcome = case.run(&[&["--explain"], &options[..]].concat(), &["true"]);
            if outcome.code() != Some(0) && options.contains(&"64m") {
                // No limits here.
                continue;
            }
            let text = outcome.output(case);
            assert!(text.contains("Nothing is run"), "{case}: {text}");
            assert_eq!(outcome.stderr, "", "{case}");
        }
        assert_eq!(common::tree::snapshot(&beside), before, "{case}");
        let mut found = Vec::new();
        cgroups(Path::new("/sys/fs/cgroup"), &mut found);
        assert!(
            // The whole name: another test's may begin with it.
            !found
                .iter()
                .any(|path| path.split('/').any(|name| name == parent)),
            "{case}: {found:?}"
        );
    });
}

/// By its system calls: no process is made, nothing is mounted, made, written or connected, but its text.
#[test]
fn no_system_call_changes_anything() {
    if !has_strace() {
        return;
    }
    let cases = cases();
    let Some(tree) = cases
        .first()
        .and_then(|case| common::tree::Tree::new(*case))
    else {
        return;
    };
    for case in cases {
        let scratch = Scratch::new();
        let trace = scratch.file("trace");
        let root = tree.name();
        let mut line: Vec<OsString> = ["strace", "-f", "-o", &trace].map(Into::into).into();
        line.push(mydocker().into());
        line.extend(["run", "--explain", "--launch", case.launch].map(OsString::from));
        line.extend(["--rootfs", &root, "--overlay", "-ti", "--init"].map(OsString::from));
        if case.caller == Caller::Root {
            // (That there is no pool would be a warning.)
            let options = [
                "--pool=/nowhere/at/all",
                "--log-level=error",
                "--pids-limit=9",
            ];
            line.extend(options.map(OsString::from));
        }
        line.push("true".into());
        let outcome = finish(case.prepared(&line));
        if outcome.stderr.contains("--pids-limit") {
            return skip(&format!("no limits here: {}", outcome.stderr));
        }
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let trace = std::fs::read_to_string(&trace).unwrap();
        let calls = trace.lines().filter_map(|line| {
            let (_, call) = line.split_once(' ')?;
            call.trim().split_once('(')
        });
        for (name, rest) in calls {
            let is_made = |flags: &[&str]| flags.iter().any(|flag| rest.contains(flag));
            let changes = match name {
                "openat" | "open" => is_made(&["O_CREAT", "O_WRONLY", "O_RDWR"]),
                // Whether there is such a call: without a descriptor, it makes no one.
                "clone3" => !rest.contains("EINVAL") && !rest.contains("ENOSYS"),
                // The answer itself.
                "write" => !rest.starts_with("1,"),
                _ => [
                    "clone",
                    "fork",
                    "vfork",
                    "mkdir",
                    "mkdirat",
                    "mount",
                    "flock",
                    "connect",
                    "socket",
                    "socketpair",
                    "rmdir",
                    "unlink",
                    "unlinkat",
                    "memfd_create",
                    "unshare",
                    "setns",
                    "pipe2",
                    "symlinkat",
                    "mknodat",
                    "fchmodat",
                    "fchownat",
                ]
                .contains(&name),
            };
            assert!(!changes, "{case}: {name}({rest}");
        }
        assert_eq!(trace.matches("execve(").count(), 1, "{case}");
    }
}

/// Nothing is made of a container that stays, and what its making would refuse is refused.
#[test]
fn a_container_that_stays_is_explained_and_not_made() {
    for case in cases() {
        let scratch = Scratch::new();
        let state = scratch.file("state");
        let store = ["--state", &state];
        for options in [&["-d"][..], &["-d", "-ti", "--name", "x"], &["--name=x"]] {
            let outcome = case.run(&[&store[..], &["--explain"], options].concat(), &["true"]);
            let text = outcome.output(case);
            assert!(
                text.contains("leave with the command's exit code"),
                "{text}"
            );
        }
        for (options, message) in [
            (&["-d", "--restart=x"][..], "--restart x: it takes no, "),
            (&["--name=a/b"], "container name 'a/b': "),
            (&["--label==x"], "--label =x: the label has no name"),
            (&["-d", "--log-opt=max-file=0"], "--log-opt max-file=0: "),
        ] {
            let outcome = case.run(&[&store[..], &["--explain"], options].concat(), &["true"]);
            assert_eq!(outcome.code(), Some(125), "{case} {options:?}: {outcome:?}");
            assert!(outcome.stderr.contains(message), "{case}: {outcome:?}");
        }
        assert!(!std::path::Path::new(&state).exists(), "{case}");
    }
}
