//! Hooks: when they run, with what, and what becomes of a container whose hooks fail, hang or are missing.

#![cfg(feature = "oci")]

mod common;

use common::oci::{Oci, script};
use common::root_cases;
use serde_json::{Value, json};
use std::time::Instant;

/// All moments, in their order.
const MOMENTS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

/// A hook that is run by a shell. (That of the container has the same path.)
fn shell(text: &str) -> Value {
    json!({"path": "/bin/sh", "args": ["sh", "-c", text], "env": ["PATH=/usr/bin:/bin"]})
}

/// The directory for what hooks tell, as a hook of this moment sees it.
fn place(oci: &Oci, moment: &str) -> String {
    match moment {
        "startContainer" => "/out".to_owned(),
        _ => oci.path().join("out").to_str().unwrap().to_owned(),
    }
}

#[test]
fn each_runs_at_its_moment_with_the_state() {
    for case in root_cases() {
        let oci = Oci::new(case.launch);
        let mut config = oci.config(&["sh", "-c", "echo command >> /out/order"]);
        config["annotations"] = json!({"a.b": "c \"d\""});
        for moment in MOMENTS {
            let out = place(&oci, moment);
            let tell =
                |name: &str| shell(&format!("cat > {out}/{name}; echo {name} >> {out}/order"));
            config["hooks"][moment] =
                json!([tell(&format!("{moment}-1")), tell(&format!("{moment}-2"))]);
        }
        oci.write(&config);
        oci.done(&["create", "a"]);
        let created: Vec<String> = ["prestart", "createRuntime", "createContainer"]
            .iter()
            .flat_map(|moment| [format!("{moment}-1"), format!("{moment}-2")])
            .collect();
        let order =
            |oci: &Oci| -> Vec<String> { oci.told("order").lines().map(str::to_owned).collect() };
        assert_eq!(order(&oci), created, "{case}");
        let pid = oci.state("a")["pid"].clone();
        oci.done(&["start", "a"]);
        assert!(
            common::eventually(|| oci.status("a") == "stopped"),
            "{case}"
        );
        oci.done(&["delete", "a"]);
        let rest = order(&oci).split_off(6);
        let at = |name: &str| rest.iter().position(|line| line == name);
        assert_eq!(rest.len(), 7, "{case}: {rest:?}");
        assert!(
            at("startContainer-1") < at("startContainer-2"),
            "{case}: {rest:?}"
        );
        assert!(at("startContainer-2") < at("command"), "{case}: {rest:?}");
        assert!(at("poststart-1") < at("poststart-2"), "{case}: {rest:?}");
        assert_eq!(rest[5..], ["poststop-1", "poststop-2"], "{case}: {rest:?}");
        for (moment, status) in MOMENTS.iter().zip([
            "creating", "creating", "creating", "created", "running", "stopped",
        ]) {
            for number in [1, 2] {
                let told = oci.told(&format!("{moment}-{number}"));
                let state: Value = serde_json::from_str(&told)
                    .unwrap_or_else(|error| panic!("{case} {moment}: {error}: {told}"));
                assert_eq!(state["status"], status, "{case} {moment}");
                assert_eq!(state["id"], "a", "{case} {moment}");
                assert_eq!(
                    state["bundle"],
                    oci.bundle().to_str().unwrap(),
                    "{case} {moment}"
                );
                assert_eq!(state["annotations"]["a.b"], "c \"d\"", "{case} {moment}");
                assert!(state["ociVersion"].is_string(), "{case} {moment}");
                if status != "stopped" {
                    assert_eq!(state["pid"], pid, "{case} {moment}");
                }
            }
        }
    }
}

#[test]
fn a_hook_has_its_words_and_its_environment_and_no_more() {
    for case in root_cases() {
        for moment in MOMENTS {
            let oci = Oci::new(case.launch);
            let out = place(&oci, moment);
            let text = format!(
                "cat /proc/self/environ > {out}/env; echo \"$0 $1\" > {out}/words; ls -l /proc/self/fd > {out}/fds; echo said"
            );
            let mut config = oci.config(&["true"]);
            config["hooks"][moment] = json!([{
                "path": "/bin/sh", "args": ["sh", "-c", text, "zero", "one"], "env": ["A=b c", "PATH=/usr/bin:/bin"],
            }]);
            oci.write(&config);
            let outcome = oci.done(&["run", "a"]);
            assert_eq!(
                outcome.stdout, "",
                "{case} {moment}: what a hook writes is not the command's"
            );
            let environment = oci.told("env");
            // The shell's own.
            let environment: Vec<&str> = environment
                .split_terminator('\0')
                .filter(|variable| !variable.starts_with("PWD="))
                .collect();
            assert_eq!(
                environment,
                ["A=b c", "PATH=/usr/bin:/bin"],
                "{case} {moment}"
            );
            assert_eq!(oci.told("words"), "zero one\n", "{case} {moment}");
            // 0 to 2, and the directory that ls reads.
            let links = oci
                .told("fds")
                .lines()
                .filter(|line| line.contains(" -> "))
                .count();
            assert_eq!(links, 4, "{case} {moment}: {}", oci.told("fds"));
        }
    }
}

#[test]
fn what_one_mounts_in_the_root_by_its_path_is_there() {
    for case in root_cases() {
        for moment in ["prestart", "createRuntime"] {
            let oci = Oci::new(case.launch);
            let out = place(&oci, moment);
            let root = oci.bundle().join("rootfs");
            let root = root.to_str().unwrap();
            for name in ["of-runtime", "of-container"] {
                std::fs::create_dir(oci.bundle().join("rootfs").join(name)).unwrap();
            }
            std::fs::write(oci.out("said"), "by a hook\n").unwrap();
            let mut config = oci.config(&[
                "sh",
                "-c",
                "cat /of-runtime/said /of-container/said; ls -d /proc/1 /dev/null; pwd",
            ]);
            config["hooks"][moment] = json!([shell(&format!(
                "state=$(cat); pid=${{state##*\\\"pid\\\":}}; pid=${{pid%%,*}}; \
                 nsenter --mount=/proc/$pid/ns/mnt mount --bind {out} {root}/of-runtime"
            ))]);
            config["hooks"]["createContainer"] = json!([shell(&format!(
                "pwd > {out}/directory; mount --bind {out} ./of-container"
            ))]);
            oci.write(&config);
            let outcome = oci.done(&["run", "a"]);
            assert_eq!(
                outcome.stdout, "by a hook\nby a hook\n/dev/null\n/proc/1\n/\n",
                "{case}"
            );
            assert_eq!(oci.told("directory").trim(), root, "{case}");
            // Of what is mounted in it nothing is left on the host.
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
            assert!(!mounts.contains(root), "{case}");
        }
    }
}

#[test]
fn one_that_fails_ends_the_container() {
    for case in root_cases() {
        for (moment, hook, told) in [
            (
                "prestart",
                shell("echo why >&2; exit 3"),
                "exit status 3: why",
            ),
            ("createRuntime", shell("exit 1"), "exit status 1"),
            (
                "createContainer",
                shell("echo so; echo why >&2; exit 4"),
                "exit status 4: so\\nwhy",
            ),
            ("prestart", shell("kill -9 $$"), "signal 9"),
            ("createContainer", shell("kill -9 $$"), "signal 9"),
            (
                "createRuntime",
                json!({"path": "/nothing/here"}),
                "no such file or directory",
            ),
            (
                "createContainer",
                json!({"path": "/nothing/here"}),
                "no such file or directory",
            ),
            (
                "createRuntime",
                json!({"path": "/etc/passwd"}),
                "permission denied",
            ),
        ] {
            let oci = Oci::new(case.launch);
            let mut config = oci.config(&["true"]);
            config["hooks"][moment] = json!([shell("exit 0"), hook, shell("exit 0")]);
            oci.write(&config);
            let outcome = oci.run(&["create", "a"]);
            assert_eq!(outcome.code(), Some(1), "{case} {moment}: {outcome:?}");
            let named = format!("error running {moment} hook #1: ");
            assert!(
                outcome.stderr.contains(&named),
                "{case} {moment}: {outcome:?}"
            );
            assert!(
                outcome.stderr.contains(told),
                "{case} {moment}: {outcome:?}"
            );
            assert_eq!(
                outcome.stderr.lines().count(),
                1,
                "{case} {moment}: {outcome:?}"
            );
            assert_eq!(
                std::fs::read_dir(oci.root()).unwrap().count(),
                0,
                "{case} {moment}"
            );
        }
    }
}

#[test]
fn one_that_fails_before_the_command_keeps_it_from_running() {
    for case in root_cases() {
        for (text, told) in [
            ("echo why >&2; exit 5", ": exit status 5: why\n"),
            // More than a pipe takes, and more than is told.
            ("yes no | head -c 300000; echo end; exit 5", "no\\nend\n"),
            ("exit 5", ": exit status 5\n"),
            (
                "kill -31 $$",
                "signal 31: bad system call, by a filter's verdict\n",
            ),
        ] {
            let oci = Oci::new(case.launch);
            let mut config = oci.config(&["sh", "-c", "echo ran > /out/ran"]);
            config["hooks"]["startContainer"] = json!([shell("echo first"), shell(text)]);
            oci.write(&config);
            oci.done(&["create", "a"]);
            for words in [["start", "a"], ["run", "b"]] {
                let outcome = oci.run(&words);
                assert_eq!(outcome.code(), Some(1), "{case}: {outcome:?}");
                let said = &outcome.stderr;
                assert!(
                    said.contains("error running startContainer hook #1: /bin/sh: ")
                        && said.ends_with(told)
                        && said.len() < 1300
                        && !said.contains("first"),
                    "{case} {words:?} {text}: {said}"
                );
                assert_eq!(said.lines().count(), 1, "{case} {words:?} {text}: {said}");
            }
            assert_eq!(oci.told("ran"), "", "{case}");
        }
    }
}

#[test]
fn one_before_the_command_has_the_commands_environment() {
    for case in root_cases() {
        for (variables, home) in [(json!(["A=b"]), "/root"), (json!(["A=b", "HOME=/h"]), "/h")] {
            let oci = Oci::new(case.launch);
            std::fs::create_dir_all(oci.bundle().join("rootfs/etc")).unwrap();
            let passwd = oci.bundle().join("rootfs/etc/passwd");
            std::fs::write(passwd, "root:x:0:0::/root:/bin/sh\n").unwrap();
            let mut config = oci.config(&["true"]);
            config["process"]["env"] = variables;
            config["hooks"]["startContainer"] =
                json!([{"path": "/bin/sh", "args": ["sh", "-c", "echo $A $HOME > /out/told"]}]);
            oci.write(&config);
            oci.done(&["run", "a"]);
            assert_eq!(oci.told("told"), format!("b {home}\n"), "{case}");
        }
    }
}

#[test]
fn what_one_leaves_behind_is_not_waited_for() {
    for case in root_cases() {
        for moment in MOMENTS {
            let oci = Oci::new(case.launch);
            let mut config = oci.config(&["true"]);
            let out = place(&oci, moment);
            let left = format!("sleep 1000 & echo $! > {out}/pid");
            config["hooks"][moment] = json!([shell(&left)]);
            oci.write(&config);
            oci.done(&["run", "a"]);
            if moment != "startContainer" && moment != "createContainer" {
                let pid = oci.told("pid").trim().parse().unwrap();
                let pid = nix::unistd::Pid::from_raw(pid);
                nix::sys::signal::kill(pid, nix::sys::signal::SIGKILL).unwrap();
            }
        }
    }
}

#[test]
fn one_that_hangs_is_killed_with_what_it_has_started() {
    for case in root_cases() {
        for moment in ["prestart", "createContainer"] {
            let oci = Oci::new(case.launch);
            let mut config = oci.config(&["true"]);
            let out = place(&oci, moment);
            let mut hook = shell(&format!("sleep 1000 & echo $$ > {out}/pid; wait"));
            hook["timeout"] = json!(1);
            config["hooks"][moment] = json!([hook]);
            oci.write(&config);
            let begin = Instant::now();
            let outcome = oci.run(&["create", "a"]);
            assert!(
                begin.elapsed().as_millis() >= 1000,
                "{case} {moment}: not before its time"
            );
            assert_eq!(outcome.code(), Some(1), "{case} {moment}: {outcome:?}");
            assert!(
                outcome.stderr.contains("timeout of 1 s"),
                "{case} {moment}: {outcome:?}"
            );
            if moment == "prestart" {
                let group = oci.told("pid").trim().parse().unwrap();
                let group = nix::unistd::Pid::from_raw(group);
                let is_gone = || nix::sys::signal::killpg(group, None).is_err();
                assert!(common::eventually(is_gone), "{case}: sleep lives on");
            }
        }
        // One that is in time is not.
        let oci = Oci::new(case.launch);
        let mut config = oci.config(&["true"]);
        for moment in MOMENTS {
            let mut hook = shell("exit 0");
            hook["timeout"] = json!(60);
            config["hooks"][moment] = json!([hook]);
        }
        oci.write(&config);
        oci.done(&["run", "a"]);
    }
}

#[test]
fn what_fails_behind_the_command_is_told() {
    for case in root_cases() {
        let oci = Oci::new(case.launch);
        let mut config = oci.config(&["true"]);
        config["hooks"]["poststop"] = json!([
            shell("exit 7"),
            shell(&format!("echo second > {}/second", place(&oci, "poststop")))
        ]);
        oci.write(&config);
        oci.done(&["run", "a"]);
        let log = std::fs::read_to_string(oci.log()).unwrap();
        assert!(
            log.contains("error running poststop hook #0") && log.contains("warning"),
            "{case}: {log}"
        );
        assert_eq!(oci.told("second"), "second\n", "{case}");
    }
}

#[test]
fn a_script_of_the_hosts_is_found_though_the_container_has_it_not() {
    for case in root_cases() {
        let oci = Oci::new(case.launch);
        let path = oci.path().join("hook");
        script(
            &path,
            &format!("cat > {}/state", place(&oci, "createContainer")),
        );
        let mut config = oci.config(&["true"]);
        config["hooks"]["createContainer"] = json!([{"path": path}]);
        oci.write(&config);
        oci.done(&["run", "a"]);
        assert!(oci.told("state").contains("\"id\":\"a\""), "{case}");
    }
}

/// The group of a hook that says its pid.
fn group(oci: &Oci) -> nix::unistd::Pid {
    assert!(common::eventually(|| oci.told("pid").ends_with('\n')));
    nix::unistd::Pid::from_raw(oci.told("pid").trim().parse().unwrap())
}

#[test]
fn one_that_hangs_without_end_ends_with_the_container() {
    for case in root_cases() {
        let moments = ["prestart", "createRuntime", "createContainer", "poststart"];
        for moment in moments {
            // What ends it: words for the runtime, or a signal for whoever waits for it.
            for ending in [
                &["delete", "--force", "a"][..],
                &["kill", "a", "KILL"],
                &["TERM"],
            ] {
                let oci = &Oci::new(case.launch);
                let mut config = oci.config(&["sleep", "1000"]);
                let out = place(oci, moment);
                config["hooks"][moment] =
                    json!([shell(&format!("echo $$ > {out}/pid; exec sleep 1000"))]);
                oci.write(&config);
                let place = format!("{case} {moment} {ending:?}");
                let (is_after, is_killed) = (moment == "poststart", ending[0] == "kill");
                if is_after && is_killed {
                    // It may end by itself, and its hooks are run to their end all the same.
                    continue;
                }
                if is_after {
                    oci.done(&["create", "a"]);
                }
                let word = if is_after { "start" } else { "create" };
                let quiet = std::process::Stdio::null;
                let mut works = oci.command(&[word, "a"]);
                let mut works = works.stdout(quiet()).stderr(quiet()).spawn().unwrap();
                let hook = group(oci);
                match ending {
                    [_] => common::kill(works.id(), nix::sys::signal::Signal::SIGTERM),
                    words => drop(oci.done(words)),
                }
                if is_after && ending.len() > 1 {
                    // The container is gone; its engine has what it has asked for.
                    assert_eq!(oci.run(&["state", "a"]).code(), Some(1), "{place}");
                    common::kill(works.id(), nix::sys::signal::Signal::SIGTERM);
                }
                let ended = common::wait(&mut works).unwrap_or_else(|| panic!("{place}: it hangs"));
                assert!(!ended.success(), "{place}");
                // That of the container has told its number there, and ends with it.
                if moment != "createContainer" {
                    let is_gone = || nix::sys::signal::kill(hook, None).is_err();
                    assert!(common::eventually(is_gone), "{place}: the hook lives on");
                }
                oci.done(&["delete", "--force", "a"]);
                oci.write(&oci.config(&["true"]));
                oci.done(&["run", "a"]);
            }
        }
    }
}

#[test]
fn one_that_hangs_in_a_delete_keeps_nothing() {
    for case in root_cases() {
        let oci = &Oci::new(case.launch);
        let mut config = oci.config(&["true"]);
        let out = place(oci, "poststop");
        config["hooks"]["poststop"] =
            json!([shell(&format!("echo $$ > {out}/pid; exec sleep 1000"))]);
        oci.write(&config);
        oci.done(&["create", "a"]);
        let mut delete = oci.command(&["delete", "--force", "a"]).spawn().unwrap();
        let hook = group(oci);
        oci.done(&["delete", "--force", "a"]);
        oci.write(&oci.config(&["true"]));
        oci.done(&["run", "a"]);
        common::kill(delete.id(), nix::sys::signal::Signal::SIGKILL);
        let _ = common::wait(&mut delete);
        let is_gone = || nix::sys::signal::kill(hook, None).is_err();
        assert!(common::eventually(is_gone), "{case}: the hook lives on");
    }
}
