//! Options of docker's and podman's, typed from memory, and what is said to those that are not here.

mod common;

use common::tree::*;
use common::*;

#[test]
fn names_of_the_network() {
    each(|case, tree| {
        let options = [
            "--net=none",
            "--dns=192.0.2.1",
            "--dns-search=a.example",
            "--dns-search=b.example",
            "--dns-opt=ndots:2",
            "--domainname=yp.example",
        ];
        let script = "cat /etc/resolv.conf /proc/sys/kernel/domainname";
        let outcome = tree.shell(&options, script);
        let expected =
            "nameserver 192.0.2.1\nsearch a.example b.example\noptions ndots:2\nyp.example\n";
        assert_eq!(outcome.output(case), expected, "{case}");
        // What is no word of such a file is refused.
        for option in [
            "--dns-search=a b",
            "--dns-search=a\nb",
            "--dns-option=x\nnameserver 1.1.1.1",
        ] {
            let outcome = tree.shell(&[option], "true");
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        }
    });
}

#[test]
fn shared_memory_has_its_size() {
    each(|case, tree| {
        for (option, expected) in [("--shm-size=1m", "1024\n"), ("--shm-size=0", "65536\n")] {
            let script = "df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2";
            let outcome = tree.shell(&[option, "--tmpfs", "/tmp"], script);
            assert_eq!(outcome.output(case), expected, "{case} {option}");
        }
        let outcome = tree.shell(&["--shm-size=1m", "--ipc=host"], "true");
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
    });
}

#[test]
fn settings_of_ones_own_namespaces() {
    let script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_default_ttl";
    let options = [
        "--sysctl=net.ipv4.ip_forward=1",
        "--sysctl",
        "net/ipv4/ip_default_ttl=63",
    ];
    for case in cases() {
        let outcome = case.run(&options, &["sh", "-c", script]);
        assert_eq!(outcome.output(case), "1\n63\n", "{case}");
        let refusals = [
            (&["--sysctl=kernel.panic=1"][..], "no namespace has it"),
            (
                &["--sysctl=net.ipv4.ip_forward=1", "--net=host"],
                "--network host",
            ),
            (
                &["--sysctl=fs.mqueue.msg_max=9", "--ipc=host"],
                "--ipc host",
            ),
            (
                &["--sysctl=net/../kernel/panic=1"],
                "none of them empty or ..",
            ),
            (
                &["--sysctl=net.ipv4.no_such_thing=1"],
                "/proc/sys/net/ipv4/no_such_thing",
            ),
        ];
        for (options, reason) in refusals {
            let outcome = case.run(options, &["true"]);
            assert_eq!(outcome.code(), Some(125), "{case} {options:?}: {outcome:?}");
            assert!(
                outcome.stderr.contains(reason),
                "{case} {options:?}: {outcome:?}"
            );
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        }
    }
    for case in root_cases() {
        let script = "cat /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max";
        let options = [
            "--sysctl=kernel.msgmax=4096",
            "--sysctl=fs.mqueue.msg_max=7",
        ];
        let outcome = case.run(&options, &["sh", "-c", script]);
        assert_eq!(outcome.output(case), "4096\n7\n", "{case}");
    }
    // Where /proc/sys is read-only afterwards.
    each(|case, tree| {
        let script = format!("{script}; echo 0 > /proc/sys/net/ipv4/ip_forward");
        let outcome = tree.shell(&options, &script);
        assert_eq!(outcome.stdout, "1\n63\n", "{case}: {outcome:?}");
        assert_ne!(outcome.code(), Some(0), "{case}: {outcome:?}");
    });
}

#[test]
fn more_groups() {
    let ids = "id -G";
    each_of_root(|case, tree| {
        let outcome = tree.shell(&["--group-add=smiths", "--group-add=4321"], ids);
        assert_eq!(outcome.output(case), "0 555 4321\n", "{case}");
        let outcome = tree.shell(&["-u", "smith", "--group-add=4321"], ids);
        assert_eq!(outcome.output(case), "555 4321\n", "{case}");
    });
    for case in ordinary_cases() {
        let outcome = case.run(&["--group-add=4321"], &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("--userns auto"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn variables_from_a_file() {
    let scratch = Scratch::new();
    let file = scratch.file("variables");
    std::fs::write(&file, "# mine\n\nA=1\nB=\"x y\"\nC=3\n").unwrap();
    for case in cases() {
        let options = ["--env-file", &file, "-e", "C=4"];
        let outcome = case.run(&options, &["sh", "-c", "echo $A $B $C"]);
        assert_eq!(outcome.output(case), "1 \"x y\" 4\n", "{case}");
        let outcome = case.run(&["--env-file", "/no/such/file"], &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("/no/such/file: no such file"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn the_pid_is_told() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("pid");
        let mut child = case
            .command(&["-i", "--pidfile", &file], &["cat"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        assert!(
            eventually(|| std::path::Path::new(&file).exists()),
            "{case}"
        );
        let pid: u32 = std::fs::read_to_string(&file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name, "cat\n", "{case}");
        drop(child.stdin.take());
        assert!(wait(&mut child).expect("an end").success(), "{case}");
        assert_eq!(
            std::fs::read_dir(scratch.path()).unwrap().count(),
            1,
            "{case}"
        );
        let outcome = case.run(&["--pidfile", "/no/such/place"], &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
    }
}

#[test]
fn a_pidfile_replaces_nothing_but_a_file() {
    for case in cases() {
        let scratch = Scratch::new();
        let (link, socket) = (scratch.file("link"), scratch.file("socket"));
        std::os::unix::fs::symlink(scratch.file("nothing"), &link).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [&link, &socket, &scratch.file("")] {
            let before = std::fs::symlink_metadata(path).unwrap().file_type();
            let outcome = case.run(&["--pidfile", path], &["echo", "ran"]);
            let expected = format!(
                "mydocker: {path}: --pidfile makes a file, or replaces one: this is something else\n"
            );
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert_eq!(
                (outcome.stdout, outcome.stderr),
                (String::new(), expected),
                "{case}"
            );
            let after = std::fs::symlink_metadata(path).unwrap().file_type();
            assert_eq!(after, before, "{case} {path}");
        }
    }
}

#[test]
fn namespaces_by_dockers_words() {
    for case in cases() {
        let namespaces = |options: &[&str]| {
            let script = "readlink /proc/self/ns/ipc /proc/self/ns/pid /proc/self/ns/uts /proc/self/ns/cgroup";
            case.run(options, &["sh", "-c", script])
                .output(case)
                .to_owned()
        };
        let host: Vec<String> = ["ipc", "pid", "uts", "cgroup"]
            .iter()
            .map(|name| {
                std::fs::read_link(format!("/proc/self/ns/{name}"))
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let private = namespaces(&[
            "--ipc=private",
            "--pid=private",
            "--uts=private",
            "--cgroupns=private",
        ]);
        assert!(
            private.lines().zip(&host).all(|(own, host)| own != host),
            "{case}"
        );
        let shared = namespaces(&["--cgroupns=host", "--uts=host"]);
        let shared: Vec<&str> = shared.lines().collect();
        assert_eq!(shared[2..], host[2..], "{case}");
    }
}

#[test]
fn what_is_not_here_has_a_way() {
    for (words, way) in [
        (&["run", "-p", "80:80", "sh"][..], "--network host"),
        (&["run", "--network", "bridge", "sh"], "ip link set"),
        (&["run", "--entrypoint", "x", "sh"], "COMMAND"),
        (&["run", "--gpus", "all", "sh"], "--device"),
        (
            &["run", "--network=container:x", "sh"],
            "ns:/proc/PID/ns/net",
        ),
        (&["run", "--health-cmd", "true", "sh"], "mydocker exec"),
        (&["create", "-d", "sh"], "run -d"),
        (&["ps", "-s"], "du"),
        (&["container", "prune"], "mydocker rm"),
        (&["volume", "ls"], "-v SRC:DST"),
        (&["network", "ls"], "--network host"),
        (&["version"], "mydocker --version"),
        (&["pull", "alpine"], "umoci"),
    ] {
        let mut command = std::process::Command::new(mydocker());
        command.args(words);
        let outcome = finish(command);
        assert_eq!(outcome.code(), Some(125), "{words:?}: {outcome:?}");
        assert!(outcome.stderr.contains(way), "{words:?}: {outcome:?}");
        assert!(
            !outcome.stderr.contains("unknown"),
            "{words:?}: {outcome:?}"
        );
        assert_eq!(outcome.stderr.lines().count(), 1, "{words:?}: {outcome:?}");
    }
}
