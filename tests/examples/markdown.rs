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

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Words,
    /// Of a block that is indented by four columns after an empty line, or stands between fences.
    Command,
    /// Of one whose fence says that it is text.
    Text,
    Fence,
}

/// Every line, without the indentation of a block.
fn lines(text: &str) -> Vec<(Kind, &str)> {
    let mut found = Vec::new();
    let (mut fenced, mut last) = (None, (Kind::Words, ""));
    // What stands last ends, too.
    for line in text.lines().chain([""]) {
        let indented = line
            .strip_prefix("    ")
            .filter(|_| matches!(last, (Kind::Command, _) | (Kind::Words, "")));
        let (kind, line) = match (line.strip_prefix("```"), fenced, indented) {
            (Some("text"), None, _) => {
                fenced = Some(Kind::Text);
                (Kind::Fence, line)
            }
            (Some(_), None, _) => {
                fenced = Some(Kind::Command);
                (Kind::Fence, line)
            }
            (Some(_), Some(_), _) => {
                fenced = None;
                (Kind::Fence, line)
            }
            (None, Some(kind), _) => (kind, line),
            (None, None, Some(line)) => (Kind::Command, line),
            (None, None, None) => (Kind::Words, line),
        };
        last = (kind, line);
        found.push(last);
    }
    found
}

/// The blocks of commands.
fn blocks(name: &str, text: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut block: Vec<&str> = Vec::new();
    for (number, (kind, line)) in lines(text).into_iter().enumerate() {
        let hides = kind == Kind::Text && line.contains("mydocker ");
        assert!(!hides, "{name}:{}: a command is no text", number + 1);
        if kind == Kind::Command {
            block.push(line);
        } else if !block.is_empty() {
            let place = format!("{name}:{}", number + 1 - block.len());
            found.push(example(place, &block));
            block.clear();
        }
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
    for (number, (kind, line)) in lines(text).into_iter().enumerate() {
        if kind == Kind::Words && !line.is_empty() {
            paragraph.push_str(line.trim());
            paragraph.push(' ');
            continue;
        }
        for words in paragraph.split('`').skip(1).step_by(2) {
            let is_name = ["mydocker run", "mydocker pool", "mydocker oci"].contains(&words);
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
                that goes on.\n\n```sh\nthree\n```\n```text\nfive\n```\n- a list\n\n    # four\n    said\n";
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
