//! The filter of system calls: as the kernel applies it, and as a simulation of the kernel does.

mod common;
use common::filter::*;
use common::*;
use mydocker::seccomp::{Host, compile_profile, default_filter};
use mydocker::spec::DEFAULT_CAPABILITIES;
use mydocker::sys::capability::{CapabilitySet, SYS_ADMIN, SYS_PTRACE};
use serde_json::{Value, json};
use syscalls::Sysno;

#[test]
fn the_default_is_short_and_shallow() {
    let filter = for_capabilities(DEFAULT_CAPABILITIES);
    assert!(filter.len() < 210, "{}", filter.len());
    let steps = |architecture| (0..512).map(move |number| (architecture, number));
    for (architecture, number) in steps(ARCHITECTURE).chain(steps(COMPAT_ARCHITECTURE)) {
        let (_, deep) = simulate(&filter, architecture, number, [0; 6]);
        assert!(deep <= 28, "{number} {architecture:x}: {deep}");
    }
    // The kernel goes through all of them when it loads the filter.
    let steps = (0..470).map(|number| simulate(&filter, ARCHITECTURE, number, [0; 6]).1);
    let average = steps.sum::<usize>() / 470;
    assert!(average < 11, "{average}");
}

#[test]
fn other_architectures_have_no_calls() {
    for filter in [
        for_capabilities(DEFAULT_CAPABILITIES).into_owned(),
        compile_profile(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#, &HOST).unwrap(),
    ] {
        let lists_compat = simulate(&filter, COMPAT_ARCHITECTURE, 3, [0; 6]).0 == ALLOW;
        for number in [0, 1, 59, 231, 0x4000_0000, 0x4000_0001, u32::MAX] {
            for architecture in [0x4000_0003, 0x4000_0028, 0, ARCHITECTURE ^ 1] {
                if lists_compat && architecture == COMPAT_ARCHITECTURE {
                    continue;
                }
                assert_eq!(simulate(&filter, architecture, number, [0; 6]).0, ENOSYS);
            }
        }
        if cfg!(target_arch = "x86_64") {
            assert_eq!(answer(&filter, 0x4000_0001, &[]), ENOSYS);
        }
    }
}

/// Some of Linux's calls, as the default is to answer them.
#[test]
fn the_default_is_dockers() {
    let filter = for_capabilities(DEFAULT_CAPABILITIES);
    let admin = for_capabilities(DEFAULT_CAPABILITIES.with(SYS_ADMIN));
    let none = for_capabilities(CapabilitySet::NONE);
    for (call, arguments, default, with_admin) in [
        (Sysno::read, &[][..], ALLOW, ALLOW),
        (Sysno::execve, &[], ALLOW, ALLOW),
        (Sysno::ptrace, &[], ALLOW, ALLOW),
        (Sysno::chroot, &[], ALLOW, ALLOW),
        (Sysno::mount, &[], EPERM, ALLOW),
        (Sysno::umount2, &[], EPERM, ALLOW),
        (Sysno::unshare, &[0x1000_0000], EPERM, ALLOW),
        (Sysno::setns, &[], EPERM, ALLOW),
        (Sysno::bpf, &[], EPERM, ALLOW),
        (Sysno::clone3, &[], ENOSYS, ALLOW),
        // fork's, a thread's, and one for each namespace.
        (Sysno::clone, &[17], ALLOW, ALLOW),
        (Sysno::clone, &[0x003d_0f00], ALLOW, ALLOW),
        (Sysno::clone, &[0x0002_0011], EPERM, ALLOW),
        (Sysno::clone, &[0x0200_0011], EPERM, ALLOW),
        (Sysno::clone, &[0x0400_0011], EPERM, ALLOW),
        (Sysno::clone, &[0x0800_0011], EPERM, ALLOW),
        (Sysno::clone, &[0x1000_0011], EPERM, ALLOW),
        (Sysno::clone, &[0x2000_0011], EPERM, ALLOW),
        (Sysno::clone, &[0x4000_0011], EPERM, ALLOW),
        (Sysno::socket, &[2, 1], ALLOW, ALLOW),
        (Sysno::socket, &[40, 1], EPERM, EPERM),
        // The kernel does not look at the upper half.
        (Sysno::socket, &[0x1_0000_0028, 1], EPERM, EPERM),
        (Sysno::socket, &[38, 5], EPERM, EPERM),
        (Sysno::socket, &[39, 1], ALLOW, ALLOW),
        (Sysno::lsm_list_modules, &[], EPERM, ALLOW),
        (Sysno::personality, &[0], ALLOW, ALLOW),
        (Sysno::personality, &[0xffff_ffff], ALLOW, ALLOW),
        (Sysno::personality, &[0x0040_0000], EPERM, EPERM),
        (Sysno::personality, &[1 << 32], EPERM, EPERM),
        (Sysno::ioctl, &[0, 0x5401], ALLOW, ALLOW),
        (Sysno::ioctl, &[0, 0x5412], EPERM, EPERM),
        (Sysno::ioctl, &[0, 0x541c], EPERM, EPERM),
        // The kernel does not look at the upper half.
        (Sysno::ioctl, &[0, 0x1_0000_5412], EPERM, EPERM),
        // A file, a pipe, null, tty, and what overlayfs marks with; a disk, the first console, ptmx, kmsg.
        (Sysno::mknodat, &[0, 0, 0o100600, 0xfe00], ALLOW, ALLOW),
        (Sysno::mknodat, &[0, 0, 0o600, 0xfe00], ALLOW, ALLOW),
        (Sysno::mknodat, &[0, 0, 0o010600, 0xfe00], ALLOW, ALLOW),
        (Sysno::mknodat, &[0, 0, 0o140600, 0xfe00], ALLOW, ALLOW),
        (Sysno::mknodat, &[0, 0, 0o020666, 0x103], ALLOW, ALLOW),
        (Sysno::mknodat, &[0, 0, 0o020666, 0x500], ALLOW, ALLOW),
        (Sysno::mknodat, &[0, 0, 0o020000, 0], ALLOW, ALLOW),
        (Sysno::mknodat, &[0, 0, 0o060600, 0xfe00], EPERM, EPERM),
        (Sysno::mknodat, &[0, 0, 0o060600, 0x103], EPERM, EPERM),
        (Sysno::mknodat, &[0, 0, 0o060600, 0], EPERM, EPERM),
        (Sysno::mknodat, &[0, 0, 0o020600, 0x501], EPERM, EPERM),
        (Sysno::mknodat, &[0, 0, 0o020600, 0x502], EPERM, EPERM),
        (Sysno::mknodat, &[0, 0, 0o020600, 0x10b], EPERM, EPERM),
        // Minor 0x100 more, whose bits are the upper ones.
        (Sysno::mknodat, &[0, 0, 0o020600, 0x10_0103], EPERM, EPERM),
        // The kernel looks at 16 bits of a mode, and at 32 of a device.
        (Sysno::mknodat, &[0, 0, 0xffff_6180, 0x103], EPERM, EPERM),
        (
            Sysno::mknodat,
            &[0, 0, 0o020600, 0x1_0000_010b],
            EPERM,
            EPERM,
        ),
        #[cfg(target_arch = "x86_64")]
        (Sysno::mknod, &[0, 0o020666, 0x103], ALLOW, ALLOW),
        #[cfg(target_arch = "x86_64")]
        (Sysno::mknod, &[0, 0o020600, 0x10b], EPERM, EPERM),
        #[cfg(target_arch = "x86_64")]
        (Sysno::mknod, &[0, 0o060600, 0x103], EPERM, EPERM),
        (Sysno::add_key, &[], EPERM, EPERM),
        (Sysno::keyctl, &[], EPERM, EPERM),
        (Sysno::request_key, &[], EPERM, EPERM),
        (Sysno::io_uring_setup, &[], EPERM, EPERM),
        (Sysno::userfaultfd, &[], EPERM, EPERM),
        (Sysno::kexec_load, &[], EPERM, EPERM),
        (Sysno::init_module, &[], EPERM, EPERM),
        (Sysno::reboot, &[], EPERM, EPERM),
        (Sysno::pivot_root, &[], EPERM, EPERM),
        (Sysno::swapon, &[], EPERM, EPERM),
        (Sysno::settimeofday, &[], EPERM, EPERM),
        (Sysno::open_by_handle_at, &[], EPERM, EPERM),
        (Sysno::file_setattr, &[], ENOSYS, ENOSYS),
    ] {
        let number = call as usize;
        assert_eq!(
            answer(&filter, number, arguments),
            default,
            "{call} {arguments:?}"
        );
        assert_eq!(
            answer(&admin, number, arguments),
            with_admin,
            "{call} {arguments:?}"
        );
    }
    assert_eq!(answer(&none, Sysno::chroot as usize, &[]), EPERM);
    // A kernel where a tracer has the last word, and one that says so although it has none.
    for (kernel, traced) in [((4, 7), EPERM), ((0, 0), EPERM), ((4, 8), ALLOW)] {
        let host = Host { kernel, ..HOST };
        let with_ptrace = Host {
            capabilities: DEFAULT_CAPABILITIES.with(SYS_PTRACE),
            ..host
        };
        for call in [
            Sysno::ptrace,
            Sysno::process_vm_readv,
            Sysno::process_vm_writev,
        ] {
            let number = call as usize;
            assert_eq!(
                answer(&default_filter(&host), number, &[]),
                traced,
                "{call}"
            );
            assert_eq!(
                answer(&default_filter(&with_ptrace), number, &[]),
                ALLOW,
                "{call}"
            );
        }
    }
    for number in [400, 511, 512, 1000, 0x3fff_ffff] {
        assert_eq!(answer(&filter, number, &[]), ENOSYS, "{number}");
    }
}

/// The profile that Debian has for podman, which began as docker's: where ours differs, it is known why.
#[test]
fn the_default_beside_another_distributions() {
    let path = "/usr/share/containers/seccomp.json";
    let Ok(profile) = std::fs::read_to_string(path) else {
        skip(&format!(
            "{path} is missing (Debian's golang-github-containers-common)"
        ));
        return;
    };
    let theirs = compile_profile(&profile, &HOST).unwrap();
    let ours = for_capabilities(DEFAULT_CAPABILITIES);
    let calls = |wanted: (u32, u32)| -> Vec<&str> {
        let known = (0..470).filter_map(Sysno::new);
        let differ = known.filter(|call| {
            let number = *call as usize;
            // With arguments that no rule looks for.
            (answer(&ours, number, &[]), answer(&theirs, number, &[])) == wanted
        });
        differ.map(|call| call.name()).collect()
    };
    // podman's containers may make namespaces and mount what a user namespace lets them; docker's may not without
    // CAP_SYS_ADMIN. Keyrings are not namespaced. What moves memory between nodes takes CAP_SYS_NICE with docker.
    let kept = [
        "clone3",
        "fsconfig",
        "fsmount",
        "fsopen",
        "fspick",
        "get_mempolicy",
        "keyctl",
        "mbind",
        "mount",
        "mount_setattr",
        "move_mount",
        "open_tree",
        "pidfd_getfd",
        "pivot_root",
        "reboot",
        "set_mempolicy",
        "setns",
        "syslog",
        "umount2",
        "unshare",
    ];
    let mut found = [calls((EPERM, ALLOW)), calls((ENOSYS, ALLOW))].concat();
    found.sort_unstable();
    assert_eq!(found, kept, "what theirs allows and ours does not");
    // Docker allows these as well, or they are newer than that profile.
    for call in calls((ALLOW, EPERM)) {
        let known = [
            "io_pgetevents",
            "process_vm_readv",
            "process_vm_writev",
            "vmsplice",
        ];
        assert!(known.contains(&call), "{call}");
    }
    for call in calls((ALLOW, ENOSYS)) {
        let number =
            (0..470).find(|number| Sysno::new(*number).is_some_and(|known| known.name() == call));
        let is_new = number.unwrap() > 440 || call == "uretprobe";
        assert!(
            is_new || ["epoll_ctl_old", "epoll_wait_old"].contains(&call),
            "{call}"
        );
    }
}

/// Profiles of random rules answer as their text reads.
#[test]
fn profiles_mean_what_they_say() {
    let mut random = fastrand::Rng::with_seed(1);
    let operations = ["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"];
    let values = [
        0u64,
        1,
        7,
        0xffff_ffff,
        1 << 32,
        (1 << 32) | 7,
        u64::MAX,
        1 << 63,
    ];
    let calls: Vec<Sysno> = (0..470).filter_map(Sysno::new).collect();
    for round in 0..300 {
        let mut entries = Vec::new();
        // Sometimes so many that a jump does not reach.
        for _ in 0..random.usize(..if round % 10 == 0 { 300 } else { 20 }) {
            let names: Vec<&str> = (0..random.usize(1..4))
                .map(|_| random.choice(&calls).unwrap().name())
                .collect();
            let arguments: Vec<Value> = (0..random.usize(..3))
                .map(|_| {
                    json!({
                        "index": random.u8(..6),
                        "op": format!("SCMP_CMP_{}", random.choice(operations).unwrap()),
                        "value": random.choice(values).unwrap(),
                        "valueTwo": random.choice(values).unwrap(),
                    })
                })
                .collect();
            let errno = random.u8(2..100);
            entries.push(json!({"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": errno, "args": arguments}));
        }
        let text = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": entries}).to_string();
        let filter = compile_profile(&text, &HOST).unwrap();
        for _ in 0..300 {
            let call = *random.choice(&calls).unwrap();
            let arguments: [u64; 6] = std::array::from_fn(|_| *random.choice(&values).unwrap());
            let expected = meaning(&entries, call.name(), &arguments);
            let expected = expected.first().copied().unwrap_or(ALLOW);
            assert_eq!(
                answer(&filter, call as usize, &arguments),
                expected,
                "{call} {arguments:x?} {text}"
            );
        }
    }
}

/// docker's profiles answer EPERM to what they do not know, which programs that ask for something new take for an
/// answer.
#[test]
fn what_is_newer_than_a_profile_is_not_there() {
    let write = Sysno::write as usize;
    for (default, newer) in [
        ("SCMP_ACT_ERRNO", ENOSYS),
        ("SCMP_ACT_KILL", ENOSYS),
        ("SCMP_ACT_ALLOW", ALLOW),
        ("SCMP_ACT_LOG", 0x7ffc_0000),
        ("SCMP_ACT_TRACE", 0x7ff0_0001),
    ] {
        // Also if what it says of the newest is what it says of all.
        for action in ["SCMP_ACT_TRAP", default] {
            let entries = json!([{"names": ["write", "no_such_call"], "action": action}]);
            let text = json!({"defaultAction": default, "syscalls": entries}).to_string();
            let filter = compile_profile(&text, &HOST).unwrap();
            let default = fate(&json!({"action": default}));
            assert_eq!(answer(&filter, write - 1, &[]), default, "{text}");
            assert_eq!(answer(&filter, write, &[]), fate(&entries[0]), "{text}");
            for number in [write + 1, 400, 511, 512, 100_000] {
                assert_eq!(answer(&filter, number, &[]), newer, "{number} {text}");
            }
        }
    }
}

#[test]
fn mistakes_in_profiles_are_named() {
    for (text, message) in [
        ("", "line 1: it ends where a value should be"),
        ("{}", "it has no defaultAction"),
        (
            r#"{"defaultAction": "ALLOW"}"#,
            "ALLOW: there is no such action",
        ),
        (r#"{"defaultAction": 1}"#, "an action is no string"),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"]}]}"#,
            "syscalls[0]: it has no action",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_KILL"}]}"#,
            "syscalls[0]: it names no system call",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_NOTIFY", "names": ["read"]}]}"#,
            "syscalls[0]: SCMP_ACT_NOTIFY: there is no one to notify",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 5000}"#,
            "errnoRet 5000: no errno",
        ),
    ] {
        assert_eq!(compile_profile(text, &HOST).unwrap_err(), message);
    }
}

/// A program of a few instructions that makes one call and exits with its errno, or with 0.
#[cfg(target_arch = "x86_64")]
fn caller_of(number: u64, arguments: &[u64], instruction: [u8; 2]) -> Vec<u8> {
    let mut code = Vec::new();
    // mov of 64 bits to rax, rdi, rsi, rdx.
    let registers = [[0x48, 0xb8], [0x48, 0xbf], [0x48, 0xbe], [0x48, 0xba]];
    let values = std::iter::once(number).chain(arguments.iter().copied());
    for (register, value) in registers.into_iter().zip(values) {
        code.extend(register);
        code.extend(value.to_le_bytes());
    }
    code.extend(instruction);
    exits_with_errno(code)
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_kernel_answers_so() {
    use std::os::unix::fs::PermissionsExt;
    const SYSCALL: [u8; 2] = [0x0f, 0x05];
    const INT_80: [u8; 2] = [0xcd, 0x80];
    let (eperm, enosys) = (1, 38);
    let scratch = Scratch::new();
    std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o755)).unwrap();
    for (index, (number, arguments, instruction, default, unconfined)) in [
        (Sysno::getppid as u64, &[][..], SYSCALL, 0, Some(0)),
        (Sysno::clone3 as u64, &[], SYSCALL, enosys, Some(22)),
        (
            Sysno::unshare as u64,
            &[0x1000_0000],
            SYSCALL,
            eperm,
            Some(0),
        ),
        (
            Sysno::personality as u64,
            &[0x0004_0000],
            SYSCALL,
            eperm,
            Some(0),
        ),
        (
            Sysno::personality as u64,
            &[0xffff_ffff],
            SYSCALL,
            0,
            Some(0),
        ),
        // KEYCTL_GET_KEYRING_ID of the session's.
        (
            Sysno::keyctl as u64,
            &[0, 0xffff_ffff_ffff_fffd, 0],
            SYSCALL,
            eperm,
            Some(0),
        ),
        (Sysno::add_key as u64, &[], SYSCALL, eperm, Some(14)),
        (Sysno::mount as u64, &[], SYSCALL, eperm, None),
        (Sysno::io_uring_setup as u64, &[], SYSCALL, eperm, None),
        // x32's getppid; and by the gate of 32-bit programs (seccomp_compat), whose 64 is getppid.
        (
            0x4000_0000 | Sysno::getppid as u64,
            &[],
            SYSCALL,
            enosys,
            None,
        ),
        (64, &[], INT_80, 0, None),
        (500, &[], SYSCALL, enosys, Some(enosys)),
    ]
    .into_iter()
    .enumerate()
    {
        let file = scratch.file(&format!("call{index}"));
        write_program(&file, caller_of(number, arguments, instruction), 0o755);
        let file = file.to_string();
        for case in cases() {
            for options in [
                &[][..],
                &["--init"],
                &["-u=7"],
                &["--security-opt=no-new-privileges=false"],
            ] {
                let outcome = case.run(options, &[&file]);
                assert_eq!(
                    outcome.code(),
                    Some(default),
                    "{case} {options:?} {number} {arguments:x?}"
                );
            }
            if let Some(unconfined) = unconfined {
                let outcome = case.run(&["--security-opt=seccomp=unconfined"], &[&file]);
                assert_eq!(
                    outcome.code(),
                    Some(unconfined),
                    "{case} {number} {arguments:x?}"
                );
            }
        }
    }
}

#[test]
fn a_profile_of_ones_own() {
    let scratch = Scratch::new();
    std::fs::set_permissions(
        scratch.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let file = scratch.file("profile");
    let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}"#;
    std::fs::write(&file, profile).unwrap();
    let option = format!("--security-opt=seccomp={file}");
    for case in cases() {
        for options in [&[][..], &["--init"], &["--privileged"]] {
            let options = [options, &[option.as_str()]].concat();
            let outcome = case.run(&options, &["mkdir", "/tmp/x"]);
            assert!(
                outcome.stderr.contains("No space left"),
                "{case}: {outcome:?}"
            );
        }
    }
    std::fs::write(&file, "{\n\"defaultAction\": }").unwrap();
    for case in cases() {
        let outcome = case.run(&[&option], &["true"]);
        let message = format!(
            "mydocker: --security-opt seccomp: {file}: line 2: '}}' where a value should be: a profile has \
             docker's format\n"
        );
        assert_eq!(outcome.stderr, message, "{case}");
        assert_eq!(outcome.code(), Some(125), "{case}");
    }
}
