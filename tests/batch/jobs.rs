//! What becomes of jobs, and what they leave.

use super::*;

#[test]
fn a_result_is_a_report_with_the_jobs_id() {
    for case in cases() {
        let jobs = [
            json!({"id": "a", "command": ["true"]}),
            json!({"id": 2, "command": ["sh", "-c", "exit 3"]}),
            json!({"id": 3, "command": ["sh", "-c", "kill -SEGV $$"]}),
            json!({"id": 4, "command": ["/nowhere"]}),
            json!({"id": 5, "command": ["sleep", "100"], "timeout": 1.5}),
            json!({"command": ["yes"], "stdout": true, "output_limit": 1000}),
        ];
        let results = of_jobs(case, &["--jobs=3"], &jobs);
        let told: Vec<_> = results
            .iter()
            .map(|result| {
                (
                    &result["id"],
                    result["reason"].as_str().unwrap(),
                    result["status"].as_i64().unwrap(),
                    result["signal"].as_i64(),
                )
            })
            .collect();
        let null = Value::Null;
        assert_eq!(
            told,
            [
                (&json!("a"), "exited", 0, None),
                (&json!(2), "exited", 3, None),
                (&json!(3), "signaled", 139, Some(11)),
                (&json!(4), "not started", 127, None),
                (&json!(5), "timed out", 124, Some(9)),
                (&null, "output limit", 153, Some(9)),
            ],
            "{case}"
        );
        assert_eq!(results[5]["stdout"].as_str().unwrap().len(), 1000, "{case}");
        assert!(results[3]["error"].as_str().unwrap().contains("ENOENT"));
        for result in &results {
            // Of this run alone, whatever ran before in the same worker.
            let used = &result["rusage"];
            assert!(
                used.is_null() == (result["reason"] == "not started"),
                "{result}"
            );
            assert_eq!(
                result.as_object().unwrap().len(),
                15 + usize::from(result["line"] == 6)
            );
        }
    }
}

#[test]
fn what_a_job_reads_and_writes() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = |name: &str| scratch.file(name);
        std::fs::write(file("in"), "of a file\n").unwrap();
        std::fs::set_permissions(file("in"), PermissionsExt::from_mode(0o644)).unwrap();
        let jobs = [
            with(script("cat; echo err >&2"), json!({"stdin": "text\n"})),
            with(script("od -An -tx1"), json!({"stdin_base64": "AP8="})),
            with(script("cat"), json!({"stdin_file": file("in")})),
            script("cat; printf 'a\\377'"),
            json!({"command": ["sh", "-c", "echo o; echo e >&2; echo p > /dev/stdout"], "stdout": true, "stderr": "stdout"}),
            json!({"command": ["sh", "-c", "echo o; echo e >&2"], "stdout_file": file("one"), "stderr_file": file("./one")}),
            json!({"command": ["sh", "-c", "echo o; echo e >&2"], "stdout_file": file("out"), "stderr_file": file("err")}),
            json!({"command": ["sh", "-c", "echo o; echo e >&2"]}),
            json!({"command": ["cat"], "stdin_file": file("missing"), "stdout": true}),
            with(
                script("echo $A $B $C; pwd"),
                json!({"env": {"A": "1"}, "workdir": "/proc"}),
            ),
            with(script("echo $A $B $C"), json!({"env": ["A=2", "C"]})),
        ];
        let results = of_jobs(case, &["--jobs=2", "-e", "B=b", "-w", "/"], &jobs);
        let said = |at: usize| {
            (
                results[at]["stdout"].as_str(),
                results[at]["stderr"].as_str(),
            )
        };
        assert_eq!(said(0), (Some("text\n"), Some("err\n")), "{case}");
        assert_eq!(said(1), (Some(" 00 ff\n"), Some("")), "{case}");
        assert_eq!(said(2), (Some("of a file\n"), Some("")), "{case}");
        assert_eq!(said(3), (None, Some("")), "{case}");
        assert_eq!(results[3]["stdout_base64"], "Yf8=", "{case}");
        assert_eq!(said(4), (Some("o\ne\np\n"), None), "{case}");
        let content = |name: &str| std::fs::read_to_string(file(name)).unwrap();
        assert_eq!(content("one"), "o\ne\n", "{case}");
        assert_eq!(
            (content("out").as_str(), content("err").as_str()),
            ("o\n", "e\n"),
            "{case}"
        );
        assert_eq!((said(5), said(7)), ((None, None), (None, None)), "{case}");
        assert_eq!(results[8]["reason"], "not started", "{case}");
        let error = results[8]["error"].as_str().unwrap();
        assert!(
            error.starts_with("line 9: stdin_file: open ") && error.contains("missing"),
            "{error}"
        );
        assert_eq!(said(9).0, Some("1 b\n/proc\n"), "{case}");
        assert_eq!(said(10).0, Some("2 b\n"), "{case}");
    }
}

/// A key is told by its own name, and an option by its.
#[test]
fn what_fails_by_a_key_is_told_by_it() {
    for case in cases() {
        let missing = Scratch::new().file("missing");
        let mut jobs = [
            json!({"command": ["true"]}),
            json!({"command": ["true"], "workdir": missing}),
        ];
        let results = of_jobs(case, &["-w", &missing], &jobs[..1]);
        let error = results[0]["error"].as_str().unwrap();
        assert!(
            error.starts_with("--workdir: change directory to "),
            "{error}"
        );
        jobs.reverse();
        let results = of_jobs(case, &["--jobs=1"], &jobs);
        let error = results[0]["error"].as_str().unwrap();
        let expected = format!(
            "line 1: workdir: change directory to {missing}: no such file or directory (ENOENT)"
        );
        assert!(error.starts_with(&expected), "{error}");
        assert_eq!(results[0]["status"], 125, "{case}");
        assert_eq!(results[1]["status"], 0, "{case}");
    }
}

/// No one has typed the name of an image there.
#[test]
fn what_is_not_found_was_not_meant_as_an_image() {
    for case in cases() {
        let jobs =
            ["nosuch", "no-such/image:1", "two words"].map(|name| json!({"command": [name]}));
        let results = of_jobs(case, &["--jobs=1"], &jobs);
        for (result, hint) in results.iter().zip([
            "exec nosuch: no such file or directory (ENOENT): not found in the container's PATH",
            "exec no-such/image:1: no such file or directory (ENOENT): no such file in the container, or the \
             interpreter or loader that it names is missing",
            "exec two words: no such file or directory (ENOENT): it is one word with blanks in it; a command and its \
             arguments are words of their own, without quotes",
        ]) {
            assert_eq!(result["error"], hint, "{case}");
            assert_eq!(result["status"], 127, "{case}");
        }
    }
}

/// Of what goes elsewhere nothing is counted, unless someone has said how much may be written.
#[test]
fn what_is_not_told_has_no_end() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = |name: &str| scratch.file(name);
        let writes = "yes | head -c 3000000; echo e >&2";
        let job = json!({"command": ["sh", "-c", writes], "stderr": true});
        let other = json!({"command": ["sh", "-c", "yes | head -c 3000000 >&2; echo o"]});
        let jobs = [
            with(job.clone(), json!({"stdout_file": file("whole")})),
            job.clone(),
            with(
                other,
                json!({"stdout": true, "stderr_file": file("errors")}),
            ),
            with(
                job.clone(),
                json!({"stdout_file": file("cut"), "output_limit": "1m"}),
            ),
            with(job, json!({"stdout": true})),
        ];
        let results = of_jobs(case, &[], &jobs);
        let told: Vec<_> = results
            .iter()
            .map(|result| {
                (
                    result["reason"].as_str().unwrap(),
                    result["stdout"].as_str().map(str::len),
                    result["stderr"].as_str(),
                )
            })
            .collect();
        let expected = [
            ("exited", None, Some("e\n")),
            ("exited", None, Some("e\n")),
            ("exited", Some(2), None),
            ("output limit", None, Some("")),
            ("output limit", Some(1 << 20), Some("")),
        ];
        assert_eq!(told, expected, "{case}");
        let size = |name: &str| std::fs::metadata(file(name)).unwrap().len();
        let sizes = ["whole", "errors", "cut"].map(size);
        assert_eq!(sizes, [3_000_000, 3_000_000, 1 << 20], "{case}");
    }
}

#[test]
fn relative_files_begin_where_batch_was_called() {
    let scratch = Scratch::new();
    for case in cases() {
        let mut line = command(case, &[]);
        let job = json!({"command": ["cat"], "stdin": "x", "stdout_file": "here"});
        let (reader, mut writer) = pipe();
        writeln!(writer, "{job}").unwrap();
        drop(writer);
        line.current_dir(scratch.path()).stdin(reader);
        assert_eq!(finish(line).code(), Some(0), "{case}");
        let here = scratch.path().join("here");
        assert_eq!(std::fs::read_to_string(&here).unwrap(), "x", "{case}");
        std::fs::remove_file(here).unwrap();
    }
}

#[test]
fn a_bad_line_is_told_of_and_the_rest_goes_on() {
    let long = [
        &b"{\"id\":1,\"command\":[\""[..],
        &vec![b'x'; 1 << 20],
        b"\"]}",
    ]
    .concat();
    let lines: &[&[u8]] = &[
        b"{\"id\": \"bad\", \"comand\": [\"true\"]}",
        b"",
        b"{\"id\": 1, \"id\": 2, \"command\": [\"true\"]}",
        b"what is this",
        b"\xff",
        &long,
        b"{\"id\": \"good\", \"command\": [\"true\"]}",
        b"{\"command\": [\"true\"], \"env\": {\"A\": \"1\", \"A\": \"2\"}}",
    ];
    for case in cases() {
        let (results, outcome) = results(case, &[], lines);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let told: Vec<_> = results
            .iter()
            .map(|result| (result["line"].as_u64().unwrap(), result["status"].as_u64()))
            .collect();
        let bad = Some(125);
        let expected = [
            (1, bad),
            (3, bad),
            (4, bad),
            (5, bad),
            (6, bad),
            (7, Some(0)),
            (8, bad),
        ];
        assert_eq!(told, expected, "{case}");
        assert_eq!(results[0]["id"], "bad", "{case}");
        let error = results[0]["error"].as_str().unwrap();
        assert_eq!(
            error,
            "line 1: \"comand\" is no key of a job, did you mean \"command\"?"
        );
        assert_eq!(results[1]["id"], 1, "{case}");
        let error = results[4]["error"].as_str().unwrap();
        assert_eq!(error, "line 6: it has more than 1048576 bytes");
        assert_eq!(results[5]["id"], "good", "{case}");
    }
}

#[test]
fn an_id_comes_back_as_it_was_given() {
    let ids = [
        "1.5",
        "-0",
        "1e3",
        "-2.50E-7",
        "0",
        "1234567890123456789012345678901234567890",
        r#""""#,
        r#""1.5""#,
        r#""a\u0000\n\udcff""#,
    ];
    for case in cases() {
        // Twice: of what runs, and of what does not.
        let commands = [r#"["true"]"#, "1.5"];
        let lines = commands.map(|command| {
            let line = |id: &&str| format!("{{\"id\":{id},\"command\":{command}}}\n");
            ids.iter().map(line).collect::<String>()
        });
        let mut line = command(case, &["--jobs=1"]);
        let (reader, mut writer) = pipe();
        writer.write_all(lines.concat().as_bytes()).unwrap();
        drop(writer);
        line.stdin(reader);
        let outcome = finish(line);
        let told: Vec<&str> = outcome
            .stdout
            .lines()
            .map(|line| line.split_once(",\"line\":").unwrap().0)
            .collect();
        let expected: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{id}")).collect();
        assert_eq!(told, [&expected[..], &expected[..]].concat(), "{case}");
        let good = outcome.stdout.matches("\"status\":0,").count();
        assert_eq!(good, ids.len(), "{case}: {outcome:?}");
    }
}

/// What a command finds of its worker's, of the job before it and of batch.
const LOOK: &str = "ls -l /proc/self/fd | grep -c -- '->'; pwd; umask; env | grep -v HOSTNAME | sort;
    grep -E '^(Sig(Blk|Ign|Cgt)|Groups|NoNew)' /proc/self/status; ulimit -a; cat /proc/self/oom_score_adj; cat";

#[test]
fn two_thousand_jobs_leave_nothing() {
    for case in cases() {
        let mut batch = Batch::new(case, &["--jobs=8"]);
        let look = script(LOOK);
        batch.ask(&look);
        let first = batch.result();
        assert_eq!(first["status"], 0, "{first}");
        let many = if is_brief() || case.launch == "re-exec" {
            300
        } else {
            1000
        };
        let mut input = batch.input.take().unwrap();
        let writing = std::thread::spawn(move || {
            for id in 0..many {
                let job = match id % 4 {
                    0 => json!({"id": id, "command": ["cat"], "stdin": "x", "stdout": true}),
                    1 => {
                        json!({"id": id, "command": ["true"], "env": {"LEFT": "1"}, "workdir": "/proc"})
                    }
                    2 => json!({"id": id, "command": ["true"], "stdout_file": "/dev/null"}),
                    _ => json!({"id": id, "command": ["/nowhere"]}),
                };
                writeln!(input, "{job}").unwrap();
            }
            input
        });
        let mut seen = BTreeSet::new();
        for _ in 0..many {
            let result = batch.result();
            let id = result["id"].as_u64().unwrap();
            let expected = if id % 4 == 3 { 127 } else { 0 };
            assert_eq!(result["status"], expected, "{case}: {result}");
            if id % 4 == 0 {
                assert_eq!(result["stdout"], "x", "{case}: {result}");
            }
            assert!(seen.insert(id), "{case}: {result}");
        }
        batch.input = Some(writing.join().unwrap());
        // In whichever worker.
        for _ in 0..16 {
            batch.ask(&look);
        }
        for _ in 0..16 {
            assert_eq!(batch.result()["stdout"], first["stdout"], "{case}");
        }
        let workers = batch.workers();
        assert!(workers.len() <= 8, "{workers:?}");
        let files = |pid: &u32| std::fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count);
        for worker in &workers {
            // 0, 1, 2, the log, the socket, /dev/null, and two for output.
            match nix::unistd::Uid::effective().is_root() {
                true => assert_eq!(files(worker).unwrap(), 8, "{case}"),
                false => skip_root_only("a worker has its own /proc closed to its user"),
            }
            assert!(children(*worker).is_empty(), "{case}");
        }
        assert_eq!(batch.end(), Some(0), "{case}");
        assert!(workers.into_iter().all(has_ended), "{case}");
    }
}

/// What is logged of a job has its line.
#[test]
fn what_is_logged_has_its_line() {
    for case in common::cgroups::limited_cases() {
        let eats = "head -c 200000000 /dev/zero | tail";
        let job = json!({"command": ["sh", "-c", eats]});
        let lines = [json!({"command": ["true"]}), job].map(|job| job.to_string());
        let lines = lines.each_ref().map(|line| line.as_bytes());
        let options = ["--jobs=1", "-m", "32m", "--memory-swap", "32m"];
        let (results, outcome) = results(case, &options, &lines);
        assert!(
            results[1]["oom_kills"].as_u64() > Some(0),
            "{case}: {outcome:?}"
        );
        let mut said = outcome
            .stderr
            .lines()
            .filter(|line| line.contains("out of memory"));
        let said: Value = serde_json::from_str(said.next().unwrap()).unwrap();
        assert_eq!(said["line"], 2, "{case}: {said}");
    }
}

#[test]
fn a_cgroup_goes_with_its_job() {
    for case in common::cgroups::limited_cases() {
        let jobs: Vec<_> = (0..20)
            .map(|_| json!({"command": ["true"], "cpu_time": 5}))
            .collect();
        let results = of_jobs(case, &["--jobs=4", "-m", "64m"], &jobs);
        for result in results {
            assert_eq!(result["status"], 0, "{case}: {result}");
            assert!(result["cpu_user_ns"].is_u64(), "{case}: {result}");
        }
    }
}
