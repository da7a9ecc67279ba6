//! The examples of a file in Markdown.

use std::path::{Path, PathBuf};

/// What stands together in a file: commands, and what they say.
#[derive(Clone, Debug)]
pub struct Example {
    /// The file and the line where it begins.
    pub place: String,
    /// Each as it is typed; those that go on with a backslash as one.
    pub commands: Vec<String>,
    /// What a block with a prompt shows below its commands.
    pub output: String,
    pub is_for_root: bool,
}

/// The files that have examples, and every example of theirs.
pub fn examples() -> Vec<Example> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(top.join("src/guide"))
        .expect("the guides")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    files.sort();
    files.extend(["README.md", "bench/README.md", "tests/README.md"].map(|name| top.join(name)));
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let name = file.strip_prefix(top).expect("below it").display();
        let name = name.to_string();
        let of_file = [blocks(&name, &text), spans(&name, &text)].concat();
        assert!(
            !text.contains("mydocker run") || !of_file.is_empty(),
            "{name}"
        );
        found.extend(of_file);
    }
    found
}

/// The blocks of commands: indented by four columns after an empty line, or between fences.
fn blocks(name: &str, text: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut block: Vec<&str> = Vec::new();
    let (mut began, mut is_fenced, mut was_empty) = (0, false, true);
    for (number, line) in text.lines().chain([""]).enumerate() {
        let fence = line.starts_with("```");
        let indented = line
            .strip_prefix("    ")
            .filter(|_| !block.is_empty() || was_empty);
        let of_block = match indented {
            _ if fence => None,
            _ if is_fenced => Some(line),
            indented => indented,
        };
        match of_block {
            Some(line) => {
                if block.is_empty() {
                    began = number + 1;
                }
                block.push(line);
            }
            None if !block.is_empty() => {
                found.push(example(format!("{name}:{began}"), &block));
                block.clear();
            }
            None => {}
        }
        is_fenced ^= fence;
        was_empty = line.is_empty();
    }
    found
}

fn example(place: String, block: &[&str]) -> Example {
    let prompts = ["$ ", "# "];
    let prompt = prompts
        .into_iter()
        .find(|prompt| block[0].starts_with(prompt));
    let (mut commands, mut output) = (Vec::new(), String::new());
    let mut goes_on = false;
    for line in block {
        let typed = match prompt {
            None => Some(*line),
            Some(prompt) => line.strip_prefix(prompt).or(goes_on.then_some(*line)),
        };
        let Some(typed) = typed else {
            output.push_str(line);
            output.push('\n');
            continue;
        };
        match commands.last_mut() {
            Some(last) if goes_on => *last = format!("{last}\n{typed}"),
            _ => commands.push(typed.trim_start().to_owned()),
        }
        goes_on = typed.ends_with('\\');
    }
    let is_for_root = prompt == Some("# ");
    Example {
        place,
        commands,
        output,
        is_for_root,
    }
}

/// The words in backquotes, outside of blocks, that are a whole command of ours.
fn spans(name: &str, text: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut paragraph = String::new();
    let mut began = 1;
    for (number, line) in text.lines().chain([""]).enumerate() {
        if !line.is_empty() && !line.starts_with("    ") {
            paragraph.push_str(line.trim());
            paragraph.push(' ');
            continue;
        }
        for words in paragraph.split('`').skip(1).step_by(2) {
            let is_name = ["mydocker run", "mydocker pool"].contains(&words);
            if words.starts_with("mydocker ") && !is_name && !words.contains(['[', '…']) {
                found.push(example(format!("{name}:{began}"), &[words]));
            }
        }
        paragraph.clear();
        began = number + 2;
    }
    found
}

#[test]
fn examples_are_found() {
    let text = "Words: `mydocker help\nrun`, `mydocker run [OPTIONS]`, `ls`.\n\n    one \\\n      more\n    two\n\nText\n    \
                that goes on.\n\n```sh\nthree\n```\n- a list\n\n    # four\n    said\n";
    let found = [blocks("a", text), spans("a", text)].concat();
    let commands: Vec<&[String]> = found.iter().map(|example| &example.commands[..]).collect();
    let expected: [&[&str]; 4] = [
        &["one \\\n  more", "two"],
        &["three"],
        &["four"],
        &["mydocker help run"],
    ];
    assert_eq!(commands, expected);
    assert_eq!(found[2].output, "said\n");
    assert!(found[2].is_for_root && !found[1].is_for_root);
    assert_eq!(found[1].place, "a:12");
}
