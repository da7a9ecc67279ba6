//! A path of the container may be as deep as the kernel lets it be.

use crate::common::tree::*;

#[test]
fn targets_and_directories_of_a_hundred_names() {
    for calls in [&[][..], &BEFORE_5_2] {
        each(|case, tree| {
            let deep = |name: &str| format!("/{name}{}", "/d".repeat(120));
            let volume = format!("{}:{}", tree.directory("data"), deep("volume"));
            let options = [
                "--overlay",
                "-v",
                &volume,
                "--tmpfs",
                &deep("memory"),
                "-w",
                &deep("work"),
            ];
            let script = format!(
                "cat {}/file; pwd; touch {}/x",
                deep("volume"),
                deep("memory")
            );
            let expected = format!("of data\n{}\n", deep("work"));
            let said = tree.says_without(calls, &options, &script);
            assert_eq!(said, expected, "{case} {calls:?}");
            // What is there, and in DIR itself.
            std::fs::create_dir_all(tree.root().join(&deep("volume")[1..])).unwrap();
            tree.give(&tree.root().join("volume"));
            let said = tree.says_without(calls, &options[1..], &script);
            assert_eq!(said, expected, "{case} {calls:?}");
        });
    }
}

#[test]
fn links_are_followed_as_often_as_the_kernel_does() {
    for calls in [&[][..], &BEFORE_5_2] {
        each(|case, tree| {
            std::os::unix::fs::symlink("/mnt", tree.root().join("link0")).unwrap();
            for number in 1..=41 {
                let before = format!("link{}", number - 1);
                let link = tree.root().join(format!("link{number}"));
                std::os::unix::fs::symlink(before, link).unwrap();
            }
            let run = |target: &str| {
                let tmpfs = ["--overlay", "--tmpfs", target];
                tree.run_without(calls, &tmpfs, &["/bin/true"])
            };
            assert_eq!(run("/link39").code(), Some(0), "{case} {calls:?}");
            let outcome = run("/link40");
            assert_eq!(outcome.code(), Some(125), "{case} {calls:?}: {outcome:?}");
            assert!(
                outcome.stderr.contains("ELOOP"),
                "{case} {calls:?}: {outcome:?}"
            );
        });
    }
}
