//! What a container is: its namespaces, mounts, descriptors, environment, user.

mod common;
use common::*;

const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

fn host_namespaces() -> Vec<String> {
    NAMESPACES
        .iter()
        .map(|name| {
            let link = std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap();
            link.to_str().unwrap().to_owned()
        })
        .collect()
}

/// The kinds of namespace in which `options` leave the container with the host's.
fn shared(case: Case, options: &[&str]) -> Vec<String> {
    let outcome = case.probe(options, &["namespaces"]);
    let inside: Vec<&str> = outcome.output(case).lines().collect();
    assert_eq!(inside.len(), NAMESPACES.len(), "{case}");
    host_namespaces()
        .iter()
        .zip(inside)
        .zip(NAMESPACES)
        .filter(|((outside, inside), _)| outside == inside)
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[test]
fn every_namespace_is_new() {
    for case in cases() {
        let expected: &[&str] = match case.caller {
            Caller::Root => &["user"],
            Caller::Ordinary => &[],
        };
        assert_eq!(shared(case, &[]), expected, "{case}");
    }
}

#[test]
fn namespaces_can_be_shared_with_the_host() {
    for case in cases() {
        for (option, kind) in [
            ("--network=host", "net"),
            ("--pid=host", "pid"),
            ("--ipc=host", "ipc"),
            ("--uts=host", "uts"),
        ] {
            assert!(
                shared(case, &[option]).contains(&kind.to_owned()),
                "{case} {option}"
            );
        }
    }
}

#[test]
fn the_command_is_pid_1_and_sees_its_own_processes_alone() {
    for case in cases() {
        let outcome = case.run(&[], &["sh", "-c", "echo $$; echo /proc/[0-9]*"]);
        assert_eq!(outcome.output(case), "1\n/proc/1\n", "{case}");
    }
}

#[test]
fn proc_is_mounted_with_its_restrictions() {
    for case in cases() {
        for options in [&[][..], &["--pid=host"]] {
            let outcome = case.run(options, &["cat", "/proc/self/mountinfo"]);
            let proc = outcome
                .output(case)
                .lines()
                .rfind(|line| line.split(' ').nth(4) == Some("/proc"))
                .map(|line| line.split(' ').nth(5).unwrap().to_owned());
            let options = proc.expect("a mount on /proc");
            for restriction in ["nosuid", "nodev", "noexec"] {
                assert!(options.contains(restriction), "{case}: {options}");
            }
        }
    }
}

#[test]
fn no_mount_is_shared_with_the_host() {
    for case in cases() {
        let outcome = case.run(&[], &["cat", "/proc/self/mountinfo"]);
        for line in outcome.output(case).lines() {
            assert!(
                !line.contains(" shared:") && !line.contains(" master:"),
                "{case}: {line}"
            );
        }
    }
}

/// In a mount namespace of the test's own where / is shared, as systemd has it.
#[test]
fn the_hosts_mounts_stay_as_they_are_where_root_is_shared() {
    for case in root_cases() {
        let script = format!(
            "cat /proc/self/mountinfo > \"$0/before\"
             {mydocker} run --launch {launch} --cap-add SYS_ADMIN sh -c '
                 mount -t tmpfs inside /mnt && cat /proc/self/mountinfo > \"$0/inside\"
                 echo ready; read line
             ' \"$0\" | {{ read ready; cat /proc/self/mountinfo > \"$0/during\"; }}
             cat /proc/self/mountinfo > \"$0/after\"",
            mydocker = mydocker().display(),
            launch = case.launch,
        );
        let scratch = Scratch::new();
        let directory = scratch.path().to_str().unwrap();
        let mut unshare = std::process::Command::new("unshare");
        unshare.args([
            "--mount",
            "--propagation",
            "shared",
            "sh",
            "-ec",
            &script,
            directory,
        ]);
        let outcome = finish(unshare);
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        let read = |name: &str| std::fs::read_to_string(scratch.file(name)).unwrap();
        let before = read("before");
        assert!(before.contains(" shared:"), "the test's own set-up");
        assert!(
            read("inside").contains(" inside "),
            "the container's mount was made"
        );
        assert_eq!(read("during"), before, "{case}");
        assert_eq!(read("after"), before, "{case}");
    }
}

#[test]
fn hostnames_stay_inside() {
    let outside = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    for case in cases() {
        let script = "hostname; echo $HOSTNAME; hostname changed; hostname";
        let options = ["--hostname", "box", "--cap-add=SYS_ADMIN"];
        let outcome = case.run(&options, &["sh", "-c", script]);
        assert_eq!(outcome.output(case), "box\nbox\nchanged\n", "{case}");

        let fresh = case.run(&[], &["hostname"]);
        let name = fresh.output(case).trim();
        assert_eq!(name.len(), 12, "{case}: {name}");
        assert!(
            name.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{case}: {name}"
        );
        assert_ne!(
            name,
            case.run(&[], &["hostname"]).output(case).trim(),
            "{case}"
        );

        let same = case.run(&["--uts=host"], &["hostname"]);
        assert_eq!(same.output(case), outside, "{case}");
    }
    assert_eq!(
        std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap(),
        outside
    );
}

#[test]
fn loopback_is_up_and_alone() {
    for case in cases() {
        let interfaces = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '";
        let outcome = case.run(&[], &["sh", "-c", interfaces]);
        assert_eq!(outcome.output(case), "lo\n", "{case}");
        // Refused means that packets flow; with lo down it is "network is unreachable".
        let outcome = case.run(&[], &["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9"]);
        assert!(
            outcome.stderr.contains("Connection refused"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn arguments_pass_byte_for_byte() {
    use std::os::unix::ffi::OsStringExt;
    for case in cases() {
        let hostile = ["-t", "a  b", "", "--help", "--", "$HOME", "*", "x\ny"];
        let outcome = case.probe(&[], &[&["arguments"], &hostile[..]].concat());
        let expected = "-t\na  b\n\n--help\n--\n$HOME\n*\nx\\ny\n";
        assert_eq!(outcome.output(case), expected, "{case}");

        let raw = std::ffi::OsString::from_vec(b"\xff\xfe\x01".to_vec());
        let command = [probe().into(), "arguments".into(), raw];
        let outcome = case.run(&[], &command);
        assert_eq!(outcome.output(case), "\\xff\\xfe\\x01\n", "{case}");

        let outcome = case.run(
            &[],
            &[
                "sh",
                "-c",
                "tr '\\0' '\\n' < /proc/self/cmdline | head -1",
                "x",
            ],
        );
        assert_eq!(
            outcome.output(case),
            "tr\n",
            "{case}: argv[0] as typed, not as found"
        );
    }
}

#[test]
fn the_environment_is_the_containers_own() {
    for case in cases() {
        let mut command = case.command(
            &[
                "--hostname=box",
                "-e",
                "A=1",
                "-e",
                "B=x=y",
                "-e",
                "TAKEN",
                "-e",
                "UNSET",
                "-e",
                "A=2",
            ],
            &[&probe_name(), "environment"],
        );
        command
            .env_clear()
            .env("HOME", "/home/me")
            .env("TAKEN", "t")
            .env("SECRET", "s");
        let outcome = finish(command);
        let mut lines: Vec<&str> = outcome.output(case).lines().collect();
        lines.sort_unstable();
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        assert_eq!(
            lines,
            [
                "A=2",
                "B=x=y",
                "HOME=/home/me",
                "HOSTNAME=box",
                path,
                "TAKEN=t"
            ],
            "{case}"
        );
    }
}

#[test]
fn the_command_is_found_in_the_containers_path() {
    for case in cases() {
        let scratch = Scratch::new();
        for (directory, mode) in [("first", 0o644), ("second", 0o755)] {
            std::fs::create_dir(scratch.path().join(directory)).unwrap();
            let file = scratch.file(&format!("{directory}/tool"));
            write_program(&file, format!("#!/bin/sh\necho {directory} $0\n"), mode);
        }
        let (first, second) = (scratch.file("first"), scratch.file("second"));
        // A file that is not executable does not end the search, as execvp has it.
        let path = format!("PATH=/nowhere:/etc/passwd:{first}:{second}");
        let outcome = case.run(&["-e", &path], &["tool"]);
        assert_eq!(
            outcome.output(case),
            format!("second {second}/tool\n"),
            "{case}"
        );
        // But it is what is said if nothing else is found.
        let outcome = case.run(&["-e", &format!("PATH={first}:/nowhere")], &["tool"]);
        assert_eq!(outcome.code(), Some(126), "{case}: {outcome:?}");
        // The caller's own PATH does not count.
        let mut command = case.command(&[], &["tool"]);
        command.env("PATH", &second);
        assert_eq!(finish(command).code(), Some(127), "{case}");
        // An empty element is the working directory.
        let outcome = case.run(&["-e", "PATH=:/bin", "-w", &second], &["tool"]);
        assert_eq!(outcome.output(case), "second tool\n", "{case}");
    }
}

#[test]
fn the_working_directory() {
    for case in cases() {
        let outcome = case.probe(&["-w", "/usr"], &["identity"]);
        assert!(
            outcome.output(case).contains("directory /usr\n"),
            "{case}: {outcome:?}"
        );
        // Without it, where the caller is.
        let mut command = case.command(&[], &[&probe_name(), "identity"]);
        command.current_dir("/etc");
        assert!(
            finish(command).output(case).contains("directory /etc\n"),
            "{case}"
        );

        let outcome = case.run(&["-w", "/nowhere"], &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}");
        let message = "mydocker: --workdir: change directory to /nowhere: no such file or directory (ENOENT): it has to \
                       be there: mydocker makes it only in a root of the container's own (--rootfs)\n";
        assert_eq!(outcome.stderr, message, "{case}");
    }
}

#[test]
fn users_and_groups_are_exact() {
    for case in cases() {
        for (user, uid, gid) in [
            ("1000:2000", 1000, 2000),
            ("0:5", 0, 5),
            ("54321", 54321, 0),
        ] {
            let outcome = case.probe(&["-u", user], &["identity"]);
            let output = outcome.output(case);
            assert!(
                output.contains(&format!("user {uid} {uid} {uid} {uid}\n")),
                "{case}: {output}"
            );
            assert!(
                output.contains(&format!("group {gid} {gid} {gid} {gid}\n")),
                "{case}: {output}"
            );
            let groups = groups_inside(case, gid);
            assert!(output.contains(&groups), "{case}: {output} not {groups}");
        }
        let outcome = case.probe(&[], &["identity"]);
        let output = outcome.output(case);
        assert!(
            output.contains("user 0 0 0 0\ngroup 0 0 0 0\n"),
            "{case}: {output}"
        );
        assert!(output.contains("umask 0022\n"), "{case}: {output}");

        let named = case.run(
            &["-u", "daemon"],
            &["sh", "-c", "id -un; id -gn; echo $HOME"],
        );
        assert_eq!(named.output(case), "daemon\ndaemon\n/usr/sbin\n", "{case}");
        let outcome = case.run(&["-u", "nobody-at-all"], &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}");
        assert!(
            outcome
                .stderr
                .contains("--user nobody-at-all: no such user"),
            "{case}"
        );
    }
}

/// What the probe tells of the caller's groups where `group` is its own. Only root can leave one, setgroups(2): a login
/// user's stay, under the numbers that the user namespace has for them.
fn groups_inside(case: Case, group: u32) -> String {
    use nix::unistd::{Gid, Uid, getgroups};
    let outside = match case.caller {
        Caller::Ordinary if !Uid::effective().is_root() => getgroups().unwrap(),
        _ => Vec::new(),
    };
    let inside = outside.into_iter().map(|outside| match outside {
        own if own == Gid::effective() => group.to_string(),
        _ => "65534".to_owned(),
    });
    let words: Vec<String> = inside.collect();
    format!("groups {}\n", words.join(" "))
}

#[test]
fn the_callers_supplementary_groups_are_dropped() {
    for case in root_cases() {
        // std sets them when it changes the user, so a shell of util-linux does it here.
        let setpriv = ["setpriv", "--groups", "4,24,27"].map(Into::into).to_vec();
        let mut line: Vec<std::ffi::OsString> = setpriv;
        line.push(mydocker().into());
        line.extend(["run", "--launch", case.launch].map(Into::into));
        line.extend([probe().into(), "identity".into()]);
        let outcome = finish(case.prepared(&line));
        assert!(
            outcome.output(case).contains("groups \n"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn another_user_has_no_capabilities_and_nobody_gets_new_privileges() {
    for case in cases() {
        for options in [&["-u", "1000"][..], &["-u", "1000", "--init"]] {
            let outcome = case.run(options, &["cat", "/proc/self/status"]);
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                let line = format!("{set}:\t0000000000000000\n");
                assert!(outcome.output(case).contains(&line), "{case}: {outcome:?}");
            }
            assert!(outcome.stdout.contains("NoNewPrivs:\t1\n"), "{case}");
        }
    }
}

#[test]
fn nothing_is_inherited_but_0_1_and_2() {
    let scratch = Scratch::new();
    let count = many_descriptors().to_string();
    for case in cases() {
        for options in [&["-i"][..], &["-i", "--init"], &["-u", "1000"]] {
            let name = probe_name();
            let directory = scratch.path().to_str().unwrap();
            let wrapper = ["inherit", &count, directory];
            let outcome = finish(case.wrapped(&wrapper, options, &[&name, "descriptors"]));
            let numbers: Vec<&str> = outcome
                .output(case)
                .lines()
                .map(|line| line.split(' ').next().unwrap())
                .collect();
            assert_eq!(numbers, ["0", "1", "2"], "{case} {options:?}");
        }
    }
}

#[test]
fn closed_standard_descriptors_are_valid_inside() {
    for case in cases() {
        for options in [&[][..], &["-i"], &["--init"]] {
            let scratch = Scratch::new();
            let file = scratch.file("descriptors");
            let script = format!("{} descriptors > {file}", probe().display());
            let wrapper = ["without", "0", "1", "2"];
            let outcome = finish(case.wrapped(&wrapper, options, &["sh", "-c", &script]));
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
            let descriptors = std::fs::read_to_string(&file).unwrap();
            let expected = format!("0 /dev/null\n1 {file}\n2 /dev/null\n");
            assert_eq!(descriptors, expected, "{case}");
        }
    }
}

#[test]
fn stdin_is_the_callers_with_i_and_empty_without() {
    use std::process::Stdio;
    for case in cases() {
        for (options, expected) in [(&["-i"][..], "root"), (&[], "")] {
            let mut command = case.command(options, &["head", "-c4"]);
            command.stdin(Stdio::from(std::fs::File::open("/etc/passwd").unwrap()));
            assert_eq!(finish(command).output(case), expected, "{case} {options:?}");
        }
        let outcome = case.run(&[], &["readlink", "/proc/self/fd/0"]);
        assert_eq!(outcome.output(case), "/dev/null\n", "{case}");
    }
}

#[test]
fn signals_are_as_a_fresh_process_has_them() {
    let names = ["SIGHUP", "SIGINT", "SIGPIPE", "SIGCHLD", "SIGUSR1"];
    for case in cases() {
        for verb in ["ignoring", "blocking"] {
            for options in [&[][..], &["--init"], &["--pid=host"]] {
                let wrapper = [&[verb], &names[..]].concat();
                let command = ["sed", "-n", "/^Sig[BIC]/p", "/proc/self/status"];
                let outcome = finish(case.wrapped(&wrapper, options, &command));
                let expected = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n\
                                SigCgt:\t0000000000000000\n";
                assert_eq!(outcome.output(case), expected, "{case} {verb} {options:?}");
            }
        }
    }
}

#[test]
fn there_is_no_controlling_terminal_without_t() {
    for case in cases() {
        // Field 7 of stat is the controlling terminal's device number.
        let script = "cut -d' ' -f7 /proc/1/stat; echo > /dev/tty";
        let outcome = case.run(&[], &["sh", "-c", script]);
        assert_eq!(outcome.stdout, "0\n", "{case}");
        assert_ne!(outcome.code(), Some(0), "{case}: {outcome:?}");
    }
}

#[test]
fn mydocker_runs_in_mydocker() {
    for case in cases() {
        let mydocker = mydocker();
        let inner = ["run", "--launch", case.launch, "sh", "-c", "echo $$; id -u"];
        let mut command = vec![mydocker.to_str().unwrap()];
        command.extend(inner);
        let outcome = case.run(&["--privileged"], &command);
        assert_eq!(outcome.output(case), "1\n0\n", "{case}");
    }
}
