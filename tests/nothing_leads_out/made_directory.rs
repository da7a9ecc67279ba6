//! A directory that `-w` makes belongs to the command's user.

use crate::common::tree::*;

#[test]
fn a_working_directory_that_is_made_is_the_users() {
    each(|case, tree| {
        let script = "stat -c '%n %u %g' /work /work/inner . /tmp; echo x > file && cat file";
        for options in [
            &["--overlay"][..],
            &["--overlay", "--userns=auto"],
            // (The place for it is made in DIR.)
            &["--tmpfs=/work:mode=755"],
        ] {
            if options.contains(&"--userns=auto") && case.caller != crate::common::Caller::Root {
                continue;
            }
            let all = [options, &["-u=smith", "-w=/work/inner/most"]].concat();
            let outcome = tree.shell(&all, script);
            let lines: Vec<&str> = outcome.stdout.lines().collect();
            // What was there is whose it was.
            let there = if case.caller == crate::common::Caller::Root {
                "/tmp 0 0"
            } else {
                "/tmp 1234 555"
            };
            let top = if options == ["--tmpfs=/work:mode=755"]
                && case.caller == crate::common::Caller::Root
            {
                "/work 0 0"
            } else {
                "/work 1234 555"
            };
            let expected = [top, "/work/inner 1234 555", ". 1234 555", there, "x"];
            assert_eq!(lines, expected, "{case} {options:?}: {outcome:?}");
        }
        // For root nothing is given away.
        let said = tree.says(&["--overlay", "-w=/work"], "stat -c '%u %g' .");
        assert_eq!(said, "0 0\n", "{case}");
    });
}
