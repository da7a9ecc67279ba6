//! runc's command line: who is called by it, where options stand, what errors look like to engines.

#![cfg(feature = "oci")]

mod common;

use common::oci::Oci;
use common::{Outcome, Scratch, finish, mydocker};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

fn called(program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    command.args(words).current_dir("/").stdin(Stdio::null());
    finish(command)
}

fn oci(words: &[&str]) -> Outcome {
    let words: Vec<&str> = ["oci"].iter().chain(words).copied().collect();
    called(mydocker(), &words)
}

#[test]
fn a_runtime_is_known_by_its_name() {
    let scratch = Scratch::new();
    for name in ["mydocker-oci", "runc", "crun", "a-runc"] {
        let link = scratch.path().join(name);
        std::os::unix::fs::symlink(mydocker(), &link).unwrap();
        let version = called(&link, &["--version"]);
        assert_eq!(version.code(), Some(0), "{version:?}");
        let lines: Vec<&str> = version.stdout.lines().collect();
        assert!(lines[0].contains(" version "), "{lines:?}");
        assert!(
            lines.iter().any(|line| line.starts_with("spec: 1.")),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line.starts_with("commit: ")),
            "{lines:?}"
        );
        assert_eq!(version.stdout, oci(&["-v"]).stdout);
    }
    let link = scratch.path().join("mydocker-else");
    std::os::unix::fs::symlink(mydocker(), &link).unwrap();
    assert_ne!(called(&link, &["features"]).code(), Some(0));
}

#[test]
fn options_stand_before_and_behind_the_words() {
    let bundle = "/nothing/here";
    let ways: [&[&str]; 6] = [
        &["create", "--bundle", bundle, "a"],
        &["create", "a", "--bundle", bundle],
        &[
            "create",
            "--no-pivot",
            "a",
            "--bundle=/nothing/here",
            "--pid-file",
            "x",
        ],
        &["create", "-b", bundle, "--", "a"],
        &["create", "-bundle", bundle, "a"],
        &["run", "-d", "a", "-b/nothing/here"],
    ];
    for way in ways {
        let oci = Oci::new("in-process");
        let outcome = oci.run(way);
        assert_eq!(outcome.code(), Some(1), "{way:?}: {outcome:?}");
        assert!(outcome.stderr.contains(bundle), "{way:?}: {outcome:?}");
        assert!(
            outcome.stderr.contains("no such file or directory"),
            "{outcome:?}"
        );
        let left = std::fs::read_dir(oci.root()).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{way:?} leaves something");
    }
}

#[test]
fn mistakes_are_told_in_one_line_with_an_exit_code() {
    for (words, told, code) in [
        (&["crate"][..], "unknown command 'crate'", 1),
        (&["crete", "a"], ", did you mean 'create'?", 1),
        (&["state"], "missing container ID", 1),
        (&["state", "a", "b"], "unexpected word 'b'", 1),
        (&["state", ""], "container id cannot be empty", 1),
        (&["state", "a/b"], "invalid container ID format", 1),
        (&["state", ".."], "invalid container ID format", 1),
        (
            &["create", "--bundel=x", "a"],
            "unknown option '--bundel', did you mean '--bundle'?",
            1,
        ),
        // What is for our tests alone is not offered.
        (&["--launc", "x", "list"], "unknown option '--launc' (", 1),
        (&["create", "a", "--bundle"], "--bundle needs a value", 1),
        (
            &["create", "a", "--preserve-fds", "x"],
            "--preserve-fds x",
            1,
        ),
        (&["kill", "a", "NOPE"], "unknown signal", 1),
        (&["list", "--format", "xml"], "--format xml", 1),
        (&["exec", "a"], "process args cannot be empty", 255),
        (&["exec", "--user", "bob", "a", "ls"], "--user bob", 255),
        (&["checkpoint", "a"], "checkpoint", 1),
        (&["restore", "a"], "restore", 1),
        (
            &["checkpoint", "--image-path", "x", "--tcp-established", "a"],
            "checkpoint: mydocker does not checkpoint containers",
            1,
        ),
        (
            &["restore", "-d", "--image-path=x", "a"],
            "restore: mydocker does not checkpoint containers",
            1,
        ),
        (
            &["events", "--interval", "0", "a"],
            "interval must be greater than 0",
            1,
        ),
        (&["update", "--memory", "much", "a"], "--memory much", 1),
        (&["update", "--l3-cache-schema", "x", "a"], "RDT", 1),
        (&["--rootless", "maybe", "list"], "--rootless maybe", 1),
        (&["--cgroup-manager", "x", "list"], "--cgroup-manager x", 1),
        (&["--log-format", "xml", "list"], "--log-format xml", 1),
        (
            &["--log", "/nothing/here/log", "list"],
            "/nothing/here/log",
            1,
        ),
        (&["--nope", "list"], "unknown option '--nope'", 1),
    ] {
        let outcome = oci(words);
        assert_eq!(outcome.code(), Some(code), "{words:?}: {outcome:?}");
        assert!(outcome.stderr.contains(told), "{words:?}: {outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{words:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{words:?}");
    }
}

#[test]
fn an_error_is_on_stderr_and_a_line_of_the_log() {
    let oci = Oci::new("in-process");
    let missing = "container a does not exist";
    for (time, words) in (1..).zip([
        &["state", "a"][..],
        &["start", "a"],
        &["kill", "a"],
        &["delete", "a"],
        &["exec", "a", "true"],
        &["ps", "a"],
        &["pause", "a"],
        &["resume", "a"],
        &["update", "a", "--pids-limit", "5"],
        &["events", "--stats", "a"],
    ]) {
        let outcome = oci.run(words);
        let code = if words[0] == "exec" { 255 } else { 1 };
        assert_eq!(outcome.code(), Some(code), "{words:?}: {outcome:?}");
        assert!(outcome.stderr.contains(missing), "{words:?}: {outcome:?}");
        let logged = oci.logged();
        assert_eq!(logged.len(), time, "{words:?}: {logged:?}");
        assert!(logged[time - 1].contains(missing), "{words:?}: {logged:?}");
    }
    // Words of the command line are errors like others.
    assert_eq!(oci.run(&["create"]).code(), Some(1));
    assert_eq!(oci.logged().len(), 11);
}

#[test]
fn what_is_wrong_before_the_command_is_in_the_log_too() {
    let scratch = Scratch::new();
    let log = scratch.file("log");
    for words in [
        &["--nope", "list"][..],
        &["--rootless", "maybe", "list"],
        &["--cgroup-manager", "x", "list"],
        &["--root"],
        &["nope"],
    ] {
        let globals = ["--log", &log, "--log-format=json"];
        let outcome = oci(&[&globals[..], words].concat());
        assert_eq!(outcome.code(), Some(1), "{words:?}: {outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{words:?}: {outcome:?}");
        let text = std::fs::read_to_string(&log).unwrap();
        let line: Value = serde_json::from_str(&text).expect("one object");
        let members: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(members, ["level", "msg", "time"], "{text}");
        let message = line["msg"].as_str().unwrap();
        assert!(outcome.stderr.contains(message), "{text}: {outcome:?}");
        std::fs::remove_file(&log).unwrap();
    }
}

#[test]
fn the_log_has_the_format_that_is_asked_for() {
    let scratch = Scratch::new();
    let root = scratch.file("root");
    let run = |format: &[&str], log: &str| {
        let mut words = format.to_vec();
        words.extend(["--root", &root]);
        if !log.is_empty() {
            words.extend(["--log", log]);
        }
        words.extend(["state", "a"]);
        oci(&words)
    };
    let log = scratch.file("text");
    run(&[], &log);
    run(&["--log-format", "text"], &log);
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        assert!(line.starts_with("time=\"2"), "{line}");
        assert!(
            line.ends_with(" level=error msg=\"container a does not exist\""),
            "{line}"
        );
    }
    // Without a file stderr is the log, in JSON if that was asked for.
    let outcome = run(&["--log-format=json"], "");
    let line: Value = serde_json::from_str(outcome.stderr.trim_end()).unwrap();
    assert_eq!(line["level"], "error");
    assert_eq!(
        run(&[], "").stderr,
        "mydocker: container a does not exist\n"
    );
}

#[test]
fn features_are_those_of_the_specification() {
    let outcome = oci(&["features"]);
    let features: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let has = |list: &Value, item: &str| list.as_array().unwrap().iter().any(|one| one == item);
    for hook in [
        "prestart",
        "createRuntime",
        "createContainer",
        "startContainer",
        "poststart",
        "poststop",
    ] {
        assert!(has(&features["hooks"], hook), "{hook}");
    }
    for option in [
        "ro",
        "rbind",
        "rro",
        "rnosuid",
        "tmpcopyup",
        "idmap",
        "ridmap",
        "rshared",
    ] {
        assert!(has(&features["mountOptions"], option), "{option}");
    }
    let linux = &features["linux"];
    for kind in [
        "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts",
    ] {
        assert!(has(&linux["namespaces"], kind), "{kind}");
    }
    assert!(has(&linux["capabilities"], "CAP_CHOWN"));
    let filter = &linux["seccomp"];
    assert!(has(&filter["actions"], "SCMP_ACT_NOTIFY"), "{filter}");
    assert!(has(&filter["operators"], "SCMP_CMP_MASKED_EQ"), "{filter}");
    assert!(has(&filter["archs"], "SCMP_ARCH_X86_64"), "{filter}");
    assert!(
        has(&filter["knownFlags"], "SECCOMP_FILTER_FLAG_LOG"),
        "{filter}"
    );
    assert_eq!(linux["cgroup"]["v1"], true);
    assert_eq!(linux["cgroup"]["v2"], true);
    assert_eq!(linux["cgroup"]["systemd"], false);
    assert_eq!(linux["intelRdt"]["enabled"], false);
    // What it says of systemd is so.
    let bundle = Oci::new("in-process");
    let outcome = bundle.run(&["--systemd-cgroup", "run", "a"]);
    assert_ne!(outcome.code(), Some(0), "{outcome:?}");
}

#[test]
fn spec_writes_what_is_understood_and_overwrites_nothing() {
    let scratch = Scratch::new();
    let place = scratch.file("");
    assert_eq!(oci(&["spec", "--bundle", &place]).code(), Some(0));
    let path = scratch.file("config.json");
    let config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(config["process"]["args"][0], "sh");
    let again = oci(&["spec", "-b", &place]);
    assert_eq!(again.code(), Some(1));
    assert!(again.stderr.contains("EEXIST"), "{again:?}");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(oci(&["spec", "--rootless", "-b", &place]).code(), Some(0));
    let config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let kinds = config["linux"]["namespaces"].as_array().unwrap();
    assert!(kinds.iter().any(|kind| kind["type"] == "user"));
    assert_eq!(config["linux"]["uidMappings"][0]["size"], 1);
    // Or the host's are below the /sys that is bound, and not read-only.
    let mounts = config["mounts"].as_array().unwrap();
    let cgroups = mounts.last().unwrap();
    assert_eq!(cgroups["destination"], "/sys/fs/cgroup");
    assert!(
        cgroups["options"]
            .as_array()
            .unwrap()
            .contains(&"ro".into())
    );
}

#[test]
fn every_command_has_a_help() {
    let all = oci(&["help"]).stdout;
    assert_eq!(all, oci(&["--help"]).stdout);
    assert_eq!(all, oci(&[]).stdout);
    assert!(!all.contains("--launch"), "{all}");
    for command in [
        "create", "start", "run", "state", "kill", "delete", "exec", "ps", "list", "pause",
        "resume", "update", "events", "features", "spec",
    ] {
        assert!(
            all.contains(&format!("\n  {command} ")) || all.contains(&format!("\n  {command}\n"))
        );
        let help = oci(&[command, "--help"]);
        assert_eq!(help.code(), Some(0), "{help:?}");
        assert!(
            help.stdout
                .contains(&format!("Usage: mydocker oci {command}"))
        );
        assert_eq!(help.stdout, oci(&["help", command]).stdout);
    }
    for option in [
        "--console-socket",
        "--pidfd-socket",
        "--preserve-fds",
        "--no-new-keyring",
    ] {
        assert!(oci(&["run", "-h"]).stdout.contains(option), "{option}");
    }
    assert!(Path::new(&mydocker()).exists());
}
