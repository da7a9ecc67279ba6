//! The root itself, and how it is entered.

use crate::bundle::{Bundle, each, each_of_root};
use crate::common::*;
use serde_json::json;

#[test]
fn a_root_is_absolute_or_below_the_bundle() {
    each(|mut bundle| {
        let marked = bundle.tree.root().join("etc/marked");
        std::fs::write(marked, "here\n").unwrap();
        for path in ["root".to_owned(), "./root/.".to_owned(), bundle.tree.name()] {
            bundle.config["root"]["path"] = json!(path);
            assert_eq!(
                bundle.says("cat /etc/marked; cd /; ls ../../etc/marked"),
                "here\n../../etc/marked\n"
            );
        }
        bundle.config["root"]["path"] = json!("nowhere");
        let refused = bundle.refusal("true");
        assert!(
            refused.contains("/nowhere: no such file or directory (ENOENT)"),
            "{refused}"
        );
    });
}

#[test]
fn nothing_of_the_host_is_mounted_inside() {
    each(|mut bundle| {
        for options in [&[][..], &["--no-pivot"]] {
            let script = "cut -d' ' -f5 /proc/self/mountinfo | grep -v '^/proc$\\|^/dev' ; ls /";
            let outcome = bundle.run_with(&[], options, script);
            let case = bundle.case;
            assert_eq!(
                outcome.stdout, "/\nbin\ndev\netc\nmnt\nproc\nsys\ntmp\n",
                "{case} {options:?}: {outcome:?}"
            );
        }
    });
}

#[test]
fn a_root_is_read_only_and_what_is_mounted_in_it_is_not() {
    each(|mut bundle| {
        bundle.config["root"]["readonly"] = json!(true);
        bundle.mount("/mnt/made tmpfs tmpfs");
        let outcome = bundle.run("touch /mnt/made/x /dev/x && echo fine; touch /x");
        assert_eq!(outcome.stdout, "fine\n", "{}: {outcome:?}", bundle.case);
        assert!(
            outcome.stderr.contains("/x: Read-only file system"),
            "{outcome:?}"
        );
        // Its own mount alone is.
        let made = bundle.tree.root().join("made-outside");
        std::fs::write(&made, "").unwrap();
    });
}

/// In a mount namespace whose mounts are shared, as systemd leaves them.
#[test]
fn mounts_pass_as_the_root_propagates() {
    const PASSES: &str = "mkdir -p /vol/in; mount -t tmpfs none /vol/in; cat /proc/self/mountinfo";
    each_of_root(|mut bundle| {
        let capabilities = json!(["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]);
        bundle.config["process"]["capabilities"] =
            json!({"bounding": capabilities, "effective": capabilities, "permitted": capabilities});
        let volume = bundle.tree.directory("volume");
        bundle.mount(&format!("/vol - {volume} rbind"));
        for (propagation, root, passes) in [
            (None, "-", false),
            (Some("rprivate"), "-", false),
            (Some("private"), "-", true),
            (Some("rslave"), "master:", false),
            (Some("shared"), "shared:", true),
            (Some("rshared"), "shared:", true),
            (Some("runbindable"), "unbindable", false),
        ] {
            bundle.config["linux"]["rootfsPropagation"] = json!(propagation);
            if propagation.is_none() {
                let linux = bundle.config["linux"].as_object_mut().unwrap();
                linux.remove("rootfsPropagation");
            }
            let outcome = shared(&mut bundle, &volume, PASSES);
            let (inside, after) = outcome
                .stdout
                .split_once("AFTER\n")
                .expect("what is mounted after");
            let of_root = inside
                .lines()
                .find(|line| line.split(' ').nth(4) == Some("/"));
            let of_root = of_root.unwrap_or_else(|| panic!("{propagation:?}: {outcome:?}"));
            let field = of_root.split(' ').nth(6).unwrap();
            assert!(field.starts_with(root), "{propagation:?}: {of_root}");
            let came = after.contains(&format!("{volume}/in "));
            assert_eq!(came, passes, "{propagation:?}: {after}");
            // Nothing has been taken away from the host, and nothing else has come.
            assert!(
                after.contains("/proc ") && after.contains(&format!("{volume} ")),
                "{after}"
            );
            assert!(
                !after.contains(&bundle.tree.name()),
                "{propagation:?}: {after}"
            );
        }
    });
}

/// Runs the bundle among mounts that are shared; what is mounted there after it.
fn shared(bundle: &mut Bundle, volume: &str, script: &str) -> Outcome {
    bundle.write(script);
    let around = format!(
        "mount --make-rshared / && mount -t tmpfs none {volume} && \"$@\"; \
         echo AFTER; cut -d' ' -f5,7 /proc/self/mountinfo"
    );
    let before = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        &around,
        "sh",
    ];
    finish(bundle.case.prepared(&bundle.line(&before, &[])))
}
