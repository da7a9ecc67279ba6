//! What a container is kept from: asserted from inside.

mod common;
use common::*;

/// Docker's 14.
const DEFAULT: &str = "00000000a80425fb";
const NONE: &str = "0000000000000000";

/// The capability sets of the process that reads them: inheritable, permitted, effective, bounding, ambient.
const SETS: &str = "grep ^Cap /proc/self/status | cut -f2";

#[test]
fn capabilities_are_dockers() {
    for case in cases() {
        for options in [&[][..], &["--init"], &["-t"], &["--pid=host"]] {
            let outcome = case.run(options, &["sh", "-c", SETS]);
            let sets: Vec<&str> = outcome.output(case).split_whitespace().collect();
            assert_eq!(
                sets,
                [NONE, DEFAULT, DEFAULT, DEFAULT, NONE],
                "{case} {options:?}"
            );
        }
    }
}

#[test]
fn capabilities_are_added_and_dropped() {
    // Without one, and with SYS_ADMIN.
    let (without_chown, with_admin) = ("00000000a80425fa", "00000000a82425fb");
    for case in cases() {
        for (options, expected) in [
            (&["--cap-drop=CHOWN"][..], without_chown),
            (&["--cap-add", "sys_admin"], with_admin),
            (&["--cap-add", "CAP_SYS_ADMIN", "--init"], with_admin),
            (&["--cap-drop=ALL", "--cap-add=CHOWN"], "0000000000000001"),
            (&["--cap-drop", "all"], NONE),
        ] {
            let outcome = case.run(options, &["sh", "-c", SETS]);
            let sets: Vec<&str> = outcome.output(case).split_whitespace().collect();
            assert_eq!(sets, [NONE, expected, expected, expected, NONE], "{case}");
        }
    }
}

#[test]
fn another_user_has_what_was_added() {
    for case in cases() {
        for (options, expected, bounding) in [
            (&["-u=1000"][..], NONE, DEFAULT),
            (&["-u=1000", "--cap-drop=ALL"], NONE, NONE),
            // NET_BIND_SERVICE, which is among the 14.
            (
                &["-u=1000", "--cap-add=NET_BIND_SERVICE"],
                "0000000000000400",
                DEFAULT,
            ),
            (
                &["-u=1000", "--cap-add=SYS_ADMIN", "--init"],
                "0000000000200000",
                "00000000a82425fb",
            ),
        ] {
            let outcome = case.run(options, &["sh", "-c", SETS]);
            let sets: Vec<&str> = outcome.output(case).split_whitespace().collect();
            let all = [expected, expected, expected, bounding, expected];
            assert_eq!(sets, all, "{case} {options:?}");
        }
    }
}

#[test]
fn what_cannot_be_given_is_an_error() {
    for case in cases() {
        let outcome = case.run(&["--cap-add=NO_SUCH"], &["true"]);
        assert_eq!(
            outcome.stderr,
            "mydocker: --cap-add NO_SUCH: there is no such capability; see capabilities(7), or ALL\n"
        );
        // In a container that lacks it itself; ALL means all that there are.
        let name = mydocker();
        let run = [name.to_str().unwrap(), "run", "--launch", case.launch];
        for (inner, code) in [("--cap-add=SYS_TIME", 125), ("--cap-add=ALL", 0)] {
            let command = [&run[..], &[inner, "true"]].concat();
            let options = ["--privileged", "--cap-drop=SYS_TIME"];
            let outcome = case.run(&options, &command);
            assert_eq!(outcome.code(), Some(code), "{case} {inner}: {outcome:?}");
            let message = "mydocker: set the command's capabilities: operation not permitted (EPERM): --cap-add \
                names one that the caller does not have, or that this kernel does not know\n";
            assert_eq!(
                outcome.stderr,
                if code == 0 { "" } else { message },
                "{case}"
            );
        }
    }
}

#[test]
fn new_privileges_have_a_switch() {
    for case in cases() {
        for (options, expected) in [
            (&[][..], "1\n"),
            (&["--security-opt=no-new-privileges"], "1\n"),
            (&["--security-opt", "no-new-privileges=true"], "1\n"),
            (&["--security-opt", "no-new-privileges=false"], "0\n"),
            (&["--security-opt=no-new-privileges:false", "-u=7"], "0\n"),
            (&["--privileged"], "0\n"),
            (&["--privileged", "--security-opt=no-new-privileges"], "1\n"),
        ] {
            let script = "grep NoNewPrivs /proc/self/status | cut -f2";
            let outcome = case.run(options, &["sh", "-c", script]);
            assert_eq!(outcome.output(case), expected, "{case} {options:?}");
        }
        let outcome = case.run(&["--security-opt=label=x"], &["true"]);
        assert_eq!(
            outcome.stderr,
            "mydocker: --security-opt label=x: mydocker sets no AppArmor profile and no SELinux label\n"
        );
    }
}

#[test]
fn privileged_has_what_the_caller_has() {
    for case in cases() {
        let outcome = case.run(&["--privileged"], &["sh", "-c", SETS]);
        let sets: Vec<&str> = outcome.output(case).split_whitespace().collect();
        let own = std::fs::read_to_string("/proc/self/status").unwrap();
        let own = |name: &str| {
            let line = own.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap();
        let every = (1u64 << (last.trim().parse::<u32>().unwrap() + 1)) - 1;
        let (permitted, bounding) = match case.caller {
            Caller::Root => (own("CapPrm:"), own("CapBnd:")),
            // In a user namespace of its own.
            Caller::Ordinary => (format!("{every:016x}"), format!("{every:016x}")),
        };
        assert_eq!(sets[1..4], [&permitted, &permitted, &bounding], "{case}");
    }
}

/// What a script in perl prints, which can make any system call.
fn perl(case: Case, wrapper: &[&str], options: &[&str], script: &str) -> String {
    let mut line: Vec<std::ffi::OsString> = wrapper.iter().map(Into::into).collect();
    line.extend([mydocker().into(), "run".into(), "--launch".into()]);
    line.push(case.launch.into());
    line.extend(options.iter().map(Into::into));
    line.extend(["perl", "-e", script].map(Into::into));
    finish(case.prepared(&line)).output(case).to_owned()
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_session_keyring_is_the_containers_own() {
    // KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING; -1 if there is none.
    let script = "print syscall(250, 0, -3, 0)";
    // With one that the container could inherit: KEYCTL_JOIN_SESSION_KEYRING.
    let caller = "syscall(250, 1, 0); print syscall(250, 0, -3, 0), \"\\n\"; $| = 1; exec @ARGV";
    let wrapper = ["perl", "-e", caller];
    for case in cases() {
        for (options, same) in [
            (&["--security-opt=seccomp=unconfined"][..], false),
            (&["--security-opt=seccomp=unconfined", "--init"], false),
            (&["--privileged"], false),
            (
                &["--security-opt=seccomp=unconfined", "--no-new-keyring"],
                true,
            ),
        ] {
            let said = perl(case, &wrapper, options, script);
            let (outside, inside) = said.split_once('\n').unwrap();
            let (outside, inside): (i64, i64) = (outside.parse().unwrap(), inside.parse().unwrap());
            assert!(outside > 0 && inside > 0, "{case} {options:?}: {said}");
            assert_eq!(outside == inside, same, "{case} {options:?}: {said}");
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_personality_is_the_usual_one() {
    for case in cases() {
        // ADDR_NO_RANDOMIZE, which a container would hand on to everything that it executes.
        for options in [&[][..], &["--init"], &["--privileged"]] {
            let said = perl(
                case,
                &["setarch", "-R"],
                options,
                "print syscall(135, 0xffffffff)",
            );
            assert_eq!(said, "0", "{case} {options:?}");
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn no_tracer_passes_an_old_kernels_filter_by() {
    // PTRACE_TRACEME, where uname(2) says that the kernel asks the filter before the tracer.
    let script = "print syscall(101, 0) + 0, ' ', $! + 0";
    for case in cases() {
        assert_eq!(perl(case, &[], &[], script), "0 0", "{case}");
        let said = perl(case, &["setarch", "--uname-2.6"], &[], script);
        assert_eq!(said, "-1 1", "{case}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn nothing_types_into_a_terminal() {
    // TIOCSTI and TIOCLINUX, also with a bit that the kernel does not look at.
    let script = "for $n (0x5412, 0x541c, 0x100005412) { $c = 'x'; syscall(16, 0, $n, $c); print $! + 0, ' ' }";
    let (eperm, enotty) = (1, 25);
    for case in cases() {
        let said = perl(case, &[], &[], script);
        assert_eq!(said, format!("{eperm} ").repeat(3), "{case}");
        let said = perl(case, &[], &["--security-opt=seccomp=unconfined"], script);
        assert_eq!(said, format!("{enotty} ").repeat(3), "{case}");
    }
}

#[test]
fn the_first_process_is_filtered() {
    for case in cases() {
        for (options, expected) in [
            (&[][..], "Seccomp:\t2\nNoNewPrivs:\t1\n"),
            (&["-t"], "Seccomp:\t2\nNoNewPrivs:\t1\n"),
            (&["-u=7"], "Seccomp:\t2\nNoNewPrivs:\t1\n"),
            (
                &["--security-opt=no-new-privileges=false"],
                "Seccomp:\t2\nNoNewPrivs:\t0\n",
            ),
            (
                &["--security-opt=seccomp=unconfined"],
                "Seccomp:\t0\nNoNewPrivs:\t1\n",
            ),
            (&["--privileged"], "Seccomp:\t0\nNoNewPrivs:\t0\n"),
        ] {
            // (Under --init the command is PID 2, and PID 1 mydocker's own reaper.)
            let script = "for name in Seccomp NoNewPrivs; do grep ^$name: /proc/1/status; done";
            let said = case.run(options, &["sh", "-c", script]);
            assert_eq!(
                said.output(case).replace('\r', ""),
                expected,
                "{case} {options:?}"
            );
            let said = case.run(
                &[options, &["--init"]].concat(),
                &["sh", "-c", &script.replace("/1/", "/self/")],
            );
            assert_eq!(
                said.output(case).replace('\r', ""),
                expected,
                "{case} {options:?}"
            );
        }
    }
}
