//! Monitors that are killed, or do not answer: what they leave is found and ended.

use crate::common::stay::*;
use crate::common::*;
use crate::helpers::*;
use std::ffi::OsString;
use std::process::{Child, Command};

#[test]
fn a_killed_monitor_is_met_by_whoever_looks() {
    each_stay(|stay| {
        for (looks, words) in [
            ("ps", &["ps", "-a"][..]),
            ("inspect", &["inspect", "web"]),
            ("wait", &["wait", "web"]),
            ("rename", &["rename", "web", "web2"]),
            ("rm", &["rm", "web"]),
            ("rm -f", &["rm", "-f", "web"]),
            ("start", &["start", "web"]),
        ] {
            let mark = mark();
            let id = start(stay, &["--name", "web"], &mark);
            let lived = stay.recorded(&id);
            kill_monitor(stay, &id);
            // Whatever has ended by then.
            let outcome = stay.outcome(words);
            assert_eq!(
                outcome.code(),
                Some(0),
                "{} {looks}: {outcome:?}",
                stay.case
            );
            if looks != "start" {
                assert!(marked(&mark).is_empty(), "{} {looks}", stay.case);
                assert!(cgroups(&lived).is_empty(), "{} {looks}", stay.case);
            } else {
                assert_eq!(marked(&mark).len(), 1, "{}", stay.case);
            }
            match looks {
                "ps" => assert!(outcome.stdout.contains("Exited (137)"), "{outcome:?}"),
                "wait" => assert_eq!(outcome.stdout, "137\n"),
                _ => {}
            }
            if !looks.starts_with("rm") {
                if looks != "start" {
                    let error = stay.asks(
                        "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}",
                        &id,
                    );
                    let expected = "exited 137 its monitor was killed, and the container with it";
                    assert_eq!(error, expected, "{} {looks}", stay.case);
                }
                stay.says(&["rm", "-f", &id]);
            }
            assert_eq!(counts(stay), (0, 0), "{} {looks}", stay.case);
        }
        let mark = mark();
        let id = start(stay, &["--rm"], &mark);
        kill_monitor(stay, &id);
        assert_eq!(stay.says(&["ps", "-aq"]), "");
        assert!(marked(&mark).is_empty());
        assert_eq!(counts(stay), (0, 0));
    });
}

/// A process that has changed its user has shed the signal that comes with its parent's death.
#[test]
fn a_command_that_has_outlived_its_monitor_is_ended() {
    if Command::new("setpriv").arg("--version").output().is_err() {
        return skip("setpriv is not installed");
    }
    for case in root_cases() {
        let Some(stay) = Stay::new(case) else { return };
        // setpriv(1) of the host's, for the root has none.
        let mark = mark();
        let marking = format!("MARK={mark}");
        let mut line: Vec<OsString> =
            vec![mydocker().into(), "--state".into(), stay.state().into()];
        line.extend(["run", "-d", "--launch", case.launch, "-e", &marking].map(OsString::from));
        line.extend(
            [
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ]
            .map(OsString::from),
        );
        line.extend(["sleep", "1000"].map(OsString::from));
        let outcome = finish(case.prepared(&line));
        let id = outcome.output(case).trim().to_owned();
        let first = stay.pid(&id, "first");
        let is_other = || {
            std::fs::read_to_string(format!("/proc/{first}/status"))
                .is_ok_and(|status| status.contains("Uid:\t65534"))
        };
        assert!(eventually(is_other), "{case}");
        assert_eq!(marked(&mark), [first]);
        kill_monitor(&stay, &id);
        assert!(stay.says(&["ps", "-a"]).contains("Exited (137)"), "{case}");
        assert!(marked(&mark).is_empty(), "{case}");
    }
}

/// A process that has started in a later tick (of 10 ms) than this: by that alone it is told from who had its pid.
fn bystander_since(tick: u64) -> Child {
    loop {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("its stat");
        // proc_pid_stat(5): the name in parentheses is the second field, the start the twenty-second.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let start = fields.split_whitespace().nth(19).expect("its start");
        if start.parse::<u64>().expect("ticks") > tick {
            return child;
        }
        child.kill().expect("it is there");
        child.wait().expect("it is ours");
    }
}

/// The pid that is written down is another's by now.
#[test]
fn who_has_got_the_pid_is_left_alone() {
    each_stay(|stay| {
        let mark = mark();
        let id = start(stay, &[], &mark);
        let mut lived = stay.recorded(&id);
        let started = lived["first"]["start_time"].as_u64().expect("ticks");
        let mut bystander = bystander_since(started);
        let file = stay.directory(&id).join("state.json");
        lived["first"]["pid"] = bystander.id().into();
        // In place: it stays its owner's.
        std::fs::write(&file, lived.to_string()).expect("another state");
        kill_monitor(stay, &id);
        assert!(eventually(|| marked(&mark).is_empty()), "{}", stay.case);
        stay.says(&["rm", &id]);
        assert!(
            bystander.try_wait().expect("it is ours").is_none(),
            "{}",
            stay.case
        );
        bystander.kill().expect("it is there");
        bystander.wait().expect("it is ours");
    });
}

#[test]
fn a_monitor_that_does_not_answer_is_killed() {
    for case in cases() {
        if case.launch == "re-exec" {
            continue;
        }
        let Some(stay) = Stay::new(case) else { return };
        let mark = mark();
        let id = start(&stay, &["--name", "web"], &mark);
        let lived = stay.recorded(&id);
        kill(stay.pid(&id, "monitor"), Signal::SIGSTOP);
        assert_eq!(stay.says(&["rm", "-f", "web"]), "web");
        assert!(
            marked(&mark).is_empty() && cgroups(&lived).is_empty(),
            "{case}"
        );
        assert_eq!(counts(&stay), (0, 0), "{case}");
    }
}

/// Who is frozen by v1 does not even die of SIGKILL.
#[test]
fn a_paused_container_is_ended_as_well() {
    for case in cgroups::limited_cases() {
        let Some(stay) = Stay::new(case) else { return };
        for words in [&["ps", "-a"][..], &["rm", "-f", "web"]] {
            let mark = mark();
            let id = start(&stay, &["--name", "web"], &mark);
            let lived = stay.recorded(&id);
            stay.says(&["pause", "web"]);
            let said = stay.fails(1, &["rm", "web"]);
            assert!(
                said.contains("container is paused and must be unpaused first"),
                "{said}"
            );
            kill_monitor(&stay, &id);
            stay.says(words);
            assert!(
                marked(&mark).is_empty() && cgroups(&lived).is_empty(),
                "{case} {words:?}"
            );
            stay.says(&["rm", "-f", "web"]);
            assert_eq!(counts(&stay), (0, 0), "{case}");
        }
        let mark = mark();
        start(&stay, &["--name", "web"], &mark);
        stay.says(&["pause", "web"]);
        stay.says(&["rm", "-f", "web"]);
        assert!(marked(&mark).is_empty(), "{case}");
    }
}
