//! Where the caller has limited files or memory, mydocker fails by saying so, and not by a signal.

use crate::common::*;
use std::ffi::OsString;

/// `mydocker run OPTIONS COMMAND` behind `ulimit LIMIT`.
fn limited(case: Case, limit: &str, options: &[&str], command: &[&str]) -> Outcome {
    let script = format!("ulimit {limit}; exec \"$@\"");
    let mut line: Vec<OsString> = ["sh", "-c", &script, "sh"].map(OsString::from).into();
    line.push(mydocker().into());
    line.extend(["run", "--launch", case.launch].map(OsString::from));
    line.extend(options.iter().chain(command).map(OsString::from));
    finish(case.prepared(&line))
}

/// SIGXFSZ ended mydocker where it wrote to a file in memory: the plan of a re-exec, and, where mydocker is not static,
/// the copy that it runs from.
#[test]
fn files_that_may_have_no_byte() {
    let scratch = Scratch::new();
    let log = scratch.file("log");
    std::fs::write(&log, "").unwrap();
    std::fs::set_permissions(&log, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    std::fs::set_permissions(
        scratch.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    for case in cases() {
        for options in [
            &[][..],
            &["--init"],
            &["--security-opt=seccomp=unconfined", "--rootfs=/"],
        ] {
            let outcome = limited(
                case,
                "-f 0",
                options,
                &["grep", "SigBlk", "/proc/self/status"],
            );
            match outcome.code() {
                // Nothing was written; and what mydocker blocks is not handed down.
                Some(0) => {
                    let mask = outcome.stdout.split_whitespace().nth(1);
                    assert_eq!(mask, Some("0000000000000000"), "{case} {options:?}");
                }
                Some(125) => assert!(
                    outcome.stderr.contains("EFBIG"),
                    "{case} {options:?}: {outcome:?}"
                ),
                _ => panic!("{case} {options:?}: {outcome:?}"),
            }
        }
        let outcome = limited(
            case,
            "-f 0",
            &["--log", &log, "--log-level=debug"],
            &["true"],
        );
        assert!(
            [Some(0), Some(125)].contains(&outcome.code()),
            "{case}: {outcome:?}"
        );
    }
}

/// An allocation that failed was an illegal instruction in the small build, and SIGABRT in others.
#[test]
fn too_little_memory_for_mydocker() {
    let scratch = Scratch::new();
    std::fs::set_permissions(
        scratch.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let profile = scratch.file("profile");
    let long = vec!["\"0123456789\""; 600_000].join(",");
    std::fs::write(
        &profile,
        format!("{{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"comment\": [{long}]}}"),
    )
    .unwrap();
    let option = format!("--security-opt=seccomp={profile}");
    for case in cases() {
        let mut failed = 0;
        // KiB of addresses; what a mydocker takes with its libraries depends on how it was built.
        for limit in [12_000, 16_000, 20_000, 30_000, 40_000, 50_000] {
            let outcome = limited(case, &format!("-v {limit}"), &[&option], &["true"]);
            match outcome.code() {
                Some(125) if outcome.stderr == "mydocker: out of memory (ENOMEM)\n" => failed += 1,
                // The file itself did not fit, or the command's own libraries.
                Some(0 | 125 | 127) => {}
                _ => panic!("{case} {limit}: {outcome:?}"),
            }
        }
        assert!(failed > 0, "{case}");
    }
}
