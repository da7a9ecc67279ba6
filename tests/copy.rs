//! `mydocker cp`: files of a container, both ways, and nothing of the host's.

mod common;

use common::stay::*;
use common::*;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Uid, chown, mkfifo};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

const SLEEP: [&str; 2] = ["/bin/sleep", "1000"];

#[test]
fn files_go_both_ways_while_it_runs_and_later() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let here = stay.tree().directory("here");
        let (file, back) = (format!("{here}/file"), format!("{here}/back"));
        let root = stay.tree().root();
        for round in 0..2 {
            stay.says(&["cp", "-q", &file, "web:/tmp/new"]);
            assert_eq!(std::fs::read(root.join("tmp/new")).unwrap(), b"of here\n");
            std::fs::write(root.join("tmp/new"), [0, 255, round]).unwrap();
            stay.says(&["cp", "-q", "web:tmp/new", &back]);
            assert_eq!(std::fs::read(&back).unwrap(), [0, 255, round]);
            stay.says(&["cp", "-q", &here, "web:/tmp"]);
            assert!(root.join("tmp/here/file").exists(), "{}", stay.case);
            stay.says(&["cp", "-q", &format!("{here}/."), "web:/mnt"]);
            assert!(root.join("mnt/file").exists(), "{}", stay.case);
            let said = stay.fails(1, &["cp", &file, "web:/no/where"]);
            assert!(said.contains("web:/no/where: no such directory"), "{said}");
            let said = stay.fails(1, &["cp", "web:/no", &back]);
            assert!(
                said.contains("Could not find the file /no in container web"),
                "{said}"
            );
            if round == 0 {
                stay.says(&["stop", "-t", "0", "web"]);
            }
        }
    });
}

#[test]
fn no_link_leads_out_and_no_program_gains() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let outside = stay.tree().directory("outside");
        let root = stay.tree().root();
        symlink(&outside, root.join("tmp/absolute")).unwrap();
        symlink("../../outside", root.join("tmp/up")).unwrap();
        let file = stay.tree().beside("outside/file");
        for link in ["absolute", "up"] {
            stay.fails(1, &["cp", &format!("web:/tmp/{link}/file"), "/dev/null/x"]);
            stay.fails(1, &["cp", &file, &format!("web:/tmp/{link}/new")]);
            stay.fails(1, &["cp", "-L", &format!("web:/tmp/{link}"), &outside]);
        }
        assert_eq!(
            std::fs::read_dir(&outside).unwrap().count(),
            1,
            "{}",
            stay.case
        );
        let program = root.join("tmp/program");
        std::fs::write(&program, "").unwrap();
        stay.tree().give(&program);
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o6755)).unwrap();
        let copy = format!("{outside}/program");
        stay.says(&["cp", "-q", "web:/tmp/program", &copy]);
        let mode = Path::new(&copy).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "{}", stay.case);
    });
}

#[test]
fn what_is_no_file_here_is_not_replaced() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let here = stay.tree().directory("here");
        let file = format!("{here}/file");
        let pipe = format!("{here}/pipe");
        mkfifo(pipe.as_str(), Mode::from_bits_truncate(0o644)).unwrap();
        let mut targets = vec![pipe, "web:/dev/null".to_owned()];
        if stay.case.caller == Caller::Root {
            let device = format!("{here}/device");
            let null = makedev(1, 3);
            mknod(
                device.as_str(),
                SFlag::S_IFCHR,
                Mode::from_bits_truncate(0o666),
                null,
            )
            .unwrap();
            let link = format!("{here}/link");
            symlink("device", &link).unwrap();
            fs::create_dir(stay.tree().root().join("tmp/devices")).unwrap();
            fs::write(stay.tree().root().join("tmp/devices/device"), "x").unwrap();
            let said = stay.fails(1, &["cp", "web:/tmp/devices/.", &here]);
            assert!(said.contains("device: cannot overwrite a device"), "{said}");
            assert!(fs::metadata(&device).unwrap().file_type().is_char_device());
            targets.extend([device, link]);
        }
        for target in targets {
            let source = if target.starts_with("web:") {
                file.as_str()
            } else {
                "web:/etc/passwd"
            };
            let said = stay.fails(1, &["cp", source, &target]);
            assert!(
                said.contains("must be a directory or a regular file"),
                "{} {said}",
                stay.case
            );
        }
    });
}

#[test]
fn a_copy_goes_where_docker_has_it() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let (root, here) = (stay.tree().root(), stay.tree().directory("here"));
        fs::create_dir_all(root.join("tmp/dir/sub")).unwrap();
        fs::write(root.join("tmp/dir/sub/file"), "below").unwrap();
        symlink("dir/sub", root.join("tmp/link")).unwrap();
        stay.tree().give(&root.join("tmp"));
        let made = Path::new(&here);
        for (source, target, file) in [
            ("tmp/dir", "new", "new/sub/file"),
            ("tmp/dir/", "new", "new/dir/sub/file"),
            ("tmp/dir/.", "new2", "new2/sub/file"),
            ("tmp/dir/.", "new2", "new2/sub/file"),
            ("tmp/dir", ".", "dir/sub/file"),
            ("tmp/dir/", "new3/", "new3/sub/file"),
            ("tmp/link/", "new4", "new4/file"),
            ("tmp/link/.", "new5", "new5/file"),
            ("tmp/link/file", "new6", "new6"),
            ("tmp/link/file", "new5/", "new5/file"),
            ("tmp/link/file", "new6", "new6"),
            ("../../tmp/dir/../dir/sub/file", "new7", "new7"),
        ] {
            stay.says(&[
                "cp",
                "-q",
                &format!("web:{source}"),
                &format!("{here}/{target}"),
            ]);
            let read = fs::read_to_string(made.join(file));
            assert_eq!(
                read.ok().as_deref(),
                Some("below"),
                "{} {source} {target}",
                stay.case
            );
        }
        stay.says(&["cp", "-q", "web:/tmp/link", &format!("{here}/link")]);
        assert_eq!(
            fs::read_link(made.join("link")).unwrap(),
            Path::new("dir/sub")
        );
        stay.says(&["cp", "-qL", "web:/tmp/link", &format!("{here}/led")]);
        assert!(made.join("led/file").is_file());
        for (source, target, why) in [
            ("web:/tmp/dir", "file", "cannot copy directory"),
            ("web:/tmp/link/file", "none/", "no such directory"),
            ("web:/tmp/link/file", "none/x", "no such directory"),
            ("web:/tmp/link/file", "file/x", "not a directory"),
            ("web:/tmp/link/file/", "x", "ENOTDIR"),
            (
                "web:/none",
                "x",
                "Could not find the file /none in container web",
            ),
            ("web:/tmp", "-x/../../none/y", "no such directory"),
            ("none:/tmp", "x", "No such container: none"),
        ] {
            let said = stay.fails(1, &["cp", source, &format!("{here}/{target}")]);
            assert!(
                said.contains(why),
                "{} {source} {target}: {said}",
                stay.case
            );
        }
        let said = stay.fails(1, &["cp", "web:/tmp", "web:/mnt"]);
        assert!(
            said.contains("copying between containers is not supported"),
            "{said}"
        );
        // What one has packed the other unpacks.
        let archive = stay.tree().beside("archive");
        let packed = std::process::Stdio::from(fs::File::create(&archive).unwrap());
        let mut command = stay.command(&["cp", "web:/tmp/dir", "-"]);
        let status = command.stdout(packed).status().unwrap();
        assert!(status.success(), "{}", stay.case);
        for (target, code) in [("web:/mnt", 0), ("web:/etc/passwd", 1), ("web:/none", 1)] {
            let mut command = stay.command(&["cp", "-q", "-", target]);
            command.stdin(fs::File::open(&archive).unwrap());
            assert_eq!(finish(command).code(), Some(code), "{} {target}", stay.case);
        }
        assert_eq!(fs::read(root.join("mnt/dir/sub/file")).unwrap(), b"below");
    });
}

#[test]
fn owners_and_modes() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let (root, here) = (stay.tree().root(), stay.tree().directory("here"));
        let is_root = stay.case.caller == Caller::Root;
        let ours = fs::metadata(&here).unwrap().uid();
        let program = root.join("tmp/program");
        fs::write(&program, "x").unwrap();
        stay.tree().give(&program);
        if is_root {
            chown(&program, Some(Uid::from_raw(1234)), None).unwrap();
        }
        fs::set_permissions(&program, PermissionsExt::from_mode(0o4751)).unwrap();
        let facts = |path: &str| {
            let facts = fs::metadata(path).unwrap();
            (facts.uid(), facts.mode() & 0o7777)
        };
        let kept = if is_root {
            (1234, 0o4751)
        } else {
            (ours, 0o751)
        };
        for (option, expected) in [("-q", (ours, 0o751)), ("-qa", kept)] {
            let to = format!("{here}/program{option}");
            stay.says(&["cp", option, "web:/tmp/program", &to]);
            assert_eq!(facts(&to), expected, "{} {option}", stay.case);
        }
        let back = stay.tree().name() + "/tmp/back";
        let kept = if is_root { 1234 } else { ours };
        for (option, owner) in [("-q", ours), ("-qa", kept)] {
            stay.says(&["cp", option, &format!("{here}/program-qa"), "web:/tmp/back"]);
            assert_eq!(facts(&back).0, owner, "{} {option}", stay.case);
        }
    });
}

#[test]
fn neither_the_kernels_files_nor_one_that_grows_keep_it() {
    each_stay(|stay| {
        let grow = "while :; do dd if=/bin/busybox bs=64k 2>/dev/null; done >/tmp/grown";
        stay.says(&["run", "-d", "--name", "web", "/bin/sh", "-c", grow]);
        let here = stay.tree().directory("here");
        let grown = stay.tree().root().join("tmp/grown");
        let size = || grown.metadata().map_or(0, |facts| facts.len());
        assert!(eventually(|| size() > 0));
        stay.says(&["cp", "-q", "web:/tmp/grown", &format!("{here}/grown")]);
        stay.says(&["kill", "web"]);
        stay.becomes("exited", "web");
        fs::write(&grown, "").unwrap();
        stay.says(&["rm", "web"]);
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        stay.says(&["cp", "-q", "web:/", &format!("{here}/all")]);
        for (name, is_empty) in [("proc", true), ("dev", true), ("sys", true), ("etc", false)] {
            let mut names = fs::read_dir(format!("{here}/all/{name}")).unwrap();
            assert_eq!(names.next().is_none(), is_empty, "{} {name}", stay.case);
        }
        stay.says(&["cp", "-q", "web:/proc/version", &format!("{here}/version")]);
        let version = fs::read_to_string(format!("{here}/version")).unwrap();
        assert!(version.starts_with("Linux"), "{version}");
    });
}

#[test]
fn what_is_not_there_or_may_not_be_written() {
    each_stay(|stay| {
        let here = stay.tree().directory("here");
        let (file, data) = (format!("{here}/file"), stay.tree().directory("data"));
        let mount = format!("{data}:/mnt");
        let start = |name, options: &[&str]| {
            let detached = ["run", "-d", "--name", name];
            stay.says(&[&detached[..], options, &SLEEP].concat());
        };
        start("closed", &["--read-only", "-v", &mount]);
        start("memory", &["--overlay"]);
        let upper = format!("--overlay={}", stay.tree().directory("upper"));
        start("upper", &[&upper]);
        stay.says(&["cp", "-q", &file, "upper:/tmp/new"]);
        let said = stay.fails(1, &["cp", &file, "closed:/tmp/x"]);
        assert!(said.contains("EROFS"), "{said}");
        stay.says(&["cp", "-q", &file, "closed:/mnt/new"]);
        assert!(Path::new(&data).join("new").exists());
        stay.says(&["cp", "-q", &file, "memory:/tmp/new"]);
        stay.says(&["cp", "-q", "memory:/tmp/new", &format!("{here}/back")]);
        // Where it has a cgroup that can be frozen.
        let paused = stay.outcome(&["pause", "closed"]).code() == Some(0);
        stay.says(&["cp", "-q", "closed:/etc/passwd", &format!("{here}/passwd")]);
        if paused {
            stay.says(&["unpause", "closed"]);
        }
        stay.says(&["stop", "-t", "0", "closed", "memory", "upper"]);
        for (source, target, why) in [
            (
                file.as_str(),
                "closed:/tmp/x",
                "its root file system is read-only",
            ),
            (
                "closed:/mnt/new",
                &file,
                "what is mounted there is there while it runs",
            ),
            (
                "closed:/tmp/../mnt/",
                &file,
                "what is mounted there is there while it runs",
            ),
            ("memory:/tmp/new", &file, "its overlay in memory is gone"),
            (
                "upper:/tmp/new",
                &file,
                "files are those of several directories together",
            ),
        ] {
            let said = stay.fails(1, &["cp", source, target]);
            assert!(
                said.contains(why),
                "{} {source} {target}: {said}",
                stay.case
            );
        }
        stay.says(&["cp", "-q", "closed:/etc/passwd", &format!("{here}/passwd")]);
    });
}

#[test]
fn a_link_that_someone_has_planted_is_not_followed() {
    each_stay(|stay| {
        if !Uid::effective().is_root() {
            return skip_root_only("a link of someone else's");
        }
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let here = stay.tree().directory("here");
        let tmp = stay.tree().beside("tmp");
        fs::create_dir(&tmp).unwrap();
        fs::set_permissions(&tmp, PermissionsExt::from_mode(0o1777)).unwrap();
        let ours = fs::metadata(&here).unwrap().uid();
        for (owner, code) in [(ours, 0), (4321, 1)] {
            let link = format!("{tmp}/{owner}");
            symlink(format!("{here}/file"), &link).unwrap();
            lchown(&link, Some(owner), None).unwrap();
            fs::write(format!("{here}/file"), "mine").unwrap();
            let said = stay.outcome(&["cp", "-q", "web:/etc/passwd", &link]);
            assert_eq!(said.code(), Some(code), "{} {owner}: {said:?}", stay.case);
            let is_same = fs::read(format!("{here}/file")).unwrap() == b"mine";
            assert_eq!(is_same, code != 0, "{} {owner}", stay.case);
            assert!(link_is_there(&link));
            let said = stay.outcome(&["cp", "-qL", &link, "web:/tmp/led"]);
            assert_eq!(said.code(), Some(code), "{} {owner}: {said:?}", stay.case);
        }
    });
}

fn link_is_there(link: &str) -> bool {
    Path::new(link)
        .symlink_metadata()
        .is_ok_and(|facts| facts.is_symlink())
}
