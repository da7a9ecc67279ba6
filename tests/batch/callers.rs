//! Callers of a socket, and boxes of a pool.

use super::*;

struct Judge {
    socket: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Judge {
    fn new(path: &str) -> Self {
        let socket = UnixStream::connect(path).unwrap();
        let answers = BufReader::new(socket.try_clone().unwrap());
        Self { socket, answers }
    }

    fn ask(&mut self, job: &Value) {
        writeln!(self.socket, "{job}").unwrap();
    }

    #[track_caller]
    fn result(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

#[test]
fn callers_of_a_socket_get_their_own_results() {
    for case in cases() {
        let scratch = Scratch::new();
        let path = scratch.file("socket");
        let batch = command(case, &["--jobs=2", "--listen", &path]).spawn();
        let mut batch = Ended(batch.unwrap());
        assert!(eventually(|| std::fs::exists(&path).unwrap()), "{case}");
        let mode = std::fs::symlink_metadata(&path)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{case}");
        if case.caller == Caller::Ordinary && nix::unistd::Uid::effective().is_root() {
            // root may connect, and is another user.
            let mut socket = UnixStream::connect(&path).unwrap();
            let _ = writeln!(socket, "{}", json!({"command": ["true"]}));
            let mut said = String::new();
            let _ = socket.read_to_string(&mut said);
            assert_eq!(said, "", "{case}");
        } else {
            let (mut one, mut other) = (Judge::new(&path), Judge::new(&path));
            let mark = mark();
            one.ask(&json!({"id": "one", "command": ["sleep", "1000"], "env": {"MARK": mark}}));
            assert!(eventually(|| marked(&mark).len() == 1), "{case}");
            for id in 0..20 {
                other.ask(&json!({"id": id, "command": ["true"]}));
            }
            for id in 0..20 {
                let result = other.result();
                assert_eq!(
                    (&result["id"], &result["line"]),
                    (&json!(id), &json!(id + 1)),
                    "{case}"
                );
            }
            other.ask(&json!({"id": 20, "command": ["true"]}));
            other.socket.shutdown(std::net::Shutdown::Write).unwrap();
            let mut rest = String::new();
            other.answers.read_to_string(&mut rest).unwrap();
            assert_eq!(rest.lines().count(), 1, "{case}: {rest}");
            // Who goes has its jobs ended, and the others go on.
            drop(one);
            assert!(eventually(|| marked(&mark).is_empty()), "{case}");
            let mut third = Judge::new(&path);
            third.ask(&json!({"id": "third", "command": ["true"]}));
            assert_eq!(third.result()["id"], "third", "{case}");
        }
        kill(batch.0.id(), Signal::SIGTERM);
        assert_eq!(wait(&mut batch.0).unwrap().code(), Some(143), "{case}");
        assert!(!std::fs::exists(&path).unwrap(), "{case}");
    }
}

/// Who sends many jobs ahead keeps no one waiting for longer than one of them takes.
#[test]
fn callers_take_turns_job_by_job() {
    for case in cases() {
        if case.caller == Caller::Ordinary && nix::unistd::Uid::effective().is_root() {
            // It sends root away.
            continue;
        }
        let scratch = Scratch::new();
        let (path, log) = (scratch.file("socket"), scratch.file("log"));
        let batch = command(case, &["--jobs=1", "--listen", &path]).spawn();
        let mut batch = Ended(batch.unwrap());
        assert!(eventually(|| std::fs::exists(&path).unwrap()), "{case}");
        let append = |who: &str| {
            let line = format!("echo {who} >> {log}");
            json!({"command": ["sh", "-c", line], "timeout": 60})
        };
        let (mut many, mut few) = (Judge::new(&path), Judge::new(&path));
        let mark = mark();
        let first = json!({"command": ["sleep", "1000"], "env": {"MARK": mark}});
        let ahead = format!("{first}\n{}", format!("{}\n", append("many")).repeat(50));
        many.socket.write_all(ahead.as_bytes()).unwrap();
        assert!(eventually(|| marked(&mark).len() == 1), "{case}");
        for _ in 0..5 {
            few.ask(&append("few"));
        }
        kill(marked(&mark)[0], Signal::SIGKILL);
        for _ in 0..5 {
            assert_eq!(few.result()["status"], 0, "{case}");
        }
        for _ in 0..51 {
            many.result();
        }
        let order = std::fs::read_to_string(&log).unwrap();
        let few = order.lines().take_while(|who| *who == "few").count();
        let turns = order.lines().enumerate().filter(|(_, who)| *who == "few");
        let last = turns.map(|(place, _)| place).max().unwrap();
        assert!(few <= 1 && last <= 10, "{case}: {order}");
        kill(batch.0.id(), Signal::SIGTERM);
        assert_eq!(wait(&mut batch.0).unwrap().code(), Some(143), "{case}");
    }
}

/// More than it may have open files: the others wait.
#[test]
fn no_caller_is_one_too_many() {
    for case in cases() {
        if case.caller == Caller::Ordinary && nix::unistd::Uid::effective().is_root() {
            // It sends root away.
            continue;
        }
        let scratch = Scratch::new();
        let path = scratch.file("socket");
        let limited = "ulimit -n 32; exec \"$0\" batch --jobs 2 --launch \"$1\" --listen \"$2\"";
        let mydocker = mydocker().into_os_string();
        let mut words = ["sh", "-c", limited].map(OsString::from).to_vec();
        words.extend([mydocker, case.launch.into(), path.clone().into()]);
        let mut batch = Ended(case.prepared(&words).spawn().unwrap());
        assert!(eventually(|| std::fs::exists(&path).unwrap()), "{case}");
        let mut judges: Vec<Judge> = (0..60).map(|_| Judge::new(&path)).collect();
        for judge in &mut judges {
            judge.ask(&json!({"command": ["true"]}));
            judge.socket.shutdown(std::net::Shutdown::Write).unwrap();
        }
        for judge in &mut judges {
            assert_eq!(judge.result()["status"], 0, "{case}");
        }
        kill(batch.0.id(), Signal::SIGTERM);
        assert_eq!(wait(&mut batch.0).unwrap().code(), Some(143), "{case}");
    }
}

/// It could be made, and called by no one.
#[test]
fn a_socket_whose_path_is_too_long_is_refused() {
    for case in cases() {
        let scratch = Scratch::new();
        let path = scratch.file(&"x".repeat(120));
        let outcome = finish(command(case, &["--listen", &path]));
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(outcome.stderr.contains("at most 107 bytes"), "{outcome:?}");
        assert!(!std::fs::exists(&path).unwrap_or(false), "{case}");
    }
}

/// The name under which it is made is longer than the one that it gets.
#[test]
fn a_socket_with_the_longest_path_can_be_called() {
    for case in cases() {
        let scratch = Scratch::new();
        std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let room = 107 - scratch.path().as_os_str().len() - "//x".len();
        let directory = scratch.file(&"d".repeat(room));
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o777)).unwrap();
        let path = format!("{directory}/x");
        assert_eq!(path.len(), 107);
        let killed = [true, false];
        for is_killed in killed {
            // The second finds what the first has left.
            let mut batch = Ended(command(case, &["--listen", &path]).spawn().unwrap());
            assert!(
                eventually(|| UnixStream::connect(&path).is_ok()),
                "{case}: {is_killed}"
            );
            let signal = if is_killed {
                Signal::SIGKILL
            } else {
                Signal::SIGTERM
            };
            kill(batch.0.id(), signal);
            wait(&mut batch.0).unwrap();
        }
        let left = std::fs::read_dir(&directory).unwrap().count();
        assert_eq!(left, 0, "{case}");
    }
}

#[test]
fn jobs_run_in_a_pools_boxes() {
    for case in cases()
        .into_iter()
        .filter(|case| case.launch == "in-process" && !case.is_pooled())
    {
        let scratch = Scratch::new();
        let directory = scratch.file("pool");
        let line = ["pool", "--init", "--size=4", &directory].map(OsString::from);
        let line = [&[mydocker().into()], &line[..]].concat();
        let pool = case.prepared(&line).stderr(Stdio::null()).spawn();
        let mut pool = Ended(pool.unwrap());
        let socket = format!("{directory}/socket");
        assert!(
            eventually(|| std::fs::exists(&socket).unwrap_or(false)),
            "{case}"
        );
        let log = scratch.file("log");
        let options = [
            "--pool",
            &directory,
            "--jobs=2",
            "--log",
            &log,
            "--log-level=info",
        ];
        let mut batch = Batch::new(case, &options);
        for id in 0..40 {
            // At leisure, so that there is a box most of the time.
            std::thread::sleep(Duration::from_millis(10));
            batch.ask(&with(
                script("cat; kill -TERM $$"),
                json!({"id": id, "stdin": "x"}),
            ));
            let result = batch.result();
            assert_eq!(
                (
                    &result["id"],
                    &result["reason"],
                    &result["signal"],
                    &result["stdout"]
                ),
                (&json!(id), &json!("signaled"), &json!(15), &json!("x")),
                "{case}"
            );
        }
        let logged = std::fs::read_to_string(&log).unwrap();
        assert!(logged.contains(r#""launch":"pool""#), "{case}: {logged}");
        // What is done to a worker meanwhile its next command has as well.
        for worker in batch.workers() {
            std::fs::write(format!("/proc/{worker}/oom_score_adj"), "500").unwrap();
        }
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(10));
            batch.ask(&script("cat /proc/self/oom_score_adj"));
            assert_eq!(batch.result()["stdout"], "500\n", "{case}");
        }
        let mark = mark();
        batch.ask(&json!({"command": ["sleep", "1000"], "env": {"MARK": mark}}));
        assert!(eventually(|| marked(&mark).len() == 1), "{case}");
        kill(batch.child.id(), Signal::SIGTERM);
        assert_eq!(batch.result()["status"], 143, "{case}");
        assert_eq!(batch.end(), Some(143), "{case}");
        assert!(marked(&mark).is_empty(), "{case}");
        kill(pool.0.id(), Signal::SIGTERM);
        wait(&mut pool.0).unwrap();
    }
}
