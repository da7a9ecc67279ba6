use super::*;
use crate::oci::config::read;
use crate::seccomp::{HERE, Host, compile_profile, summary};
use crate::sys::capability::CapabilitySet;
use crate::sys::seccomp::Instruction;

/// The step of a filter that is written like this.
fn step_of(members: &str) -> Result<Step, String> {
    let text = format!(
        r#"{{"ociVersion":"1.2.0","root":{{"path":"a"}},"linux":{{"seccomp":{{{members}}}}}}}"#
    );
    let config = read(text.as_bytes()).map_err(|error| error.to_string())?;
    step(&config.linux.seccomp.unwrap()).map_err(|error| error.to_string())
}

fn instructions(members: &str) -> Vec<Instruction> {
    step_of(members).unwrap().filter().unwrap().to_vec()
}

/// How a call ends that a filter refuses.
fn errno_of(instructions: &[Instruction], name: &str) -> Option<i32> {
    let summary = summary(instructions, HERE.native);
    let mut refused = summary.refused.into_iter();
    refused
        .find(|(_, names)| names.contains(&name))
        .map(|(errno, _)| errno)
}

#[test]
fn it_is_what_a_profile_of_the_same_words_is() {
    let host = Host {
        capabilities: CapabilitySet::NONE,
        kernel: (6, 1),
    };
    for members in [
        r#""defaultAction":"SCMP_ACT_ALLOW""#,
        r#""defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","nothing","openat"],"action":"SCMP_ACT_ALLOW"}]"#,
        r#""defaultAction":"SCMP_ACT_KILL_PROCESS","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_AARCH64","SCMP_ARCH_ARM"],
           "syscalls":[{"names":["connect","socket"],"action":"SCMP_ACT_ALLOW"},
             {"names":["read"],"action":"SCMP_ACT_TRACE","errnoRet":4095},{"names":["mount"],"action":"SCMP_ACT_TRAP"},
             {"names":["socket"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":40,"op":"SCMP_CMP_NE"}]},
             {"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[
               {"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":0,"value":8,"op":"SCMP_CMP_GT"}]},
             {"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[
               {"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"},
               {"index":1,"value":18446744073709551615,"op":"SCMP_CMP_LE"}]}]"#,
    ] {
        let profile = compile_profile(&format!("{{{members}}}"), &host).unwrap();
        assert_eq!(instructions(members), profile);
    }
}

#[test]
fn errnos() {
    let filter = instructions(
        r#""defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":6,"syscalls":[{"names":["userfaultfd"],"action":"SCMP_ACT_ALLOW"},
        {"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":100},
        {"names":["mount"],"action":"SCMP_ACT_ERRNO"}]"#,
    );
    assert_eq!(errno_of(&filter, "mkdirat"), Some(100));
    assert_eq!(errno_of(&filter, "mount"), Some(libc::EPERM));
    assert_eq!(errno_of(&filter, "getpid"), Some(libc::ENXIO));
    // Newer than all that is named.
    assert_eq!(errno_of(&filter, "futex_waitv"), Some(libc::ENOSYS));
    assert_eq!(errno_of(&filter, "userfaultfd"), None);
}

#[test]
fn flags_and_listeners() {
    let allow = r#""defaultAction":"SCMP_ACT_ALLOW""#;
    let number = |more: &str| flags(&step_of(&format!("{allow}{more}")).unwrap());
    assert_eq!(number(""), Some(4));
    assert_eq!(number(r#","flags":[]"#), Some(0));
    assert_eq!(number(r#","flags":["SECCOMP_FILTER_FLAG_TSYNC"]"#), Some(0));
    let both = r#","flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"]"#;
    assert_eq!(number(both), Some(6));
    let notify =
        r#","listenerPath":"/a","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]"#;
    assert_eq!(number(notify), Some(12));
    let killable = r#","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]"#;
    assert_eq!(number(&format!("{notify}{killable}")), Some(40));
    let step = step_of(&format!("{allow}{notify}")).unwrap();
    assert!(matches!(&step, Step::FilterWith(filter) if filter.listens));
    assert!(step.gate().is_some());
    let others = summary(step.filter().unwrap(), HERE.native).others;
    assert!(others.iter().all(|name| *name == "mkdir"));
}

#[test]
fn mistakes() {
    let notify =
        r#""listenerPath":"/a","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]"#;
    let held_up = |name: &str| {
        format!(
            "syscalls: SCMP_ACT_NOTIFY takes a filter that lets {name} pass: the listener is handed over by it"
        )
    };
    for (members, message) in [
        (
            r#""defaultAction":"ALLOW""#.to_owned(),
            "defaultAction: ALLOW: there is no such action".to_owned(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_NOTIFY""#.into(),
            "defaultAction: SCMP_ACT_NOTIFY: it cannot be the default action".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4096"#.into(),
            "defaultErrnoRet: 4096: no errno".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_KILL","defaultErrnoRet":1"#.into(),
            "defaultErrnoRet: SCMP_ACT_KILL has no errno".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_VAX"]"#.into(),
            "architectures[1]: SCMP_ARCH_VAX: there is no such architecture".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","flags":["LOG"]"#.into(),
            "flags[0]: LOG: there is no such flag".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]"#.into(),
            "flags[0]: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: no call is notified of".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a",""],"action":"SCMP_ACT_KILL"}]"#.into(),
            "syscalls[0].names[1]: it is empty".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_KILL","args":[{"index":0,"op":"EQ"}]}]"#.into(),
            "syscalls[0].args[0].op: EQ: there is no such operator".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["write"],"action":"SCMP_ACT_NOTIFY"}]"#.into(),
            "syscalls[0].names[0]: SCMP_ACT_NOTIFY cannot be used for the write syscall".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_NOTIFY"}]"#.into(),
            "listenerPath: it is missing".into(),
        ),
        (
            r#""defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/a","syscalls":[{"names":["sendmsg"],"action":"SCMP_ACT_NOTIFY"}]"#.into(),
            held_up("sendmsg"),
        ),
        (
            format!(r#""defaultAction":"SCMP_ACT_ERRNO",{notify}"#),
            held_up("sendmsg"),
        ),
    ] {
        let error = step_of(&members).unwrap_err();
        assert_eq!(error, format!("config.json: linux.seccomp.{message}"));
    }
}

#[test]
fn what_is_known() {
    let known = known();
    assert_eq!((known.actions.len(), known.operators.len()), (9, 7));
    assert!(known.architectures.contains(&"SCMP_ARCH_X86_64".to_owned()));
    assert!(known.flags.len() >= known.supported_flags.len());
    // Whatever kernel it is.
    assert!(known.supported_flags.contains(&"SECCOMP_FILTER_FLAG_TSYNC"));
}
