//! `ps` and `inspect`: what is shown of containers, by docker's fields, filters and words.

mod common;

use common::stay::*;
use common::*;

/// Three containers: one that runs, one that has ended, and one that has not begun.
fn three(stay: &Stay) {
    let long = ["/bin/sh", "-c", "exec sleep 1000"];
    stay.says(
        &[
            &[
                "run",
                "-d",
                "--name",
                "web",
                "-l",
                "color=blue",
                "-l",
                "tier",
            ],
            &long[..],
        ]
        .concat(),
    );
    stay.says(&[
        "run",
        "-d",
        "--name",
        "job",
        "--label",
        "color=red",
        "/bin/sh",
        "-c",
        "exit 7",
    ]);
    stay.becomes("exited", "job");
    stay.says(&["create", "--name", "later", "/bin/true"]);
}

fn names(stay: &Stay, words: &[&str]) -> String {
    let words = [&["ps", "--format", "{{.Names}}"], words].concat();
    stay.says(&words).replace('\n', " ")
}

#[test]
fn a_table_has_dockers_words() {
    each_stay(|stay| {
        assert_eq!(
            stay.says(&["ps"]),
            "CONTAINER ID   COMMAND   CREATED   STATUS    NAMES"
        );
        three(stay);
        let all = stay.says(&["ps", "-a"]);
        let lines: Vec<&str> = all.lines().collect();
        let columns = ["CONTAINER ID", "COMMAND", "CREATED", "STATUS", "NAMES"];
        let places = columns.map(|column| lines[0].find(column).unwrap());
        let cell = |line: usize, column: usize| {
            let end = places.get(column + 1).copied().unwrap_or(usize::MAX);
            let letters = lines[line].chars().skip(places[column]);
            letters
                .take(end - places[column])
                .collect::<String>()
                .trim_end()
                .to_owned()
        };
        // The newest first.
        assert_eq!([1, 2, 3].map(|line| cell(line, 4)), ["later", "job", "web"]);
        assert_eq!(cell(1, 3), "Created");
        assert!(cell(2, 3).starts_with("Exited (7) "), "{all}");
        assert!(cell(2, 3).ends_with(" ago"), "{all}");
        assert!(cell(3, 3).starts_with("Up "), "{all}");
        assert_eq!(cell(1, 1), "\"/bin/true\"");
        assert_eq!(cell(3, 1), "\"/bin/sh -c 'exec sl…\"");
        assert!(cell(3, 2).ends_with(" ago"), "{all}");
        let ids = stay.says(&["ps", "-aq"]);
        let ids: Vec<&str> = ids.lines().collect();
        assert_eq!([1, 2, 3].map(|line| cell(line, 0)), ids[..]);
        assert!(ids.iter().all(|id| id.len() == 12), "{ids:?}");
        let whole = stay.says(&["ps", "--no-trunc", "-q"]);
        assert!(whole.len() == 64 && whole.starts_with(ids[2]), "{whole}");
        let whole = stay.says(&["ps", "--no-trunc"]);
        assert!(
            whole.contains("\"/bin/sh -c 'exec sleep 1000'\""),
            "{whole}"
        );
    });
}

#[test]
fn lists_are_chosen() {
    each_stay(|stay| {
        three(stay);
        for (words, expected) in [
            (&[][..], "web"),
            (&["-a"], "later job web"),
            (&["-l"], "later"),
            (&["-n", "2"], "later job"),
            (&["-n=-1"], "web"),
            (&["-n", "0"], "web"),
            (&["-f", "status=exited"], "job"),
            (
                &["-f", "status=created", "-f", "status=running"],
                "later web",
            ),
            (&["-a", "--filter", "exited=7"], "job"),
            (&["-a", "--filter", "exited=0"], ""),
            (&["--filter", "label=color"], "web"),
            (&["-a", "--filter", "label=color"], "job web"),
            (&["-a", "--filter", "label=color=red"], "job"),
            (
                &["-a", "--filter", "label=color", "--filter", "label=tier"],
                "web",
            ),
            (&["-a", "--filter", "name=e"], "later web"),
            (&["-a", "--filter", "name=^web$"], "web"),
            (&["-a", "--filter", "name=^we$"], ""),
            (&["-a", "--filter", "before=later"], "job web"),
            (
                &["-a", "--filter", "since=web", "--filter", "before=later"],
                "job",
            ),
        ] {
            assert_eq!(names(stay, words), expected, "{} {words:?}", stay.case);
        }
        let id = stay.asks("{{.Id}}", "job");
        assert_eq!(
            names(stay, &["-a", "-f", &format!("id={}", &id[..9])]),
            "job"
        );
        for filter in [
            "ancestor=x",
            "network=none",
            "health=healthy",
            "status=up",
            "exited=x",
            "name",
            "name=a|b",
        ] {
            let said = stay.fails(1, &["ps", "-f", filter]);
            assert!(said.contains(&format!("filter {filter}: ")), "{said}");
        }
        let said = stay.fails(1, &["ps", "-f", "before=nope"]);
        assert!(said.contains("No such container: nope"), "{said}");
    });
}

#[test]
fn formats() {
    each_stay(|stay| {
        three(stay);
        let table = r#"table {{.Names}}\t{{.State}}\t{{.Label "color"}}"#;
        let expected = "NAMES     STATE     color\n\
                        later     created   \n\
                        job       exited    red\n\
                        web       running   blue";
        assert_eq!(stay.says(&["ps", "-a", "--format", table]), expected);
        let line = r"{{.Names}}: {{.Command}}\t{{json .Labels}}";
        let expected = "web: \"/bin/sh -c 'exec sl…\"\t\"color=blue,tier\"";
        assert_eq!(stay.says(&["ps", "--format", line]), expected);
        let root = stay.tree().name();
        assert_eq!(stay.says(&["ps", "--format", "{{.Image}}"]), root);
        for line in stay.says(&["ps", "-a", "--format", "json"]).lines() {
            let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
            for field in [
                "Command",
                "CreatedAt",
                "ID",
                "Image",
                "Labels",
                "LocalVolumes",
                "Mounts",
                "Names",
                "Networks",
                "Ports",
                "RunningFor",
                "Size",
                "State",
                "Status",
            ] {
                assert!(object[field].is_string(), "{field}: {line}");
            }
        }
        for (template, named) in [
            ("{{.Nope}}", "Nope"),
            ("{{range .Names}}x{{end}}", "{{range .Names}}"),
            ("{{.ID | upper}}", "{{.ID | upper}}"),
            ("{{.ID", "{{.ID"),
            ("table {{if .ID}}", "{{if .ID}}"),
        ] {
            let said = stay.fails(1, &["ps", "--format", template]);
            assert!(said.contains(named), "{said}");
        }
    });
}

#[test]
fn documents() {
    each_stay(|stay| {
        let volume = stay.tree().directory("volume");
        let labels = stay.tree().beside("labels");
        std::fs::write(&labels, "# of it\nfrom=a file\nbare=not\n").expect("a file");
        let options = [
            "-d",
            "--name",
            "box",
            "-l",
            "com.example.a=b=c",
            "-l",
            "bare",
            "--label-file",
            &labels,
            "-e",
            "A=1 2",
            "-w",
            "/tmp",
            "--hostname",
            "there",
            "-v",
            &format!("{volume}:/mnt:ro"),
            "--restart",
            "on-failure:3",
            "--cap-drop",
            "net_raw",
            "--stop-signal",
            "INT",
            "--stop-timeout",
            "3",
            "--read-only",
        ];
        let id = stay.says(&[&["run"], &options[..], &["/bin/sleep", "1000"]].concat());
        // It was read once and for all.
        std::fs::remove_file(&labels).expect("a file less");
        let text = stay.says(&["inspect", "box"]);
        assert!(text.starts_with("[\n    {\n        \"Id\": \""), "{text}");
        let all: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let document = &all[0];
        let at = |path: &str| {
            document
                .pointer(path)
                .unwrap_or(&serde_json::Value::Null)
                .clone()
        };
        for (path, expected) in [
            ("/Id", serde_json::json!(id)),
            ("/Name", "/box".into()),
            ("/Path", "/bin/sleep".into()),
            ("/Args", serde_json::json!(["1000"])),
            ("/State/Status", "running".into()),
            ("/State/Running", true.into()),
            ("/State/Paused", false.into()),
            ("/State/ExitCode", 0.into()),
            ("/State/FinishedAt", "0001-01-01T00:00:00Z".into()),
            ("/RestartCount", 0.into()),
            (
                "/HostConfig/Binds",
                serde_json::json!([format!("{volume}:/mnt:ro")]),
            ),
            ("/HostConfig/RestartPolicy/Name", "on-failure".into()),
            ("/HostConfig/RestartPolicy/MaximumRetryCount", 3.into()),
            ("/HostConfig/AutoRemove", false.into()),
            ("/HostConfig/NetworkMode", "none".into()),
            ("/HostConfig/ReadonlyRootfs", true.into()),
            ("/HostConfig/CapDrop", serde_json::json!(["CAP_NET_RAW"])),
            ("/HostConfig/LogConfig/Type", "json-file".into()),
            ("/Mounts/0/Source", volume.as_str().into()),
            ("/Mounts/0/Destination", "/mnt".into()),
            ("/Mounts/0/RW", false.into()),
            ("/Config/Hostname", "there".into()),
            ("/Config/Tty", false.into()),
            ("/Config/WorkingDir", "/tmp".into()),
            (
                "/Config/Labels",
                serde_json::json!({"com.example.a": "b=c", "bare": "", "from": "a file"}),
            ),
            ("/Config/StopSignal", "INT".into()),
            ("/Config/StopTimeout", 3.into()),
            ("/Rootfs", serde_json::json!([stay.tree().name()])),
            ("/LostLogBytes", 0.into()),
        ] {
            assert_eq!(at(path), expected, "{} {path}: {text}", stay.case);
        }
        let environment = at("/Config/Env");
        assert!(
            environment.as_array().unwrap().contains(&"A=1 2".into()),
            "{text}"
        );
        // What it says of processes is so.
        let name = std::fs::read_to_string(format!("/proc/{}/comm", at("/State/Pid")));
        assert_eq!(name.expect("the first process"), "sleep\n");
        assert!(at("/Monitor").as_u64().is_some_and(|pid| pid > 1), "{text}");
        assert!(
            std::path::Path::new(at("/LogPath").as_str().unwrap()).exists(),
            "{text}"
        );
    });
}

#[test]
fn parts_of_documents() {
    each_stay(|stay| {
        three(stay);
        let id = stay.asks("{{.Id}}", "web");
        assert_eq!(stay.asks("{{.Name}} {{.State.ExitCode}}", "job"), "/job 7");
        assert_eq!(
            stay.asks(
                "{{.State.Reason}} {{.Report.reason}} {{.Report.code}}",
                "job"
            ),
            "exited exited 7"
        );
        assert_eq!(
            stay.asks("{{json .Config.Cmd}}", &id[..8]),
            r#"["/bin/sh","-c","exec sleep 1000"]"#
        );
        assert_eq!(
            stay.asks("{{.Args}}{{.Config.Tty}}", "web"),
            "[-c exec sleep 1000]false"
        );
        // As docker has it, only lists have escapes.
        assert_eq!(stay.asks(r"{{.Name}}\t", "web"), r"/web\t");
        assert_eq!(
            stay.says(&["inspect", "-f", "{{.Name}}", "web", "job", "/later"]),
            "/web\n/job\n/later"
        );
        let compact = stay.says(&["inspect", "-f", "json", "web"]);
        assert!(
            compact.starts_with("[{\"Id\":\"") && compact.lines().count() == 1,
            "{compact}"
        );

        let outcome = stay.outcome(&["inspect", "nope"]);
        assert_eq!(outcome.code(), Some(1), "{outcome:?}");
        assert_eq!(outcome.stdout, "[]\n");
        assert_eq!(outcome.stderr, "mydocker: No such object: nope\n");
        let outcome = stay.outcome(&["inspect", "-f", "{{.Name}}", "nope", "web"]);
        assert_eq!(
            (outcome.code(), outcome.stdout.as_str()),
            (Some(1), "/web\n"),
            "{outcome:?}"
        );
        let outcome = stay.outcome(&["inspect", "-f", "{{.State.Nope}}", "web"]);
        assert_eq!(outcome.code(), Some(1), "{outcome:?}");
        assert!(outcome.stderr.contains("no field Nope"), "{outcome:?}");
        let said = stay.fails(64, &["inspect", "-f", "{{index .Args 0}}", "web"]);
        assert!(said.contains("{{index .Args 0}}"), "{said}");
    });
}

#[test]
fn top_shows_a_containers_processes_and_no_others() {
    each_stay(|stay| {
        let script = "sleep 1001 & exec sleep 1002";
        stay.says(&["run", "-d", "--name", "a", "/bin/sh", "-c", script]);
        stay.says(&["run", "-d", "--name", "b", "/bin/sleep", "1003"]);
        let both = || stay.says(&["top", "a"]).lines().count() == 3;
        assert!(eventually(both), "{}", stay.case);
        let text = stay.says(&["top", "a"]);
        let heading: Vec<&str> = text.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(heading.join(" "), "UID PID PPID C STIME TTY TIME CMD");
        assert!(
            text.contains("sleep 1001") && text.contains("sleep 1002"),
            "{text}"
        );
        assert!(!text.contains("sleep 1003"), "{text}");
        let pids = stay.says(&["top", "a", "-o", "pid,comm"]);
        let first = stay.asks("{{.State.Pid}}", "a");
        assert!(
            pids.lines()
                .any(|line| line.split_whitespace().eq([first.as_str(), "sleep"])),
            "{pids}"
        );
        assert!(stay.says(&["top", "b", "aux"]).contains("%CPU"));
        let said = stay.fails(1, &["top", "b", "-o", "pid,nope"]);
        assert!(said.contains("-o pid,nope"), "{said}");
        stay.says(&["create", "--name", "c", "/bin/true"]);
        let said = stay.fails(1, &["top", "c"]);
        assert!(said.contains("container c is not running"), "{said}");
        assert!(
            stay.fails(1, &["top", "nope"])
                .contains("No such container: nope")
        );
    });
}
