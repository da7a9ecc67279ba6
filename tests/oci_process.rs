//! A process of config.json, from outside: what is written there of it is what it finds, field by field.

#[path = "oci_mounts/bundle.rs"]
mod bundle;
#[path = "common/mod.rs"]
mod common;

use bundle::{Bundle, each, each_of_root};
use common::oci::Oci;
use common::root_cases;
use serde_json::json;

const STATUS: &str = "grep -E 'Cap|Uid|Gid|Groups|Umask|NoNewPrivs' /proc/self/status";

/// The lines of a status, `Name:` and what follows.
fn field<'s>(status: &'s str, name: &str) -> Vec<&'s str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("{name} in {status}"));
    line.trim_start_matches(':').split_whitespace().collect()
}

#[test]
fn five_sets_of_capabilities_are_as_given() {
    each_of_root(|mut bundle| {
        bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1001});
        bundle.config["process"]["capabilities"] = json!({
            "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SETPCAP"],
            "permitted": ["CAP_KILL", "CAP_CHOWN"],
            "effective": ["CAP_KILL"],
            "inheritable": ["CAP_CHOWN", "CAP_KILL"],
            "ambient": ["CAP_CHOWN"],
        });
        let said = bundle.says(STATUS);
        // execve gives another user than 0 what is ambient.
        for (name, set) in [
            ("CapInh", "0000000000000021"),
            ("CapPrm", "0000000000000001"),
            ("CapEff", "0000000000000001"),
            ("CapBnd", "0000000000000121"),
            ("CapAmb", "0000000000000001"),
        ] {
            assert_eq!(field(&said, name), [set], "{}: {said}", bundle.case);
        }
    });
}

#[test]
fn capabilities_that_cannot_be_had_are_told_of() {
    each_of_root(|mut bundle| {
        bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1001});
        bundle.config["process"]["capabilities"] = json!({
            "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NEW", "OTHER"],
            "permitted": ["CAP_KILL", "CAP_CHOWN", "CAP_FOWNER"],
            "effective": ["CAP_NEW"],
            "inheritable": ["CAP_KILL"],
            "ambient": ["CAP_CHOWN", "CAP_KILL"],
        });
        let outcome = bundle.run("grep CapAmb /proc/self/status");
        assert_eq!(outcome.code(), Some(0), "{}: {outcome:?}", bundle.case);
        assert_eq!(field(&outcome.stdout, "CapAmb"), ["0000000000000020"]);
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        let [unknown, ambient] = lines[..] else {
            panic!("{}: {outcome:?}", bundle.case);
        };
        for (line, said) in [
            (
                unknown,
                "ignoring unknown or unavailable capabilities: [CAP_NEW OTHER]",
            ),
            (ambient, "can't raise ambient capability CAP_CHOWN: "),
        ] {
            assert!(line.contains("level=warning"), "{}: {line}", bundle.case);
            assert!(line.contains(said), "{}: {line}", bundle.case);
        }
    });
}

#[test]
fn without_capabilities_there_are_none() {
    each(|mut bundle| {
        let said = bundle.says(STATUS);
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(field(&said, name), ["0000000000000000"], "{}", bundle.case);
        }
        assert_eq!(field(&said, "NoNewPrivs"), ["0"]);
        assert_eq!(field(&said, "Umask"), ["0022"]);
    });
}

#[test]
fn capabilities_that_cannot_be_given_are_a_warning() {
    let warning = "level=warning msg=\"ignoring unknown or unavailable capabilities: [";
    each_of_root(|mut bundle| {
        let sets = [
            "bounding",
            "permitted",
            "effective",
            "inheritable",
            "ambient",
        ];
        for (names, set, told) in [
            (
                ["CAP_NEW", "CAP_KILL", "kill"],
                "0000000000000020",
                "CAP_NEW kill]",
            ),
            (
                ["CAP_NET_RAW", "CAP_KILL", "CAP_KILL"],
                "0000000000000020",
                "CAP_NET_RAW]",
            ),
        ] {
            for name in sets {
                bundle.config["process"]["capabilities"][name] = json!(names);
            }
            // With what mydocker does not have itself.
            let without = ["setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw"];
            let outcome = bundle.run_with(&without, &[], STATUS);
            let case = bundle.case;
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
            for name in ["CapPrm", "CapEff", "CapInh", "CapAmb"] {
                assert_eq!(field(&outcome.stdout, name), [set], "{case}: {outcome:?}");
            }
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
            let expected = format!("{warning}{told}");
            assert!(outcome.stderr.contains(&expected), "{case}: {outcome:?}");
        }
    });
}

#[test]
fn one_that_waits_ends_when_it_is_asked_to() {
    for case in root_cases() {
        // Which the kernel does not give a first process that has nothing for them, as this one of the command's has not.
        let oci = Oci::new(case.launch);
        oci.write(&oci.config(&["sleep", "1000"]));
        for signal in ["TERM", "HUP", "INT", "QUIT"] {
            oci.done(&["create", "a"]);
            oci.done(&["kill", "a", signal]);
            assert!(
                common::eventually(|| oci.status("a") == "stopped"),
                "{case} {signal}"
            );
            let outcome = oci.run(&["start", "a"]);
            let refusal = "cannot start a container that has stopped";
            assert!(outcome.stderr.contains(refusal), "{case}: {outcome:?}");
            oci.done(&["delete", "a"]);
        }
        oci.done(&["create", "a"]);
        oci.done(&["start", "a"]);
        let pid = oci.state("a")["pid"].as_i64().unwrap();
        oci.done(&["kill", "a", "TERM"]);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert_eq!(field(&status, "SigCgt"), ["0000000000000000"], "{case}");
        assert_eq!(oci.status("a"), "running", "{case}");
        oci.done(&["delete", "--force", "a"]);
    }
}

#[test]
fn a_capability_opens_a_command_that_is_closed_to_its_user() {
    for case in root_cases() {
        let oci = Oci::new(case.launch);
        let command = oci.bundle().join("rootfs/closed");
        common::oci::script(&command, "echo ran > /out/ran");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&command, mode).unwrap();
        let mut config = oci.config(&["/closed"]);
        config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
        let wanted = json!(["CAP_DAC_OVERRIDE"]);
        for (name, has) in [("a", false), ("b", true)] {
            if has {
                for set in [
                    "bounding",
                    "permitted",
                    "effective",
                    "inheritable",
                    "ambient",
                ] {
                    config["process"]["capabilities"][set] = wanted.clone();
                }
            }
            oci.write(&config);
            let outcome = oci.run(&["run", name]);
            assert_eq!(outcome.status.success(), has, "{case}: {outcome:?}");
            assert_eq!(!oci.told("ran").is_empty(), has, "{case}: {outcome:?}");
            assert_eq!(
                outcome.stderr.contains("permission denied"),
                !has,
                "{case}: {outcome:?}"
            );
        }
    }
}

#[test]
fn who_it_is_and_what_it_is_given() {
    each_of_root(|mut bundle| {
        bundle.config["process"]["user"] =
            json!({"uid": 1000, "gid": 1001, "umask": 0o027, "additionalGids": [5, 6]});
        bundle.config["process"]["noNewPrivileges"] = json!(true);
        bundle.config["process"]["rlimits"] =
            json!([{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]);
        bundle.config["process"]["oomScoreAdj"] = json!(500);
        bundle.config["process"]["scheduler"] = json!({"policy": "SCHED_BATCH", "nice": 5});
        bundle.config["process"]["ioPriority"] =
            json!({"class": "IOPRIO_CLASS_IDLE", "priority": 3});
        bundle.config["process"]["cwd"] = json!("/made/for/it");
        bundle.config["process"]["env"] = json!(["PATH=/bin", "A=1", "A=2", "HOME="]);
        bundle.config["linux"]["personality"] = json!({"domain": "LINUX32"});
        let passwd = "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/of/user:/bin/sh\n";
        std::fs::create_dir_all(bundle.tree.beside("root/etc")).unwrap();
        std::fs::write(bundle.tree.beside("root/etc/passwd"), passwd).unwrap();
        let script = format!(
            "{STATUS}; echo $(ulimit -Sn) $(ulimit -Hn) $(cat /proc/self/oom_score_adj) $A $HOME $(pwd); \
             cut -d' ' -f19,41 /proc/self/stat; cat /proc/self/personality; busybox ionice -p $$"
        );
        let said = bundle.says(&script);
        let case = bundle.case;
        assert_eq!(field(&said, "Uid"), ["1000"; 4], "{case}");
        assert_eq!(field(&said, "Gid"), ["1001"; 4], "{case}");
        assert_eq!(field(&said, "Groups"), ["5", "6"], "{case}");
        assert_eq!(field(&said, "Umask"), ["0027"], "{case}");
        assert_eq!(field(&said, "NoNewPrivs"), ["1"], "{case}");
        for line in [
            "100 200 500 2 /home/of/user /made/for/it",
            // nice, and SCHED_BATCH.
            "5 3",
            "00000008",
            "idle",
        ] {
            assert!(
                said.lines().any(|found| found.trim() == line),
                "{case}: {line}: {said}"
            );
        }
    });
}

/// nice, real-time priority and policy, as proc_pid_stat(5) has them.
const SCHEDULING: &str = "cut -d' ' -f19,40,41 /proc/self/stat";

#[test]
fn every_policy_that_a_kernel_has_can_be_asked_for() {
    each_of_root(|mut bundle| {
        for (scheduler, expected) in [
            (json!({"policy": "SCHED_OTHER", "nice": -7}), "-7 0 0"),
            (
                json!({"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_RESET_ON_FORK"]}),
                "0 0 0",
            ),
            (json!({"policy": "SCHED_BATCH", "nice": 19}), "19 0 3"),
            (json!({"policy": "SCHED_IDLE"}), "0 0 5"),
        ] {
            bundle.config["process"]["scheduler"] = scheduler.clone();
            let said = bundle.says(SCHEDULING);
            assert_eq!(said.trim(), expected, "{} {scheduler}", bundle.case);
        }
        // Where there is room for them: not in a cgroup of v1 without a share of real time, or on a busy machine.
        for (scheduler, expected) in [
            (json!({"policy": "SCHED_FIFO", "priority": 9}), "0 9 1"),
            (json!({"policy": "SCHED_RR", "priority": 1}), "0 1 2"),
            (
                json!({"policy": "SCHED_DEADLINE", "runtime": 100_000, "deadline": 90_000_000, "period": 90_000_000,
                       "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"]}),
                "0 0 6",
            ),
        ] {
            bundle.config["process"]["scheduler"] = scheduler.clone();
            // The shell's own: what it begins has it no more.
            let outcome = bundle.run("read stat < /proc/self/stat; echo ${stat#*) }");
            if outcome.code() != Some(0) {
                let told = &outcome.stderr;
                assert!(told.contains("process.scheduler: set policy"), "{told}");
                assert!(
                    told.contains("(EPERM)") || told.contains("(EBUSY)"),
                    "{told}"
                );
                continue;
            }
            // Without the first two fields.
            let fields: Vec<&str> = outcome.stdout.split_whitespace().collect();
            let found = [fields[16], fields[37], fields[38]].join(" ");
            assert_eq!(found, expected, "{} {scheduler}", bundle.case);
        }
    });
}

#[test]
fn every_class_of_io_can_be_asked_for() {
    each_of_root(|mut bundle| {
        for (class, level, expected) in [
            ("RT", 0, "realtime: prio 0"),
            ("BE", 7, "best-effort: prio 7"),
            ("IDLE", 0, "idle"),
        ] {
            let class = format!("IOPRIO_CLASS_{class}");
            bundle.config["process"]["ioPriority"] = json!({"class": class, "priority": level});
            let said = bundle.says("busybox ionice -p $$");
            assert_eq!(said.trim(), expected, "{}", bundle.case);
        }
    });
}

#[test]
fn words_that_are_none_are_refused() {
    each(|mut bundle| {
        let config = bundle.config.clone();
        for (part, name, value, expected) in [
            (
                "process",
                "scheduler",
                json!({"policy": "SCHED_NOPE"}),
                "process.scheduler.policy: SCHED_NOPE: it is none of SCHED_OTHER",
            ),
            (
                "process",
                "scheduler",
                json!({"policy": "SCHED_OTHER", "nice": 20}),
                "process.scheduler.nice 20: it is not from -20 to 19",
            ),
            (
                "process",
                "scheduler",
                json!({"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_NOPE"]}),
                "process.scheduler.flags[0]: SCHED_FLAG_NOPE: it is none of",
            ),
            (
                "process",
                "ioPriority",
                json!({"class": "IOPRIO_CLASS_BE", "priority": 8}),
                "process.ioPriority.priority: 8: it is to be from 0 to 7",
            ),
            (
                "process",
                "ioPriority",
                json!({"priority": 1}),
                "process.ioPriority.class: it is missing",
            ),
            (
                "linux",
                "personality",
                json!({"domain": "LINUX32", "flags": ["ADDR_NO_RANDOMIZE"]}),
                "linux.personality.flags: mydocker does not have it",
            ),
            (
                "linux",
                "personality",
                json!({"domain": "PLAN9"}),
                "linux.personality.domain: PLAN9: it is none of LINUX, LINUX32",
            ),
            (
                "linux",
                "memoryPolicy",
                json!({"mode": "MPOL_BIND", "nodes": "0"}),
                "linux.memoryPolicy: mydocker does not have it",
            ),
        ] {
            bundle.config = config.clone();
            bundle.config[part][name] = value;
            let text = bundle.refusal("echo it runs");
            assert!(
                text.contains(expected),
                "{} {expected}: {text}",
                bundle.case
            );
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    });
}

#[test]
fn a_home_of_no_one_is_the_root() {
    each(|mut bundle| {
        std::fs::create_dir_all(bundle.tree.beside("root/etc")).unwrap();
        for passwd in ["", "other:x:77:0::/other:\n", "root:x:0:0\n"] {
            std::fs::write(bundle.tree.beside("root/etc/passwd"), passwd).unwrap();
            assert_eq!(bundle.says("echo $HOME"), "/\n", "{} {passwd}", bundle.case);
        }
        // A hostile one: a FIFO that no one writes to.
        std::fs::remove_file(bundle.tree.beside("root/etc/passwd")).unwrap();
        let fifo = bundle.tree.beside("root/etc/passwd");
        nix::unistd::mkfifo(fifo.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(bundle.says("echo $HOME"), "/\n", "{}", bundle.case);
    });
}

#[test]
fn what_contradicts_itself_or_cannot_be_had_is_refused() {
    type Change = fn(&mut Bundle);
    let changes: [(Change, &str); 7] = [
        (
            |bundle| {
                bundle.config["process"]["scheduler"] =
                    json!({"policy": "SCHED_OTHER", "priority": 5});
            },
            "scheduler.priority can only be specified for SchedFIFO or SchedRR policy",
        ),
        (
            |bundle| {
                bundle.config["process"]["scheduler"] =
                    json!({"policy": "SCHED_BATCH", "runtime": 5});
            },
            "can only be specified for SchedDeadline policy",
        ),
        (
            |bundle| {
                bundle.config["process"]["capabilities"] =
                    json!({"effective": ["CAP_KILL"], "permitted": []});
            },
            "process.capabilities: set the command's sets",
        ),
        (
            |bundle| bundle.config["process"]["cwd"] = json!("/bin/sh"),
            "(ENOTDIR)",
        ),
        (
            |bundle| bundle.config["hostname"] = json!("x"),
            "hostname without a private UTS namespace",
        ),
        (
            |bundle| bundle.config["linux"]["sysctl"] = json!({"kernel.panic": "1"}),
            "not in a separate kernel namespace",
        ),
        (
            |bundle| bundle.config["linux"]["timeOffsets"] = json!({"monotonic": {"secs": 5}}),
            "time namespace isn't enabled",
        ),
    ];
    each(|mut bundle| {
        let config = bundle.config.clone();
        for (change, expected) in changes {
            bundle.config = config.clone();
            let namespaces = bundle.config["linux"]["namespaces"].as_array_mut().unwrap();
            namespaces.retain(|one| one["type"] != "uts");
            change(&mut bundle);
            let text = bundle.refusal("echo it runs");
            assert!(
                text.contains(expected),
                "{} {expected}: {text}",
                bundle.case
            );
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    });
}

#[test]
fn a_module_that_is_off_confines_no_one() {
    each_of_root(|mut bundle| {
        let is_on = |path: &str| std::path::Path::new(path).exists();
        if !is_on("/sys/kernel/security/apparmor") {
            bundle.config["process"]["apparmorProfile"] = json!("some-profile");
            let text = bundle.refusal("echo it runs");
            assert!(text.contains("apparmor not supported"), "{text}");
            bundle.config["process"]["apparmorProfile"] = json!("");
        }
        if !is_on("/sys/fs/selinux/enforce") {
            bundle.config["process"]["selinuxLabel"] = json!("some:label");
            let text = bundle.refusal("echo it runs");
            assert!(text.contains("selinux is disabled"), "{text}");
            bundle.config["process"]["selinuxLabel"] = json!("");
            bundle.config["linux"]["mountLabel"] = json!("some:label");
            let text = bundle.refusal("echo it runs");
            assert!(
                text.contains("linux.mountLabel some:label: selinux is disabled"),
                "{text}"
            );
        }
    });
}
