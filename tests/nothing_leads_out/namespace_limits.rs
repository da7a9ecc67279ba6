//! Many starts at once where namespaces are few: each waits for those of the others, whichever namespace it is and
//! wherever it is made.

use crate::common::tree::Tree;
use crate::common::*;

/// The limits are those of a user namespace of the test's own, in which root has all of the host's ids.
const LIMITED: &str = r#"
    cd "$0"; mkfifo born mapped; limit=$1 number=$2; shift 2
    unshare --user sh -ec 'echo $$ > born; read go < mapped; exec sh -ec "$0" sh "$@"' '
        limit=$1 number=$2; shift 2
        echo $number > /proc/sys/user/max_${limit}_namespaces
        seq 24 | xargs -P 8 -I{} "$@"' $limit $number "$@" &
    read pid < born
    echo 0 0 4294967295 > /proc/$pid/uid_map
    echo 0 0 4294967295 > /proc/$pid/gid_map
    echo > mapped; wait $!"#;

#[test]
fn starts_wait_for_each_other() {
    // A pool outside makes none of them.
    for case in root_cases().into_iter().filter(|case| !case.is_pooled()) {
        let Some(tree) = Tree::new(case) else { return };
        let root = tree.name();
        for (limit, number, options) in [
            ("cgroup", "4", &["-m", "64m"][..]),
            ("cgroup", "4", &["--init"]),
            ("net", "12", &[]),
            // A copy of a mount counts while it is nowhere.
            ("mnt", "2", &["--rootfs", &root, "-v", "/usr:/mnt:ro"]),
        ] {
            let scratch = Scratch::new();
            let options = [&["--log-level", "error"], options].concat();
            let mut line: Vec<std::ffi::OsString> = ["sh", "-ec", LIMITED].map(Into::into).into();
            line.extend([scratch.path().into(), limit.into(), number.into()]);
            let mut command = case.command(&options, &["sh", "-c", "echo {}"]);
            line.push(command.get_program().into());
            line.extend(command.get_args().map(Into::into));
            command = case.prepared(&line);
            let outcome = finish(command);
            assert_eq!(outcome.stderr, "", "{case} {limit} {options:?}");
            let mut numbers: Vec<u32> = outcome
                .output(case)
                .lines()
                .map(|line| line.parse().expect("a number"))
                .collect();
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(1..=24), "{case} {limit} {options:?}");
        }
    }
}

/// Where there is room for none the errors say so, at once.
#[test]
fn a_limit_of_none_is_named() {
    for case in cases().into_iter().filter(|case| !case.is_pooled()) {
        let Some(tree) = Tree::new(case) else { return };
        let root = tree.name();
        let script = r#"echo 0 > /proc/sys/user/max_net_namespaces; exec "$@""#;
        for options in [&[][..], &["--rootfs", &root]] {
            let mut line: Vec<std::ffi::OsString> = ["unshare", "-Ur", "sh", "-ec", script, "sh"]
                .map(Into::into)
                .into();
            let command = case.command(options, &["true"]);
            line.push(command.get_program().into());
            line.extend(command.get_args().map(Into::into));
            let outcome = finish(case.prepared(&line));
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert_eq!(
                outcome.stderr,
                "mydocker: clone into new namespaces: no space left on device (ENOSPC): \
                 user.max_net_namespaces is 0: no such namespaces are allowed here\n",
                "{case} {options:?}"
            );
        }
    }
}
