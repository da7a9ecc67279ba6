//! Help texts from the option table: lines of at most 80 columns.

use super::options::{Needs, Row, Section, Tables, all};

/// The widest line.
const WIDTH: usize = 80;

/// Where what an option does begins.
const COLUMN: usize = 27;

/// The most options that are read as one list.
const ONE_LIST: usize = 20;

/// The options of a command under their headings: those of their sections, if there are many.
pub fn parts(tables: Tables) -> Vec<(&'static str, Vec<&'static Row>)> {
    if all(tables).count() <= ONE_LIST {
        return vec![(Section::Own.title(), all(tables).collect())];
    }
    let parts = Section::ALL.into_iter().map(|section| {
        let rows = all(tables).filter(|row| row.section == section);
        (section.title(), rows.collect::<Vec<_>>())
    });
    parts.filter(|(_, rows)| !rows.is_empty()).collect()
}

/// A line or more for each option, under its heading.
pub fn options(tables: Tables, describe: fn(&Row) -> String) -> String {
    let mut text = String::new();
    for (title, rows) in parts(tables) {
        text.push_str(&format!("\n{title}:\n"));
        for row in rows {
            entry(&row.usage("    "), &describe(row), &mut text);
        }
    }
    text
}

/// The README's table: a row for each section, with its options. A test holds the README to it.
#[cfg(test)]
fn table(tables: Tables) -> String {
    let mut text = String::from("| | |\n|---|---|\n");
    for (title, rows) in parts(tables) {
        let options: Vec<String> = rows.into_iter().map(marked).collect();
        text.push_str(&format!("| {title} | {} |\n", options.join(", ")));
    }
    text
}

/// `-m`, `--memory SIZE`, marked as what is typed. A bar would end a cell of the table.
#[cfg(test)]
fn marked(row: &Row) -> String {
    let usage = row.usage("").replace('|', "\\|");
    format!("`{}`", usage.replacen(", ", "` `", 1))
}

/// All that a row tells, in plain words.
pub fn full(row: &Row) -> String {
    let mut words = plain(row.help);
    if row.needs == Needs::Root {
        words.push_str(" (needs --rootfs)");
    }
    if !row.default.is_empty() {
        words.push_str(&format!(" (default: {})", plain(row.default)));
    }
    words
}

/// A few words on a row.
pub fn brief(row: &Row) -> String {
    row.brief.to_owned()
}

/// Text without the marks of what is typed, which a terminal shows as they are.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// `  -x, --name VALUE       what it does`, on as many lines as it takes.
pub fn entry(usage: &str, words: &str, text: &mut String) {
    let mut line = format!("  {usage}");
    if line.len() + 1 >= COLUMN {
        // On a line of its own, then.
        text.push_str(&line);
        text.push('\n');
        line.clear();
    }
    for word in words.split(' ') {
        if line.len() > COLUMN && line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line.clear();
        }
        if line.len() < COLUMN {
            line.push_str(&" ".repeat(COLUMN - line.len()));
        } else {
            line.push(' ');
        }
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::described::Group;
    use crate::docker::options::RUN;
    use crate::docker::topic::{Detail, Topic};
    use crate::docker::{commands, help};

    #[test]
    fn lines_are_wrapped() {
        let mut text = String::new();
        entry("-x, --name", &"word ".repeat(14), &mut text);
        entry("--a-name-that-is-long VALUE", "what it does", &mut text);
        let expected =
            "  -x, --name               word word word word word word word word word word
                           word word word word 
  --a-name-that-is-long VALUE
                           what it does
";
        assert_eq!(text, expected);
    }

    #[test]
    fn nothing_is_wider_than_a_terminal() {
        for command in commands::ALL {
            for detail in [Detail::Brief, Detail::Full] {
                for line in help::text(Topic::Command(command, detail)).lines() {
                    assert!(line.chars().count() <= WIDTH, "{line}");
                }
            }
        }
        for line in help::text(Topic::Mydocker).lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn the_readme_has_the_table() {
        let table = table(RUN);
        let readme = include_str!("../../README.md");
        assert!(
            readme.contains(&table),
            "README.md lacks this table:\n\n{table}"
        );
    }

    #[test]
    fn the_readme_lists_the_commands() {
        let mut table = String::from("| | |\n|---|---|\n");
        for group in Group::ALL {
            let here = commands::ALL
                .iter()
                .filter(|command| command.group == group);
            let mut names: Vec<&str> = here.map(|command| command.name).collect();
            if group == Group::Mydocker {
                names.extend(["help", "completion"]);
            }
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            table.push_str(&format!("| {} | {} |\n", group.title(), names.join(", ")));
        }
        let readme = include_str!("../../README.md");
        assert!(
            readme.contains(&table),
            "README.md lacks this table:\n\n{table}"
        );
    }

    #[test]
    fn every_option_is_told_of_once() {
        let tables = commands::ALL.map(|command| command.options);
        for tables in tables {
            for text in [options(tables, full), options(tables, brief)] {
                for row in all(tables) {
                    let usage = row.usage("");
                    let its = text.lines().filter(|line| {
                        let rest = line.trim_start().strip_prefix(&usage);
                        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                    });
                    assert_eq!(its.count(), 1, "{usage}");
                }
            }
        }
    }
}
