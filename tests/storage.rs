//! `--storage-opt size=`: how much the writes of `--overlay` may take.

mod common;

#[test]
fn writes_beyond_the_size_do_not_fit() {
    common::tree::each(|case, tree| {
        let root = tree.name();
        let run = |size: &str, script: &str| {
            let options = ["--rootfs", &root, "--overlay", "--storage-opt", size];
            case.run(&options, &["sh", "-c", script])
        };
        for (size, fits) in [
            ("size=1m", false),
            ("size=8m", true),
            ("size=1048576", false),
        ] {
            let said = run(size, "dd if=/dev/zero of=/tmp/file bs=1M count=3 2>&1").stdout;
            assert_eq!(
                said.contains("No space left"),
                !fits,
                "{case} {size}: {said}"
            );
        }
        // The last one counts.
        let options = [
            "--rootfs",
            &root,
            "--overlay",
            "--storage-opt=size=1m",
            "--storage-opt=size=8m",
        ];
        let outcome = case.run(
            &options,
            &["sh", "-c", "dd if=/dev/zero of=/file bs=1M count=3"],
        );
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        // Files without content take memory too.
        let script = "i=0; while [ $i -lt 3000 ]; do : > /tmp/$i || exit 7; i=$((i+1)); done";
        let outcome = run("size=1m", script);
        assert_ne!(outcome.code(), Some(0), "{case}: {outcome:?}");
        assert!(
            outcome.stderr.contains("No space left"),
            "{case}: {outcome:?}"
        );
        // What is there already takes none.
        let outcome = run(
            "size=4k",
            "rm /bin/cat && echo x > /etc/hosts && ls /bin/sh",
        );
        assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        assert!(!tree.root().join("tmp/file").exists(), "{case}");
    });
}

#[test]
fn it_is_explained() {
    common::tree::each(|case, tree| {
        let root = tree.name();
        let options = [
            "--rootfs",
            &root,
            "--overlay",
            "--storage-opt=size=1m",
            "--explain",
        ];
        let outcome = case.run(&options, &["true"]);
        let said = outcome.output(case);
        assert!(said.contains("size=1048576"), "{case}: {said}");
    });
}

#[test]
fn what_it_cannot_bound_is_refused_in_one_line() {
    common::tree::each(|case, tree| {
        let root = tree.name();
        let upper = format!("--overlay={}", tree.directory("upper"));
        for (options, words) in [
            (
                &["--storage-opt=size=1m"][..],
                "--storage-opt: it needs --rootfs DIR",
            ),
            (
                &["--rootfs", &root, "--storage-opt=size=1m"],
                "--storage-opt size=1m: it needs --overlay",
            ),
            (
                &["--rootfs", &root, &upper, "--storage-opt=size=1m"],
                "--storage-opt size=1m: the writes of --overlay=UPPER go to a file system of yours",
            ),
            (
                &[
                    "--rootfs",
                    &root,
                    "--overlay",
                    "--storage-opt=dm.basesize=1g",
                ],
                "--storage-opt dm.basesize=1g: size=SIZE is all that there is here",
            ),
            (
                &["--rootfs", &root, "--overlay", "--storage-opt=size=0"],
                "--storage-opt size=0: it takes a size above 0",
            ),
            (
                &["--rootfs", &root, "--overlay", "--storage-opt=size=-1"],
                "--storage-opt size=-1: it takes a size above 0",
            ),
        ] {
            for explain in [&[][..], &["--explain"]] {
                let outcome = case.run(&[options, explain].concat(), &["true"]);
                assert_eq!(outcome.code(), Some(125), "{case} {options:?}: {outcome:?}");
                assert!(outcome.stderr.contains(words), "{case}: {outcome:?}");
                assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
            }
        }
    });
}
