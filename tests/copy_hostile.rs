//! `mydocker cp` where the container, or an archive, is against us: nothing of the host's is read or written.

mod common;

use common::stay::*;
use common::*;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

const SLEEP: [&str; 2] = ["/bin/sleep", "1000"];

/// A member of an archive, with what is wrong with it: fields that are written over, each at its place.
fn member(
    name: &str,
    kind: char,
    link: &str,
    content: &[u8],
    fields: &[(usize, &[u8])],
) -> Vec<u8> {
    let mut block = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, b"00000000017\0");
    put(148, b"        ");
    put(156, &[kind as u8]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    for (at, bytes) in fields {
        put(*at, bytes);
    }
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn file(name: &str) -> Vec<u8> {
    member(name, '0', "", b"new", &[])
}

/// A pax header with these records.
fn pax(records: &[u8]) -> Vec<u8> {
    member("pax", 'x', "", records, &[])
}

fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n").into_bytes()
}

impl Copies<'_> {
    /// A canary beside the root, and what must become of neither.
    fn new(stay: &Stay) -> Copies<'_> {
        let outside = PathBuf::from(stay.tree().directory("outside"));
        Copies { stay, outside }
    }

    /// `cp - TARGET`, with an archive of these members.
    fn unpack(&self, target: &str, members: &[Vec<u8>]) -> Outcome {
        let archive = self.stay.tree().beside("archive");
        fs::write(&archive, members.concat()).unwrap();
        let mut command = self.stay.command(&["cp", "-q", "-", target]);
        command.stdin(fs::File::open(&archive).unwrap());
        finish(command)
    }

    #[track_caller]
    fn is_untouched(&self) {
        let names: Vec<_> = fs::read_dir(&self.outside).unwrap().collect();
        assert_eq!(names.len(), 1, "{} {names:?}", self.stay.case);
        let file = self.outside.join("file");
        assert_eq!(
            fs::read(&file).unwrap(),
            b"of outside\n",
            "{}",
            self.stay.case
        );
        assert_eq!(file.metadata().unwrap().nlink(), 1, "{}", self.stay.case);
    }
}

struct Copies<'a> {
    stay: &'a Stay,
    outside: PathBuf,
}

#[test]
fn whatever_an_archive_says_it_stays_in_the_root() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let copies = Copies::new(stay);
        let root = stay.tree().root();
        let outside = copies.outside.to_str().unwrap().to_owned();
        let end = vec![0; 1024];
        let link = |content: &str| member("link", '2', content, b"", &[]);
        let long = "x/".repeat(5_000);
        let up = format!("../../..{outside}/file");
        // What is refused.
        for (members, why) in [
            (vec![file("../../outside/new")], "it leads up"),
            (vec![file("a/../../b")], "it leads up"),
            (vec![member("hard", '1', &up, b"", &[])], "it leads up"),
            (
                vec![member("hard", '1', &format!("{outside}/file"), b"", &[])],
                "ENOENT",
            ),
            (
                vec![link(&outside), member("hard", '1', "link/file", b"", &[])],
                "ENOENT",
            ),
            (vec![pax(&record("path", &long)), file("x")], "ENAMETOOLONG"),
            (
                vec![pax(&record("path", &"x".repeat(10_000))), file("x")],
                "ENAMETOOLONG",
            ),
            (
                vec![pax(&record("path", "a\0b")), file("x")],
                "without a name",
            ),
            (vec![pax(b"7 path=xy\n")], "pax header"),
            (vec![pax(b"99999999999999999999 path=x\n")], "pax header"),
            (vec![pax(b"0 path=x\n")], "pax header"),
            (vec![pax(b"-5 path=x\n")], "pax header"),
            (vec![pax(b"8 path=x\n"), file("x")], "pax header"),
            (
                vec![pax(&record("size", "18446744073709551615")), file("x")],
                "in the middle",
            ),
            (
                vec![pax(&record("size", "18446744073709551616")), file("x")],
                "pax header",
            ),
            (
                vec![pax(&record("uid", "4294967296")), file("x")],
                "pax header",
            ),
            (
                vec![member("pax", 'x', "", b"", &[(124, b"77777777777\0")])],
                "too long",
            ),
            (
                vec![member("x", '0', "", b"", &[(124, &[0xff; 12])])],
                "a number",
            ),
            (
                vec![member("x", '0', "", b"", &[(108, &[0xff; 8])])],
                "a number",
            ),
            (
                vec![member("x", '0', "", b"", &[(124, b"-0000000001\0")])],
                "a number",
            ),
            (
                vec![member(
                    "x",
                    '0',
                    "",
                    b"",
                    &[(124, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff")],
                )],
                "in the middle",
            ),
            (vec![file("x")[..514].to_vec()], "in the middle"),
            (vec![file("x")[..300].to_vec()], "no tar archive"),
            (vec![file("x"), vec![b'x'; 512]], "damaged"),
            (
                vec![member("dir", '5', "", b"", &[]), file("dir")],
                "cannot overwrite directory",
            ),
        ] {
            let outcome = copies.unpack("web:/tmp", &members);
            let label = format!("{} {why}: {outcome:?}", stay.case);
            assert_eq!(outcome.code(), Some(1), "{label}");
            assert!(outcome.stderr.contains(why), "{label}");
            assert_eq!(outcome.stderr.lines().count(), 1, "{label}");
            copies.is_untouched();
        }
        // What is another thing there than it would be here.
        let deep = "d/".repeat(300) + "file";
        let before = [
            member("etc", '2', "/etc", b"", &[]),
            member("up", '2', "../../../../etc", b"", &[]),
            member("out", '2', &outside, b"", &[]),
            file("etc/by-link"),
            file("up/by-up"),
            file("out/new"),
            file("/absolute"),
            member("hard", '1', "/absolute", b"", &[]),
            member("pipe", '6', "", b"", &[]),
            pax(&record("path", &deep)),
            file("short"),
            // In place of what a link leads to: the link is replaced.
            member("victim", '2', "/etc/passwd", b"", &[]),
            file("victim"),
            end,
        ];
        let outcome = copies.unpack("web:/tmp", &before);
        assert_eq!(
            (outcome.code(), outcome.stderr.as_str()),
            (Some(0), ""),
            "{}",
            stay.case
        );
        copies.is_untouched();
        for name in [
            "etc/by-link",
            "etc/by-up",
            "tmp/absolute",
            "tmp/hard",
            "tmp/victim",
        ] {
            assert_eq!(
                fs::read(root.join(name)).unwrap(),
                b"new",
                "{} {name}",
                stay.case
            );
        }
        assert!(root.join("tmp").join(&deep).exists());
        assert!(
            root.join(outside.trim_start_matches('/'))
                .join("new")
                .exists()
        );
        assert!(
            root.join("tmp/pipe")
                .symlink_metadata()
                .unwrap()
                .file_type()
                .is_fifo()
        );
        assert!(
            fs::read_to_string(root.join("etc/passwd"))
                .unwrap()
                .contains("root:")
        );
        // No device, and no program of someone's whom the container has not.
        let given = copies.unpack(
            "web:/tmp",
            &[
                member(
                    "null",
                    '3',
                    "",
                    b"",
                    &[(329, b"0000001\0"), (337, b"0000003\0")],
                ),
                member(
                    "program",
                    '0',
                    "",
                    b"x",
                    &[(100, b"0006755\0"), (108, b"\x80\0\0\0\xff\xff\xff\xff")],
                ),
            ],
        );
        assert_eq!(given.code(), Some(1), "{} {given:?}", stay.case);
        assert!(
            given
                .stderr
                .contains("web:/tmp/null: left out: it is a device"),
            "{given:?}"
        );
        assert!(root.join("tmp/null").symlink_metadata().is_err());
        let program = root.join("tmp/program").metadata().unwrap();
        assert_eq!(program.mode() & 0o7777, 0o755, "{}", stay.case);
        let over = copies.unpack("web:/dev", &[file("null")]);
        assert!(
            over.stderr.contains("cannot overwrite a device"),
            "{over:?}"
        );
    });
}

/// Swaps two names for as long as it lives.
fn while_swapped(one: &Path, other: &Path, test: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).unwrap();
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        is_over.store(true, Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn who_swaps_a_directory_and_a_link_gets_nothing_out() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let copies = Copies::new(stay);
        let root = stay.tree().root();
        let here = stay.tree().directory("here");
        let back = stay.tree().directory("back");
        let merged = stay.tree().directory("dir");
        let swapped = root.join("tmp/a/dir");
        fs::create_dir_all(&swapped).unwrap();
        fs::write(swapped.join("file"), "inside").unwrap();
        let archive = [
            member("dir", '5', "", b"", &[]),
            file("dir/new"),
            file("dir/sub/new"),
        ];
        let rounds = if is_brief() { 1 } else { 4 };
        for content in [copies.outside.to_str().unwrap(), "../../../outside"] {
            let link = root.join("tmp/a/link");
            symlink(content, &link).unwrap();
            stay.tree().give(&root.join("tmp"));
            while_swapped(&swapped, &link, || {
                for round in 0..rounds {
                    for source in ["a/dir/file", "a/dir/.", "a", "a/link/file"] {
                        let to = format!("{back}/{round}");
                        stay.outcome(&["cp", "-q", "-L", &format!("web:/tmp/{source}"), &to]);
                        let packed = stay.outcome(&["cp", &format!("web:/tmp/{source}"), "-"]);
                        assert!(!packed.stdout.contains("of outside"), "{}", stay.case);
                    }
                    for target in ["a/dir", "a/dir/new", "a/link/", "a/dir/../link/new"] {
                        let target = format!("web:/tmp/{target}");
                        stay.outcome(&["cp", "-q", &format!("{here}/file"), &target]);
                        stay.outcome(&["cp", "-q", "-a", &format!("{here}/."), &target]);
                    }
                    stay.outcome(&["cp", "-q", &merged, "web:/tmp/a"]);
                    copies.unpack("web:/tmp/a", &archive);
                }
            });
            copies.is_untouched();
            fs::remove_file(&link)
                .or_else(|_| fs::remove_file(&swapped))
                .unwrap();
            if link.exists() {
                fs::rename(&link, &swapped).unwrap();
            }
        }
        for_each_file(Path::new(&back), &mut |file| {
            assert_ne!(fs::read(file).unwrap(), b"of outside\n", "{file:?}");
        });
    });
}

fn for_each_file(directory: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap() {
            facts if facts.is_dir() => for_each_file(&path, each),
            facts if facts.is_file() => each(&path),
            _ => {}
        }
    }
}

#[test]
fn hostile_trees_do_no_harm_here() {
    each_stay(|stay| {
        stay.says(&[&["run", "-d", "--name", "web"], &SLEEP[..]].concat());
        let copies = Copies::new(stay);
        let hostile = stay.tree().root().join("tmp/hostile");
        fs::create_dir_all(hostile.join("sub")).unwrap();
        fs::write(hostile.join("a\nb\x1b[2J"), "x").unwrap();
        fs::write(hostile.join("-rf"), "x").unwrap();
        symlink(&copies.outside, hostile.join("link")).unwrap();
        mkfifo(&hostile.join("pipe"), Mode::from_bits_truncate(0o644)).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(hostile.join("socket")).unwrap();
        if stay.case.caller == Caller::Root {
            let null = hostile.join("device");
            mknod(
                &null,
                SFlag::S_IFCHR,
                Mode::from_bits_truncate(0o666),
                makedev(1, 3),
            )
            .unwrap();
        }
        stay.tree().give(&hostile);
        let back = stay.tree().directory("back");
        let outcome = stay.outcome(&["cp", "-q", "web:/tmp/hostile", &back]);
        assert_eq!(outcome.code(), Some(1), "{} {outcome:?}", stay.case);
        for line in outcome.stderr.lines() {
            assert!(
                line.contains(": left out: it is a "),
                "{} {outcome:?}",
                stay.case
            );
        }
        let made = Path::new(&back).join("hostile");
        let kind = |name: &str| {
            made.join(name)
                .symlink_metadata()
                .map(|facts| facts.file_type())
        };
        assert!(kind("a\nb\x1b[2J").unwrap().is_file());
        assert!(kind("link").unwrap().is_symlink());
        assert!(kind("pipe").unwrap().is_fifo());
        assert!(kind("device").is_err() && kind("socket").is_err());
        // Over what the copy itself has made: the link is no way out, nor is one that was here.
        fs::remove_file(hostile.join("link")).unwrap();
        fs::create_dir(hostile.join("link")).unwrap();
        fs::write(hostile.join("link/new"), "x").unwrap();
        let said = stay.outcome(&["cp", "-q", "web:/tmp/hostile/link", made.to_str().unwrap()]);
        assert!(
            said.stderr
                .contains("cannot overwrite non-directory with directory"),
            "{said:?}"
        );
        copies.is_untouched();
        // A message is one line, whatever is in it.
        let said = stay.fails(1, &["cp", "web:/tmp/hostile/no\n\x1b[2Jthing", &back]);
        assert!(!said.contains('\x1b'), "{said:?}");
        // Root's file is no one's to the user's container. (The user's own would be its root's.)
        if stay.case.caller != Caller::Root && nix::unistd::geteuid().is_root() {
            let closed = hostile.join("sub/closed");
            fs::write(&closed, "x").unwrap();
            fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
            let said = stay.fails(1, &["cp", "web:/tmp/hostile/sub", &back]);
            assert!(said.contains("web:/tmp/hostile/sub/closed"), "{said}");
        }
    });
}
