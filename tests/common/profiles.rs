//! Profiles in docker's format, for tests.

use serde_json::{Value, json};

/// Those that the profiles here speak of, and the installed one.
pub const CAPABILITIES: [&str; 20] = [
    "CAP_AUDIT_WRITE",
    "CAP_BPF",
    "CAP_CHOWN",
    "CAP_DAC_READ_SEARCH",
    "CAP_IPC_LOCK",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_PERFMON",
    "CAP_SYSLOG",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_CHROOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_NICE",
    "CAP_SYS_PACCT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
];

/// Each operation, alone and beside others, and what is odd about profiles.
pub const HAND_WRITTEN: [&str; 12] = [
    // No rules.
    r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}"#,
    r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": []}"#,
    // A list of what is allowed.
    r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["read", "write", "exit_group", "openat", "umount", "stat64", "socketcall", "no_such_call",
            "clock_gettime64"], "action": "SCMP_ACT_ALLOW"},
        {"name": "getpid", "action": "SCMP_ACT_LOG", "args": null}]}"#,
    // One operation to a call.
    r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 4294967303, "op": "SCMP_CMP_EQ"}]},
        {"names": ["write"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 4294967303, "op": "SCMP_CMP_NE"}]},
        {"names": ["close"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 2, "value": 4294967303, "op": "SCMP_CMP_LT"}]},
        {"names": ["fstat"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 3, "value": 4294967303, "op": "SCMP_CMP_LE"}]},
        {"names": ["lseek"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 4, "value": 4294967303, "op": "SCMP_CMP_GT"}]},
        {"names": ["mmap"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 5, "value": 4294967303, "op": "SCMP_CMP_GE"}]},
        {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args":
            [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]}]}"#,
    // The ends of what an argument can be, at which some comparisons always hold and some never do.
    r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_GE"}]},
        {"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_LT"}]},
        {"names": ["close"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_GT"}]},
        {"names": ["fstat"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_LE"}]},
        {"names": ["lseek"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_GT"}]},
        {"names": ["mmap"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967296, "op": "SCMP_CMP_LT"}]},
        {"names": ["munmap"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_NE"}]}]}"#,
    // What a mask takes away.
    r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 255, "valueTwo": 511, "op": "SCMP_CMP_MASKED_EQ"}]},
        {"names": ["write"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 0, "valueTwo": 5, "op": "SCMP_CMP_MASKED_EQ"}]},
        {"names": ["close"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 18374686479671623680, "valueTwo": 72057594037927936, "op": "SCMP_CMP_MASKED_EQ"}]},
        {"names": ["fstat"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 18446744073709551615, "valueTwo": 7, "op": "SCMP_CMP_MASKED_EQ"}]}]}"#,
    // Conditions that hold together.
    r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["ioctl", "fcntl"], "action": "SCMP_ACT_TRAP", "args": [
            {"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"},
            {"index": 0, "value": 2, "op": "SCMP_CMP_GT"},
            {"index": 5, "value": 4294967296, "op": "SCMP_CMP_LE"}]}]}"#,
    // Two of the same argument: any of them will do.
    r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [
            {"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"},
            {"index": 1, "value": 21531, "op": "SCMP_CMP_EQ"},
            {"index": 0, "value": 9, "op": "SCMP_CMP_GT"}]},
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [
            {"index": 0, "value": 10, "op": "SCMP_CMP_GE"},
            {"index": 0, "value": 20, "op": "SCMP_CMP_LE"}]}]}"#,
    // docker's for personality: entries for one call.
    r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 131072, "op": "SCMP_CMP_EQ"}]},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 131080, "op": "SCMP_CMP_EQ"}]},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]}]}"#,
    // What says nothing new, in each order.
    r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 5, "syscalls": [
        {"names": ["read", "read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
        {"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
        {"names": ["write"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["close"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5},
        {"names": ["close"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}"#,
    // Each action.
    r#"{"defaultAction": "SCMP_ACT_LOG", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["write"], "action": "SCMP_ACT_ERRNO"},
        {"names": ["close"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0},
        {"names": ["fstat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4094},
        {"names": ["lseek"], "action": "SCMP_ACT_TRACE"},
        {"names": ["mmap"], "action": "SCMP_ACT_TRACE", "errnoRet": 77},
        {"names": ["munmap"], "action": "SCMP_ACT_TRAP"},
        {"names": ["brk"], "action": "SCMP_ACT_KILL"},
        {"names": ["ioctl"], "action": "SCMP_ACT_KILL_THREAD"},
        {"names": ["dup"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#,
    // What counts only for some.
    r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_CHOWN"]}, "excludes": {}},
        {"names": ["write"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}},
        {"names": ["close"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}},
        {"names": ["fstat"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]}},
        {"names": ["lseek"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "6.1"}},
        {"names": ["mmap"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "6.2"}},
        {"names": ["munmap"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5.20"}},
        {"names": ["brk"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "6.1"}},
        {"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "arm64"]}},
        {"names": ["dup"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
        {"names": ["listen"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": []}, "excludes": {"arches": ["amd64", "arm64"]}}]}"#,
];

const NAMES: [&str; 24] = [
    "read",
    "write",
    "close",
    "fstat",
    "ioctl",
    "clone",
    "socket",
    "prctl",
    "mount",
    "umount2",
    "openat",
    "personality",
    "bpf",
    "futex",
    "execve",
    "getpid",
    "kill",
    "setns",
    "unshare",
    "mmap",
    // Of other architectures, or of none.
    "umount",
    "stat64",
    "socketcall",
    "no_such_call",
];

const ACTIONS: [&str; 7] = [
    "ALLOW",
    "ERRNO",
    "LOG",
    "TRAP",
    "TRACE",
    "KILL",
    "KILL_PROCESS",
];

const VALUES: [u64; 12] = [
    0,
    1,
    2,
    7,
    0xff,
    0x7e02_0000,
    0xffff_ffff,
    1 << 32,
    (1 << 32) | 7,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// Rules of which some contradict each other, most do not.
pub fn random_profile(random: &mut fastrand::Rng) -> Value {
    let one_action = random.u8(..4) > 0;
    let usual = *random.choice(&ACTIONS).unwrap();
    // Few rules for each call, or many; sometimes more than runc has in a list.
    let most = [3, 8, 60][random.usize(..3)];
    let entries: Vec<Value> = (0..random.usize(..most))
        .map(|_| {
            let action = if one_action {
                usual
            } else {
                *random.choice(&ACTIONS).unwrap()
            };
            random_entry(action, random)
        })
        .collect();
    let mut profile = json!({"syscalls": entries});
    random_action(
        random.choice(&ACTIONS).unwrap(),
        ("defaultAction", "defaultErrnoRet"),
        &mut profile,
        random,
    );
    profile
}

fn random_action(action: &str, keys: (&str, &str), object: &mut Value, random: &mut fastrand::Rng) {
    object[keys.0] = format!("SCMP_ACT_{action}").into();
    if random.bool() {
        object[keys.1] = random.choice([0, 1, 13, 38, 4094]).into();
    }
}

fn random_entry(action: &str, random: &mut fastrand::Rng) -> Value {
    let mut entry = json!({});
    random_action(action, ("action", "errnoRet"), &mut entry, random);
    let name = |random: &mut fastrand::Rng| *random.choice(&NAMES).unwrap();
    if random.u8(..10) == 0 {
        entry["name"] = name(random).into();
    } else {
        let names: Vec<&str> = (0..random.usize(1..4)).map(|_| name(random)).collect();
        entry["names"] = names.into();
    }
    if random.u8(..4) > 0 {
        let conditions: Vec<Value> = (0..random.usize(..4))
            .map(|_| random_condition(random))
            .collect();
        entry["args"] = conditions.into();
    }
    for key in ["includes", "excludes"] {
        if random.u8(..12) == 0 {
            let mut filter = json!({});
            match random.u8(..3) {
                0 => filter["caps"] = json!([random.choice(CAPABILITIES).unwrap()]),
                1 => {
                    filter["arches"] = json!([random.choice(["amd64", "arm64", "s390x"]).unwrap()])
                }
                _ => filter["minKernel"] = random.choice(["4.8", "6.1", "6.2"]).unwrap().into(),
            }
            entry[key] = filter;
        }
    }
    entry
}

fn random_condition(random: &mut fastrand::Rng) -> Value {
    let value = |random: &mut fastrand::Rng| match random.u8(..4) {
        0 => random.u64(..),
        _ => *random.choice(&VALUES).unwrap(),
    };
    let operation = random
        .choice(["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"])
        .unwrap();
    let mut condition = json!({
        "index": random.u8(..6),
        "op": format!("SCMP_CMP_{operation}"),
        "value": value(random),
    });
    if operation == "MASKED_EQ" || random.u8(..4) == 0 {
        condition["valueTwo"] = value(random).into();
    }
    condition
}
