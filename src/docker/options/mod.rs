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
mod line;
mod process;
mod read;
mod rights;
mod stay;

pub use ending::LAUNCH;
pub use limits::OF_UPDATE;
pub use line::{Line, Others};
pub use process::{ENVIRONMENT_FILE, INTERACTIVE, TTY};
pub use read::{Asked, End, read};
pub use stay::{DETACH_KEYS, RESTART, STATE};

use crate::error::Error;

use std::ffi::{OsStr, OsString};

/// One option of a command.
#[derive(Clone, Copy)]
pub struct Row {
    /// The name after `--`.
    pub long: &'static str,
    pub short: Option<char>,
    pub section: Section,
    pub needs: Needs,
    pub reading: Reading,
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
    Staying,
    Launch,
    /// Of another command than `run`, which has no parts.
    Own,
}

impl Section {
    pub const ALL: [Self; 10] = [
        Self::Streams,
        Self::Process,
        Self::Files,
        Self::Limits,
        Self::Rights,
        Self::Namespaces,
        Self::Ending,
        Self::Staying,
        Self::Launch,
        Self::Own,
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
            Self::Staying => "a container that stays",
            Self::Launch => "how it is started",
            Self::Own => "options",
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
#[derive(Clone, Copy)]
pub enum Reading {
    /// `--tty`, and `--tty=false`.
    Switch(fn(&mut Line) -> &mut bool),
    /// One that is on or off by what else is given, if no one has said: `--init`, and `--init=false`.
    Choosing(fn(&mut Line) -> &mut Option<bool>),
    /// A value, of which the last one counts.
    One(Value, fn(&mut Line) -> &mut Option<OsString>),
    /// A value, each of which counts.
    Many(Value, fn(&mut Line) -> &mut Vec<OsString>),
    /// One of a few words.
    Choice(&'static [Choice]),
    /// A value with a rule of its own; the option's name comes along.
    Own(
        Value,
        fn(&mut Line, &'static str, OsString) -> Result<(), Error>,
    ),
    /// A value that may be left out; only a word after `=` is certainly one.
    Optional(Value, fn(&mut Line, &mut lexopt::Parser, &Asked<'_>)),
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
pub struct Choice {
    pub word: &'static str,
    pub choose: fn(&mut Line),
}

/// A value that a shell cannot complete.
pub const fn text(name: &'static str) -> Value {
    let kind = Kind::Text;
    Value { name, kind }
}

pub const fn file(name: &'static str) -> Value {
    let kind = Kind::File;
    Value { name, kind }
}

pub const fn directory(name: &'static str) -> Value {
    let kind = Kind::Directory;
    Value { name, kind }
}

pub const fn words(name: &'static str, words: &'static [&'static str]) -> Value {
    let kind = Kind::Words(words);
    Value { name, kind }
}

impl Row {
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
const ALIASES: [(&str, &str); 3] = [
    ("net", "network"),
    ("dns-opt", "dns-option"),
    ("timeout", "time"),
];

/// The row of the option that is called `name`.
pub fn by_name(tables: Tables, name: &str) -> Option<&'static Row> {
    let called = |name: &str| all(tables).find(|row| row.long == name);
    called(name).or_else(|| {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        alias.and_then(|(_, name)| called(name))
    })
}

/// The rows of a command, in the tables that they come from.
pub type Tables = &'static [&'static [Row]];

/// Every row, in order.
pub fn all(tables: Tables) -> impl Iterator<Item = &'static Row> {
    tables.iter().flat_map(|table| table.iter())
}

/// The options of `mydocker run`.
pub const RUN: Tables = &[
    process::STREAMS,
    process::OF_EACH,
    process::OPTIONS,
    files::OPTIONS,
    &limits::OF_UPDATE,
    limits::OPTIONS,
    rights::OPTIONS,
    host::OPTIONS,
    ending::ENDS,
    ending::TOLD,
    ending::COUNTED,
    ending::EXPLAINED,
    ending::STARTED,
    stay::DETACH,
    stay::OPTIONS,
    LOG,
    HELP,
];

/// The options of `mydocker pool`: its own, and those that say what its boxes are.
pub const POOL: Tables = &[
    super::commands::pool::OPTIONS,
    process::OPTIONS,
    files::OPTIONS,
    &limits::OF_UPDATE,
    limits::OPTIONS,
    rights::OPTIONS,
    host::OPTIONS,
    LOG,
    HELP,
];

/// The options of `mydocker batch`: its own, and those that hold for all of its jobs.
pub const BATCH: Tables = &[
    super::commands::batch::OPTIONS,
    process::OF_EACH,
    process::OPTIONS,
    files::OPTIONS,
    &limits::OF_UPDATE,
    limits::OPTIONS,
    rights::OPTIONS,
    host::OPTIONS,
    ending::ENDS,
    ending::COUNTED,
    ending::STARTED,
    LOG,
    HELP,
];

/// The options of `mydocker create`: it starts nothing.
pub const CREATE: Tables = &[
    process::STREAMS,
    process::OF_EACH,
    process::OPTIONS,
    files::OPTIONS,
    &limits::OF_UPDATE,
    limits::OPTIONS,
    rights::OPTIONS,
    host::OPTIONS,
    ending::ENDS,
    ending::TOLD,
    ending::COUNTED,
    ending::EXPLAINED,
    ending::STARTED,
    stay::OPTIONS,
    LOG,
    HELP,
];

/// The options about the log, of every command that does something of its own.
pub const LOG: &[Row] = &super::log::ROWS;
/// `--help`, of every command.
pub const HELP: &[Row] = &[help()];

const fn help() -> Row {
    Row {
        long: "help",
        short: Some('h'),
        section: Section::Launch,
        needs: Needs::Nothing,
        reading: Reading::Help,
        brief: "these options in short; help COMMAND tells more",
        help: "`-h` lists these options in short; `--help` and `mydocker help COMMAND` tell more.",
        default: "",
    }
}

/// What no type says of a table: names that are none or are given twice, texts that are missing, or too long for the
/// line that they are for.
pub const fn check(tables: Tables) {
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
const fn check_once(tables: Tables, table: usize, row: usize) {
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

/// Such rows where nothing is changed without the option.
pub const fn without_defaults<const COUNT: usize>(rows: &[Row; COUNT]) -> [Row; COUNT] {
    let mut rows = *rows;
    let mut at = 0;
    while at < COUNT {
        rows[at].default = "";
        at += 1;
    }
    rows
}

/// A switch of one command alone.
pub const fn switch(
    (long, short): (&'static str, Option<char>),
    field: fn(&mut Line) -> &mut bool,
    brief: &'static str,
    help: &'static str,
) -> Row {
    own((long, short), Reading::Switch(field), brief, help)
}

/// An option of one command alone.
pub const fn own(
    (long, short): (&'static str, Option<char>),
    reading: Reading,
    brief: &'static str,
    help: &'static str,
) -> Row {
    Row {
        long,
        short,
        section: Section::Own,
        needs: Needs::Nothing,
        reading,
        brief,
        help,
        default: "",
    }
}

/// The value of an option that takes one of a few words, or what it takes.
fn chosen<'a>(choices: &'a [Choice], typed: &OsStr) -> Result<&'a Choice, String> {
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
