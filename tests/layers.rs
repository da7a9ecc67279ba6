//! The layers of `lib.rs`: imports point down only, `unsafe` lives in `sys` alone, and the
//! dependencies are the three that were agreed on.

use std::path::{Path, PathBuf};

/// From the top down. Modules on one line may use each other.
const LAYERS: &[&[&str]] = &[
    &["main", "entry"],
    &["lib"],
    &["explain"],
    &["commands", "oci"],
    &["runtime"],
    &["timing"],
    &["monitor"],
    &["store"],
    &["terminal"],
    &["preview"],
    &["host"],
    &["launch"],
    &["child"],
    &["verdict"],
    &["plan"],
    &["cgroup", "seccomp"],
    // A front end produces what `spec` defines, and knows nothing of what becomes of it.
    &["docker"],
    &["spec"],
    &["pool"],
    &["format"],
    &[
        "archive",
        "container_log",
        "control",
        "error",
        "field",
        "guard",
        "guide",
        "hint",
        "path_in_root",
        "json",
        "terminal_settings",
        "lingering",
        "locks",
        "log",
        "report",
        "result_file",
        "standard_streams",
        "time",
        "writable",
    ],
    // One system call each: it knows nothing of what they are for.
    &["sys"],
];

fn level(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("module {module} is in no layer"))
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Every source file with its top module and its text.
fn modules() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&root)
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let first = inside.components().next().unwrap().as_os_str();
            let module = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (path, module, text)
        })
        .collect()
}

#[test]
fn imports_point_down() {
    let mut seen = 0;
    for (path, module, text) in modules() {
        for (at, _) in text.match_indices("crate::") {
            let rest = &text[at + "crate::".len()..];
            let used: String = rest
                .chars()
                .take_while(|letter| letter.is_ascii_lowercase() || *letter == '_')
                .collect();
            if used.is_empty() || used == module {
                continue;
            }
            seen += 1;
            assert!(
                level(&used) >= level(&module),
                "{}: {module} uses {used}, which is above it",
                path.display()
            );
        }
    }
    assert!(seen > 50, "the search finds imports: {seen}");
}

#[test]
fn the_child_imports_no_more_than_it_may() {
    for (path, module, text) in modules() {
        if ["child", "path_in_root", "terminal_settings", "lingering"].contains(&module.as_str()) {
            let text = text.split("#[cfg(test)]").next().unwrap();
            for word in [
                "std::env",
                "std::io",
                "std::fs",
                "format!",
                "String",
                "crate::log",
                "Vec<",
            ] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}

#[test]
fn unsafe_is_in_sys_alone() {
    let mut blocks = 0;
    for (path, module, text) in modules() {
        for line in text.lines().map(str::trim) {
            if line.starts_with("//") || !line.contains("unsafe") || line.contains("unsafe_code") {
                continue;
            }
            blocks += 1;
            assert_eq!(module, "sys", "{}: {line}", path.display());
        }
    }
    assert!(blocks > 20, "the search finds unsafe code: {blocks}");
}

/// What reads as an option of ours, and is one of another program's.
const OF_OTHER_PROGRAMS: [&str; 2] = ["systemd-run --user --scope", "unshare --mount"];

/// `--memory`, somewhere in a text.
fn option_in(text: &str) -> Option<&str> {
    let (at, _) = text.match_indices("--").find(|(at, dashes)| {
        let name = &text[at + dashes.len()..];
        name.starts_with(|letter: char| letter.is_ascii_lowercase())
    })?;
    let rest = &text[at..];
    Some(&rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())])
}

/// A library's user has typed no option: errors below the front ends name fields (`field.rs`), and `docker` spells them.
#[test]
fn options_are_named_by_front_ends_alone() {
    assert_eq!(
        option_in("a\n  b -- c add --overlay, or"),
        Some("--overlay,")
    );
    for (path, module, text) in modules() {
        let is_test = path.ends_with("tests.rs");
        if is_test || ["docker", "oci", "guide"].contains(&module.as_str()) {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        let code = OF_OTHER_PROGRAMS
            .iter()
            .fold(code, |code, other| code.replace(other, ""));
        // By a unit test it would be said for all of them.
        let says_spelling = text.contains("field::spell(");
        assert_eq!(says_spelling, module == "lib", "{}", path.display());
        let found = option_in(&code);
        assert_eq!(found, None, "{} names an option", path.display());
    }
}

#[test]
fn processors_are_told_apart_in_one_place() {
    let mut places = modules()
        .into_iter()
        .filter(|(_, _, text)| text.contains("target_arch"))
        .map(|(path, _, _)| path);
    let place = places.next().unwrap();
    assert!(place.ends_with("sys/arch/mod.rs"), "{}", place.display());
    assert_eq!(places.next(), None);
}

#[test]
fn files_are_short() {
    for (path, _, text) in modules() {
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_dependencies_are_those_agreed_on() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let section = manifest
        .split("\n[")
        .find_map(|section| section.strip_prefix("dependencies]\n"))
        .unwrap();
    let names: Vec<&str> = section
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["libc", "syscalls", "lexopt"]);
}
