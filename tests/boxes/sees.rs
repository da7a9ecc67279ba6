//! What a command in a box has: of its container, and of its caller.

use super::*;

/// What a command has of its container and of its caller, in lines that are the same for each of the same kind.
const LOOK: &str = "
    id; umask; pwd; ulimit -a; nice; ulimit -Ha
    grep -E '^(Umask|Groups|NSpid|NSsid|NSpgid|Sig(Blk|Ign|Cgt)|Cap|NoNew|Seccomp:|Cpus_allowed)' /proc/self/status
    cut -d' ' -f4- /proc/self/mountinfo | sed 's/[a-z_]*=[0-9]*//g' | sed 's/ - / /' | cut -d' ' -f1-3,5 | grep -v ' cgroup$' | sort
    cat /proc/sys/kernel/domainname /proc/self/oom_score_adj /proc/self/personality /proc/self/cgroup
    ls /proc/self/fd | wc -l; cat /proc/net/dev | tail -n +3 | cut -d: -f1
    [ \"$HOSTNAME\" = \"$(cat /proc/sys/kernel/hostname)\" ]; echo $?
    env | grep -v HOSTNAME | sort; cat /proc/sys/net/ipv4/ip_unprivileged_port_start
    readlink /proc/self/exe; cat /proc/1/comm; cat; echo end";

#[test]
fn a_command_in_a_box_sees_what_it_sees_in_a_container_of_its_own() {
    let root = tree();
    let root = root.as_ref().map(|root| root.file("root"));
    for case in box_cases() {
        let mut kinds: Vec<Vec<&str>> = vec![
            vec![],
            vec!["--init"],
            vec!["--network=host", "--cap-drop=ALL"],
        ];
        if case.caller == Caller::Root {
            kinds.extend([
                vec!["-u", "1000:7", "-w", "/tmp"],
                vec!["--privileged"],
                vec!["-m", "64m", "--pids-limit=40"],
            ]);
        }
        if let Some(root) = &root {
            kinds.extend([
                vec!["--rootfs", root],
                vec!["--rootfs", root, "--read-only", "--tmpfs", "/tmp"],
            ]);
        }
        for kind in &kinds {
            let of_box: Vec<&str> = kind
                .iter()
                .copied()
                .filter(|word| !["-w", "/tmp"].contains(word) || kind[0] == "--rootfs")
                .collect();
            let pool = Boxes::new(case, 2, &of_box);
            for job in [&[][..], &["-i", "-e", "A=x y", "-e", "HOME=/q"]] {
                let options = [&kind[..], job].concat();
                let inside = pool.run(&options, &["sh", "-c", LOOK]);
                let own = case.run(&options, &["sh", "-c", LOOK]);
                assert!(own.stdout.ends_with("end\n"), "{case} {options:?}: {own:?}");
                let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(
                    lines(&inside.stdout),
                    lines(&own.stdout),
                    "{case} {options:?}"
                );
                assert_eq!(inside.stderr, own.stderr, "{case} {options:?}");
                assert_eq!(inside.code(), own.code(), "{case} {options:?}");
            }
        }
    }
}

#[test]
fn what_the_caller_has_the_command_has() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let limited = "ulimit -n 77; ulimit -St 99; exec \"$@\"";
        let look = "ulimit -n; ulimit -t; nice; grep Cpus_allowed_list /proc/self/status; umask";
        let before = [
            "sh", "-c", limited, "sh", "nice", "-n", "7", "taskset", "-c", "0",
        ];
        let wrap = |line: &mut Command| {
            let words: Vec<_> = [line.get_program().to_owned()]
                .into_iter()
                .chain(line.get_args().map(Into::into))
                .collect();
            let all: Vec<_> = before.iter().map(Into::into).chain(words).collect();
            *line = case.prepared(&all);
        };
        let inside = pool.run_with(&[], &["sh", "-c", look], wrap);
        assert_eq!(
            inside.stdout, "77\n99\n7\nCpus_allowed_list:\t0\n0022\n",
            "{case}"
        );
    }
}

/// What a box does after it has them has room on its stack all the same.
#[test]
fn limits_that_keep_a_stack_from_growing_are_the_commands() {
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        for kibibytes in [120, 136, 152, 168] {
            let limited = format!("ulimit -s {kibibytes}; exec \"$@\"");
            let before = ["sh", "-c", &limited, "sh"];
            let wrap = |line: &mut Command| {
                let words = [line.get_program()].into_iter().chain(line.get_args());
                let all = before.iter().map(Into::into).chain(words.map(Into::into));
                *line = case.prepared(&all.collect::<Vec<_>>());
            };
            let inside = pool.run_with(&[], &["sh", "-c", "ulimit -s"], wrap);
            assert_eq!(inside.output(case), format!("{kibibytes}\n"), "{case}");
        }
    }
}

/// With a terminal of its own, into which someone types.
fn typed_into(pool: &Boxes, told: &Path, options: &[&str], script: &str) -> String {
    let options = [options, &["-ti"]].concat();
    let mut line = pool.line(told, &options, &["sh", "-c", script]);
    let mut child = line
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).replace('\r', "")
}

#[test]
fn a_terminal_is_the_containers_own() {
    let script = "tty; stty size; stty -echo; read line; echo \"got $line\"; [ -t 1 ]; echo $?";
    for case in box_cases() {
        let pool = Boxes::new(case, 2, &[]);
        let told = pool.scratch.path().join("told-terminal");
        assert!(eventually(|| {
            let said = typed_into(&pool, &told, &[], script);
            assert!(said.contains("/dev/pts/"), "{case}: {said}");
            assert!(said.ends_with("got typed\n0\n"), "{case}: {said}");
            let was = was_in_box(&told);
            std::fs::remove_file(&told).unwrap();
            was
        }));
    }
}

/// It is a mount in a root of its own, which a box has made by then.
#[test]
fn with_a_root_a_terminal_is_its_console() {
    let Some(tree) = tree() else { return };
    let root = tree.file("root");
    let options = ["--rootfs", root.as_str()];
    let script = "stty -echo; read line; [ -c /dev/console ] && echo \"got $line\" > /dev/console";
    for case in box_cases() {
        let pool = Boxes::new(case, 1, &options);
        let told = pool.scratch.path().join("told-console");
        let said = typed_into(&pool, &told, &options, script);
        assert!(said.ends_with("got typed\n"), "{case}: {said}");
        assert!(!was_in_box(&told), "{case}");
    }
}
