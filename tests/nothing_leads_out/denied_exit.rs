//! Profiles that deny the calls by which a start ends: execve, exit_group, write. It ends at once all the same, and says
//! why.

use crate::common::*;

const NOTHING: &str = "";
/// None of them ends a process but the one of threads.
const FEW: &str = r#"{"names":["read","write","exit","rt_sigreturn"],"action":"SCMP_ACT_ALLOW"}"#;

const OPTIONS: [&[&str]; 6] = [
    &[],
    &["--init"],
    &["--pid=host"],
    &["-t"],
    &["--timeout=50"],
    &["--init", "--timeout=50"],
];

#[test]
fn a_start_that_may_not_execute_nor_leave() {
    for case in cases() {
        let scratch = Scratch::new();
        let file = scratch.file("profile.json");
        for (action, said) in [
            (
                "SCMP_ACT_ERRNO",
                "exec /bin/true: operation not permitted (EPERM)",
            ),
            (
                "SCMP_ACT_TRACE",
                "exec /bin/true: invalid system call number (ENOSYS)",
            ),
            ("SCMP_ACT_KILL", "init: ended by SIGSYS: a filter"),
            ("SCMP_ACT_KILL_PROCESS", "init: ended by SIGSYS: a filter"),
            ("SCMP_ACT_TRAP", "init: ended by SIGSYS: a filter"),
        ] {
            for allowed in [NOTHING, FEW] {
                let profile = format!(r#"{{"defaultAction":"{action}","syscalls":[{allowed}]}}"#);
                std::fs::write(&file, profile).unwrap();
                let profile = format!("seccomp={file}");
                for options in OPTIONS {
                    let options = [options, &["--security-opt", &profile]].concat();
                    let outcome = case.run(&options, &["/bin/true"]);
                    let what = format!("{case} {action} {allowed} {options:?}: {outcome:?}");
                    assert_eq!(outcome.code(), Some(126), "{what}");
                    let begin = format!("mydocker: {said}");
                    assert!(outcome.stderr.starts_with(&begin), "{what}");
                    assert_eq!(outcome.stderr.lines().count(), 1, "{what}");
                }
            }
        }
    }
}

/// Without no_new_privs the filter is there before the last steps.
#[test]
fn a_step_that_the_profile_denies() {
    for case in root_cases() {
        let scratch = Scratch::new();
        let file = scratch.file("profile.json");
        for (action, code) in [("ERRNO", 125), ("TRACE", 125), ("KILL", 126), ("TRAP", 126)] {
            let profile = format!(r#"{{"defaultAction":"SCMP_ACT_{action}","syscalls":[]}}"#);
            std::fs::write(&file, profile).unwrap();
            let profile = format!("seccomp={file}");
            for options in [&[][..], &["--init"], &["--pid=host"]] {
                let more = [
                    "--security-opt",
                    "no-new-privileges=false",
                    "--security-opt",
                    &profile,
                ];
                let options = [options, &more].concat();
                let outcome = case.run(&options, &["/bin/true"]);
                let what = format!("{case} {action} {options:?}: {outcome:?}");
                assert_eq!(outcome.code(), Some(code), "{what}");
                assert_eq!(outcome.stderr.lines().count(), 1, "{what}");
            }
        }
    }
}

/// A filter that answers execve with errno 0: it has not executed, and there is no errno that says why.
#[test]
fn an_execve_that_is_answered_with_no_errno() {
    let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["execve","execveat"],"action":"SCMP_ACT_ERRNO","errnoRet":0}]}"#;
    let scratch = Scratch::new();
    let file = scratch.file("profile.json");
    std::fs::write(&file, profile).unwrap();
    for case in cases() {
        let option = format!("seccomp={file}");
        let outcome = case.run(&["--security-opt", &option], &["true"]);
        assert_eq!(outcome.code(), Some(126), "{case}: {outcome:?}");
        assert!(outcome.stderr.contains("EPERM"), "{case}: {outcome:?}");
    }
}
