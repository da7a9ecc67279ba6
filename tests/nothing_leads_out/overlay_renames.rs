//! A directory of a lower layer can be renamed, where the kernel lets root.

use crate::common::tree::*;
use crate::common::*;

#[test]
fn a_directory_of_a_lower_layer_is_renamed() {
    each(|case, tree| {
        std::fs::create_dir(tree.root().join("mnt/old")).expect("a directory");
        std::fs::write(tree.root().join("mnt/old/file"), "whole\n").expect("a file");
        tree.give(&tree.root());
        let before = tree.snapshot();
        let upper = tree.directory("upper");
        let kept = format!("--overlay={upper}");
        let source = tree.root().join("mnt");
        let layers = format!(
            "--mount=type=overlay,source={},target=/mnt",
            source.display()
        );
        for options in [
            &["--overlay"][..],
            &[&kept],
            &[&layers],
            &["--overlay", "--userns=auto"],
        ] {
            // Who has no such call copies, and then it is another one.
            let script = "stat -c %i /mnt/old; mv /mnt/old /mnt/new; stat -c %i /mnt/new; cat /mnt/new/file; ls /mnt";
            if options.contains(&"--userns=auto") && case.caller != Caller::Root {
                continue;
            }
            let said = tree.says(options, script);
            let lines: Vec<&str> = said.lines().collect();
            assert_eq!(lines[2..], ["whole", "new"], "{case} {options:?}");
            let renames = case.caller == Caller::Root && !options.contains(&"--userns=auto");
            assert_eq!(lines[0] == lines[1], renames, "{case} {options:?}: {said}");
        }
        // What was renamed is found again.
        assert_eq!(
            tree.says(&[&kept], "cat /mnt/new/file"),
            "whole\n",
            "{case}"
        );
        assert_eq!(tree.snapshot(), before, "{case}");
    });
}
