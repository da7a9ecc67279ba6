//! Text for a terminal: numbered steps, and below each what there is to say of it.

use crate::error::printable;

/// Columns. Only a single word may be longer, and a step's name, which is the log's, whole.
const WIDTH: usize = 88;
const INDENT: usize = 5;

#[derive(Default)]
pub struct Page {
    text: String,
    steps: u32,
    /// What was said, and of which step.
    told: Vec<(String, u32)>,
}

impl Page {
    pub fn finish(self) -> String {
        self.text
    }

    /// What is not numbered.
    pub fn plain(&mut self, text: &str) {
        self.wrap("", 0, text);
    }

    pub fn section(&mut self, title: &str) {
        self.text.push('\n');
        self.text.push_str(title);
        self.text.push('\n');
    }

    pub fn step(&mut self, name: &str) {
        self.steps += 1;
        let line = format!("{:>3}. {name}\n", self.steps);
        self.text.push_str(&line);
    }

    /// Why it is there. What has been said of an earlier step is not said again.
    pub fn why(&mut self, text: &str) {
        let place = self.told.iter().find(|(told, _)| told == text);
        if let Some((_, step)) = place {
            let text = format!("As in step {step}.");
            self.wrap(&" ".repeat(INDENT), INDENT, &text);
            return;
        }
        self.told.push((text.to_owned(), self.steps));
        self.wrap(&" ".repeat(INDENT), INDENT, text);
    }

    /// What it carries.
    pub fn item(&mut self, label: &str, text: &str) {
        let first = format!("{}{label}: ", " ".repeat(INDENT + 2));
        self.wrap(&first, INDENT + 4, text);
    }

    /// A label and its value, of bytes that someone else has chosen.
    pub fn foreign(&mut self, label: &str, bytes: &[u8]) {
        self.item(label, &printable(bytes));
    }

    pub fn items<T: AsRef<str>>(&mut self, label: &str, words: &[T]) {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        self.item(label, &words.join(" "));
    }

    fn wrap(&mut self, first: &str, indent: usize, text: &str) {
        self.text.push_str(first);
        let mut column = first.chars().count();
        let mut begun = false;
        for word in text.split(' ') {
            let length = word.chars().count();
            if begun && column + 1 + length > WIDTH {
                self.text.push('\n');
                self.text.push_str(&" ".repeat(indent));
                column = indent;
            } else if begun {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += length;
            begun = true;
        }
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_words_are_whole() {
        let mut page = Page::default();
        page.step("name");
        page.why(&"word ".repeat(40));
        page.foreign("label", &[&b"x\n"[..], &[b'y'; 200]].concat());
        page.step("other name");
        page.why(&"word ".repeat(40));
        let text = page.finish();
        assert!(text.ends_with("  2. other name\n     As in step 1.\n"));
        assert!(text.starts_with("  1. name\n     word word"));
        assert!(text.contains("\n       label: x\\nyyy"));
        for line in text.lines().filter(|line| !line.contains("yy")) {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
}
