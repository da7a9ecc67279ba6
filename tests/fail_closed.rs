//! Every step that can fail is made to: the start ends with 125, one line that names the operation,
//! the object and the errno, and a command that has not run.
//!
//! Most steps are broken by a seccomp filter around mydocker that makes one system call fail when
//! its arguments match (`probe deny`), the others by an object that is bad.

mod common;
use common::*;

/// Runs a container whose command would leave a file, behind a wrapper that breaks something, and
/// checks that it says `message` and nothing else.
#[track_caller]
fn refused(case: Case, wrapper: &[&str], options: &[&str], message: &str) {
    refused_for_one(case, wrapper, options, &[message]);
}

#[track_caller]
fn refused_for_one(case: Case, wrapper: &[&str], options: &[&str], messages: &[&str]) {
    if case.is_pooled()
        && messages
            .iter()
            .any(|message| message.contains("network interface lo"))
    {
        // The pool has done that.
        return;
    }
    let scratch = Scratch::new();
    let trace = scratch.file("the command has run");
    let mut command = case.wrapped(wrapper, options, &["touch", &trace]);
    // Not /dev/null, which would stay what it is.
    command.stdin(std::fs::File::open("/dev/zero").unwrap());
    let outcome = finish(command);
    let is_said = |message: &&str| outcome.stderr == format!("mydocker: {message}\n");
    assert!(
        messages.iter().any(is_said),
        "{case} {wrapper:?}: {outcome:?}"
    );
    assert_eq!(outcome.code(), Some(125), "{case} {wrapper:?}");
    assert_eq!(outcome.stdout, "", "{case} {wrapper:?}");
    assert!(!std::path::Path::new(&trace).exists(), "{case} {wrapper:?}");
}

const EPERM: &str = "1";
const EINVAL: &str = "22";

/// What is denied (`probe deny`'s words), the options, and the message.
type Broken = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const EVERYWHERE: [Broken; 22] = [
    // MS_REC|MS_PRIVATE
    (
        &["mount", EPERM, "3=278528"],
        &[],
        "make mounts private below /: operation not permitted (EPERM)",
    ),
    (
        &["mount", EINVAL, "3=278528"],
        &[],
        "make mounts private below /: invalid argument (EINVAL): / is not a mount point: mydocker \
         cannot run in a chroot",
    ),
    // MS_NOSUID|MS_NODEV|MS_NOEXEC
    (
        &["mount", "19", "3=14"],
        &[],
        "mount proc on /proc: no such device (ENODEV): the kernel was built without procfs",
    ),
    (
        &["sethostname", EPERM],
        &["--hostname", "box"],
        "sethostname box: operation not permitted (EPERM)",
    ),
    // AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC
    (
        &["socket", "97", "0=1", "1=524290"],
        &[],
        "set up network interface lo: address family not supported by protocol (EAFNOSUPPORT)",
    ),
    // SIOCSIFFLAGS
    (
        &["ioctl", EPERM, "1=35092"],
        &[],
        "set up network interface lo: operation not permitted (EPERM)",
    ),
    (
        &["setsid", EPERM],
        &[],
        "start a new session (setsid): operation not permitted (EPERM)",
    ),
    // The new number is 0.
    (
        &["dup3", "9", "1=0"],
        &[],
        "make /dev/null stdin: bad file number (EBADF)",
    ),
    // The new number is 1.
    (
        &["dup3", "9", "1=1"],
        &["-t"],
        "make the terminal stdin, stdout and stderr: bad file number (EBADF)",
    ),
    (
        &["umask", EPERM],
        &[],
        "umask 022: operation not permitted (EPERM)",
    ),
    (
        &["chdir", "13"],
        &["-w", "/usr"],
        "--workdir: change directory to /usr: permission denied (EACCES): it, or a directory on the way to it, is \
         closed to the command's user",
    ),
    // PR_SET_NO_NEW_PRIVS
    (
        &["prctl", EINVAL, "0=38"],
        &[],
        "prctl PR_SET_NO_NEW_PRIVS: invalid argument (EINVAL)",
    ),
    // Those from this number up: not the reaper's, which closes from 0.
    (
        &["close_range", "12", "0=3"],
        &[],
        "close inherited descriptors: out of memory (ENOMEM)",
    ),
    // PR_SET_PDEATHSIG
    (
        &["prctl", EINVAL, "0=1"],
        &[],
        "prctl PR_SET_PDEATHSIG: invalid argument (EINVAL)",
    ),
    // What does not say where it is could be anywhere.
    (
        &["getcwd", "34"],
        &["-w", "/usr"],
        "--workdir: change directory to /usr: math result not representable (ERANGE)",
    ),
    // KEYCTL_JOIN_SESSION_KEYRING
    (
        &["keyctl", EPERM, "0=1"],
        &[],
        "join a new session keyring (keyctl): operation not permitted (EPERM): a filter forbids it; \
         --no-new-keyring does without one",
    ),
    (
        &["keyctl", "122", "0=1"],
        &[],
        "join a new session keyring (keyctl): quota exceeded (EDQUOT): the caller has as many keys as it \
         may (/proc/sys/kernel/keys/maxkeys); --no-new-keyring does without one",
    ),
    (
        &["personality", EINVAL, "0=0"],
        &[],
        "set the personality to Linux: invalid argument (EINVAL)",
    ),
    // PR_CAPBSET_DROP of DAC_READ_SEARCH
    (
        &["prctl", EPERM, "0=24", "1=2"],
        &[],
        "take capabilities out of the bounding set: operation not permitted (EPERM): it takes CAP_SETPCAP",
    ),
    (
        &["capset", EPERM],
        &[],
        "set the command's capabilities: operation not permitted (EPERM): --cap-add names one that the \
         caller does not have, or that this kernel does not know",
    ),
    // SECCOMP_SET_MODE_FILTER
    (
        &["seccomp", EINVAL, "0=1"],
        &[],
        "load the filter of system calls (seccomp): invalid argument (EINVAL): the kernel was built without \
         filters; --security-opt seccomp=unconfined does without one",
    ),
    // TIOCSCTTY
    (
        &["ioctl", EPERM, "1=21518"],
        &["-t"],
        "make the terminal the controlling one (TIOCSCTTY): operation not permitted (EPERM): the \
         terminal already belongs to another session",
    ),
];

#[test]
fn every_step_that_fails_ends_the_start() {
    for case in cases() {
        for (denied, options, message) in EVERYWHERE {
            refused(case, &[&["deny"], denied].concat(), options, message);
        }
    }
}

#[test]
fn the_reaper_fails_closed_too() {
    for case in cases() {
        let message = "start the command under its reaper: invalid argument (EINVAL)";
        // The reaper and the command's process, which it has started by then, are refused the same at the same time.
        let sooner = "prctl PR_SET_DUMPABLE: invalid argument (EINVAL)";
        // PR_SET_DUMPABLE, and the keeper's PR_SET_CHILD_SUBREAPER
        refused_for_one(
            case,
            &["deny", "prctl", EINVAL, "0=4"],
            &["--init"],
            &[message, sooner],
        );
        refused(
            case,
            &["deny", "prctl", EINVAL, "0=36"],
            &["--pid=host"],
            message,
        );
        // The steps of PID 2 are reported as well.
        refused(
            case,
            &["deny", "setsid", EPERM],
            &["--init"],
            "start a new session (setsid): operation not permitted (EPERM)",
        );
    }
}

#[test]
fn identities_fail_closed() {
    for case in root_cases() {
        for (denied, options, message) in [
            (
                &["setresuid", EPERM, "0=1000"][..],
                &["-u", "1000"][..],
                "setresuid 1000: operation not permitted (EPERM): it takes CAP_SETUID and CAP_SETGID",
            ),
            (
                &["setresgid", EINVAL, "0=5"],
                &["-u", "1000:5"],
                "setresgid 5: invalid argument (EINVAL): this user namespace has no such id",
            ),
        ] {
            refused(case, &[&["deny"], denied].concat(), options, message);
        }
        // A caller with groups to drop.
        let scratch = Scratch::new();
        let trace = scratch.file("trace");
        let mut line: Vec<std::ffi::OsString> =
            ["setpriv", "--groups", "4,24"].map(Into::into).to_vec();
        line.push(probe().into());
        line.extend(["deny", "setgroups", EPERM, "0=0", "--"].map(Into::into));
        line.push(mydocker().into());
        line.extend(["run", "--launch", case.launch, "touch", &trace].map(Into::into));
        let outcome = finish(case.prepared(&line));
        let message = "mydocker: setgroups: operation not permitted (EPERM): this user namespace \
                       forbids to change groups\n";
        assert_eq!(outcome.stderr, message, "{case}");
        assert_eq!(outcome.code(), Some(125), "{case}");
    }
}

#[test]
fn id_maps_fail_closed() {
    let user = nix::unistd::Uid::effective();
    for case in ordinary_cases() {
        if !user.is_root() {
            skip_root_only("the lengths of an unknown user's maps are not known");
            return;
        }
        for (denied, message) in [
            // setgroups is written whole: 4 bytes. The maps' lengths differ: "0 61234 1\n" and
            // "0 777 1\n".
            (
                &["write", EPERM, "2=4"][..],
                "write deny to /proc/self/setgroups: operation not permitted (EPERM)",
            ),
            (
                &["write", EPERM, "2=10"],
                "write uid_map 0 61234 1: operation not permitted (EPERM)",
            ),
            (
                &["write", EPERM, "2=8"],
                "write gid_map 0 777 1: operation not permitted (EPERM)",
            ),
        ] {
            refused(case, &[&["deny"], denied].concat(), &[], message);
        }
        refused(
            case,
            &["deny", "capset", EPERM],
            &["-u", "1000"],
            "keep capabilities across execve: operation not permitted (EPERM)",
        );
        // The host's proc: MS_BIND|MS_REC, then MS_BIND|MS_REMOUNT and the restrictions.
        refused(
            case,
            &["deny", "mount", EPERM, "3=20480"],
            &["--pid=host"],
            "bind the host's proc on /proc: operation not permitted (EPERM)",
        );
        refused(
            case,
            &["deny", "mount", EPERM, "3=4142"],
            &["--pid=host"],
            "set nosuid,nodev,noexec on /proc: operation not permitted (EPERM)",
        );
    }
}

#[test]
fn signals_fail_closed() {
    for case in cases() {
        // Both in the parent: the mask, before anything is made.
        refused(
            case,
            &["deny", "rt_sigprocmask", EINVAL],
            &[],
            "block signals: invalid argument (EINVAL)",
        );
        // In the child: the caller ignores SIGUSR1 (10), and giving it its default fails. The
        // parent only asks, with no new action.
        let mut line: Vec<std::ffi::OsString> = vec![probe().into()];
        line.extend(["ignoring", "SIGUSR1", "--"].map(Into::into));
        line.push(probe().into());
        line.extend(["deny", "rt_sigaction", EINVAL, "0=10", "1=!0", "--"].map(Into::into));
        line.push(mydocker().into());
        line.extend(["run", "--launch", case.launch, "true"].map(Into::into));
        let outcome = finish(case.prepared(&line));
        assert_eq!(
            outcome.stderr, "mydocker: reset signals: invalid argument (EINVAL)\n",
            "{case}"
        );
        assert_eq!(outcome.code(), Some(125), "{case}");
    }
}

#[test]
fn the_clone_fails_closed() {
    for case in cases() {
        // What makes it fail here is a filter, and the hint says so.
        let hint = "mydocker runs under a filter of system calls (seccomp), as in a container, which may forbid it";
        // CLONE_NEWPID
        let message = format!("clone into new namespaces: operation not permitted (EPERM): {hint}");
        refused(
            case,
            &["deny", "clone", EPERM, "0=536870912/536870912"],
            &[],
            &message,
        );
        refused(
            case,
            &["deny", "pipe2", "24"],
            // A reaper is no child in mydocker's memory, nor is what re-exec makes.
            &["--init"],
            "pipe for reports: too many open files (EMFILE)",
        );
        if case.launch == "in-process" {
            refused(
                case,
                &["deny", "set_tid_address", EPERM],
                &[],
                "set_tid_address: operation not permitted (EPERM)",
            );
        }
    }
}

#[test]
fn auto_falls_back_to_re_exec_and_says_why() {
    for case in ordinary_cases().into_iter().chain(root_cases()) {
        let case = Case {
            launch: "auto",
            ..case
        };
        // CLONE_VM
        let wrapper = ["deny", "clone", EINVAL, "0=256/256"];
        let outcome = finish(case.wrapped(&wrapper, &[], &["sh", "-c", "echo $$; exit 3"]));
        assert_eq!(outcome.code(), Some(3), "{case}: {outcome:?}");
        assert_eq!(outcome.stdout, "1\n", "{case}");
        let line: serde_json::Value = serde_json::from_str(&outcome.stderr).expect("one log line");
        assert_eq!(line["level"], "warning", "{case}");
        assert_eq!(line["errno"], "EINVAL", "{case}");
        assert!(line["msg"].as_str().unwrap().contains("re-exec"), "{case}");

        // Asked for by name there is no other way.
        let case = Case {
            launch: "in-process",
            ..case
        };
        let outcome = finish(case.wrapped(&wrapper, &[], &["true"]));
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
    }
}

#[test]
fn descriptors_are_closed_where_the_kernel_has_no_close_range() {
    for case in cases() {
        for errno in ["38", EINVAL, EPERM] {
            for options in [&["-i"][..], &["--init"], &["-u", "1000"]] {
                let scratch = Scratch::new();
                let mut line: Vec<std::ffi::OsString> = vec![probe().into()];
                let directory = scratch.path().to_str().unwrap();
                line.extend(["inherit", "300", directory, "--"].map(Into::into));
                line.push(probe().into());
                line.extend(["deny", "close_range", errno, "--"].map(Into::into));
                line.push(mydocker().into());
                line.extend(["run", "--launch", case.launch].map(Into::into));
                line.extend(options.iter().map(Into::into));
                line.extend([probe().into(), "descriptors".into()]);
                let outcome = finish(case.prepared(&line));
                let descriptors = outcome.output(case).lines().count();
                assert_eq!(descriptors, 3, "{case} {errno} {options:?}: {outcome:?}");
            }
        }
    }
}

/// A mydocker that others may execute but not read: the kernel makes its process's files root's.
#[test]
fn an_unreadable_program_is_hinted_at() {
    use std::os::unix::fs::PermissionsExt;
    if root_cases().is_empty() {
        return;
    }
    let scratch = Scratch::new();
    let copy = scratch.file("mydocker");
    copy_program(&mydocker(), copy.as_ref());
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o711)).unwrap();
    for case in ordinary_cases() {
        let line = [&copy, "run", "--launch", case.launch, "true"].map(Into::into);
        let outcome = finish(case.prepared(&line));
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("from a readable program"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn a_chroot_is_hinted_at() {
    for case in root_cases() {
        let scratch = Scratch::new();
        for directory in ["proc", "dev"] {
            std::fs::create_dir(scratch.file(directory)).unwrap();
        }
        copy_program(&mydocker(), scratch.file("mydocker").as_ref());
        std::fs::write(scratch.file("dev/null"), "").unwrap();
        // In a mount namespace of the test's own, with what a dynamic mydocker needs.
        let script = "for directory in lib lib64 usr; do
                mkdir -p $0/$directory && mount --rbind /$directory $0/$directory
            done
            exec chroot $0 /mydocker run --launch in-process /nowhere";
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--mount", "--propagation", "private", "sh", "-ec", script]);
        let outcome = finish({
            unshare.arg(scratch.path());
            unshare
        });
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("mydocker cannot run in a chroot"),
            "{case}: {outcome:?}"
        );
    }
}

#[test]
fn set_user_id_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    if root_cases().is_empty() {
        return;
    }
    let scratch = Scratch::new();
    let copy = scratch.file("mydocker");
    copy_program(&mydocker(), copy.as_ref());
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o4755)).unwrap();
    for case in ordinary_cases() {
        let line = [copy.as_str(), "run", "true"].map(Into::into);
        let outcome = finish(case.prepared(&line));
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("must not be installed set-user-ID"),
            "{case}: {outcome:?}"
        );
    }
}
