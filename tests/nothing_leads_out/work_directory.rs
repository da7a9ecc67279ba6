//! A volume that holds the upper directory's parent: what the container puts in the place of overlayfs' own directory,
//! or in it, the host's clean-up must not follow.

use crate::common::tree::*;
use crate::common::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// What the container does, with `$W` the work directory and `$V` the victim's path on the host; and what is left.
const ATTACKS: [(&str, &[&str]); 6] = [
    // The mode would be changed, and the content removed.
    ("rm -rf $W/work; ln -s $V $W/work", &["up"]),
    ("rm -rf $W/work; ln -s $V/inner $W/work", &["up"]),
    (
        "mv $W away; ln -s $V $W",
        &[".up.mydocker-work", "away", "up"],
    ),
    (
        "mv $W away; mkdir $W; ln -s $V $W/work",
        &[".up.mydocker-work", "away", "up"],
    ),
    (
        "mkdir -p $W/index/a; ln -s $V $W/index/a/b; ln -s $V/inner $W/c",
        &["up"],
    ),
    (
        "mkdir $W/d; mkdir $W/d/e; chmod 0 $W/d/e; chmod 0 $W/d; ln $W/../up/hard $W/hard",
        &["up"],
    ),
];

/// A directory of the host's with a mode and a content that are not to change.
fn victim(tree: &Tree) -> String {
    let victim = tree.directory("victim");
    let inner = Path::new(&victim).join("inner");
    std::fs::create_dir_all(inner.join("work")).unwrap();
    std::fs::write(inner.join("work/kept"), "kept\n").unwrap();
    std::fs::create_dir(Path::new(&victim).join("work")).unwrap();
    for (path, mode) in [(inner.as_path(), 0o711), (victim.as_ref(), 0o755)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    tree.give(victim.as_ref());
    victim
}

#[test]
fn links_in_its_place_lead_nowhere() {
    for case in cases() {
        for (attack, left) in ATTACKS {
            let Some(tree) = Tree::new(case) else { return };
            let victim = victim(&tree);
            let volume = tree.directory("volume");
            std::fs::create_dir(format!("{volume}/up")).unwrap();
            std::fs::remove_file(format!("{volume}/file")).unwrap();
            tree.give(volume.as_ref());
            let before = snapshot(victim.as_ref());
            let script = format!(
                "touch /mnt/up/hard; rm /bin/wc; cd /mnt; W=.up.mydocker-work; V={victim}; {attack}"
            );
            let overlay = format!("--overlay={volume}/up");
            let mount = format!("{volume}:/mnt");
            // Of busybox, which has more applets than the root has links.
            let outcome = tree.run(
                &[&overlay, "-v", &mount],
                &["/bin/busybox", "sh", "-c", &format!("alias ln='busybox ln' mv='busybox mv' rm='busybox rm' chmod='busybox chmod' mkdir='busybox mkdir'; eval '{script}'")],
            );
            assert_eq!(outcome.code(), Some(0), "{case} {attack}: {outcome:?}");
            assert_eq!(snapshot(victim.as_ref()), before, "{case} {attack}");
            let mut names: Vec<_> = std::fs::read_dir(&volume)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            assert_eq!(names, left, "{case} {attack}");
            assert!(
                Path::new(&volume).join("up/bin").exists(),
                "{case} {attack}"
            );
        }
    }
}

#[test]
fn one_that_was_planted_is_not_used() {
    for case in cases() {
        let Some(tree) = Tree::new(case) else { return };
        let victim = victim(&tree);
        let before = snapshot(victim.as_ref());
        let upper = tree.directory("up");
        let work = tree.beside(".up.mydocker-work");
        symlink(&victim, &work).unwrap();
        let overlay = format!("--overlay={upper}");
        let mount = format!(
            "type=overlay,source={},target=/mnt,upper={upper}",
            tree.directory("lower")
        );
        for options in [&[overlay.as_str()][..], &["--mount", &mount]] {
            let outcome = tree.run(options, &["/bin/true"]);
            assert_eq!(outcome.code(), Some(125), "{case}: {outcome:?}");
            assert!(
                outcome.stderr.contains(".up.mydocker-work"),
                "{case}: {outcome:?}"
            );
            assert_eq!(outcome.stderr.lines().count(), 1, "{case}: {outcome:?}");
        }
        assert_eq!(snapshot(victim.as_ref()), before, "{case}");
        // What a killed run has left is used, whatever was put in it.
        std::fs::remove_file(&work).unwrap();
        std::fs::create_dir_all(format!("{work}/work/more")).unwrap();
        symlink(&victim, format!("{work}/work/link")).unwrap();
        tree.give(work.as_ref());
        for options in [&[overlay.as_str()][..], &["--mount", &mount]] {
            let outcome = tree.run(options, &["/bin/true"]);
            assert_eq!(outcome.code(), Some(0), "{case}: {outcome:?}");
        }
        assert!(!Path::new(&work).exists(), "{case}");
        assert_eq!(snapshot(victim.as_ref()), before, "{case}");
    }
}
