//! What docker's reference shows of the commands that look into containers that run, reach into them, and hold them, tried
//! here: `--rootfs DIR` stands for the image.

mod common;

use common::pty::{INSIDE, SHELL, Session};
use common::stay::*;
use common::*;
use std::io::Write;
use std::process::Stdio;

const SLEEP: [&str; 2] = ["/bin/sleep", "1000"];

fn run(stay: &Stay, name: &str, command: &[&str]) -> String {
    stay.says(&[&["run", "-d", "--name", name], command].concat())
}

#[test]
fn exec_runs_one_more_process() {
    each_stay(|stay| {
        run(stay, "box", &SLEEP);
        assert_eq!(
            stay.says(&["exec", "-d", "box", "/bin/touch", "/tmp/execWorks"]),
            ""
        );
        let file = stay.tree().root().join("tmp/execWorks");
        assert!(eventually(|| file.exists()), "{}", stay.case);
        assert_eq!(
            stay.says(&["exec", "-w", "/tmp", "box", "/bin/pwd"]),
            "/tmp"
        );
        let words = [
            "exec",
            "-e",
            "VAR_A=1",
            "--env",
            "VAR_B=2",
            "box",
            "/bin/sh",
            "-c",
            "echo $VAR_A$VAR_B",
        ];
        assert_eq!(stay.says(&words), "12");
        // It is among the container's processes, and none of the host's.
        let script = "cat /proc/1/comm; echo /proc/[0-9]* | tr -d a-z/";
        let told = stay.says(&["exec", "box", "/bin/sh", "-c", script]);
        assert!(told.starts_with("sleep\n1 "), "{}: {told}", stay.case);
        // Its code, and what it reads.
        let outcome = stay.outcome(&["exec", "box", "/bin/sh", "-c", "echo err >&2; exit 7"]);
        assert_eq!(
            (outcome.code(), &*outcome.stderr),
            (Some(7), "err\n"),
            "{outcome:?}"
        );
        let mut cat = stay.command(&["exec", "-i", "box", "/bin/cat"]);
        let mut cat = cat
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("exec");
        cat.stdin.take().unwrap().write_all(b"typed\n").unwrap();
        let output = cat.wait_with_output().expect("its end");
        assert_eq!(output.stdout, b"typed\n", "{}", stay.case);
        assert_eq!(stay.outcome(&["exec", "box", "/no/such"]).code(), Some(127));
        assert_eq!(
            stay.outcome(&["exec", "box", "/etc/passwd"]).code(),
            Some(126)
        );
        assert!(
            stay.fails(1, &["exec", "nope", "true"])
                .contains("No such container: nope")
        );
        stay.says(&["kill", "box"]);
        stay.becomes("exited", "box");
        assert!(
            stay.fails(1, &["exec", "box", "true"])
                .contains("is not running")
        );
    });
}

#[test]
fn logs_are_kept_and_chosen() {
    each_stay(|stay| {
        let script = "for i in 1 2 3 4 5; do echo line $i; done; echo err >&2";
        let id = run(stay, "test", &["/bin/sh", "-c", script]);
        stay.becomes("exited", "test");
        let outcome = stay.outcome(&["logs", "test"]);
        assert_eq!(
            outcome.stdout, "line 1\nline 2\nline 3\nline 4\nline 5\n",
            "{outcome:?}"
        );
        assert_eq!(outcome.stderr, "err\n", "{outcome:?}");
        let outcome = stay.outcome(&["logs", "--tail", "3", &id[..6]]);
        assert_eq!(outcome.stdout, "line 4\nline 5\n", "{outcome:?}");
        assert_eq!(stay.outcome(&["logs", "-n", "0", "test"]).stdout, "");
        let stamped = stay.outcome(&["logs", "-t", "--tail", "2", "test"]).stdout;
        let (moment, line) = stamped.split_once(' ').expect("a moment");
        assert!(moment.ends_with('Z') && line == "line 5\n", "{stamped}");
        assert_eq!(
            stay.outcome(&["logs", "--since", "1h", "test"])
                .stdout
                .lines()
                .count(),
            5
        );
        assert_eq!(stay.outcome(&["logs", "--until", "1h", "test"]).stdout, "");
        // Followed to the container's end.
        run(
            stay,
            "more",
            &["/bin/sh", "-c", "echo one; sleep 0.3; echo two"],
        );
        assert_eq!(stay.says(&["logs", "-f", "more"]), "one\ntwo");
        assert!(
            stay.fails(1, &["logs", "nope"])
                .contains("No such container: nope")
        );
        stay.says(&[
            "run",
            "-d",
            "--log-driver",
            "none",
            "--name",
            "mute",
            "/bin/echo",
            "x",
        ]);
        assert_ne!(stay.outcome(&["logs", "mute"]).code(), Some(0));
    });
}

#[test]
fn attach_is_the_containers_streams_and_end() {
    each_stay(|stay| {
        let script = "read line; echo got $line; exit 13";
        stay.says(&["run", "-d", "-i", "--name", "test", "/bin/sh", "-c", script]);
        let mut attached = stay.command(&["attach", "test"]);
        let mut attached = attached
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("attach");
        attached.stdin.take().unwrap().write_all(b"this\n").unwrap();
        let output = attached.wait_with_output().expect("its end");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "got this\n",
            "{}",
            stay.case
        );
        assert_eq!(output.status.code(), Some(13), "{}", stay.case);
        assert_eq!(stay.asks("{{.State.ExitCode}}", "test"), "13");
        assert!(
            stay.fails(1, &["attach", "test"])
                .contains("stopped container")
        );
        assert!(
            stay.fails(1, &["attach", "nope"])
                .contains("No such container: nope")
        );
    });
}

#[test]
fn a_container_is_held_and_let_go() {
    each_stay(|stay| {
        run(stay, "my_container", &SLEEP);
        if stay.asks("{{.Cgroups}}", "my_container") == "[]" {
            // None can be made by this user here.
            let said = stay.fails(1, &["pause", "my_container"]);
            assert!(said.contains("cgroup"), "{said}");
            return;
        }
        assert_eq!(stay.says(&["pause", "my_container"]), "my_container");
        assert_eq!(
            stay.asks(
                "{{.State.Status}} {{.State.Running}} {{.State.Paused}}",
                "my_container"
            ),
            "paused true true"
        );
        assert!(stay.says(&["ps"]).contains(" (Paused) "), "{}", stay.case);
        assert_eq!(
            stay.says(&["ps", "--filter", "status=paused", "--format", "{{.Names}}"]),
            "my_container"
        );
        assert!(
            stay.fails(1, &["exec", "my_container", "true"])
                .contains("paused")
        );
        assert!(stay.fails(1, &["pause", "my_container"]).contains("paused"));
        assert!(stay.says(&["top", "my_container"]).contains("sleep 1000"));
        assert_eq!(stay.says(&["unpause", "my_container"]), "my_container");
        assert_eq!(stay.asks("{{.State.Status}}", "my_container"), "running");
        assert!(
            stay.fails(1, &["unpause", "my_container"])
                .contains("not paused")
        );
        // One that is held can be ended.
        stay.says(&["pause", "my_container"]);
        stay.says(&["kill", "my_container"]);
        stay.becomes("exited", "my_container");
    });
}

#[test]
fn statistics() {
    each_stay(|stay| {
        let id = run(stay, "awesome", &SLEEP);
        if stay.asks("{{.Cgroups}}", "awesome") == "[]" {
            return;
        }
        let table = stay.says(&["stats", "--no-stream"]);
        assert!(table.starts_with("CONTAINER ID   NAME"), "{table}");
        assert!(
            table.contains(&id[..12]) && table.contains("awesome"),
            "{table}"
        );
        let line = stay.says(&[
            "stats",
            "--no-stream",
            "--format",
            "{{.Name}}: {{.PIDs}} {{.CPUPerc}}",
            "awesome",
        ]);
        assert!(
            line.starts_with("awesome: 1 ") && line.ends_with('%'),
            "{line}"
        );
        let table = r"table {{.Container}}\t{{.MemUsage}}";
        let table = stay.says(&["stats", "--no-stream", "--format", table, "awesome"]);
        assert!(
            table.starts_with("CONTAINER   MEM USAGE / LIMIT\nawesome "),
            "{table}"
        );
        let json = stay.says(&["stats", "--no-stream", "--format", "json", "awesome"]);
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["Name"], "awesome");
        assert!(
            stay.fails(1, &["stats", "--no-stream", "nope"])
                .contains("No such container: nope")
        );
    });
}

fn session(stay: &Stay, words: &[&str]) -> Session {
    Session::new(stay.case, mark(), &stay.words(words))
}

#[test]
fn a_terminal_is_left_and_taken_up_again() {
    each_stay(|stay| {
        let options = ["run", "-dit", "--name", "test"];
        stay.says(&[&options[..], &SHELL, &["/bin/sh"]].concat());
        assert_eq!(
            stay.asks("{{.Config.Tty}} {{.Config.OpenStdin}}", "test"),
            "true true"
        );
        let mut attached = session(stay, &["attach", "test"]);
        attached.wait_until_raw();
        attached.type_line("stty -echo; x=kept; tty");
        attached.expect("/dev/pts/0");
        attached.expect(INSIDE);
        attached.type_keys("\x10\x11");
        assert_eq!(attached.end(), 0, "{}", stay.case);
        attached.assert_restored();
        assert_eq!(stay.asks("{{.State.Status}}", "test"), "running");

        let mut attached = session(stay, &["attach", "--detach-keys=ctrl-x,a", "test"]);
        attached.wait_until_raw();
        attached.type_line("echo is $x");
        attached.expect("is kept");
        attached.type_keys("\x18a");
        assert_eq!(attached.end(), 0, "{}", stay.case);

        let mut attached = session(stay, &["attach", "test"]);
        attached.wait_until_raw();
        attached.type_line("exit 13");
        assert_eq!(attached.end(), 13, "{}", stay.case);
        attached.assert_restored();
        let listed = stay.says(&[
            "ps",
            "-a",
            "--filter",
            "name=test",
            "--format",
            "{{.Status}}",
        ]);
        assert!(listed.starts_with("Exited (13) "), "{listed}");
    });
}

#[test]
fn exec_has_a_terminal_of_its_own() {
    each_stay(|stay| {
        run(stay, "box", &SLEEP);
        let options = ["exec", "-it"];
        let mut entered = session(stay, &[&options[..], &SHELL, &["box", "/bin/sh"]].concat());
        entered.expect(INSIDE);
        entered.type_line("cat /proc/1/comm; tty");
        entered.expect("sleep");
        entered.expect("/dev/pts/");
        entered.type_line("exit 3");
        assert_eq!(entered.end(), 3, "{}", stay.case);
        entered.assert_restored();
    });
}

#[test]
fn limits_are_changed() {
    each_stay(|stay| {
        let id = run(stay, "a", &SLEEP);
        run(stay, "b", &SLEEP);
        assert_eq!(stay.says(&["update", "--restart=on-failure:3", "a"]), "a");
        let policy =
            "{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}";
        assert_eq!(stay.asks(policy, &id), "on-failure:3");
        if stay.asks("{{.Cgroups}}", "a") == "[]" {
            let said = stay.fails(1, &["update", "-m", "300M", "a"]);
            assert!(said.contains("cgroup"), "{said}");
            return;
        }
        assert_eq!(
            stay.says(&[
                "update",
                "--cpu-shares",
                "512",
                "-m",
                "300M",
                &id[..12],
                "b"
            ]),
            format!("{}\nb", &id[..12])
        );
        for name in ["a", "b"] {
            let limits =
                "{{.HostConfig.CpuShares}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}";
            assert_eq!(stay.asks(limits, name), "512 314572800 629145600");
        }
        assert!(
            stay.fails(1, &["update", "-m", "300M", "nope"])
                .contains("No such container: nope")
        );
    });
}

#[test]
fn files_are_copied_both_ways() {
    each_stay(|stay| {
        run(stay, "box", &SLEEP);
        let files = stay.tree().directory("files");
        let some_file = format!("{files}/some_file");
        std::fs::write(&some_file, "ERROR in it\nfine\n").expect("a file");
        stay.outcome(&["cp", &some_file, "box:/tmp"])
            .output(stay.case);
        let told = stay.says(&["exec", "box", "/bin/cat", "/tmp/some_file"]);
        assert_eq!(told, "ERROR in it\nfine", "{}", stay.case);
        let app_logs = format!("{files}/app_logs");
        stay.outcome(&["cp", "box:/tmp/", &app_logs])
            .output(stay.case);
        let copied = std::fs::read_to_string(format!("{app_logs}/some_file"));
        assert_eq!(
            copied.expect("a copy"),
            "ERROR in it\nfine\n",
            "{}",
            stay.case
        );
        // What a pipe gives tar(1).
        let mut archive = stay.command(&["cp", "box:/tmp/some_file", "-"]);
        let mut archive = archive.stdout(Stdio::piped()).spawn().expect("cp");
        let mut tar = std::process::Command::new("tar");
        tar.args(["x", "-O"])
            .stdin(archive.stdout.take().expect("its pipe"));
        assert_eq!(finish(tar).stdout, "ERROR in it\nfine\n", "{}", stay.case);
        assert!(archive.wait().expect("its end").success(), "{}", stay.case);
        assert_eq!(stay.outcome(&["cp", "nope:/tmp/x", "-"]).code(), Some(1));
        assert_eq!(
            stay.outcome(&["cp", "box:/no/such", &files]).code(),
            Some(1)
        );
    });
}
