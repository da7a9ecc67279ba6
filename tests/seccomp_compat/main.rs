//! 32-bit programs under the filter: their calls have other numbers, narrower arguments, and some that are several in
//! one. No rule is to be passed by that way, and what the rules allow has to work.

// Another architecture has the simulated half of it only.
#[cfg(target_arch = "x86_64")]
#[path = "../common/mod.rs"]
mod common;
mod programs;
use common::filter::*;
#[cfg(target_arch = "x86_64")]
use common::*;
use mydocker::seccomp::compile_profile;
use mydocker::spec::DEFAULT_CAPABILITIES;
use mydocker::sys::capability::{CapabilitySet, SYS_ADMIN, SYS_BOOT, SYS_PTRACE, SYS_TIME, SYSLOG};
use mydocker::sys::seccomp::Instruction;
use serde_json::{Value, json};
use syscalls::Sysno;

fn number(name: &str) -> usize {
    let mut numbers =
        (0..512).filter(|number| CompatSysno::new(*number).is_some_and(|call| call.name() == name));
    numbers.next().unwrap_or_else(|| panic!("{name}"))
}

/// A profile with these entries, for 32-bit programs as well.
fn profile(default: &str, entries: Value) -> Vec<Instruction> {
    let profile = json!({
        "defaultAction": default,
        "architectures": ARCHITECTURE_NAMES,
        "syscalls": entries,
    });
    compile_profile(&profile.to_string(), &HOST)
        .unwrap_or_else(|error| panic!("{error}: {profile}"))
}

/// The names and numbers are those of the system's headers.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_headers_have_the_same_numbers() {
    let path = "/usr/include/x86_64-linux-gnu/asm/unistd_32.h";
    let Ok(header) = std::fs::read_to_string(path) else {
        skip(&format!("{path} is missing (Debian's linux-libc-dev)"));
        return;
    };
    let mut count = 0;
    for line in header.lines() {
        let mut words = line.split_whitespace();
        let Some(name) = words.nth(1).and_then(|word| word.strip_prefix("__NR_")) else {
            continue;
        };
        let number: usize = words.next().unwrap().parse().unwrap();
        let entries = json!([{"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]);
        let filter = profile("SCMP_ACT_ALLOW", entries);
        let found: Vec<usize> = (0..512)
            .filter(|other| compat_answer(&filter, *other, &[]) == 0x5_0063)
            .collect();
        assert_eq!(found, [number], "{name}");
        count += 1;
    }
    assert!(count > 400, "{count}");
}

/// What a 64-bit program may not do, a 32-bit one may not either, and no other rule decides it.
#[test]
fn both_have_the_same_rules() {
    let mut random = fastrand::Rng::with_seed(32);
    let more = |capability| DEFAULT_CAPABILITIES.with(capability);
    let sets = [SYS_ADMIN, SYS_BOOT, SYS_PTRACE, SYS_TIME, SYSLOG].map(more);
    for capabilities in [
        CapabilitySet::NONE,
        DEFAULT_CAPABILITIES,
        CapabilitySet::ALL,
    ]
    .into_iter()
    .chain(sets)
    {
        let filter = for_capabilities(capabilities);
        let mut shared = 0;
        for native in (0..512).filter_map(Sysno::new) {
            let name = native.name();
            // On 64-bit machines these numbers are no one's.
            let is_native = !(403..=423).contains(&(native as usize));
            let mut compat = (0..512).filter_map(CompatSysno::new);
            let Some(compat) = compat.find(|call| is_native && call.name() == name) else {
                continue;
            };
            shared += 1;
            let values: [u64; 12] = [
                0, 1, 17, 38, 40, 0x5401, 0x5412, 0x541c, 0o020600, 0o060600, 0x103, 0x10b,
            ];
            for _ in 0..40 {
                let mut value = || match random.u8(..3) {
                    0 => u64::from(random.u32(..)),
                    _ => *random.choice(&values).unwrap(),
                };
                let arguments: [u64; 6] = std::array::from_fn(|_| value());
                // By int 0x80 a 64-bit program can have anything in the upper halves.
                let garbage = arguments.map(|argument| argument | random.u64(..) << 32);
                let expected = answer(&filter, native as usize, &arguments);
                // (Of this one, as docker has it, all of the register counts.)
                let garbage = if name == "personality" {
                    arguments
                } else {
                    garbage
                };
                for arguments in [arguments, garbage] {
                    let found = compat_answer(&filter, compat as usize, &arguments);
                    assert_eq!(found, expected, "{name} {arguments:x?}");
                }
            }
        }
        assert!(shared > 280, "{shared}");
    }
}

/// Calls that only 32-bit programs have.
#[cfg(target_arch = "x86_64")]
#[test]
fn what_they_alone_have() {
    let filter = for_capabilities(DEFAULT_CAPABILITIES);
    let all = for_capabilities(CapabilitySet::ALL);
    for (names, default, with_all) in [
        (
            "_llseek _newselect waitpid sigreturn sigprocmask stat64 lstat64 fstat64 fstatat64 statfs64 fcntl64 \
             mmap2 chown32 setuid32 setgroups32 getgroups32 ugetrlimit set_thread_area get_thread_area modify_ldt \
             fadvise64_64 truncate64 sendfile64 ipc time utime clock_gettime64 futex_time64 utimensat_time64 \
             ppoll_time64 semtimedop_time64 recvmmsg_time64 select",
            ALLOW,
            ALLOW,
        ),
        ("umount stime clock_settime64 iopl ioperm", EPERM, ALLOW),
        (
            "vm86 vm86old sgetmask uselib _sysctl readdir bdflush nice oldstat",
            EPERM,
            EPERM,
        ),
        ("file_getattr", ENOSYS, ENOSYS),
    ] {
        for name in names.split_whitespace() {
            let call = number(name);
            assert_eq!(compat_answer(&filter, call, &[]), default, "{name}");
            assert_eq!(compat_answer(&all, call, &[]), with_all, "{name}");
        }
    }
    for number in [
        222,
        251,
        387,
        470,
        511,
        512,
        1000,
        0x4000_0003,
        0x4000_0040,
        0xffff_ffff,
    ] {
        assert_eq!(compat_answer(&filter, number, &[]), ENOSYS, "{number}");
    }
    // socket(2) by way of socketcall, whose family no filter can see; what is done with a socket is no one's harm.
    let socketcall = number("socketcall");
    assert_eq!(compat_answer(&filter, socketcall, &[1]), ENOSYS);
    assert_eq!(
        compat_answer(&filter, socketcall, &[0xffff_ffff_0000_0001]),
        ENOSYS
    );
    for call in [0, 2, 3, 8, 20] {
        assert_eq!(compat_answer(&filter, socketcall, &[call]), ALLOW, "{call}");
    }
}

/// A profile's list of architectures, in both its forms.
#[test]
fn a_profile_lists_them() {
    let [native, compat] = ARCHITECTURE_NAMES;
    for (lists, is_listed) in [
        (json!({}), false),
        (json!({"architectures": [native]}), false),
        (json!({"architectures": []}), false),
        (json!({"architectures": null, "archMap": null}), false),
        (json!({"architectures": [compat]}), true),
        (
            json!({"architectures": [native, "SCMP_ARCH_X32", compat]}),
            true,
        ),
        (
            json!({"archMap": [{"architecture": native, "subArchitectures": [compat]}]}),
            true,
        ),
        (
            json!({"archMap": [{"architecture": native, "subArchitectures": []}]}),
            false,
        ),
        (
            json!({"archMap": [{"architecture": native, "subArchitectures": null}]}),
            false,
        ),
        (json!({"archMap": [{"architecture": native}]}), false),
        // That of another machine, and what it has beside it.
        (
            json!({"archMap": [{"architecture": "SCMP_ARCH_S390X", "subArchitectures": [compat]}]}),
            false,
        ),
        (
            json!({"archMap": [{"architecture": "SCMP_ARCH_MIPS64", "subArchitectures": ["SCMP_ARCH_MIPS"]},
            {"architecture": native, "subArchitectures": ["SCMP_ARCH_X32", compat]}]}),
            true,
        ),
    ] {
        let mut profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["getpid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7}]});
        for (name, list) in lists.as_object().unwrap() {
            profile[name] = list.clone();
        }
        let filter = compile_profile(&profile.to_string(), &HOST).unwrap();
        let call = number("getpid");
        let (expected, other) = if is_listed {
            (0x5_0007, ALLOW)
        } else {
            (ENOSYS, ENOSYS)
        };
        assert_eq!(compat_answer(&filter, call, &[]), expected, "{profile}");
        assert_eq!(compat_answer(&filter, call + 1, &[]), other, "{profile}");
        // The native calls, and no more of x32's than before.
        assert_eq!(
            answer(&filter, Sysno::getpid as usize, &[]),
            0x5_0007,
            "{profile}"
        );
        if cfg!(target_arch = "x86_64") {
            assert_eq!(answer(&filter, 0x4000_0000, &[]), ENOSYS, "{profile}");
        }
    }
    for (lists, message) in [
        (
            json!({"architectures": [native], "archMap": [{"architecture": native}]}),
            "it has both architectures and archMap",
        ),
        (
            json!({"architectures": ["x86"]}),
            "architectures[0]: x86: there is no such architecture",
        ),
        (json!({"architectures": "x86"}), "architectures is no list"),
        (
            json!({"architectures": [native, 3]}),
            "architectures[1]: an architecture is no string",
        ),
        (
            json!({"archMap": [{}]}),
            "archMap[0]: an architecture is no string",
        ),
        (
            json!({"archMap": [{"architecture": native, "subArchitectures": ["i386"]}]}),
            "archMap[0]: i386: there is no such architecture",
        ),
    ] {
        let mut profile = lists.clone();
        profile["defaultAction"] = "SCMP_ACT_ALLOW".into();
        assert_eq!(
            compile_profile(&profile.to_string(), &HOST).unwrap_err(),
            message,
            "{lists}"
        );
    }
}

/// Rules that compare more than an argument of 32 bits can be.
#[test]
fn arguments_have_32_bits() {
    let read = number("read");
    for (operation, value, second, holding, failing) in [
        ("EQ", 7, 0, &[7, 0x1_0000_0007][..], &[6, 8][..]),
        // What can be no argument.
        ("EQ", 0x1_0000_0007, 0, &[], &[7, 0, 0x1_0000_0007]),
        ("NE", 0x1_0000_0007, 0, &[7, 0, 0x1_0000_0007], &[]),
        ("LT", 0x1_0000_0007, 0, &[7, 8, u64::MAX], &[]),
        ("LE", 0x1_0000_0007, 0, &[7, 8, u64::MAX], &[]),
        ("GT", 0x1_0000_0007, 0, &[], &[7, 8, u64::MAX]),
        ("GE", 0x1_0000_0007, 0, &[], &[7, 8, u64::MAX]),
        // -1, as it is written for 64 bits and for 32.
        (
            "EQ",
            u64::MAX,
            0,
            &[0xffff_ffff, u64::MAX],
            &[0, 1, 0x7fff_ffff],
        ),
        ("EQ", 0xffff_ffff, 0, &[0xffff_ffff, u64::MAX], &[0, 1]),
        ("NE", u64::MAX, 0, &[0, 1], &[0xffff_ffff]),
        (
            "GE",
            u64::MAX - 1,
            0,
            &[0xffff_fffe, 0xffff_ffff],
            &[0, 0xffff_fffd],
        ),
        ("LT", u64::MAX, 0, &[0, 0xffff_fffe], &[0xffff_ffff]),
        ("GT", 7, 0, &[8, 0xffff_ffff], &[7, 0, 0x1_0000_0007]),
        ("LE", 7, 0, &[7, 0, 0x1_0000_0007], &[8]),
        ("MASKED_EQ", 0xff, 0x107, &[7, 0x107, 0x1_0000_0007], &[8]),
        ("MASKED_EQ", u64::MAX, u64::MAX, &[0xffff_ffff], &[0]),
        ("MASKED_EQ", u64::MAX, 7, &[7, 0x1_0000_0007], &[8]),
        ("MASKED_EQ", 1 << 40, 1 << 40, &[], &[0, 1 << 40]),
        ("MASKED_EQ", 1 << 40, 0, &[0, 1 << 40], &[]),
    ] {
        let condition = json!({"index": 0, "op": format!("SCMP_CMP_{operation}"), "value": value, "valueTwo": second});
        let entries = json!([{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7, "args": [condition]}]);
        let filter = profile("SCMP_ACT_ALLOW", entries);
        for (arguments, expected) in [(holding, 0x5_0007), (failing, ALLOW)] {
            for argument in arguments {
                let found = compat_answer(&filter, read, &[*argument]);
                assert_eq!(
                    found, expected,
                    "{operation} {value:#x} {second:#x}: {argument:#x}"
                );
            }
        }
    }
}

/// What a profile says of `connect` holds for socketcall's connect.
#[cfg(target_arch = "x86_64")]
#[test]
fn calls_that_are_several_in_one() {
    let entry = |name: &str, action: &str, errno: u32, arguments: Value| json!({"names": [name], "action": format!("SCMP_ACT_{action}"), "errnoRet": errno, "args": arguments});
    let family = json!([{"index": 0, "op": "SCMP_CMP_EQ", "value": 40}]);
    let first = json!([{"index": 0, "op": "SCMP_CMP_EQ", "value": 3}]);
    let (socketcall, ipc) = (number("socketcall"), number("ipc"));
    let errno = |errno: u32| 0x5_0000 | errno;
    for (default, entries, expected) in [
        // A list of what is denied.
        (
            "SCMP_ACT_ALLOW",
            json!([
                entry("connect", "ERRNO", 7, json!([])),
                entry("semop", "ERRNO", 8, json!([]))
            ]),
            vec![
                (socketcall, 3, errno(7)),
                (socketcall, 1, ALLOW),
                (ipc, 1, errno(8)),
                (ipc, 2, ALLOW),
                // The version of ipc's calls, and what is above the half that counts.
                (ipc, 0x5_0001, errno(8)),
                (socketcall, 0x1_0000_0003, errno(7)),
            ],
        ),
        // One of what is allowed: these alone, and those that only exist in it.
        (
            "SCMP_ACT_ERRNO",
            json!([
                entry("connect", "ALLOW", 0, json!([])),
                entry("accept", "ALLOW", 0, json!([])),
                entry("shmget", "ALLOW", 0, json!([]))
            ]),
            vec![
                (socketcall, 3, ALLOW),
                (socketcall, 5, ALLOW),
                (socketcall, 1, EPERM),
                (ipc, 23, ALLOW),
                (ipc, 1, EPERM),
            ],
        ),
        // Its family lies in memory.
        (
            "SCMP_ACT_ALLOW",
            json!([entry("socket", "ERRNO", 7, family.clone())]),
            vec![(socketcall, 1, ENOSYS), (socketcall, 3, ALLOW)],
        ),
        (
            "SCMP_ACT_ERRNO",
            json!([entry("socket", "ALLOW", 0, family.clone())]),
            vec![(socketcall, 1, ENOSYS), (socketcall, 3, EPERM)],
        ),
        // Denied, whatever it is; let through, whatever it is.
        (
            "SCMP_ACT_ERRNO",
            json!([entry("socket", "KILL_PROCESS", 0, family.clone())]),
            vec![(socketcall, 1, 0x8000_0000)],
        ),
        (
            "SCMP_ACT_ALLOW",
            json!([entry("socket", "LOG", 0, family.clone())]),
            vec![(socketcall, 1, 0x7ffc_0000)],
        ),
        // What the profile says of all of it, as docker's do; but no more than what it refuses of one.
        (
            "SCMP_ACT_ERRNO",
            json!([
                entry("socketcall", "ALLOW", 0, json!([])),
                entry("socket", "ALLOW", 0, family.clone()),
                entry("connect", "ERRNO", 7, json!([]))
            ]),
            vec![
                (socketcall, 1, ALLOW),
                (socketcall, 2, ALLOW),
                (socketcall, 3, errno(7)),
            ],
        ),
        (
            "SCMP_ACT_ALLOW",
            json!([
                entry("socketcall", "ERRNO", 9, json!([])),
                entry("connect", "LOG", 0, json!([]))
            ]),
            vec![(socketcall, 1, errno(9)), (socketcall, 3, errno(9))],
        ),
        (
            "SCMP_ACT_ALLOW",
            json!([
                entry("socketcall", "ERRNO", 9, first),
                entry("bind", "ERRNO", 7, json!([]))
            ]),
            vec![
                (socketcall, 3, errno(9)),
                (socketcall, 2, errno(7)),
                (socketcall, 1, ALLOW),
            ],
        ),
    ] {
        let filter = profile(default, entries.clone());
        for (call, which, expected) in expected {
            let found = compat_answer(&filter, call, &[which]);
            assert_eq!(found, expected, "{default} {entries}: {call} {which}");
        }
        // 64-bit programs have no such calls, and their own with these numbers are none of them.
        let default = if default == "SCMP_ACT_ALLOW" {
            ALLOW
        } else {
            EPERM
        };
        for native in [Sysno::getuid, Sysno::setregid] {
            assert!([default, ENOSYS].contains(&answer(&filter, native as usize, &[3])));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn it_is_explained() {
    for case in cases() {
        let outcome = case.run(&["--explain"], &["true"]);
        for words in ["32-bit programs", "socketcall", "int 0x80"] {
            assert!(
                outcome.stdout.contains(words),
                "{case}: {words}: {}",
                outcome.stdout
            );
        }
    }
}
