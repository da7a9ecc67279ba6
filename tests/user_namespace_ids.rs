//! Whose ids are whose: root's containers with `--userns`, side by side.

mod common;

use common::tree::{Tree, each_of_root};
use common::*;

/// An /etc that lists one container's ids for root, and a /run that is the test's.
const ONE_BLOCK: &str = "mkdir -p etc; cp /etc/ld.so.cache etc/; echo root:x:0:0::/:/bin/sh > etc/passwd; \
    echo root:700000:65536 | tee etc/subuid > etc/subgid; mount --bind etc /etc; \
    mount -t tmpfs -o mode=755 tmpfs /run";

/// Runs a script in which `contain` starts a container that holds its ids until `release`, and `try` one that ends.
fn script(case: Case, tree: &Tree, more: &str) -> Option<Outcome> {
    let script = format!(
        "{ONE_BLOCK}; mkfifo hold said; mydocker=$1; \
         run() {{ \"$mydocker\" run --launch {0} \"$@\"; }}; \
         contain() {{ \"$mydocker\" run --launch {0} -i \"$@\" /bin/sh -c 'echo; read line' <&3 >said & read line <said; }}; \
         release() {{ echo >&3; wait $!; }}; \
         try() {{ run \"$@\" /bin/sh -c 'read zero first rest < /proc/self/uid_map; echo $first' 2>&1 || \
             echo \"code $?\"; }}; \
         exec 3<>hold; {more}",
        case.launch
    );
    tree.among_mounts(&script, &[], &[])
}

const TAKEN: &str = "mydocker: --userns auto: every 65536 ids that could be the container's are another one's\ncode 125\n";

#[test]
fn no_other_container_has_them() {
    each_of_root(|case, tree| {
        let Some(outcome) = script(
            case,
            tree,
            "contain --userns auto; try --userns auto; unshare -n \"$mydocker\" run --userns auto true 2>&1 || \
             echo \"code $?\"; try --userns 765535:5; try --userns 765536:5; \
             run --explain --userns auto true 2>&1 || echo \"code $?\"; release; try --userns auto; \
             stat -c '%a %s %u' /run/mydocker.ids",
        ) else {
            return;
        };
        let expected = format!(
            "{TAKEN}{TAKEN}mydocker: --userns 765535:5: some of these ids are those of a container with --userns auto\n\
             code 125\n765536\n{TAKEN}700000\n600 0 0\n"
        );
        assert_eq!(outcome.output(case), expected, "{case}");
    });
}

#[test]
fn what_is_asked_for_by_number_can_be_shared() {
    each_of_root(|case, tree| {
        let Some(outcome) = script(
            case,
            tree,
            "contain --userns 765535:9; try --userns 765530:9; try --userns auto; release; \
             run --explain --userns auto true > said.txt; try --userns auto",
        ) else {
            return;
        };
        assert_eq!(
            outcome.output(case),
            format!("765530\n{TAKEN}700000\n"),
            "{case}"
        );
    });
}

#[test]
fn a_killed_one_has_none() {
    each_of_root(|case, tree| {
        let Some(outcome) = script(
            case,
            tree,
            "contain --userns auto; kill -9 $!; wait $! || true; try --userns auto",
        ) else {
            return;
        };
        assert!(outcome.stdout.ends_with("700000\n"), "{case}: {outcome:?}");
    });
}

#[test]
fn the_file_is_roots_alone() {
    each_of_root(|case, tree| {
        let Some(outcome) = script(
            case,
            tree,
            "(umask 0; > /run/mydocker.ids); try --userns auto; rm /run/mydocker.ids; \
             ln -s /etc/passwd /run/mydocker.ids; try --userns auto; rm /run/mydocker.ids; \
             mkdir /run/mydocker.ids; try --userns auto",
        ) else {
            return;
        };
        let expected = "mydocker: --userns: open /run/mydocker.ids: operation not permitted (EPERM): it is to be a file \
            of root's that no one else can open\ncode 125\n\
            mydocker: --userns: open /run/mydocker.ids: too many symbolic links encountered (ELOOP)\ncode 125\n\
            mydocker: --userns: open /run/mydocker.ids: is a directory (EISDIR)\ncode 125\n";
        assert_eq!(outcome.output(case), expected, "{case}");
    });
}

/// As a service of systemd's may have it. (Without a /run: tests/vm.)
#[test]
fn a_run_that_is_read_only() {
    each_of_root(|case, tree| {
        let Some(outcome) = script(
            case,
            tree,
            "read_only() { unshare -m sh -c 'mount -o remount,bind,ro /run; \"$@\" 2>&1 || echo \"code $?\"' sh \
               \"$mydocker\" run --userns \"$@\" cut -c1-30 /proc/self/uid_map; }; \
             read_only 5:6; contain --userns auto; read_only auto; read_only 700000:6; read_only 5:6; release",
        ) else {
            return;
        };
        let map = "         0          5         \n";
        let expected = format!(
            "{map}mydocker: --userns: open /run/mydocker.ids: read-only file system (EROFS): locks on it say which ids \
             are a container's; --userns UID:COUNT needs it less\ncode 125\n\
             mydocker: --userns 700000:6: some of these ids are those of a container with --userns auto\ncode 125\n{map}"
        );
        assert_eq!(outcome.output(case), expected, "{case}");
    });
}
