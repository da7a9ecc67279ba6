//! How a command in a box ends, and what ends with it.

use super::*;

#[test]
fn an_end_is_told_as_without_a_pool() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        for (options, command) in [
            (&[][..], &["true"][..]),
            (&[], &["sh", "-c", "exit 77"]),
            (&[], &["no-such-command"]),
            (&[], &["/etc/passwd"]),
            (&[], &["/nowhere/x"]),
            (&["--timeout", "0.2"], &["sleep", "1000"]),
            (&["--timeout", "0.2:0.2"], &["sleep", "1000"]),
            (
                &["--timeout", "0.2:9"],
                &[
                    "sh",
                    "-c",
                    "trap 'exit 9' TERM; while :; do sleep 0.01; done",
                ],
            ),
            (
                &["--output-limit", "10"],
                &["sh", "-c", "echo 0123456789abcdef; sleep 1000"],
            ),
        ] {
            let inside = pool.run(options, command);
            let own = case.run(options, command);
            let told = |outcome: &Outcome| {
                let Outcome { stdout, stderr, .. } = outcome;
                (outcome.code(), stdout.clone(), stderr.clone())
            };
            assert_eq!(told(&inside), told(&own), "{case} {options:?} {command:?}");
        }
    }
}

#[test]
fn a_report_has_the_verdict_and_what_was_used() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &["--init"]);
        for (options, script, part) in [
            (
                &[][..],
                "exit 3",
                "\"reason\":\"exited\",\"status\":3,\"code\":3,\"signal\":null",
            ),
            (
                &[],
                "kill -9 $$",
                "\"reason\":\"signaled\",\"status\":137,\"code\":null,\"signal\":9",
            ),
            (
                &[],
                "exit 137",
                "\"reason\":\"exited\",\"status\":137,\"code\":137,\"signal\":null",
            ),
            (
                &["--timeout", "0.2"],
                "sleep 1000",
                "\"reason\":\"timed out\",\"status\":124",
            ),
        ] {
            let options = [&["--report", "-"], options].concat();
            let outcome = pool.run(&options, &["sh", "-c", script]);
            let told = &outcome.stdout;
            assert!(told.contains(part), "{case} {options:?} {script}: {told}");
        }
        let outcome = pool.run(&["--report", "-"], &["no-such-command"]);
        let part = "\"reason\":\"not started\",\"status\":127";
        assert!(outcome.stdout.contains(part), "{case}: {}", outcome.stdout);
        let busy = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done";
        let outcome = pool.run(&["--report", "-"], &["sh", "-c", busy]);
        let (_, used) = outcome.stdout.split_once("\"user_us\":").unwrap();
        let used: u64 = used.split(',').next().unwrap().parse().unwrap();
        assert!(used > 1000, "{case}: {}", outcome.stdout);
    }
}

#[test]
fn signals_reach_the_command() {
    for case in box_cases() {
        for kind in [&[][..], &["--init"]] {
            let pool = Boxes::new(case, 2, kind);
            let trap = "trap 'echo got; exit 5' INT TERM; echo ready; while :; do sleep 0.01; done";
            for signal in [Signal::SIGINT, Signal::SIGTERM] {
                let (mut child, mut output) = pool.start(kind, &["sh", "-c", trap]);
                kill(child.id(), signal);
                let mut said = String::new();
                output.read_line(&mut said).unwrap();
                assert_eq!(said, "got\n", "{case} {kind:?} {signal}");
                assert_eq!(
                    shell_code(wait(&mut child).unwrap()),
                    5,
                    "{case} {kind:?} {signal}"
                );
            }
            // Without a handler PID 1 would be spared.
            let (mut child, _output) =
                pool.start(kind, &["sh", "-c", "echo ready; exec sleep 1000"]);
            kill(child.id(), Signal::SIGTERM);
            assert_eq!(
                shell_code(wait(&mut child).unwrap()),
                143,
                "{case} {kind:?}"
            );
        }
    }
}

#[test]
fn a_client_that_is_killed_leaves_nothing() {
    for case in box_cases() {
        let pool = Boxes::new(case, 3, &[]);
        let mark = mark();
        for round in 0..if is_brief() { 20 } else { 100 } {
            let told = pool.scratch.path().join("told");
            let mut child = pool
                .line(&told, &["-e", &mark], &["sleep", "1000"])
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_micros(150 * round));
            kill(child.id(), Signal::SIGKILL);
            child.wait().unwrap();
            assert!(eventually(|| marked(&mark).is_empty()), "{case} {round}");
        }
        assert!(pool.is_refilled(3), "{case}: {:?}", pool.all());
        assert_eq!(pool.run(&[], &["echo", "still"]).stdout, "still\n");
    }
}

/// It is still the box's first process, and no one has executed anything.
#[test]
fn what_is_held_up_ends() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        for (options, signal, code) in [
            (&[][..], Some(Signal::SIGTERM), Some(128 + 15)),
            (&["--timeout=1"], None, Some(124)),
            (&[], Some(Signal::SIGKILL), None),
        ] {
            let what = format!("{case} {options:?} {signal:?}");
            let (mut client, lease, first) = held_up_in_box(&pool, options);
            if let Some(signal) = signal {
                kill(client.id(), signal);
            }
            let status = wait(&mut client).expect("it hangs");
            assert_eq!(status.code(), code, "{what}");
            let is_gone = || !Path::new(&format!("/proc/{first}")).exists();
            assert!(eventually(is_gone), "{what}");
            lease.end();
        }
    }
}

/// A client whose command is held up in a box, by what, and the box's first process.
fn held_up_in_box(pool: &Boxes, options: &[&str]) -> (Child, Lease, i64) {
    loop {
        let file = held_up_command(&pool.scratch, pool.case);
        let mut lease = Lease::on(pool.case, &file);
        let told = pool.scratch.path().join("told");
        let mut line = pool.line(&told, options, &[&file]);
        let mut client = line.stdout(Stdio::null()).spawn().unwrap();
        lease.says("asked");
        let text = || std::fs::read_to_string(&told).unwrap_or_default();
        let says = |text: &str| text.contains("\"pool\"") || text.contains("not in a box");
        assert!(eventually(|| says(&text())), "{}", text());
        let text = text();
        std::fs::remove_file(&told).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let lines: Vec<serde_json::Value> = lines.collect();
        if let Some(line) = lines.iter().find(|line| line["launch"] == "pool") {
            return (client, lease, line["pid"].as_i64().unwrap());
        }
        kill(client.id(), Signal::SIGKILL);
        client.wait().unwrap();
    }
}

#[test]
fn a_pool_that_is_killed_ends_its_boxes_and_their_clients() {
    for case in box_cases() {
        let mut pool = Boxes::new(case, 2, &[]);
        let (mut client, _output) = pool.start(&[], &["sh", "-c", "echo ready; exec sleep 1000"]);
        let all = pool.all();
        assert!(!all.is_empty());
        pool.child.kill().unwrap();
        pool.child.wait().unwrap();
        assert_eq!(shell_code(wait(&mut client).unwrap()), 137, "{case}");
        assert!(
            eventually(|| all.iter().all(|pid| has_ended(*pid))),
            "{case}"
        );
        // Who comes then has no pool.
        let outcome = case.run(&["--pool", &pool.directory], &["echo", "own"]);
        assert_eq!(
            (outcome.stdout.as_str(), outcome.code()),
            ("own\n", Some(0)),
            "{case}"
        );
    }
}

/// No more than is known: a command may have shed its death signal.
#[test]
fn a_client_whose_pool_is_killed_says_what_it_does_not_know() {
    for case in box_cases() {
        let mut pool = Boxes::new(case, 2, &[]);
        let told = pool.scratch.path().join("told-killed");
        let client = (0..50).find_map(|_| {
            let mut line = pool.line(&told, &[], &["sleep", "1000"]);
            let mut client = line.stderr(Stdio::piped()).spawn().unwrap();
            let logged = || std::fs::read_to_string(&told).unwrap_or_default();
            assert!(
                eventually(|| logged().contains("command sleep")),
                "{case}: {}",
                logged()
            );
            if was_in_box(&told) {
                return Some(client);
            }
            let _ = client.kill();
            let _ = client.wait();
            std::fs::remove_file(&told).unwrap();
            None
        });
        pool.child.kill().unwrap();
        pool.child.wait().unwrap();
        let outcome = client.unwrap().wait_with_output().unwrap();
        let said = String::from_utf8(outcome.stderr).unwrap();
        assert!(said.contains("shed its death signal"), "{case}: {said}");
    }
}

/// A pool that hears of the end before it hears that the box had a job.
#[test]
fn a_command_that_is_quicker_than_its_pool_has_ended_well() {
    let state = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        let status = status.unwrap_or_default();
        let fields = status
            .rsplit_once(") ")
            .map(|(_, fields)| fields.to_owned());
        fields.and_then(|fields| fields.chars().next())
    };
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let told = pool.scratch.path().join("told-quick");
        let mut was_quick = false;
        for _ in 0..100 {
            assert!(pool.is_refilled(2), "{case}");
            kill(pool.child.id(), Signal::SIGSTOP);
            // Its end is what the pool hears first.
            let boxes = pool.all();
            kill(*boxes.first().unwrap(), Signal::SIGKILL);
            let mut child = pool.line(&told, &[], &["true"]).spawn().unwrap();
            let ended = || boxes.iter().filter(|pid| state(**pid) == Some('Z')).count();
            let all_ended = eventually(|| {
                ended() == boxes.len() || child.try_wait().is_ok_and(|ended| ended.is_some())
            });
            let is_quick = ended() == boxes.len();
            kill(pool.child.id(), Signal::SIGCONT);
            assert!(all_ended, "{case}");
            assert_eq!(child.wait().unwrap().code(), Some(0), "{case}");
            was_quick = is_quick && was_in_box(&told);
            let _ = std::fs::remove_file(&told);
            if was_quick {
                break;
            }
        }
        assert!(was_quick, "{case}: never in a box");
    }
}
