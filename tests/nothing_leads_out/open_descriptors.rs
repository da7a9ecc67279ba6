//! Links of a hostile root that lead through a descriptor of the host's (CVE-2024-21626), while the kernel looks up
//! the command, its interpreter, its loader, an element of PATH, or the working directory.

use crate::common::tree::{Tree, each};
use crate::common::*;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// All that a process can usually have open; fewer where its limit leaves mydocker itself no room then.
fn highest() -> u32 {
    use nix::sys::resource::{Resource, getrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    u32::try_from(hard).map_or(1023, |hard| hard.saturating_sub(201).min(1023))
}

/// Says so, as a program without a loader: it can be a command, an interpreter and a loader.
const VICTIM: &str = r#"
#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov $1, %eax\n mov $1, %edi\n lea text(%rip), %rsi\n mov $4, %edx\n syscall\n"
        "mov $231, %eax\n xor %edi, %edi\n syscall\ntext: .ascii \"OUT\\n\"\n");
#else
__asm__(".globl _start\n_start: mov x8, #64\n mov x0, #1\n adr x1, text\n mov x2, #4\n svc 0\n"
        "mov x8, #94\n mov x0, #0\n svc 0\ntext: .ascii \"OUT\\n\"\n");
#endif
"#;

/// In place of NNNN there is the descriptor's number.
const LOADER: &str = "/through/NNNN";

/// Ways in which a root can have the kernel follow a link when it executes a file.
const WAYS: [&str; 4] = ["command", "script", "loader", "path"];

fn compile(source: &str, flags: &[&str], to: &Path) -> bool {
    let file = to.with_extension("c");
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("gcc");
    compiler
        .args(["-nostdlib", "-O1", "-fno-stack-protector"])
        .args(flags);
    match compiler.arg("-o").arg(to).arg(&file).status() {
        Ok(status) => assert!(status.success(), "{compiler:?}"),
        Err(_) => {
            skip("there is no gcc");
            return false;
        }
    }
    true
}

/// A file of the host's beside the root, and in the root, for each of these descriptors N, a directory /N with a command for each
/// of these ways that leads to it. `None`, and said so, without a C compiler.
fn prepare(tree: &Tree, ways: &[&str], numbers: &[u32]) -> Option<()> {
    let (root, victim) = (tree.root(), tree.beside("victim"));
    let static_pie = ["-static-pie", "-fPIE"];
    if !compile(VICTIM, &static_pie, Path::new(&victim)) {
        return None;
    }
    let loaded = tree.beside("loaded");
    let names_loader = format!("-Wl,--dynamic-linker={LOADER}");
    let flags = ["-pie", "-fPIE", &names_loader];
    assert!(compile(VICTIM, &flags, Path::new(&loaded)));
    let loaded = std::fs::read(&loaded).unwrap();
    let at = loaded
        .windows(LOADER.len())
        .position(|window| window == LOADER.as_bytes())
        .expect("the loader's name");

    std::fs::create_dir(root.join("through")).unwrap();
    let up = "../".repeat(12);
    for number in numbers {
        let out = format!(
            "/proc/self/fd/{number}/{up}{}",
            victim.trim_start_matches('/')
        );
        let through = format!("/through/{number:04}");
        symlink(&out, root.join(&through[1..])).unwrap();
        let directory = root.join(number.to_string());
        std::fs::create_dir(&directory).unwrap();
        for way in ways {
            let app = directory.join(way);
            match *way {
                "path" => {}
                "command" => symlink(&out, &app).unwrap(),
                "script" => executable(&app, format!("#!{through}\n").as_bytes()),
                _ => {
                    let mut program = loaded.clone();
                    program[at..at + LOADER.len()].copy_from_slice(through.as_bytes());
                    executable(&app, &program);
                }
            }
        }
    }
    tree.give(&root);
    Some(())
}

/// (No child of another thread can have it open: this program starts none meanwhile.)
fn executable(file: &Path, content: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(file, content).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Those that mydocker itself may have open, and some of the caller's.
fn some() -> Vec<u32> {
    (3..32).chain([255, 256, highest()]).collect()
}

/// Each is looked up in an instant, but the files for it take time: one case has them all.
fn numbers(case: Case) -> Vec<u32> {
    if cases().first() == Some(&case) {
        (3..=highest()).collect()
    } else {
        some()
    }
}

/// A PATH that goes through these descriptors: what is not found by one is looked for by the next.
fn path(tree: &Tree, way: &str, numbers: &[u32]) -> String {
    let elements = numbers.iter().map(|number| match way {
        "path" => {
            let beside = tree.beside("");
            format!("/proc/self/fd/{number}/{}{beside}", "../".repeat(12))
        }
        _ => format!("/{number}"),
    });
    format!("PATH={}", elements.collect::<Vec<_>>().join(":"))
}

/// Runs the container of a caller that has a directory open by every number.
fn run(case: Case, tree: &Tree, options: &[&str], command: &[&str]) -> Outcome {
    let highest = highest().to_string();
    let wrapper = ["inherit-all", &highest, "/tmp"];
    let name = tree.name();
    let options = [&["--rootfs", name.as_str()], options].concat();
    finish(case.wrapped(&wrapper, &options, command))
}

#[test]
fn no_descriptor_leads_out_while_the_command_is_looked_up() {
    each(|case, tree| {
        let Some(()) = prepare(tree, &WAYS, &numbers(case)) else {
            return;
        };
        // Outside it does what it is to do: or nothing would be tested.
        let said = finish(case.prepared(&[tree.beside("victim").into()]));
        assert_eq!(said.output(case), "OUT\n");
        let pool = Pool::of(case, tree);
        for options in &option_sets(case, tree, pool.as_ref()) {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            for way in WAYS {
                // All of them take a tenth of a second.
                let numbers = match (&options[..], way) {
                    ([], "path") => (3..=highest()).collect(),
                    ([], _) => numbers(case),
                    _ => some(),
                };
                let path = path(tree, way, &numbers);
                let command = if way == "path" { "victim" } else { way };
                let outcome = run(
                    case,
                    tree,
                    &[&options[..], &["-e", &path]].concat(),
                    &[command],
                );
                let what = format!("{case} {way} {options:?}: {outcome:?}");
                assert!(!outcome.stdout.contains("OUT"), "{what}");
                assert!(
                    outcome.code() == Some(127) || outcome.code() == Some(126),
                    "{what}"
                );
                // And not of its loader.
                assert!(outcome.stderr.starts_with("mydocker: "), "{what}");
            }
        }
    });
}

fn option_sets(case: Case, tree: &Tree, pool: Option<&Pool>) -> Vec<Vec<String>> {
    let kept = format!("--overlay={}", tree.directory("upper"));
    let times = tree.beside("times");
    let mut sets: Vec<Vec<&str>> = vec![
        vec![],
        vec!["-t"],
        vec!["-i"],
        vec!["--read-only"],
        vec!["--network", "host"],
        vec!["--timing", &times],
        vec!["--privileged"],
        vec!["--overlay"],
        vec![&kept],
        vec!["--init"],
        vec!["--pid", "host"],
        vec!["--timeout", "60"],
        vec!["--init", "-t", "--security-opt", "no-new-privileges=false"],
    ];
    if case.caller == Caller::Root {
        sets.push(vec!["-u", "1234"]);
        sets.push(vec!["--userns", "auto"]);
        sets.push(vec!["-m", "64m", "--cpus", "1"]);
        if let Some(pool) = pool {
            sets.push(vec!["--pool", &pool.directory]);
        }
    }
    let owned = |set: Vec<&str>| set.into_iter().map(str::to_owned).collect();
    sets.into_iter().map(owned).collect()
}

/// Each number takes a container: so some are tried in all cases, and of the others a part.
#[test]
fn no_descriptor_leads_out_as_working_directory() {
    each(|case, tree| {
        let all = cases();
        let own = all.iter().position(|each| *each == case).unwrap();
        let is_own = |number: &u32| *number as usize % 37 == own;
        let few = |number: &u32| *number < 12 || *number == highest();
        for number in (3..=highest()).filter(|number| few(number) || is_own(number)) {
            let end = ["", "/../../../../../../../.."][number as usize % 2];
            let directory = format!("/proc/self/fd/{number}{end}");
            let outcome = run(case, tree, &["-w", &directory], &["/bin/pwd"]);
            let what = format!("{case} {directory}: {outcome:?}");
            assert_eq!(outcome.code(), Some(125), "{what}");
            assert!(outcome.stderr.starts_with("mydocker: --workdir"), "{what}");
        }
    });
}

/// A kernel that cannot close a range (before 5.9) closes what /proc lists.
#[test]
fn nor_where_descriptors_are_closed_one_by_one() {
    each(|case, tree| {
        let Some(()) = prepare(tree, &["command"], &some()) else {
            return;
        };
        let highest = highest().to_string();
        let inherit = ["inherit-all", &highest, "/tmp", "--"].map(str::to_owned);
        let lacking = ["lacking".to_owned(), "close_range".to_owned()];
        let wrapper = [&inherit[..], &[probe_name()], &lacking].concat();
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        for options in [&[][..], &["--init"], &["-u", "1234"]] {
            let name = tree.name();
            let path = path(tree, "command", &some());
            let options = [&["--rootfs", name.as_str(), "-e", &path], options].concat();
            let outcome = finish(case.wrapped(&wrapper, &options, &["command"]));
            assert_eq!(outcome.code(), Some(127), "{case}: {outcome:?}");
            assert!(
                outcome.stderr.starts_with("mydocker: "),
                "{case}: {outcome:?}"
            );
        }
    });
}

/// A pool of root's; ended with this.
struct Pool {
    directory: String,
    child: Child,
}

impl Pool {
    fn of(case: Case, tree: &Tree) -> Option<Self> {
        if case.caller != Caller::Root || case.is_pooled() {
            return None;
        }
        let directory = tree.beside("pool");
        let mut command = Command::new(mydocker());
        command
            .args(["pool", "--size", "2", &directory])
            .stdin(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        Some(Self { directory, child })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        kill(self.child.id(), Signal::SIGTERM);
        wait(&mut self.child);
    }
}
