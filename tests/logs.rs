//! `mydocker logs`: what a container has written comes back, byte for byte, to whoever asks, while it runs and later.

mod common;

use common::stay::*;
use common::*;
use nix::unistd::Uid;
use serde_json::Value;
use std::fs::File;

use std::process::{Child, Command, Stdio};

/// A command whose stdout and stderr go to files, of which any time is one to look.
struct Written {
    child: Child,
    scratch: Scratch,
}

impl Written {
    fn new(mut command: Command) -> Self {
        let scratch = Scratch::new();
        let file = |name| File::create(scratch.path().join(name)).expect("a file");
        let child = command
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("mydocker");
        Self { child, scratch }
    }

    fn stdout(&self) -> Vec<u8> {
        std::fs::read(self.scratch.path().join("stdout")).expect("a file")
    }

    fn stderr(&self) -> Vec<u8> {
        std::fs::read(self.scratch.path().join("stderr")).expect("a file")
    }

    /// Both, of a command that ends well.
    #[track_caller]
    fn ends(mut self) -> (Vec<u8>, Vec<u8>) {
        let status = wait(&mut self.child).expect("it hangs");
        assert!(status.success(), "{status}: {:?}", lossy(&self.stderr()));
        (self.stdout(), self.stderr())
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Equal, without telling megabytes.
#[track_caller]
fn assert_same(found: &[u8], expected: &[u8], what: &str) {
    let same = found
        .iter()
        .zip(expected)
        .take_while(|(found, expected)| found == expected);
    assert!(
        found == expected,
        "{what}: {} bytes of {}, of which the first {} are the same",
        found.len(),
        expected.len(),
        same.count()
    );
}

fn logs(stay: &Stay, words: &[&str]) -> (Vec<u8>, Vec<u8>) {
    Written::new(stay.command(&[&["logs"], words].concat())).ends()
}

/// Runs a script in a container that stays, to its end. Its id.
fn run(stay: &Stay, options: &[&str], script: &str) -> String {
    let words = [&["run", "-d"], options, &["/bin/sh", "-c", script]].concat();
    let id = stay.says(&words);
    assert_eq!(stay.says(&["wait", &id]), "0");
    id
}

#[test]
fn each_line_is_where_it_was_written_to() {
    each_stay(|stay| {
        let before = nix::time::clock_gettime(nix::time::ClockId::CLOCK_REALTIME).unwrap();
        let script = "echo one; sleep 1.2; echo two >&2; sleep 1.2; echo three; printf half";
        let id = run(stay, &["--name", "web"], script);
        let label = stay.case;
        let (out, error) = logs(stay, &["web"]);
        assert_eq!(
            (lossy(&out), lossy(&error)),
            ("one\nthree\nhalf".into(), "two\n".into()),
            "{label}"
        );
        // Docker's file, a line of JSON for each.
        let text = std::fs::read_to_string(stay.directory(&id).join("log.json")).expect("a log");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let seen: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line["stream"].as_str().unwrap(),
                    line["log"].as_str().unwrap(),
                )
            })
            .collect();
        let expected = [
            ("stdout", "one\n"),
            ("stderr", "two\n"),
            ("stdout", "three\n"),
            ("stdout", "half"),
        ];
        assert_eq!(seen, expected, "{label}");
        let times: Vec<&str> = lines
            .iter()
            .map(|line| line["time"].as_str().unwrap())
            .collect();
        let (out, error) = logs(stay, &["-t", &id[..12]]);
        let expected = format!("{} one\n{} three\n{} half", times[0], times[2], times[3]);
        assert_eq!(
            (lossy(&out), lossy(&error)),
            (expected, format!("{} two\n", times[1])),
            "{label}"
        );
        for (words, out, error) in [
            (&["--tail", "1", "web"][..], "half", ""),
            (&["-n2", "web"], "three\nhalf", ""),
            (&["--tail=3", "web"], "three\nhalf", "two\n"),
            (&["-n", "0", "web"], "", ""),
            (&["-n", "all", "web"], "one\nthree\nhalf", "two\n"),
            (&["--since", times[1], "web"], "three\nhalf", "two\n"),
            (&["--until", times[1], "web"], "one\n", "two\n"),
            (
                &["--since", times[1], "--until", times[1], "web"],
                "",
                "two\n",
            ),
            (&["--until", times[2], "-n", "1", "web"], "three\n", ""),
            (
                &["--since", &before.tv_sec().to_string(), "-f", "web"],
                "one\nthree\nhalf",
                "two\n",
            ),
            (
                &["--until", &format!("{}.5", before.tv_sec() - 1), "web"],
                "",
                "",
            ),
            (&["--since", "1h", "web"], "one\nthree\nhalf", "two\n"),
            (&["--until", "1h", "web"], "", ""),
        ] {
            let found = logs(stay, words);
            assert_eq!(
                (lossy(&found.0), lossy(&found.1)),
                (out.into(), error.into()),
                "{label} {words:?}"
            );
        }
        // A time without a zone is of this place.
        for (zone, expected) in [("UTC0", "half"), ("EAST-5", "half"), ("WEST5", "")] {
            let since = times[3].trim_end_matches('Z');
            let mut command = stay.command(&["logs", "-n", "1", "--since", since, "web"]);
            command.env("TZ", zone);
            let (out, _) = Written::new(command).ends();
            assert_eq!(lossy(&out), expected, "{label} {zone}");
        }
    });
}

#[test]
fn what_is_no_log_is_told_in_one_line() {
    each_stay(|stay| {
        assert_eq!(
            stay.outcome(&["run", "--name", "front", "/bin/true"])
                .code(),
            Some(0)
        );
        run(
            stay,
            &["--name", "none", "--log-driver", "none"],
            "echo lost",
        );
        stay.says(&["create", "--name", "new", "/bin/true"]);
        for name in ["front", "none"] {
            let said = stay.fails(1, &["logs", "-f", name]);
            assert!(
                said.contains(&format!("container {name} has no log: ")),
                "{said}"
            );
        }
        assert_eq!(stay.says(&["logs", "-f", "new"]), "");
        let said = stay.fails(1, &["logs", "nothing"]);
        assert_eq!(said, "mydocker: No such container: nothing\n");
        let said = stay.fails(125, &["logs", "--since", "soon", "new"]);
        assert!(said.contains("--since soon: it takes "), "{said}");
    });
}

/// Lines, halves of letters, and all the bytes there are.
fn any_bytes(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(15);
    let mut bytes = Vec::new();
    while bytes.len() < length {
        match random.u8(..4) {
            0 => bytes.extend(std::iter::repeat_with(|| random.u8(..)).take(300)),
            1 => bytes.extend("letters: é€🐋 \u{1b}[1m\"\\\n".bytes().cycle().take(400)),
            2 => bytes.extend(std::iter::repeat_n(random.u8(..), 40_000)),
            _ => bytes.extend(format!("{}\n", random.u64(..)).bytes()),
        }
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn every_byte_comes_back() {
    // 100 MB were compared by hand; in four cases they would take a debug build minutes. These pass through every buffer
    // a hundred times.
    let length = if is_brief() { 1_000_000 } else { 4_000_000 };
    let bytes = any_bytes(length);
    each_stay(|stay| {
        let root = stay.tree().root();
        std::fs::write(root.join("out"), &bytes).expect("a file");
        std::fs::write(root.join("err"), &bytes[..length / 10]).expect("a file");
        let options = ["--log-opt", "max-size=200m", "--name", "all"];
        run(stay, &options, "cat /out & cat /err >&2; wait");
        let (out, error) = logs(stay, &["all"]);
        assert_same(&out, &bytes, &format!("{} stdout", stay.case));
        assert_same(
            &error,
            &bytes[..length / 10],
            &format!("{} stderr", stay.case),
        );
        // In many files.
        let options = [
            "--log-opt",
            "max-size=1m",
            "--log-opt",
            "max-file=1000",
            "--name",
            "parts",
        ];
        let id = run(stay, &options, "cat /out");
        assert!(stay.directory(&id).join("log.json.2").exists());
        let (out, _) = logs(stay, &["parts"]);
        assert_same(&out, &bytes, &format!("{} parts", stay.case));
        stay.says(&["rm", "all", "parts"]);
    });
}

#[test]
fn old_files_go() {
    each_stay(|stay| {
        let script = "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done";
        let id = run(
            stay,
            &["--log-opt", "max-size=5k", "--log-opt", "max-file=2"],
            script,
        );
        let mut files: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(stay.directory(&id)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("log.json") {
                assert!(entry.metadata().unwrap().len() <= 5_000, "{name}");
                files.push(name);
            }
        }
        files.sort();
        assert_eq!(files, ["log.json", "log.json.1"]);
        let text = lossy(&logs(stay, &[&id]).0);
        let all: Vec<String> = (0..1_000)
            .map(|number| format!("line {number}\n"))
            .collect();
        assert!(
            text.lines().count() > 50 && all.concat().ends_with(&text),
            "{text}"
        );
        let last = lossy(&logs(stay, &["-n", "70", &id]).0);
        assert_eq!(last, all[930..].concat());
    });
}

#[test]
fn who_follows_sees_a_prompt_and_all_that_comes() {
    each_stay(|stay| {
        let root = stay.tree().root();
        let script = "printf '$ '; until [ -e /go ]; do sleep 0.05; done; \
             i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo end >&2";
        let words = [
            "run",
            "-d",
            "--name",
            "web",
            "--log-opt",
            "max-size=10k",
            "--log-opt",
            "max-file=100",
        ];
        stay.says(&[&words[..], &["/bin/sh", "-c", script]].concat());
        let follower = Written::new(stay.command(&["logs", "-f", "web"]));
        let last = Written::new(stay.command(&["logs", "-f", "-n", "0", "web"]));
        let sees = || follower.stdout() == b"$ ";
        assert!(
            eventually(sees),
            "{}: {:?}",
            stay.case,
            lossy(&follower.stdout())
        );
        assert_eq!(lossy(&logs(stay, &["web"]).0), "$ ");
        std::fs::write(root.join("go"), "").expect("a file");
        let lines: Vec<String> = (0..2_000)
            .map(|number| format!("line {number}\n"))
            .collect();
        let (out, error) = follower.ends();
        let label = format!("{}", stay.case);
        assert_same(&out, ("$ ".to_owned() + &lines.concat()).as_bytes(), &label);
        assert_eq!(lossy(&error), "end\n", "{label}");
        // The second one may have begun before the prompt was in the log.
        let (out, _) = last.ends();
        assert!(lossy(&out).ends_with(&lines.concat()), "{label}");
        stay.says(&["rm", "web"]);
        std::fs::remove_file(root.join("go")).expect("a file");
    });
}

#[test]
fn who_follows_one_that_is_killed_or_removed_comes_to_an_end() {
    each_stay(|stay| {
        for by in ["monitor", "rm"] {
            let words = [
                "run",
                "-d",
                "--name",
                "web",
                "/bin/sh",
                "-c",
                "echo on; exec sleep 1000",
            ];
            let id = stay.says(&words);
            let follower = Written::new(stay.command(&["logs", "-f", "web"]));
            assert!(
                eventually(|| follower.stdout() == b"on\n"),
                "{} {by}",
                stay.case
            );
            match by {
                "rm" => drop(stay.says(&["rm", "-f", "web"])),
                _ => {
                    let state = std::fs::read(stay.directory(&id).join("state.json")).unwrap();
                    let state: Value = serde_json::from_slice(&state).unwrap();
                    kill(
                        state["monitor"]["pid"].as_u64().unwrap() as u32,
                        Signal::SIGKILL,
                    );
                }
            }
            let (out, error) = follower.ends();
            assert_eq!(
                (lossy(&out), lossy(&error)),
                ("on\n".into(), String::new()),
                "{} {by}",
                stay.case
            );
            if by == "monitor" {
                assert_eq!(lossy(&logs(stay, &["web"]).0), "on\n");
                stay.says(&["rm", "-f", "web"]);
            }
        }
    });
}

#[test]
fn a_reader_who_has_enough_is_no_failure() {
    each_stay(|stay| {
        let words = [
            "run",
            "-d",
            "--name",
            "web",
            "/bin/sh",
            "-c",
            "echo on; exec sleep 1000",
        ];
        stay.says(&words);
        let mut command = stay.command(&["logs", "-f", "web"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mydocker");
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut line = [0; 3];
        std::io::Read::read_exact(&mut stdout, &mut line).expect("a line");
        // It says nothing more, so nothing is written to find out.
        drop(stdout);
        let status = wait(&mut child).expect("it hangs");
        assert_eq!(status.code(), Some(0), "{}", stay.case);
    });
}

#[test]
fn a_full_disk_costs_output_that_is_told() {
    if !Uid::effective().is_root() {
        return skip_root_only("it takes root to mount a small disk");
    }
    each_stay(|stay| {
        if stay.case.caller != Caller::Root {
            return;
        }
        // All of it in a mount namespace of the script's, which takes the disk along.
        let script = r#"
            set -e
            mount -t tmpfs -o size=1m,mode=700 small "$STATE"
            head -c 300000 /dev/zero > "$STATE/ballast"
            id=$("$@" run -d --launch "$LAUNCH" --rootfs "$ROOT" --name web --log-opt max-size=100m /bin/sh -c '
                i=0; while [ $i -lt 30000 ]; do echo line $i is one of many; i=$((i+1)); done
                echo > /full; until [ -e /go ]; do sleep 0.05; done; echo after')
            until [ -e "$ROOT/full" ]; do sleep 0.05; done
            rm "$STATE/ballast"
            echo > "$ROOT/go"
            "$@" wait web
            "$@" logs web > "$OUT/log" 2> "$OUT/said"
            tail -c 1 "$STATE/containers/$id/log.json" | od -An -c
            "$@" rm web > /dev/null"#;
        let scratch = Scratch::new();
        let mut command = Command::new("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "/bin/sh",
                "-c",
                script,
                "sh",
            ])
            .arg(mydocker())
            .args(["--state", stay.state()])
            .env("STATE", stay.state())
            .env("ROOT", stay.tree().root())
            .env("LAUNCH", stay.case.launch)
            .env("OUT", scratch.path())
            .current_dir("/")
            .stdin(Stdio::null());
        let outcome = finish(command);
        assert_eq!(outcome.code(), Some(0), "{}: {outcome:?}", stay.case);
        let said: Vec<&str> = outcome.stdout.split_whitespace().collect();
        assert_eq!(said, ["0", "\\n"], "{}", stay.case);
        let log = std::fs::read_to_string(scratch.path().join("log")).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.last(), Some(&"after"), "{}", stay.case);
        let whole = |line: &&str| line.starts_with("line ") && line.ends_with(" is one of many");
        assert!(
            lines.len() > 1_000 && lines[..lines.len() - 1].iter().all(whole),
            "{}",
            stay.case
        );
        let said = std::fs::read_to_string(scratch.path().join("said")).unwrap();
        let lost: usize = said
            .strip_prefix("mydocker: ")
            .and_then(|said| said.split_once(" bytes of output are missing"))
            .and_then(|(count, _)| count.parse().ok())
            .unwrap_or_else(|| panic!("{}: {said}", stay.case));
        let all: usize = (0..30_000)
            .map(|number| format!("line {number} is one of many\n").len())
            .sum();
        assert_eq!(log.len() + lost, all + "after\n".len(), "{}", stay.case);
        for name in ["full", "go"] {
            std::fs::remove_file(stay.tree().root().join(name)).expect("a file");
        }
    });
}
