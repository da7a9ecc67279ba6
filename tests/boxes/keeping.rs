//! How a pool keeps its boxes.

use super::*;

#[test]
fn each_box_is_used_once_by_many_at_once() {
    for case in box_cases() {
        let pool = Boxes::new(case, 3, &[]);
        let count = if is_brief() { 200 } else { 2000 };
        let next = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < count {
                        let dir = "test ! -e /dev/shm/none && echo $$";
                        let outcome = case.run(&["--pool", &pool.directory], &["sh", "-c", dir]);
                        assert_eq!(
                            (outcome.stdout.as_str(), outcome.stderr.as_str()),
                            ("1\n", ""),
                            "{case}"
                        );
                    }
                });
            }
        });
        assert!(pool.is_refilled(3), "{case}: {:?}", pool.all());
        // A network namespace each.
        let seen: BTreeSet<String> = (0..5)
            .map(|_| pool.run(&[], &["readlink", "/proc/self/ns/ipc"]).stdout)
            .collect();
        assert!(!seen.is_empty());
    }
}

#[test]
fn a_dead_pools_sockets_are_removed() {
    for case in box_cases() {
        let mut dead = Boxes::new(case, 1, &["--cap-drop=ALL"]);
        dead.child.kill().unwrap();
        dead.child.wait().unwrap();
        let left = || std::fs::read_dir(&dead.directory).unwrap().count();
        assert!(left() > 0, "{case}");
        let line: Vec<_> = [
            mydocker(),
            "pool".into(),
            "--size=1".into(),
            dead.directory.clone().into(),
        ]
        .into_iter()
        .map(Into::into)
        .collect();
        let mut next = case.prepared(&line).spawn().unwrap();
        assert!(
            eventually(|| PathBuf::from(&dead.directory).join("socket").exists()
                && children(next.id()).len() == 1),
            "{case}"
        );
        kill(next.id(), Signal::SIGTERM);
        wait(&mut next);
        assert!(eventually(|| left() == 0), "{case}");
    }
}

/// The pool's own socket is there still, so the pool goes on: with boxes that can be called.
#[test]
fn a_removed_socket_of_boxes_is_made_anew() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let directory = Path::new(&pool.directory);
        let socket = || {
            let mut all = std::fs::read_dir(directory).unwrap().flatten();
            let of_boxes = all.find(|entry| entry.file_name() != "socket");
            of_boxes.map(|entry| entry.path())
        };
        assert!(pool.is_refilled(2), "{case}");
        for _ in 0..2 {
            let before = pool.all();
            std::fs::remove_file(socket().unwrap()).unwrap();
            assert!(eventually(|| socket().is_some()), "{case}: {}", pool.log());
            assert!(eventually(|| pool.all().is_disjoint(&before)), "{case}");
            assert!(pool.is_refilled(2), "{case}");
            let outcome = pool.run(&[], &["echo", "works"]);
            assert_eq!(outcome.stdout, "works\n", "{case}");
        }
    }
}

#[test]
fn a_box_that_is_too_old_is_replaced() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &["--pool-max-age", "1"]);
        let first = pool.all();
        assert!(eventually(|| pool.all().is_disjoint(&first)), "{case}");
        assert!(pool.is_refilled(2), "{case}");
        // One that has a job lives on.
        let (mut client, mut output) =
            pool.start(&[], &["sh", "-c", "echo ready; sleep 2; echo over"]);
        let mut said = String::new();
        output.read_line(&mut said).unwrap();
        assert_eq!(said, "over\n", "{case}");
        assert_eq!(shell_code(wait(&mut client).unwrap()), 0, "{case}");
    }
}

#[test]
fn what_is_no_job_does_not_cost_a_box() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let before = pool.all();
        let sockets = std::fs::read_dir(&pool.directory).unwrap().flatten();
        let socket = sockets
            .map(|entry| entry.path())
            .find(|path| !path.ends_with("socket"))
            .unwrap();
        let call = "use Socket; socket(S, AF_UNIX, SOCK_SEQPACKET, 0); connect(S, sockaddr_un($ARGV[0])) or die $!; \
                    syswrite(S, $ARGV[1] x $ARGV[2]) if $ARGV[2]; exit 0";
        for (what, times) in [("", 0), ("x", 1), ("y", 1000), ("\x01", 60_000)] {
            let line = [
                "perl",
                "-e",
                call,
                socket.to_str().unwrap(),
                what,
                &times.to_string(),
            ];
            let outcome = finish(case.prepared(&line.map(Into::into)));
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        }
        assert_eq!(
            pool.run(&[], &["echo", "works"]).stdout,
            "works\n",
            "{case}"
        );
        assert!(pool.all().intersection(&before).count() >= 1, "{case}");
    }
}
