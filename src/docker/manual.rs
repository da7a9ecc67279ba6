//! The man page, made from the option table: `mydocker help --man`.
//!
//! The page is roff for man(7). `.TP` is a paragraph with a tag, `\fB` and `\fI` are bold and italic, `\fR` ends both.

use super::described::Described;
use super::options::{Needs, Reading, Row, Tables};
use super::{commands, render, texts};

/// The whole page.
#[cold]
#[inline(never)]
pub fn page() -> String {
    let mut page = [
        ".TH MYDOCKER 1 \"\" \"mydocker ",
        env!("CARGO_PKG_VERSION"),
        "\" \"User Commands\"\n",
        ".SH NAME\nmydocker \\- run a command in a container of its own\n.SH SYNOPSIS\n",
    ]
    .concat();
    for command in commands::ALL {
        page.push_str(&format!(
            ".B mydocker {}\n{}\n.br\n",
            command.name,
            synopsis(command)
        ));
    }
    page.push_str(
        ".B mydocker help\n[\\fICOMMAND\\fR|\\fITOPIC\\fR]\n.br\n\
         .B mydocker completion\n\\fBbash\\fR|\\fBzsh\\fR\n",
    );
    section("DESCRIPTION", texts::RUN_TEXT, &mut page);
    page.push_str(".SH EXAMPLES\n.nf\n");
    for example in texts::EXAMPLES
        .lines()
        .filter(|line| line.starts_with("  "))
    {
        page.push_str(&escaped(example.trim_start()));
        page.push('\n');
    }
    page.push_str(".fi\n.SH OPTIONS OF RUN\n");
    tagged(commands::run::COMMAND.options, &mut page);
    let (run, create) = (&commands::run::COMMAND, &commands::create::COMMAND);
    for command in commands::ALL.into_iter().filter(|command| *command != run) {
        section(&command.name.to_uppercase(), command.text, &mut page);
        // What create has are options of run.
        if command != create {
            tagged(command.options, &mut page);
        }
    }
    section("EXIT STATUS", texts::EXIT_CODES, &mut page);
    page.push_str(".SH SEE ALSO\n.BR namespaces (7),\n.BR cgroups (7),\n.BR capabilities (7),\n.BR unshare (1)\n");
    page
}

/// `[OPTIONS] CONTAINER`, what is to be replaced in italics.
fn synopsis(command: &Described) -> String {
    let mut text = String::from("[\\fIOPTIONS\\fR] ");
    let mut in_word = false;
    for letter in command.words.usage().chars() {
        let is_of_word = letter.is_ascii_alphanumeric();
        if is_of_word != in_word {
            text.push_str(if is_of_word { "\\fI" } else { "\\fR" });
            in_word = is_of_word;
        }
        text.push_str(&escaped(letter.encode_utf8(&mut [0; 4])));
    }
    if in_word {
        text.push_str("\\fR");
    }
    text
}

fn section(title: &str, text: &str, page: &mut String) {
    page.push_str(&format!(".SH {title}\n"));
    for paragraph in text.trim().split("\n\n") {
        page.push_str(".PP\n");
        page.push_str(&formatted(&paragraph.replace('\n', " ")));
        page.push('\n');
    }
}

fn tagged(tables: Tables, page: &mut String) {
    for (title, rows) in render::parts(tables) {
        page.push_str(&format!(".SS {}\n", escaped(title)));
        for row in rows {
            page.push_str(".TP\n");
            page.push_str(&tag(row));
            page.push('\n');
            page.push_str(&formatted(row.help));
            if row.needs == Needs::Root {
                page.push_str(" It needs \\fB\\-\\-rootfs\\fR.");
            }
            if !row.default.is_empty() {
                page.push_str(&format!(" Default: {}.", formatted(row.default)));
            }
            page.push('\n');
        }
    }
}

/// `-v, --volume SRC:DST`, names in bold and the value in italics.
fn tag(row: &Row) -> String {
    let mut tag = String::new();
    if let Some(letter) = row.short {
        tag.push_str(&format!("\\fB\\-{letter}\\fR, "));
    }
    tag.push_str(&format!("\\fB\\-\\-{}\\fR", escaped(row.long)));
    if let Some(value) = row.value_name() {
        let value = escaped(&value);
        tag.push_str(&match row.reading {
            Reading::Optional(..) => format!("[=\\fI{value}\\fR]"),
            _ => format!(" \\fI{value}\\fR"),
        });
    }
    tag
}

/// What is typed, between backticks, in bold.
fn formatted(text: &str) -> String {
    let mut line = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            line.push_str(&format!("\\fB{}\\fR", escaped(part)));
        } else {
            line.push_str(&escaped(part));
        }
    }
    guarded(line)
}

/// A dash that can be copied, and no backslash that means something.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// A line that begins with a dot or a quote would be a request.
fn guarded(line: String) -> String {
    if line.starts_with(['.', '\'']) {
        return format!("\\&{line}");
    }
    line
}
