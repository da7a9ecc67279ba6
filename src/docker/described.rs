//! What there is to know of a command: the parser, the help texts, the man page, the completions and the suggestions are made
//! of it.

use super::Command;
use super::options::{Line, Tables};
use crate::error::Error;
use std::ffi::OsString;
use std::fmt;

/// A command of mydocker's.
pub struct Described {
    pub name: &'static str,
    pub group: Group,
    pub words: Words,
    /// A few words, for the list of commands.
    pub about: &'static str,
    /// What it does, in lines of a terminal.
    pub text: &'static str,
    /// Where more is told of it.
    pub help: &'static str,
    pub options: Tables,
    /// What the options and the words ask for.
    pub make: fn(Line, Vec<OsString>) -> Result<Command, Error>,
}

/// The headings under which commands are listed, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Start,
    Look,
    Enter,
    End,
    Change,
    Mydocker,
}

impl Group {
    pub const ALL: [Self; 6] = [
        Self::Start,
        Self::Look,
        Self::Enter,
        Self::End,
        Self::Change,
        Self::Mydocker,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Start => "start containers",
            Self::Look => "look at containers",
            Self::Enter => "work in containers",
            Self::End => "pause and end containers",
            Self::Change => "change and remove containers",
            Self::Mydocker => "mydocker itself",
        }
    }
}

/// The words of a command line that are no options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    None,
    /// A command, to which all that follows belongs.
    Command,
    Container,
    Containers,
    /// The containers that are named, or all.
    ContainersIfAny,
    /// A container, and a command in it.
    ContainerAndCommand,
    /// A container, and options of another program's.
    ContainerAndOptions,
    ContainerAndName,
    /// Two places, of which one is in a container.
    Copy,
    DirectoryIfAny,
}

impl Words {
    /// How help texts name them.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Command => "COMMAND [ARG...]",
            Self::Container => "CONTAINER",
            Self::Containers => "CONTAINER [CONTAINER...]",
            Self::ContainersIfAny => "[CONTAINER...]",
            Self::ContainerAndCommand => "CONTAINER COMMAND [ARG...]",
            Self::ContainerAndOptions => "CONTAINER [OPTION OF PS...]",
            Self::ContainerAndName => "CONTAINER NAME",
            Self::Copy => "CONTAINER:PATH|PATH|- CONTAINER:PATH|PATH|-",
            Self::DirectoryIfAny => "[DIR]",
        }
    }

    /// How many there are at least, and at most.
    pub const fn count(self) -> (usize, usize) {
        match self {
            Self::None => (0, 0),
            Self::Command => (1, usize::MAX),
            Self::Container => (1, 1),
            Self::Containers => (1, usize::MAX),
            Self::ContainersIfAny => (0, usize::MAX),
            Self::ContainerAndCommand => (2, usize::MAX),
            Self::ContainerAndOptions => (1, usize::MAX),
            Self::ContainerAndName | Self::Copy => (2, 2),
            Self::DirectoryIfAny => (0, 1),
        }
    }

    /// Whether what follows the first one belongs to it, byte for byte. Among the others options may stand.
    pub const fn end_options(self) -> bool {
        matches!(
            self,
            Self::Command | Self::ContainerAndCommand | Self::ContainerAndOptions
        )
    }

    /// What is missing where there are only so many.
    pub const fn missing(self, there: usize) -> &'static str {
        match (self, there) {
            (Self::Command, _) | (Self::ContainerAndCommand, 1) => "container command",
            (Self::ContainerAndName, 1) => "new name",
            (Self::Copy, 0) => "source and destination",
            (Self::Copy, _) => "destination",
            _ => "container",
        }
    }
}

impl Described {
    /// `mydocker run [OPTIONS] COMMAND [ARG...]`
    pub fn usage(&self) -> String {
        let words = self.words.usage();
        let space = if words.is_empty() { "" } else { " " };
        ["mydocker ", self.name, " [OPTIONS]", space, words].concat()
    }
}

impl PartialEq for Described {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Described {}

impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
