//! Options by the ten thousand, as a generator of command lines writes them, take time as many as they are, not as
//! many as they are squared.

use crate::common::*;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// So many that comparing each with all takes minutes.
const MANY: usize = 120_000;

/// Lets the children of this test have as many arguments: a quarter of the stack's limit (execve(2)).
fn allow_many() -> bool {
    const STACK: u64 = 64 << 20;
    let (soft, hard) = getrlimit(Resource::RLIMIT_STACK).expect("getrlimit");
    if hard < STACK {
        skip("the stack may not be so large (ulimit -Hs)");
        return false;
    }
    setrlimit(Resource::RLIMIT_STACK, soft.max(STACK), hard).expect("setrlimit");
    true
}

#[test]
fn variables() {
    if !allow_many() {
        return;
    }
    // A caller will do.
    for case in cases().into_iter().take(2) {
        let mut options = Vec::new();
        for index in 0..MANY / 2 {
            options.push("-e".to_owned());
            options.push(format!("A{index}="));
        }
        // Half of them once more, and half of the caller's, which is looked up for each.
        for index in 0..MANY / 4 {
            options.push("-e".to_owned());
            options.push(format!("A{index}=x"));
            options.push("-e".to_owned());
            options.push(format!("C{index}"));
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut command = case.command(&options, &["sh", "-c", "echo $A0,$A59999,$C1,$C29999"]);
        command.envs((0..MANY / 4).map(|index| (format!("C{index}"), "y")));
        let outcome = finish(command);
        assert_eq!(outcome.output(case), "x,,y,y\n", "{case}");
    }
}

#[test]
fn mounts() {
    if !allow_many() {
        return;
    }
    // The last one is refused, when all have been compared, before there is a child.
    for case in cases().into_iter().take(1) {
        let mut options = vec!["--rootfs".to_owned(), "/".to_owned()];
        for index in 0..MANY {
            options.push("-v".to_owned());
            options.push(format!("/:/m{index}"));
        }
        options.extend(["--tmpfs", "/m7"].map(String::from));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let outcome = case.run(&options, &["true"]);
        assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
        assert_eq!(
            outcome.stderr, "mydocker: --tmpfs /m7: another mount has the same target\n",
            "{case}"
        );
    }
}
