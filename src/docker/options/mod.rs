//! The option table: an option stands in it once, with all that is known of it.
//!
//! The parser ([`read()`]), the help texts, the man page, the completions, the suggestions and the README's table are made
//! from these rows, so none of them can forget an option or say something else of it. A row that lacks a help text, or
//! does not say whether it needs `--rootfs`, does not compile; what a type cannot say of the rows [`check`] finds, at
//! compile time as well.

mod ending;
mod files;
mod host;
mod limits;
mod process;
mod read;
mod rights;

use crate::docker::RunArgs;
pub use read::{Asked, End, read};

use super::LogArgs;
use crate::error::Error;

use std::ffi::{OsStr, OsString};

/// One option of a command whose options are read into an `L`.
pub struct Row<L: 'static> {
    /// The name after `--`.
    pub long: &'static str,
    pub short: Option<char>,
    pub section: Section,
    pub needs: Needs,
    pub reading: Reading<L>,
    /// A few words, for `-h` and for completions.
    pub brief: &'static str,
    /// What it does, in sentences, for `help run`, the man page and the guide.
    pub help: &'static str,
    /// What is so without the option; empty if `help` leaves no doubt.
    pub default: &'static str,
}

/// The headings under which options are listed, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Streams,
    Process,
    Files,
    Limits,
    Rights,
    Namespaces,
    Ending,
    Launch,
}

impl Section {
    pub const ALL: [Self; 8] = [
        Self::Streams,
        Self::Process,
        Self::Files,
        Self::Limits,
        Self::Rights,
        Self::Namespaces,
        Self::Ending,
        Self::Launch,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Streams => "input, output and terminal",
            Self::Process => "the process",
            Self::Files => "files",
            Self::Limits => "limits",
            Self::Rights => "what it may do",
            Self::Namespaces => "namespaces, network and names",
            Self::Ending => "its end, and what is told of it",
            Self::Launch => "how it is started",
        }
    }
}

/// What else has to be given for an option to mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// A root of the container's own, `--rootfs`.
    Root,
}

/// How an option is read.
pub enum Reading<L: 'static> {
    /// `--tty`, and `--tty=false`.
    Switch(fn(&mut L) -> &mut bool),
    /// One that is on or off by what else is given, if no one has said: `--init`, and `--init=false`.
    Choosing(fn(&mut L) -> &mut Option<bool>),
    /// A value, of which the last one counts.
    One(Value, fn(&mut L) -> &mut Option<OsString>),
    /// A value, each of which counts.
    Many(Value, fn(&mut L) -> &mut Vec<OsString>),
    /// One of a few words.
    Choice(&'static [Choice<L>]),
    /// A value with a rule of its own; the option's name comes along.
    Own(
        Value,
        fn(&mut L, &'static str, OsString) -> Result<(), Error>,
    ),
    /// A value that may be left out; only a word after `=` is certainly one.
    Optional(Value, fn(&mut L, &mut lexopt::Parser, &Asked<'_>)),
    Help,
}

/// What stands for a value in help texts, and what it may be.
#[derive(Clone, Copy)]
pub struct Value {
    pub name: &'static str,
    pub kind: Kind,
}

/// What a shell can complete a value to.
#[derive(Clone, Copy)]
pub enum Kind {
    Text,
    File,
    Directory,
    Words(&'static [&'static str]),
}

/// A word that an option takes, and what it means.
pub struct Choice<L: 'static> {
    pub word: &'static str,
    pub choose: fn(&mut L),
}

/// A value that a shell cannot complete.
const fn text(name: &'static str) -> Value {
    let kind = Kind::Text;
    Value { name, kind }
}

const fn file(name: &'static str) -> Value {
    let kind = Kind::File;
    Value { name, kind }
}

const fn directory(name: &'static str) -> Value {
    let kind = Kind::Directory;
    Value { name, kind }
}

const fn words(name: &'static str, words: &'static [&'static str]) -> Value {
    let kind = Kind::Words(words);
    Value { name, kind }
}

impl<L> Row<L> {
    /// The value as help texts name it; `None` for a switch.
    pub fn value_name(&self) -> Option<String> {
        match &self.reading {
            Reading::Switch(_) | Reading::Choosing(_) | Reading::Help => None,
            Reading::One(value, _) | Reading::Many(value, _) | Reading::Own(value, _) => {
                Some(value.name.to_owned())
            }
            Reading::Choice(choices) => {
                let words: Vec<&str> = choices.iter().map(|choice| choice.word).collect();
                Some(words.join("|"))
            }
            Reading::Optional(value, _) => Some(value.name.to_owned()),
        }
    }

    /// Whether it may be given more than once, and each time counts.
    pub fn repeats(&self) -> bool {
        matches!(self.reading, Reading::Many(..))
    }

    /// `-v, --volume SRC:DST`, with `indent` in the place of a short name that there is not.
    pub fn usage(&self, indent: &str) -> String {
        let mut usage = match self.short {
            Some(letter) => format!("-{letter}, --{}", self.long),
            None => format!("{indent}--{}", self.long),
        };
        if let Some(value) = self.value_name() {
            usage.push_str(match self.reading {
                Reading::Optional(..) => "[=",
                _ => " ",
            });
            usage.push_str(&value);
            if let Reading::Optional(..) = self.reading {
                usage.push(']');
            }
        }
        usage
    }
}

/// Other names of options: docker's older ones, and podman's.
const ALIASES: [(&str, &str); 2] = [("net", "network"), ("dns-opt", "dns-option")];

/// The row of the option that is called `name`.
pub fn by_name<L>(tables: Tables<L>, name: &str) -> Option<&'static Row<L>> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let name = alias.map_or(name, |(_, name)| *name);
    all(tables).find(|row| row.long == name)
}

/// The rows of a command, in the tables that they come from.
pub type Tables<L> = &'static [&'static [Row<L>]];

/// Every row, in order.
pub fn all<L>(tables: Tables<L>) -> impl Iterator<Item = &'static Row<L>> {
    tables.iter().flat_map(|table| table.iter())
}

/// What was typed after `mydocker run`.
#[derive(Default)]
pub struct RunLine {
    pub run: RunArgs,
    pub log: LogArgs,
}

impl AsMut<LogArgs> for RunLine {
    fn as_mut(&mut self) -> &mut LogArgs {
        &mut self.log
    }
}

/// The options of `mydocker run`.
pub const RUN: Tables<RunLine> = &[
    process::OPTIONS,
    files::OPTIONS,
    limits::OPTIONS,
    rights::OPTIONS,
    host::OPTIONS,
    ending::OPTIONS,
    LOG_OF_RUN,
    HELP_OF_RUN,
];

const LOG_OF_RUN: &[Row<RunLine>] = &super::log::rows();
const HELP_OF_RUN: &[Row<RunLine>] = &[help()];

/// `--help` itself, for every command.
pub const fn help<L>() -> Row<L> {
    Row {
        long: "help",
        short: Some('h'),
        section: Section::Launch,
        needs: Needs::Nothing,
        reading: Reading::Help,
        brief: "these options in short; help COMMAND tells more",
        help: "List these options in short; `mydocker help COMMAND` tells more.",
        default: "",
    }
}

const _: () = check(RUN);

/// What no type says of a table: names that are none or are given twice, texts that are missing, or too long for the
/// line that they are for.
pub const fn check<L>(tables: Tables<L>) {
    let mut table = 0;
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            let Row {
                long, brief, help, ..
            } = &tables[table][row];
            assert!(!long.is_empty(), "an option without a name");
            assert!(
                !brief.is_empty() && !help.is_empty(),
                "an option without help"
            );
            assert!(
                brief.len() <= 52,
                "a brief help that is longer than its line"
            );
            check_once(tables, table, row);
            row += 1;
        }
        table += 1;
    }
}

/// No other row has this one's names.
const fn check_once<L>(tables: Tables<L>, table: usize, row: usize) {
    let mine = &tables[table][row];
    let mut other_table = 0;
    while other_table < tables.len() {
        let mut other_row = 0;
        while other_row < tables[other_table].len() {
            let other = &tables[other_table][other_row];
            if other_table != table || other_row != row {
                assert!(
                    !same(mine.long.as_bytes(), other.long.as_bytes()),
                    "two options of one name"
                );
                if let (Some(one), Some(two)) = (mine.short, other.short) {
                    assert!(one != two, "two options of one letter");
                }
            }
            other_row += 1;
        }
        other_table += 1;
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The value of an option that takes one of a few words, or what it takes.
fn chosen<'a, L>(choices: &'a [Choice<L>], typed: &OsStr) -> Result<&'a Choice<L>, String> {
    let found = choices.iter().find(|choice| typed == choice.word);
    found.ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|choice| choice.word).collect();
        match words.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    })
}
