//! No file of `src` or `bench` imports one that imports it, directly or by others: each can be read after those that it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module, by its path from the top.
type Module = Vec<String>;

/// The file of each module.
fn files(top: &Path, directory: &Path, found: &mut BTreeMap<Module, PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(top, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path.strip_prefix(top).unwrap().with_extension("");
            let mut module: Module = inside
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            let last = module.last().unwrap();
            if ["mod", "lib", "main"].contains(&last.as_str()) {
                module.pop();
            }
            found.entry(module).or_insert(path);
        }
    }
}

/// The code of a file, without its comments and its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths that a tree of imports names: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn leaves(before: &[String], tree: &str, found: &mut Vec<Module>) {
    let parts = |text: &str| -> Module {
        let text = text.split(" as ").next().unwrap();
        text.split("::")
            .map(str::trim)
            .filter(|part| !["", "*", "self"].contains(part))
            .map(ToOwned::to_owned)
            .collect()
    };
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        found.push([before, &parts(tree)].concat());
        return;
    };
    let before = [before, &parts(&tree[..open])].concat();
    let inside = &tree[open + 1..tree.rfind('}').unwrap()];
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in inside.char_indices().chain([(inside.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inside[start..at].trim().is_empty() {
                    leaves(&before, &inside[start..at], found);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// What a file names of the crate's modules.
fn named(module: &Module, code: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].trim_end_matches(' ').chars().last();
        if !matches!(before, None | Some('\n' | ')') | Some('b')) {
            continue;
        }
        let tree = code[at + 4..].split(';').next().unwrap();
        if let Some(rest) = tree.strip_prefix("crate::") {
            leaves(&[], rest, &mut found);
        } else if tree.starts_with("super::") {
            let (mut above, mut rest) = (module.clone(), tree);
            while let Some(next) = rest.strip_prefix("super::") {
                above.pop();
                rest = next;
            }
            leaves(&above, rest, &mut found);
        }
    }
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let path: String = rest
            .chars()
            .take_while(|letter| letter.is_ascii_lowercase() || "_:".contains(*letter))
            .collect();
        leaves(&[], &path, &mut found);
    }
    found
}

/// The files that each file imports.
fn imports(top: &str) -> BTreeMap<Module, BTreeSet<Module>> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(top);
    let mut modules = BTreeMap::new();
    files(&top, &top, &mut modules);
    let file_of = |path: &Module| {
        let lengths = (0..=path.len()).rev();
        lengths
            .map(|length| path[..length].to_vec())
            .find(|module| modules.contains_key(module))
    };
    modules
        .iter()
        .map(|(module, path)| {
            let named = named(module, &code(path));
            let files = named.iter().filter_map(file_of);
            (
                module.clone(),
                files.filter(|file| file != module).collect(),
            )
        })
        .collect()
}

/// A way from `here` back to the first of `way`.
fn circle(
    imports: &BTreeMap<Module, BTreeSet<Module>>,
    way: &mut Vec<Module>,
    seen: &mut BTreeSet<Module>,
) -> bool {
    let here = way.last().unwrap().clone();
    for next in &imports[&here] {
        if *next == way[0] {
            return true;
        }
        if seen.insert(next.clone()) {
            way.push(next.clone());
            if circle(imports, way, seen) {
                return true;
            }
            way.pop();
        }
    }
    false
}

#[test]
fn no_file_imports_one_that_imports_it() {
    for (top, least) in [("src", 400), ("bench", 50)] {
        let imports = imports(top);
        let count: usize = imports.values().map(BTreeSet::len).sum();
        assert!(count > least, "{top}: the search finds imports: {count}");
        for module in imports.keys() {
            let mut way = vec![module.clone()];
            assert!(
                !circle(&imports, &mut way, &mut BTreeSet::new()),
                "{top}: {}",
                way.iter()
                    .map(|module| module.join("::"))
                    .collect::<Vec<_>>()
                    .join(" -> ")
            );
        }
    }
}

#[test]
fn trees_are_taken_apart() {
    let mut found = Vec::new();
    leaves(&[], "a::{self, b as x, c::{d, e},\n f::*}", &mut found);
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a", "a::b", "a::c::d", "a::c::e", "a::f"]);
}
