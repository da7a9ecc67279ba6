//! What docker's reference shows of the commands that start, end and keep containers, tried here: `--rootfs DIR` stands for
//! the image. What `ps` and `inspect` show is in `listing.rs`, what looks into a container in
//! `dockers_commands_inside.rs`.

mod common;

use common::stay::*;
use common::*;

/// A command that ends when it is asked to, with its own code.
const ASKED: [&str; 3] = [
    "/bin/sh",
    "-c",
    "trap 'exit 5' TERM; trap 'echo hup' HUP; echo ready; while :; do sleep 0.05; done",
];

fn run(stay: &Stay, options: &[&str], command: &[&str]) -> String {
    stay.says(&[&["run", "-d"], options, command].concat())
}

/// Starts [`ASKED`], and waits until it can be asked.
fn run_asked(stay: &Stay, options: &[&str]) -> String {
    let id = run(stay, options, &ASKED);
    let is_ready = || stay.says(&["logs", &id]) == "ready";
    assert!(eventually(is_ready), "{}", stay.case);
    id
}

fn status(stay: &Stay, name: &str) -> String {
    stay.asks("{{.State.Status}} {{.State.ExitCode}}", name)
}

#[test]
fn run_detached() {
    each_stay(|stay| {
        let id = run(stay, &["--name", "test"], &["/bin/sleep", "1000"]);
        assert!(
            id.len() == 64 && id.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{id}"
        );
        assert_eq!(status(stay, "test"), "running 0");
        // What cannot be started is told here and now, and the code is a run's.
        let said = stay.fails(127, &["run", "-d", "/no/such/command"]);
        assert!(said.contains("/no/such/command"), "{said}");
        let said = stay.fails(125, &["run", "-d", "--name", "test", "/bin/true"]);
        assert!(said.contains("test"), "{said}");
        // In the foreground the streams are the caller's, and no log is kept.
        let outcome = stay.outcome(&[
            "run",
            "--name",
            "front",
            "/bin/sh",
            "-c",
            "echo out; echo err >&2; exit 3",
        ]);
        assert_eq!(
            (outcome.code(), &*outcome.stdout, &*outcome.stderr),
            (Some(3), "out\n", "err\n")
        );
        assert_eq!(status(stay, "front"), "exited 3");
        let said = stay.fails(1, &["logs", "front"]);
        assert!(said.contains("it was run in the foreground"), "{said}");
    });
}

#[test]
fn names_files_and_labels_of_a_run() {
    each_stay(|stay| {
        let file = format!("{}/id", stay.tree().directory("files"));
        let labels = ["-l", "my-label", "--label", "com.example.foo=bar"];
        let id = run(
            stay,
            &[&["--cidfile", &file], &labels[..]].concat(),
            &["/bin/sleep", "1000"],
        );
        assert_eq!(std::fs::read_to_string(&file).expect("the file"), id);
        let said = stay.fails(125, &["run", "-d", "--cidfile", &file, "/bin/true"]);
        assert!(said.contains(&file), "{said}");
        assert_eq!(
            stay.asks("{{json .Config.Labels}}", &id),
            r#"{"com.example.foo":"bar","my-label":""}"#
        );
        // A name is made up, and can be used.
        let name = stay.asks("{{.Name}}", &id);
        assert_eq!(stay.asks("{{.Id}}", name.trim_start_matches('/')), id);
        for name in ["", "/", "..", "a/b", "-x", &"a".repeat(256)] {
            let said = stay.fails(125, &["run", "-d", &format!("--name={name}"), "/bin/true"]);
            assert!(said.len() < 400, "{said}");
        }
    });
}

#[test]
fn what_is_removed_by_itself() {
    each_stay(|stay| {
        run(stay, &["--rm", "--name", "gone"], &["/bin/true"]);
        assert!(
            eventually(|| stay.says(&["ps", "-aq"]).is_empty()),
            "{}",
            stay.case
        );
        let outcome = stay.outcome(&["run", "--rm", "--name", "gone", "/bin/sh", "-c", "exit 4"]);
        assert_eq!(outcome.code(), Some(4), "{outcome:?}");
        assert_eq!(stay.says(&["ps", "-aq"]), "");
    });
}

#[test]
fn restart_policies() {
    each_stay(|stay| {
        let script = "echo x >> /tmp/lives; exit 1";
        run(
            stay,
            &["--restart", "on-failure:2", "--name", "fails"],
            &["/bin/sh", "-c", script],
        );
        assert_eq!(stay.says(&["wait", "fails"]), "1");
        let lives = std::fs::read_to_string(stay.tree().root().join("tmp/lives"));
        assert_eq!(lives.expect("a file"), "x\n".repeat(3), "{}", stay.case);
        assert_eq!(stay.asks("{{.RestartCount}}", "fails"), "2");
        run(
            stay,
            &["--restart", "on-failure", "--name", "well"],
            &["/bin/true"],
        );
        assert_eq!(stay.says(&["wait", "well"]), "0");
        assert_eq!(stay.asks("{{.RestartCount}}", "well"), "0");
        run(
            stay,
            &["--restart=always", "--name", "again"],
            &["/bin/true"],
        );
        let again = || stay.asks("{{.RestartCount}}", "again") != "0";
        assert!(eventually(again), "{}", stay.case);
        stay.says(&["stop", "again"]);
        assert!(status(stay, "again").starts_with("exited"), "{}", stay.case);
    });
}

#[test]
fn create_and_start() {
    each_stay(|stay| {
        let id = stay.says(&[
            "create",
            "--name",
            "later",
            "/bin/sh",
            "-c",
            "echo hello; exit 3",
        ]);
        assert_eq!(status(stay, "later"), "created 0");
        assert_eq!(stay.says(&["start", "later"]), "later");
        stay.becomes("exited", &id);
        assert_eq!(status(stay, "later"), "exited 3");
        assert_eq!(stay.says(&["logs", "later"]), "hello");
        // It can be started as often as one likes, by any of its names, and several at once.
        stay.says(&["create", "--name", "other", "/bin/true"]);
        assert_eq!(
            stay.says(&["start", &id[..10], "other"]),
            format!("{}\nother", &id[..10])
        );
        stay.becomes("exited", &id);
        assert_eq!(stay.says(&["logs", "later"]), "hello\nhello");
        let said = stay.fails(1, &["start", "nope"]);
        assert!(said.contains("No such container: nope"), "{said}");
        let outcome = stay.outcome(&["start", "-a", "later"]);
        assert_eq!(
            (outcome.code(), &*outcome.stdout),
            (Some(3), "hello\n"),
            "{outcome:?}"
        );
    });
}

#[test]
fn stop_asks_and_then_kills() {
    each_stay(|stay| {
        run_asked(stay, &["--name", "polite"]);
        assert_eq!(stay.says(&["stop", "polite"]), "polite");
        assert_eq!(status(stay, "polite"), "exited 5");
        // What has ended has been stopped.
        assert_eq!(stay.says(&["stop", "polite"]), "polite");
        let deaf = [
            "/bin/sh",
            "-c",
            "trap '' TERM INT; echo ready; while :; do sleep 1; done",
        ];
        let id = run(stay, &["--name", "deaf"], &deaf);
        assert!(eventually(|| stay.says(&["logs", &id]) == "ready"));
        assert_eq!(stay.says(&["stop", "-t", "0", "deaf"]), "deaf");
        assert_eq!(status(stay, "deaf"), "exited 137");
        // Its own signal, and its own patience.
        let script = "trap 'exit 6' INT; echo ready; while :; do sleep 0.05; done";
        let id = run(
            stay,
            &[
                "--name",
                "int",
                "--stop-signal",
                "SIGINT",
                "--stop-timeout",
                "60",
            ],
            &["/bin/sh", "-c", script],
        );
        assert!(eventually(|| stay.says(&["logs", &id]) == "ready"));
        stay.says(&["stop", "int"]);
        assert_eq!(status(stay, "int"), "exited 6");
        let outcome = stay.outcome(&["stop", "nope", "int"]);
        assert_eq!(
            (outcome.code(), &*outcome.stdout),
            (Some(1), "int\n"),
            "{outcome:?}"
        );
        assert!(
            outcome.stderr.contains("No such container: nope"),
            "{outcome:?}"
        );
    });
}

#[test]
fn kill_sends_any_signal() {
    each_stay(|stay| {
        run_asked(stay, &["--name", "a"]);
        for (times, signal) in (1..).zip(["SIGHUP", "HUP", "1"]) {
            assert_eq!(stay.says(&["kill", "--signal", signal, "a"]), "a");
            let heard = || stay.says(&["logs", "a"]).matches("hup").count() == times;
            assert!(eventually(heard), "{} {signal}", stay.case);
        }
        assert_eq!(stay.says(&["kill", "a"]), "a");
        stay.becomes("exited", "a");
        assert_eq!(status(stay, "a"), "exited 137");
        let said = stay.fails(1, &["kill", "a"]);
        assert!(said.contains("is not running"), "{said}");
        stay.fails(125, &["kill", "-s", "NOPE", "a"]);
    });
}

#[test]
fn restart_stops_and_starts() {
    each_stay(|stay| {
        run_asked(stay, &["--name", "a"]);
        let first = stay.asks("{{.State.Pid}}", "a");
        assert_eq!(stay.says(&["restart", "a"]), "a");
        assert_eq!(status(stay, "a"), "running 0");
        assert_ne!(stay.asks("{{.State.Pid}}", "a"), first);
        assert_eq!(stay.says(&["restart", "-t", "0", "a"]), "a");
        assert_eq!(status(stay, "a"), "running 0");
        stay.says(&["kill", "a"]);
        stay.becomes("exited", "a");
        assert_eq!(stay.says(&["restart", "a"]), "a");
        assert_eq!(status(stay, "a"), "running 0");
    });
}

#[test]
fn wait_tells_codes() {
    each_stay(|stay| {
        run_asked(stay, &["--name", "a"]);
        run(stay, &["--name", "b"], &["/bin/sh", "-c", "exit 9"]);
        let mut waiting = stay.command(&["wait", "a", "b"]);
        let waiting = waiting
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("wait");
        stay.says(&["stop", "a"]);
        let output = waiting.wait_with_output().expect("its end");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "5\n9\n",
            "{}",
            stay.case
        );
        assert!(
            stay.fails(1, &["wait", "nope"])
                .contains("No such container: nope")
        );
    });
}

#[test]
fn rm_removes_what_does_not_run() {
    each_stay(|stay| {
        run(stay, &["--name", "redis"], &["/bin/sleep", "1000"]);
        let said = stay.fails(1, &["rm", "redis"]);
        assert!(said.contains("redis") && said.contains("running"), "{said}");
        assert_eq!(stay.says(&["rm", "--force", "redis"]), "redis");
        assert_eq!(stay.says(&["ps", "-aq"]), "");
        // What a script does with a list of ids.
        for _ in 0..3 {
            run(stay, &[], &["/bin/true"]);
        }
        let ended = || stay.says(&["ps", "-aq", "--filter", "status=exited"]);
        assert!(eventually(|| ended().lines().count() == 3), "{}", stay.case);
        let all = ended();
        let ids: Vec<&str> = all.lines().collect();
        assert_eq!(stay.says(&[&["rm", "-v"], &ids[..]].concat()), all);
        assert_eq!(stay.says(&["ps", "-aq"]), "");
        assert!(
            stay.fails(1, &["rm", "redis"])
                .contains("No such container: redis")
        );
        assert_eq!(
            std::fs::read_dir(format!("{}/containers", stay.state()))
                .unwrap()
                .count(),
            0
        );
        assert_eq!(
            std::fs::read_dir(format!("{}/names", stay.state()))
                .unwrap()
                .count(),
            0
        );
    });
}

#[test]
fn rename_gives_another_name() {
    each_stay(|stay| {
        let id = run(stay, &["--name", "my_container"], &["/bin/sleep", "1000"]);
        run(stay, &["--name", "taken"], &["/bin/sleep", "1000"]);
        assert_eq!(
            stay.says(&["rename", "my_container", "my_new_container"]),
            ""
        );
        assert_eq!(stay.asks("{{.Id}}", "my_new_container"), id);
        assert!(
            stay.fails(1, &["rename", "my_container", "x"])
                .contains("No such container: my_container")
        );
        assert!(
            stay.fails(1, &["rename", "my_new_container", "taken"])
                .contains("taken")
        );
        assert_eq!(stay.asks("{{.Id}}", "my_new_container"), id);
        stay.says(&["stop", "-t", "0", "my_new_container"]);
        stay.says(&["rename", &id, "again"]);
        assert_eq!(stay.asks("{{.Name}}", &id), "/again");
    });
}
