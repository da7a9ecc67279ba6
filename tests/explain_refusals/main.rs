//! `--explain` refuses what a run refuses: tables of command lines, each explained and run, that end with the same code
//! and the same words, whoever calls and however it is launched. Explaining leaves nothing behind.

#[path = "../common/mod.rs"]
mod common;

mod roots;
use common::tree::Tree;
use common::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// What a run ends with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// It is refused with this code.
    Refused(i32),
    /// The command has run.
    Ran,
    /// The machine decides.
    Either,
}
use End::{Either, Ran, Refused};

type Row<'a> = (&'a [&'a str], &'a [&'a str], End);

/// Without the digits that a cgroup gets anew each time.
fn plain(text: &str) -> String {
    let mut parts = text.split("/mydocker-");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str("/mydocker-");
        plain.push_str(part.get(12..).unwrap_or(part));
    }
    plain
}

/// Explains and runs each row: `root` comes before its options. `beside` is what explaining must not change.
fn compare(case: Case, root: &[&str], rows: &[Row<'_>], beside: &Path) {
    for (options, command, end) in rows {
        let label = format!("{case} {options:?} {command:?}");
        let options = [root, options].concat();
        let before = common::tree::snapshot(beside);
        let explained = case.run(&[&["--explain"], &options[..]].concat(), command);
        assert_eq!(common::tree::snapshot(beside), before, "{label}");
        let really = case.run(&options, command);
        let is_refused = matches!(really.code(), Some(125..=127));
        match end {
            Refused(code) => assert_eq!(really.code(), Some(*code), "{label}: {really:?}"),
            Ran => assert!(!is_refused, "{label}: {really:?}"),
            Either => {}
        }
        if is_refused {
            assert_eq!(
                (explained.code(), plain(&explained.stderr)),
                (really.code(), plain(&really.stderr)),
                "{label}"
            );
            assert_eq!(explained.stdout, "", "{label}");
        } else {
            assert_eq!(explained.code(), Some(0), "{label}: {explained:?}");
            assert!(explained.stdout.contains("Nothing is run"), "{label}");
        }
    }
}

/// A container that sees the caller's files.
#[test]
fn in_the_callers_tree() {
    let long = "x".repeat(300);
    let deep = "/x".repeat(3000);
    for case in cases() {
        let scratch = Scratch::new();
        let directory = scratch.path().to_str().unwrap();
        let (script, text) = (scratch.file("script"), scratch.file("text"));
        write_program(&script, "#!/nowhere/at/all\n", 0o755);
        write_program(&text, "no program\n", 0o755);
        let (script, text) = (script.as_str(), text.as_str());
        let rows: &[Row<'_>] = &[
            (&[], &["true"], Ran),
            (&[], &["no-such-command"], Refused(127)),
            (&["-t"], &["no-such-command"], Refused(127)),
            (&["--init"], &["no-such-command"], Refused(127)),
            (&["--pid=host"], &["no-such-command"], Refused(127)),
            (&["--rm"], &["no-such-command"], Refused(127)),
            (&[], &["alpine", "sh"], Refused(127)),
            (&[], &[""], Refused(127)),
            (&[], &["/nowhere/at/all"], Refused(127)),
            (&[], &["/etc/passwd/x"], Refused(127)),
            (&[], &[&long], Refused(127)),
            (&[], &[&deep], Refused(127)),
            (&["-e", "PATH=/nowhere"], &["true"], Refused(127)),
            (&["-e", "PATH="], &["true"], Refused(127)),
            (&[], &[script], Refused(127)),
            (&[], &[text], Either),
            (&[], &["/etc"], Refused(126)),
            (&[], &["/etc/passwd"], Refused(126)),
            (&[], &["/dev/null"], Refused(126)),
            (&["-w", directory], &["./text"], Either),
            (&["-w", directory], &["./nothing"], Refused(127)),
            (
                &["-w", directory, "-e", "PATH=:"],
                &["script"],
                Refused(127),
            ),
            (&["-w", "/usr"], &["true"], Ran),
            (&["-w", "/nowhere"], &["true"], Refused(125)),
            (&["-w", "/nowhere", "--init"], &["true"], Refused(125)),
            (&["-w", "/etc/passwd"], &["true"], Refused(125)),
            // What is wrong first is told.
            (&["-w", "/nowhere"], &["no-such-command"], Refused(125)),
        ];
        compare(case, &[], rows, scratch.path());
    }
}

/// What the process is to be.
#[test]
fn of_the_process_itself() {
    for case in cases() {
        let scratch = Scratch::new();
        let profile = |name: &str, action: &str| {
            let file = scratch.file(name);
            let text = format!(
                r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{{"names": ["execve"], {action}}}]}}"#
            );
            std::fs::write(&file, text).unwrap();
            format!("--security-opt=seccomp={file}")
        };
        let kills = profile("kills", r#""action": "SCMP_ACT_KILL_PROCESS""#);
        let refuses = profile("refuses", r#""action": "SCMP_ACT_ERRNO", "errnoRet": 13"#);
        let rows: &[Row<'_>] = &[
            (&["--ulimit", "nofile=99999999999"], &["true"], Refused(125)),
            (&["--ulimit", "core=-1"], &["true"], Either),
            (&["--ulimit", "rtprio=99"], &["true"], Either),
            (&["--ulimit", "nofile=64"], &["true"], Ran),
            (&["--oom-score-adj=-1000"], &["true"], Either),
            (&["--oom-score-adj=1000"], &["true"], Ran),
            (&["--cap-add=SYS_RESOURCE"], &["true"], Either),
            (&["--cap-add=ALL"], &["true"], Ran),
            (&["--cap-add=ALL", "-u", "1000"], &["true"], Ran),
            (&["--sysctl=net.no.such=1"], &["true"], Refused(125)),
            (&["--sysctl=net.ipv4=1"], &["true"], Refused(125)),
            (&["--sysctl=net.ipv4.ip_forward=x"], &["true"], Refused(125)),
            (&["--sysctl=net.ipv4.ip_forward=1"], &["true"], Ran),
            (&["--sysctl=kernel.shmno=1"], &["true"], Refused(125)),
            (&["--hostname", "box"], &["true"], Ran),
            (&[&kills], &["true"], Refused(126)),
            (&[&refuses], &["true"], Refused(126)),
        ];
        let of_root: &[Row<'_>] = &[
            (&["-u", "1000", "-w", "/root"], &["true"], Either),
            (&["--userns=auto", "-u", "70000"], &["true"], Refused(125)),
            (&["--userns=auto", "-u", "1:70000"], &["true"], Refused(125)),
            (
                &["--userns=auto", "--group-add=70000"],
                &["true"],
                Refused(125),
            ),
            (&["--userns=auto", "-u", "1000"], &["true"], Ran),
            (&["-u", "70000", "--group-add=70000"], &["true"], Ran),
        ];
        let of_user: &[Row<'_>] = &[
            (&["-u", "70000"], &["true"], Ran),
            (&["--group-add=70000"], &["true"], Refused(125)),
        ];
        let others = match case.caller {
            Caller::Root => of_root,
            Caller::Ordinary => of_user,
        };
        compare(case, &[], rows, scratch.path());
        compare(case, &[], others, scratch.path());
    }
}

/// Files that are written.
#[test]
fn files_are_not_made_to_find_out() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("file");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
        let link = scratch.file("link");
        symlink("/nowhere/at/all", &link).unwrap();
        let socket = scratch.file("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let (below, new) = (scratch.file("file/x"), scratch.file("new/"));
        let long = scratch.file(&"n".repeat(300));
        let directory = scratch.path().to_str().unwrap();
        for option in ["--report", "--timing", "--pidfile", "--log"] {
            for (value, end) in [
                ("/nowhere/x", Refused(125)),
                ("/", Refused(125)),
                ("", Either),
                (directory, Refused(125)),
                (&below, Refused(125)),
                (&new, Either),
                (&long, Refused(125)),
                (&link, Refused(125)),
                (&socket, Refused(125)),
                (&file, Either),
                ("/proc/x", Refused(125)),
                ("fd:99", Either),
                ("fd:x", Either),
                ("fd:0", Either),
            ] {
                let row: Row<'_> = (&[option, value], &["true"], end);
                compare(case, &[], &[row], scratch.path());
                let _ = std::fs::remove_file(scratch.file("new"));
            }
        }
        let before = common::tree::snapshot(scratch.path());
        for option in ["--report", "--timing", "--pidfile", "--log"] {
            let outcome = case.run(&["--explain", option, &scratch.file("made")], &["true"]);
            outcome.output(case);
        }
        assert_eq!(common::tree::snapshot(scratch.path()), before, "{case}");
        let rows: &[Row<'_>] = &[
            (&["--env-file=/nowhere/x"], &["true"], Refused(125)),
            (&["--env-file=/"], &["true"], Refused(125)),
            (
                &["--pidfile=/nowhere/x"],
                &["no-such-command"],
                Refused(125),
            ),
            (
                &["--report=fd:99", "--timing=/nowhere/x"],
                &["true"],
                Refused(125),
            ),
        ];
        compare(case, &[], rows, scratch.path());
    }
}

#[test]
fn limits() {
    for case in cases() {
        let scratch = Scratch::new();
        let rows: &[Row<'_>] = &[
            (&["--cpuset-cpus=0-99"], &["true"], Either),
            (&["--cpuset-cpus=99999"], &["true"], Refused(125)),
            (&["--cpuset-mems=7"], &["true"], Either),
            (&["--cpuset-mems=99999"], &["true"], Refused(125)),
            (&["--cpuset-cpus=0"], &["true"], Either),
            (&["--pids-limit=99999999"], &["true"], Refused(125)),
            (&["--pids-limit=1", "--init"], &["true"], Refused(125)),
            (&["--pids-limit=2", "--init"], &["true"], Either),
            (&["--cpus=0.5"], &["true"], Either),
            (&["-m", "64m"], &["no-such-command"], Either),
            (&["-m", "1k"], &["true"], Refused(125)),
            (
                &["--device-write-bps=/dev/null:1m"],
                &["true"],
                Refused(125),
            ),
            (
                &["--blkio-weight-device=/nowhere:500"],
                &["true"],
                Refused(125),
            ),
            (&["--blkio-weight=500"], &["true"], Either),
            (&["--report-cgroup"], &["true"], Either),
        ];
        compare(case, &[], rows, scratch.path());
    }
}

/// Below a cgroup that has less.
#[test]
fn limits_of_the_cgroup_above() {
    let parent = Path::new("/sys/fs/cgroup/cpu").join(mark());
    let quota = parent.join("cpu.cfs_quota_us");
    for case in root_cases() {
        if std::fs::create_dir(&parent).is_err() {
            return skip("there is no cgroup v1 with a cpu controller here");
        }
        let name = format!("--cgroup-parent={}", parent.file_name().unwrap().display());
        let set = std::fs::write(&quota, "50000");
        let options = ["--cpus=1", &name];
        let explained = case.run(&[&["--explain"], &options[..]].concat(), &["true"]);
        let really = case.run(&options, &["true"]);
        // The parent is made in every hierarchy by the run, and stays.
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            let _ = std::fs::remove_dir(hierarchy.path().join(parent.file_name().unwrap()));
        }
        set.expect("a quota");
        assert_eq!(really.code(), Some(125), "{case}: {really:?}");
        let told = (explained.code(), plain(&explained.stderr));
        assert_eq!(told, (Some(125), plain(&really.stderr)), "{case}");
    }
}
