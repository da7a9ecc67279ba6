use super::*;
use crate::sys::capability::CapabilitySet;

#[test]
fn a_process() {
    let process = with_process(
        r#""terminal":true,"consoleSize":{"height":24,"width":80},
        "user":{"uid":1,"gid":2,"umask":18,"additionalGids":[3,4],"username":"x"},
        "env":["A=1","B=2","A=3","C="],
        "capabilities":{"bounding":["CAP_CHOWN","CAP_NEW","chown"],"ambient":["CAP_KILL","CAP_NEW"],"more":1},
        "rlimits":[{"type":"RLIMIT_NOFILE","soft":1,"hard":18446744073709551615}],
        "noNewPrivileges":true,"apparmorProfile":"p","selinuxLabel":"l","oomScoreAdj":-1000,
        "scheduler":{"policy":"SCHED_DEADLINE","nice":-3,"priority":4,"runtime":5,"deadline":6,"period":7,
            "flags":["SCHED_FLAG_RESET_ON_FORK","SCHED_FLAG_RECLAIM"]},
        "ioPriority":{"class":"IOPRIO_CLASS_IDLE","priority":7},
        "execCPUAffinity":{"initial":"0-1","final":""}"#,
    );
    let process = process.unwrap();
    assert!(process.terminal && process.no_new_privileges);
    let size = ConsoleSize {
        height: 24,
        width: 80,
    };
    assert_eq!(process.console_size, Some(size));
    let user = User {
        id: 1,
        group: 2,
        umask: Some(0o22),
        additional_groups: vec![3, 4],
    };
    assert_eq!(process.user, user);
    assert_eq!(process.arguments, strings_of(&["sh"]));
    assert_eq!(process.environment, strings_of(&["B=2", "A=3", "C="]));
    assert_eq!(process.working_directory.as_c_str(), c"/");
    let sets = CapabilitySets {
        bounding: CapabilitySet(1),
        effective: CapabilitySet::NONE,
        permitted: CapabilitySet::NONE,
        inheritable: CapabilitySet::NONE,
        ambient: CapabilitySet(1 << 5),
    };
    assert_eq!(process.capabilities, Some(sets));
    assert_eq!(process.unknown_capabilities, ["CAP_NEW", "chown"]);
    let limit = ResourceLimit {
        resource: 7,
        soft: 1,
        hard: u64::MAX,
    };
    assert_eq!(process.resource_limits, [limit]);
    assert_eq!(process.apparmor_profile, Some(c"p".into()));
    assert_eq!(process.selinux_label, Some(c"l".into()));
    assert_eq!(process.oom_score_adjustment, Some(-1000));
    let scheduler = Scheduler {
        policy: 6,
        nice: -3,
        priority: 4,
        flags: 3,
        runtime: 5,
        deadline: 6,
        period: 7,
    };
    assert_eq!(process.scheduler, Some(scheduler));
    assert_eq!(process.io_priority, Some(IoPriority { class: 3, level: 7 }));
    let affinity = ExecCpuAffinity {
        initial: Some("0-1".into()),
        last: None,
    };
    assert_eq!(process.cpu_affinity, Some(affinity));
}

#[test]
fn mistakes_in_a_process() {
    for (more, message) in [
        (r#""terminal":1"#, "terminal: it is to be true or false"),
        (r#""user":[]"#, "user: it is to be an object"),
        (
            r#""user":{"uid":4294967295}"#,
            "user.uid: 4294967295: it is to be from 0 to 4294967294",
        ),
        (
            r#""user":{"uid":1e3}"#,
            "user.uid: 1e3: it is to be a whole number",
        ),
        (
            r#""user":{"additionalGids":[1,-1]}"#,
            "user.additionalGids[1]: -1: it is to be from 0 to 4294967294",
        ),
        (r#""env":"A=1""#, "env: it is to be a list"),
        (r#""env":["A=1","B"]"#, "env[1]: B: it is to be NAME=value"),
        (r#""env":["=1"]"#, "env[0]: =1: it is to be NAME=value"),
        (r#""env":[null]"#, "env[0]: it is to be a string"),
        (
            r#""oomScoreAdj":1001"#,
            "oomScoreAdj: 1001: it is to be from -1000 to 1000",
        ),
        (
            r#""rlimits":[{"type":"RLIMIT_NO"}]"#,
            "rlimits[0].type: RLIMIT_NO: there is no such limit",
        ),
        (
            r#""rlimits":[{"type":"RLIMIT_nofile"}]"#,
            "rlimits[0].type: RLIMIT_nofile: there is no such limit",
        ),
        (
            r#""rlimits":[{"soft":1,"hard":2}]"#,
            "rlimits[0].type: it is missing",
        ),
        (
            r#""rlimits":[{"type":"RLIMIT_CPU","soft":3,"hard":2}]"#,
            "rlimits[0].soft: 3 is above hard, 2",
        ),
        (
            r#""rlimits":[{"type":"RLIMIT_CPU"},{"type":"RLIMIT_CPU"}]"#,
            "rlimits[1].type: there is a limit of this type before it",
        ),
        (
            r#""capabilities":["CAP_KILL"]"#,
            "capabilities: it is to be an object",
        ),
        (
            r#""scheduler":{"policy":"SCHED"}"#,
            "scheduler.policy: SCHED: it is none of SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_ISO, \
             SCHED_IDLE, SCHED_DEADLINE",
        ),
        (
            r#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8}"#,
            "ioPriority.priority: 8: it is to be from 0 to 7",
        ),
    ] {
        let error = with_process(more).unwrap_err();
        assert_eq!(error, format!("process: {message}"), "{more}");
    }
    for (text, message) in [
        (r#"{"cwd":"/"}"#, "args: there is to be at least one"),
        (
            r#"{"cwd":"/","args":[]}"#,
            "args: there is to be at least one",
        ),
        (r#"{"args":["a"]}"#, "cwd: it is missing"),
        (
            r#"{"args":["a"],"cwd":""}"#,
            "cwd: '': it is to be an absolute path",
        ),
        (
            r#"{"args":["a"],"cwd":"tmp"}"#,
            "cwd: tmp: it is to be an absolute path",
        ),
    ] {
        let error = read_process(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("process: {message}"));
        let error = with(&format!(r#""process":{text}"#)).unwrap_err();
        assert_eq!(error, format!("config.json: process.{message}"));
    }
}
