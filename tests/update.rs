//! `update` and `stats`: other limits for containers that run, and what they use.

mod common;

use common::cgroups::own_cgroups;
use common::pty::Session;
use common::stay::*;
use common::*;
use std::ffi::OsString;

const LIMITS: &str = "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}";

/// What a file of a container's cgroups says, if one of them has it.
fn value(stay: &Stay, name: &str, files: [&str; 2]) -> Option<String> {
    let pid = stay.asks("{{.State.Pid}}", name);
    let cgroups = own_cgroups(&pid);
    let paths = cgroups
        .iter()
        .flat_map(|cgroup| files.map(|file| cgroup.join(file)));
    let mut values = paths.filter_map(|path| std::fs::read_to_string(path).ok());
    values.next().map(|value| value.trim_end().to_owned())
}

const MEMORY: [&str; 2] = ["memory.limit_in_bytes", "memory.max"];
const PIDS: [&str; 2] = ["pids.max"; 2];

/// A container of root's that sleeps, where it has cgroups that can be limited.
fn each_limited(options: &[&str], test: impl Fn(&Stay)) {
    for case in root_cases() {
        let Some(stay) = Stay::new(case) else { return };
        let words = [
            &["run", "-d", "--name", "a"],
            options,
            &["/bin/sleep", "1000"],
        ]
        .concat();
        stay.says(&words);
        if value(&stay, "a", MEMORY).is_none() || value(&stay, "a", PIDS).is_none() {
            return skip("no memory and no processes can be limited here");
        }
        test(&stay);
    }
}

#[test]
fn limits_change_while_it_runs() {
    each_limited(&["-m", "64m"], |stay| {
        let unlimited = stay.asks("{{.HostConfig.PidsLimit}}", "a");
        assert_eq!(value(stay, "a", MEMORY).unwrap(), (64 << 20).to_string());
        // Above what memory and swap together may be so far.
        let words = [
            "update",
            "-m",
            "1g",
            "--pids-limit",
            "20",
            "--cpus",
            "0.5",
            "a",
        ];
        assert_eq!(stay.says(&words), "a");
        assert_eq!(value(stay, "a", MEMORY).unwrap(), (1 << 30).to_string());
        assert_eq!(value(stay, "a", PIDS).unwrap(), "20");
        assert_eq!(stay.asks(LIMITS, "a"), "1073741824 20 500000000");
        let shown = stay.says(&["stats", "--no-stream", "--format", "{{.MemUsage}}", "a"]);
        assert!(shown.ends_with(" / 1GiB"), "{shown}");

        // What is refused changes nothing.
        for (options, why) in [
            (
                &["-m", "4k", "--pids-limit", "7"][..],
                "the container uses more",
            ),
            (
                &["--cpu-quota", "10000"],
                "it cannot be given together with",
            ),
            (
                &["--memory-swap", "1m"],
                "has to be at least what --memory is",
            ),
            (
                &["--cpuset-cpus", "60000", "--pids-limit", "7"],
                "--cpuset-cpus: write",
            ),
            (&["--pids-limit", "x"], "--pids-limit x"),
            (&["--restart", "often"], "--restart often"),
        ] {
            let said = stay.fails(1, &[&["update"], options, &["a"]].concat());
            assert!(said.contains(why), "{options:?}: {said}");
            assert_eq!(value(stay, "a", MEMORY).unwrap(), (1 << 30).to_string());
            assert_eq!(value(stay, "a", PIDS).unwrap(), "20", "{options:?}");
            assert_eq!(stay.asks(LIMITS, "a"), "1073741824 20 500000000");
        }

        stay.says(&["update", "-m", "32m", "--pids-limit", "-1", "a"]);
        assert_eq!(value(stay, "a", MEMORY).unwrap(), (32 << 20).to_string());
        assert_eq!(value(stay, "a", PIDS).unwrap(), "max");
        assert_eq!(stay.asks("{{.HostConfig.PidsLimit}}", "a"), unlimited);
        // Also while it is paused.
        stay.says(&["pause", "a"]);
        stay.says(&["update", "--pids-limit", "9", "a"]);
        assert_eq!(value(stay, "a", PIDS).unwrap(), "9");
    });
}

#[test]
fn the_next_start_has_them_too() {
    each_limited(&["--pids-limit", "5"], |stay| {
        stay.says(&["update", "-m", "48m", "a"]);
        stay.says(&["kill", "a"]);
        stay.becomes("exited", "a");
        let outcome = stay.outcome(&["update", "--pids-limit", "6", "a", "nope"]);
        assert_eq!(
            (outcome.code(), outcome.stdout.as_str()),
            (Some(1), "a\n"),
            "{outcome:?}"
        );
        assert!(
            outcome.stderr.contains("No such container: nope"),
            "{outcome:?}"
        );
        stay.says(&["start", "a"]);
        assert_eq!(value(stay, "a", MEMORY).unwrap(), (48 << 20).to_string());
        assert_eq!(value(stay, "a", PIDS).unwrap(), "6");
        assert_eq!(stay.asks(LIMITS, "a"), "50331648 6 0");
    });
}

#[test]
fn several_updates_at_once_are_all_kept() {
    each_limited(&[], |stay| {
        let all = [
            ["--memory", "64m"],
            ["--pids-limit", "33"],
            ["--cpus", "0.25"],
            ["--cpu-shares", "512"],
            ["--memory-reservation", "16m"],
            ["--restart", "unless-stopped"],
        ];
        let updates = all.map(|option| {
            let mut command = stay.command(&["update", option[0], option[1], "a"]);
            command.stdout(std::process::Stdio::null());
            command.spawn().expect("an update")
        });
        for mut update in updates {
            assert_eq!(wait(&mut update).and_then(|status| status.code()), Some(0));
        }
        assert_eq!(stay.asks(LIMITS, "a"), "67108864 33 250000000");
        let others = "{{.HostConfig.CpuShares}} {{.HostConfig.MemoryReservation}} {{.HostConfig.RestartPolicy.Name}}";
        assert_eq!(stay.asks(others, "a"), "512 16777216 unless-stopped");
        assert_eq!(value(stay, "a", PIDS).unwrap(), "33");
        stay.says(&["stop", "-t", "0", "a"]);
    });
}

#[test]
fn the_restart_policy_is_the_one_of_the_last_update() {
    each_stay(|stay| {
        let script = "while [ ! -e /tmp/go ]; do usleep 5000; done; exit 3";
        let volume = format!("{}:/tmp", stay.tree().directory("volume"));
        let words = [
            "run", "-d", "--name", "a", "-v", &volume, "/bin/sh", "-c", script,
        ];
        stay.says(&words);
        stay.says(&["update", "--restart", "on-failure:2", "a"]);
        assert_eq!(
            stay.asks("{{.HostConfig.RestartPolicy.Name}}", "a"),
            "on-failure"
        );
        std::fs::write(stay.tree().beside("volume/go"), "").unwrap();
        stay.becomes("exited", "a");
        assert_eq!(
            stay.asks("{{.RestartCount}} {{.State.ExitCode}}", "a"),
            "2 3"
        );
        let said = stay.fails(1, &["update", "--restart", "sometimes", "a"]);
        assert!(said.contains("--restart sometimes"), "{said}");
        // What is thrown away is not started again.
        stay.says(&["run", "-d", "--rm", "--name", "b", "/bin/sleep", "1000"]);
        let said = stay.fails(1, &["update", "--restart", "always", "b"]);
        assert!(said.contains("it cannot be given with --rm"), "{said}");
    });
}

#[test]
fn a_limit_holds_in_the_next_life() {
    each_limited(&["--restart", "always"], |stay| {
        stay.says(&["update", "--pids-limit", "7", "a"]);
        let before = stay.asks("{{.State.Pid}}", "a");
        kill(before.parse().unwrap(), nix::sys::signal::Signal::SIGKILL);
        let is_new = || {
            let status = stay.asks("{{.State.Status}} {{.State.Pid}}", "a");
            status.starts_with("running ") && !status.ends_with(&format!(" {before}"))
        };
        assert!(eventually(is_new), "{}", stay.case);
        assert_eq!(value(stay, "a", PIDS).unwrap(), "7");
    });
}

#[test]
fn without_a_cgroup_of_its_own_it_is_told() {
    for case in ordinary_cases() {
        let Some(stay) = Stay::new(case) else { return };
        let pid = {
            stay.says(&["run", "-d", "--name", "a", "/bin/sleep", "1000"]);
            stay.asks("{{.State.Pid}}", "a")
        };
        if !own_cgroups(&pid).is_empty() {
            return skip("an ordinary user has cgroups of their own here");
        }
        let why = "the container has no cgroup of its own";
        for words in [
            &["update", "-m", "64m", "a"][..],
            &["stats", "--no-stream", "a"],
        ] {
            let said = stay.fails(1, words);
            assert!(said.contains(why), "{said}");
        }
        // Nothing is kept of what was refused.
        assert_eq!(stay.asks("{{.HostConfig.Memory}}", "a"), "0");
        // Of all that run this one is shown, without what is not known.
        let shown = stay.says(&["stats", "--no-stream"]);
        assert!(shown.lines().nth(1).unwrap().contains("-- / --"), "{shown}");
    }
}

#[test]
fn stats_shows_what_is_used() {
    each_limited(&["-m", "64m"], |stay| {
        stay.says(&[
            "run",
            "-d",
            "--name",
            "busy",
            "/bin/sh",
            "-c",
            "while :; do :; done",
        ]);
        stay.says(&["create", "--name", "new", "/bin/true"]);
        let shown = stay.says(&["stats", "--no-stream"]);
        let heading = shown.lines().next().unwrap();
        let words: Vec<&str> = heading
            .split("  ")
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect();
        let columns = [
            "CONTAINER ID",
            "NAME",
            "CPU %",
            "MEM USAGE / LIMIT",
            "MEM %",
            "NET I/O",
            "BLOCK I/O",
            "PIDS",
        ];
        assert_eq!(words, columns);
        assert_eq!(shown.lines().count(), 3, "{shown}");
        let of = |template: &str, name: &str| {
            stay.says(&["stats", "--no-stream", "--format", template, name])
        };
        assert_ne!(of("{{.CPUPerc}}", "busy"), "0.00%");
        assert_eq!(of("{{.PIDs}} {{.NetIO}}", "a"), "1 0B / 0B");
        assert!(of("{{.MemUsage}}", "a").ends_with(" / 64MiB"));
        assert_eq!(
            of("{{.Name}}: {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}", "new"),
            "new: 0.00% 0B / 0B 0"
        );
        let json: serde_json::Value = serde_json::from_str(&of("json", "a")).unwrap();
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        let expected = [
            "BlockIO",
            "CPUPerc",
            "Container",
            "ID",
            "MemPerc",
            "MemUsage",
            "Name",
            "NetIO",
            "PIDs",
        ];
        assert_eq!(keys, expected);
        assert_eq!(
            (&json["Container"], &json["Name"]),
            (&"a".into(), &"a".into())
        );
        let all = stay.says(&["stats", "-a", "--no-stream", "--format", "{{.Name}}"]);
        assert_eq!(all, "new\nbusy\na");
        let said = stay.fails(1, &["stats", "--no-stream", "a", "nope"]);
        assert!(said.contains("No such container: nope"), "{said}");
        assert!(
            stay.fails(1, &["stats", "--format", "{{.Cpu}}"])
                .contains("no field Cpu")
        );
    });
}

#[test]
fn stats_is_drawn_anew_on_a_terminal() {
    each_limited(&[], |stay| {
        let command = stay.command(&["stats", "--format", "{{.Name}} has {{.PIDs}}"]);
        let line: Vec<OsString> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(OsString::from)
            .collect();
        let mut session = Session::new(stay.case, mark(), &line);
        session.expect("\x1b[2J");
        for _ in 0..2 {
            session.expect("\x1b[Ha has 1\x1b[K\r\n\x1b[J");
        }
        session.type_keys("\x03");
        session.wait();
        assert_eq!(session.died_of(), Some(2));
        // Into a pipe it goes on until no one reads it.
        let mut child = stay
            .command(&["stats", "--format", "{{.Name}}"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut start = [0; 4];
        let mut stdout = child.stdout.take().unwrap();
        std::io::Read::read_exact(&mut stdout, &mut start).unwrap();
        assert_eq!(&start, b"a\na\n");
        drop(stdout);
        assert_eq!(wait(&mut child).and_then(|status| status.code()), Some(0));
    });
}
