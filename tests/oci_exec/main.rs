//! `oci exec` and `oci ps`: one more process in a container that an engine has made.

#[path = "../common/mod.rs"]
mod common;

mod bundle;
mod faults;
mod hostile;
mod sockets;

use bundle::{each, each_of_root, each_with};
use common::*;
use std::process::Stdio;

/// What a process is in, and what it may.
const FACTS: &str = "for kind in cgroup ipc mnt net pid user uts; do readlink /proc/$P/ns/$kind; done; \
    grep -E '^(Uid|Gid|Groups|Cap|NoNew|Seccomp:|Umask)' /proc/$P/status; \
    cat /proc/$P/oom_score_adj /proc/$P/cgroup; grep 'open files' /proc/$P/limits";

#[test]
fn it_is_as_the_containers_own_process() {
    each(|bundle| {
        let [own, another] = ["P=1", "P=self"].map(|which| {
            // Of a process that this shell has made, to look at itself.
            bundle.says(&[], &format!("{which}; {FACTS}"))
        });
        assert_eq!(another, own, "{}", bundle.case);
        assert!(own.contains("NoNewPrivs:\t1"), "{own}");
        assert!(own.contains("CapBnd:\t0000000000000021"), "{own}");
        let said = bundle.says(&[], "pwd; echo $KEPT $HOME; ls /proc/self/fd | wc -l");
        assert_eq!(said, "/\n1 /home-of-root\n4\n", "{}", bundle.case);
    });
}

#[test]
fn options_stand_in_the_place_of_what_the_container_has() {
    each_of_root(|bundle| {
        let said = bundle.says(
            &["--cwd", "/tmp", "-e", "A=2", "--env", "KEPT=3"],
            "pwd; echo $A $KEPT",
        );
        assert_eq!(said, "/tmp\n2 3\n");
        let options = ["--user", "1000:7", "-g", "9", "--additional-gids", "11"];
        let said = bundle.says(&options, "id -u; id -g; id -G");
        assert_eq!(said, "1000\n7\n7 9 11\n");
        let status = "grep -E '^(CapEff|CapBnd|NoNew)' /proc/self/status";
        let said = bundle.says(&["--cap", "CAP_SYSLOG", "--no-new-privs=false"], status);
        assert_eq!(
            said,
            "CapEff:\t0000000400000021\nCapBnd:\t0000000400000021\nNoNewPrivs:\t0\n"
        );
    });
}

#[test]
fn a_file_describes_the_process() {
    each_of_root(|bundle| {
        let file = bundle.tree.beside("process.json");
        let process = r#"{"args":["/bin/sh","-c","id -u; pwd; echo $KEPT; ulimit -n"],"cwd":"/tmp","user":{"uid":5,"gid":6},
            "env":["PATH=/bin","A=1"],"rlimits":[{"type":"RLIMIT_NOFILE","hard":200,"soft":100}]}"#;
        std::fs::write(&file, process).unwrap();
        let outcome = bundle.exec(&["--process", &file], &[]);
        assert_eq!(outcome.output(bundle.case), "5\n/tmp\n\n100\n");
        std::fs::write(&file, "{").unwrap();
        bundle.fails(&["-p", &file], &[]);
        let missing = bundle.tree.beside("missing.json");
        assert!(
            bundle
                .fails(&["-p", &missing], &[])
                .contains("no such file or directory")
        );
    });
}

#[test]
fn exit_codes_are_the_commands() {
    each(|bundle| {
        for (script, code) in [("exit 42", 42), ("kill -9 $$", 137), ("true", 0)] {
            let outcome = bundle.exec(&[], &["sh", "-c", script]);
            assert_eq!(outcome.code(), Some(code), "{}: {outcome:?}", bundle.case);
        }
    });
}

#[test]
fn failures_have_the_words_that_engines_look_for() {
    each_of_root(|bundle| {
        std::fs::write(bundle.tree.root().join("tmp/data"), "data").unwrap();
        for (options, command, words) in [
            (&[][..], "nope", "executable file not found in $PATH"),
            (&[], "/nope", "no such file or directory"),
            (&[], "/tmp/data", "permission denied"),
            (&["--cwd", "/nope"], "true", "no such file or directory"),
            (&["--cwd", "tmp"], "true", "Cwd must be an absolute path"),
            (&["--cap", "CAP_NOPE"], "true", "no such capability"),
            (
                &["--pid-file", "/nope/pid"],
                "true",
                "no such file or directory",
            ),
            (
                &["--detach", "--tty"],
                "true",
                "without setting console socket",
            ),
            (
                &["--console-socket", "/x"],
                "true",
                "cannot use console socket",
            ),
            (&["--cgroup", ".."], "true", "bad sub cgroup path"),
            (&["--cgroup", "nope"], "true", "no such file or directory"),
            (&["--cgroup", "nope:/"], "true", "unknown controller"),
            (&["--preserve-fds", "90"], "true", "preserve-fds"),
        ] {
            let error = bundle.fails(options, &[command]);
            assert!(
                error.contains(words),
                "{} {options:?}: {error}",
                bundle.case
            );
        }
        let log = bundle.tree.beside("log");
        let words = [
            "--log",
            &log,
            "--log-format",
            "json",
            "exec",
            &bundle.id,
            "nope",
        ];
        assert_eq!(bundle.oci(&words).code(), Some(255));
        let lines = std::fs::read_to_string(&log).unwrap();
        let line: serde_json::Value = serde_json::from_str(lines.trim()).expect("one object");
        assert!(
            line["msg"]
                .as_str()
                .unwrap()
                .contains("executable file not found in $PATH")
        );
        assert_eq!(line["level"], "error");
        let gone = bundle.oci(&["exec", "no-such-container", "true"]);
        assert!(
            gone.code() == Some(255) && gone.stderr.contains("does not exist"),
            "{gone:?}"
        );
    });
}

#[test]
fn what_has_stopped_or_is_paused_is_not_entered() {
    each_of_root(|bundle| {
        let pause = bundle.oci(&["pause", &bundle.id]);
        assert_eq!(pause.code(), Some(0), "{pause:?}");
        let error = bundle.fails(&[], &["true"]);
        let words = "cannot exec in a paused container (use --ignore-paused to override)";
        assert!(error.contains(words), "{error}");
        let mut waits = bundle
            .command(&["exec", "--ignore-paused", &bundle.id, "true"])
            .spawn()
            .unwrap();
        let resume = bundle.oci(&["resume", &bundle.id]);
        assert_eq!(resume.code(), Some(0), "{resume:?}");
        assert_eq!(wait(&mut waits).and_then(|status| status.code()), Some(0));
        bundle.oci(&["kill", &bundle.id, "KILL"]);
        let state = || bundle.oci(&["state", &bundle.id]).stdout;
        assert!(eventually(|| state().contains("stopped")));
        let error = bundle.fails(&[], &["true"]);
        assert!(
            error.contains("cannot exec in a stopped container"),
            "{error}"
        );
        assert_eq!(bundle.oci(&["ps", &bundle.id]).code(), Some(0));
    });
}

#[test]
fn in_the_background_it_is_the_engines() {
    each(|bundle| {
        let mark = mark();
        let (file, variable) = (bundle.tree.beside("pid"), format!("MARK={mark}"));
        let options = ["--detach", "--pid-file", &file, "-e", &variable];
        let outcome = bundle.exec(&options, &["sleep", "1000"]);
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        let pid: u32 = std::fs::read_to_string(&file)
            .unwrap()
            .parse()
            .expect("a pid alone");
        // mydocker has left, and it lives on.
        assert_eq!(marked(&mark), [pid], "{}", bundle.case);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("Name:\tsleep"), "{status}");
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        assert_eq!(descriptors.count(), 3);
        let listed = bundle.oci(&["ps", "--format", "json", &bundle.id]);
        let mut listed: Vec<u32> = serde_json::from_str(listed.output(bundle.case)).unwrap();
        listed.sort_unstable();
        let mut expected = [bundle.first(), pid];
        expected.sort_unstable();
        assert_eq!(listed, expected);
        kill(pid, Signal::SIGKILL);
        // What could not be executed leaves no file.
        std::fs::remove_file(&file).unwrap();
        bundle.fails(&options, &["nope"]);
        assert!(!std::path::Path::new(&file).exists());
    });
}

#[test]
fn signals_are_handed_on() {
    each(|bundle| {
        let mark = mark();
        let variable = format!("MARK={mark}");
        let script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
        let words = ["exec", "-e", &variable, &bundle.id, "sh", "-c", script];
        let mut command = bundle.command(&words);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        kill(child.id(), Signal::SIGTERM);
        let status = wait(&mut child).expect("it ends");
        assert_eq!(status.code(), Some(7), "{}", bundle.case);
        // And it ends with mydocker, for no one else knows of it.
        let mut child = bundle
            .command(&["exec", "-e", &variable, &bundle.id, "sleep", "1000"])
            .spawn()
            .unwrap();
        assert!(eventually(|| !marked(&mark).is_empty()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(eventually(|| marked(&mark).is_empty()), "{}", bundle.case);
    });
}

#[test]
fn sub_cgroups_are_joined() {
    each_of_root(|bundle| {
        let below = format!("/sys/fs/cgroup/pids/{}/below", bundle.id);
        if std::fs::create_dir(&below).is_err() {
            skip("there is no cgroup v1 of pids at its usual place");
            return;
        }
        let said = bundle.says(&["--cgroup", "pids:below"], "cat /proc/self/cgroup");
        let own = format!("/{}", bundle.id);
        for line in said.lines() {
            let expected = match line.contains(":pids:") {
                true => format!("{own}/below"),
                false => own.clone(),
            };
            assert!(line.ends_with(&expected), "{}: {said}", bundle.case);
        }
        let said = bundle.says(&["--cgroup", "/"], "cat /proc/self/cgroup");
        assert!(said.lines().all(|line| line.ends_with(&own)), "{said}");
    });
}

#[test]
fn every_namespace_of_the_container_is_entered() {
    let user = r#","uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],
        "gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]"#;
    let time = r#","timeOffsets":{"boottime":{"secs":4000000}}"#;
    for (namespaces, linux) in [
        (r#",{"type":"user"}"#, user),
        (r#",{"type":"time"},{"type":"cgroup"}"#, time),
    ] {
        each_with(namespaces, linux, |bundle| {
            let kinds = "cgroup ipc mnt net pid time user uts";
            let links = |which| {
                let script =
                    format!("for kind in {kinds}; do readlink /proc/{which}/ns/$kind; done");
                // (By the root of the container's user namespace, who may look at its own.)
                bundle.says(&["--cap", "CAP_SYS_PTRACE"], &script)
            };
            assert_eq!(links("self"), links("1"), "{}", bundle.case);
            let said = bundle.says(&["-u", "7:8"], "id -u; id -g; cut -d. -f1 /proc/uptime");
            let said: Vec<u64> = said.lines().map(|line| line.parse().unwrap()).collect();
            assert_eq!(said[..2], [7, 8], "{}", bundle.case);
            assert_eq!(said[2] > 4_000_000, namespaces.contains("time"), "{said:?}");
        });
    }
}

#[test]
fn where_the_containers_cgroup_is_gone_it_is_where_the_first_process_is() {
    each_of_root(|bundle| {
        let mounts = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(std::path::Path::new);
        let mut mounts = mounts.into_iter();
        let Some(mount) = mounts.find(|mount| mount.join("cgroup.procs").exists()) else {
            skip("there is no cgroup v2 at its usual places");
            return;
        };
        let moved = format!("{}-moved", bundle.id);
        std::fs::create_dir(mount.join(&moved)).unwrap();
        let first = bundle.first().to_string();
        std::fs::write(mount.join(&moved).join("cgroup.procs"), first).unwrap();
        std::fs::remove_dir(mount.join(&bundle.id)).unwrap();
        let said = bundle.says(&[], "grep ^0: /proc/self/cgroup");
        assert_eq!(said, format!("0::/{moved}\n"), "{}", bundle.case);
        // Who has named one wants that.
        let error = bundle.fails(&["--cgroup", "/"], &["true"]);
        assert!(error.contains("no such file or directory"), "{error}");
        bundle.oci(&["delete", "--force", &bundle.id]);
        let remove = || std::fs::remove_dir(mount.join(&moved)).is_ok();
        assert!(eventually(remove), "{}", bundle.case);
    });
}

#[test]
fn ps_shows_the_containers_processes() {
    each(|bundle| {
        let first = bundle.first().to_string();
        let table = bundle.oci(&["ps", &bundle.id]);
        let lines: Vec<&str> = table.output(bundle.case).lines().collect();
        assert_eq!(lines.len(), 2, "{table:?}");
        assert!(
            lines[1].contains(&first) && lines[1].contains("sleep 1000"),
            "{table:?}"
        );
        let chosen = bundle.oci(&["ps", &bundle.id, "-o", "pid,comm"]);
        let words: Vec<&str> = chosen.output(bundle.case).split_whitespace().collect();
        assert_eq!(words, ["PID", "COMMAND", &first, "sleep"]);
        // Without a ps on the host it is mydocker's own table.
        let mut command = bundle.command(&["ps", &bundle.id]);
        command.env("PATH", "/nowhere");
        let own = finish(command);
        assert!(own.output(bundle.case).contains(&first), "{own:?}");
    });
}

#[test]
fn no_path_leads_to_what_is_open_outside() {
    each(|bundle| {
        // CVE-2024-21626: the working directory is one that the runtime has open.
        for number in 3..20 {
            for path in [
                format!("/proc/self/fd/{number}"),
                format!("/proc/self/fd/{number}/.."),
            ] {
                bundle.fails(&["--cwd", &path], &["pwd"]);
            }
        }
        // CVE-2019-5736: what is executed is the runtime's own file.
        let script = bundle.tree.root().join("bin/self");
        write_program(&script, "#!/proc/self/exe\n", 0o755);
        std::os::unix::fs::symlink("/proc/self/exe", bundle.tree.root().join("bin/link")).unwrap();
        for command in ["/bin/self", "/bin/link"] {
            let outcome = bundle.exec(&[], &[command]);
            assert_ne!(outcome.code(), Some(0), "{outcome:?}");
        }
        let holds = bundle.says(&[], "exec 9</proc/self/exe; ls -l /proc/self/fd/9");
        assert!(holds.contains("/bin/"), "{holds}");
    });
}

#[test]
fn a_container_that_waits_for_its_start_is_entered() {
    each(|bundle| {
        let done = |words: &[&str]| {
            let outcome = bundle.oci(words);
            assert_eq!(outcome.code(), Some(0), "{}: {outcome:?}", bundle.case);
        };
        let is = |status: &str| {
            let state = bundle.oci(&["state", &bundle.id]).stdout;
            state.contains(&format!(r#""status": "{status}""#))
        };
        done(&["delete", "--force", &bundle.id]);
        let path = bundle.tree.beside("");
        done(&["create", "--bundle", &path, &bundle.id]);
        assert_eq!(bundle.says(&[], "echo in"), "in\n");
        assert!(is("created"), "{}", bundle.case);
        done(&["start", &bundle.id]);
        assert!(is("running"), "{}", bundle.case);
        assert_eq!(bundle.says(&[], "echo in; id -u"), "in\n0\n");
        done(&["kill", &bundle.id, "KILL"]);
        assert!(eventually(|| is("stopped")), "{}", bundle.case);
        done(&["delete", &bundle.id]);
        let gone = bundle.oci(&["state", &bundle.id]);
        assert!(gone.stderr.contains("does not exist"), "{gone:?}");
    });
}

#[test]
fn processors_are_those_of_exec_cpu_affinity() {
    const ALLOWED: &str = "grep Cpus_allowed_list /proc/self/status";
    each_of_root(|bundle| {
        let all = bundle.says(&[], ALLOWED);
        let (_, list) = all.trim().rsplit_once('\t').expect("a list");
        let Some((first, last)) = list.split_once(['-', ',']) else {
            return skip("there is one processor");
        };
        let last = last.rsplit([',', '-']).next().expect("a number");
        let file = bundle.tree.beside("process.json");
        let said = |affinity: &str| {
            let process = format!(
                r#"{{"args":["/bin/sh","-c","{ALLOWED}"],"cwd":"/","env":["PATH=/bin"],"execCPUAffinity":{{{affinity}}}}}"#
            );
            std::fs::write(&file, process).unwrap();
            bundle.exec(&["--process", &file], &[])
        };
        for (affinity, expected) in [
            (format!(r#""initial":"{first}","final":"{last}""#), last),
            (format!(r#""final":"{last}""#), last),
            (format!(r#""initial":"{first}""#), first),
            (String::new(), list),
        ] {
            let outcome = said(&affinity);
            let expected = format!("Cpus_allowed_list:\t{expected}\n");
            assert_eq!(outcome.output(bundle.case), expected, "{affinity}");
        }
        for (affinity, told) in [
            (r#""final":"4095""#, "none of them is there"),
            (r#""initial":"all""#, "it is no list of processors"),
        ] {
            let outcome = said(affinity);
            assert!(outcome.stderr.contains(told), "{outcome:?}");
        }
    });
}
