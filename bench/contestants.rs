//! One that takes part: a control, mydocker in one of its ways, or a peer.

use crate::act::Act;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Control,
    Mydocker,
    Peer,
}

/// How the command is named to a contestant.
pub enum Form {
    /// At the end of these words.
    Prefix(Vec<OsString>),
    /// By a bundle for each act, in a directory of this name below the given one; the words come
    /// before the name of the container, which no other has.
    Bundle {
        words: Vec<OsString>,
        bundles: PathBuf,
    },
    /// By a bundle as well; but these words come before each of a container's commands: `create`, `start`, and `delete` when
    /// it has ended, as an engine calls a runtime.
    Life {
        words: Vec<OsString>,
        bundles: PathBuf,
    },
    /// As `/command` in a root of its own, at the end of these words.
    Root(Vec<OsString>),
}

pub struct Contestant {
    pub name: String,
    pub kind: Kind,
    /// What is not the same as for the others.
    pub note: String,
    pub form: Form,
    /// How many of its words are the program: more than one if that is another libc's loader and what it loads.
    pub program_words: usize,
    /// Fresh copies of the program, which take turns, see [`crate::copies`].
    pub copies: Vec<PathBuf>,
    /// Whether it returns while its command runs, which nothing is heard of.
    pub detaches: bool,
    /// A mount namespace to be started in, where it does not run in ours.
    pub mounts: Option<OwnedFd>,
    /// Whether it is so slow that each tenth round is enough.
    pub slow: bool,
    /// Whether it works, or why not.
    pub trial: Result<(), String>,
}

pub const FLOOR: &str = "floor, equal";
pub const FLOOR_AGAIN: &str = "floor, equal, again";
pub const FLOOR_UNPROTECTED: &str = "floor, unprotected";
pub const BARE: &str = "floor, bare";
pub const COMMAND: &str = "the command alone";
pub const SMALL: &str = "mydocker";
pub const INIT: &str = "mydocker --init";
pub const UNPROTECTED: &str = "mydocker, unprotected";

impl Contestant {
    pub fn prefix<W: Into<OsString>>(
        name: &str,
        kind: Kind,
        note: &str,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            note: note.into(),
            form: Form::Prefix(words.into_iter().map(Into::into).collect()),
            program_words: 1,
            copies: Vec::new(),
            detaches: false,
            mounts: None,
            slow: false,
            trial: Ok(()),
        }
    }

    pub fn absent(name: &str, kind: Kind, why: &str) -> Self {
        let mut absent = Self::prefix(name, kind, "", [""; 0]);
        absent.trial = Err(why.into());
        absent
    }

    /// This contestant once more, for another measurement.
    pub fn again(&self) -> Option<Self> {
        self.with(&self.name, &[""; 0])
    }

    /// This contestant by another name, with more options.
    pub fn with<W: Into<OsString> + Clone>(&self, name: &str, options: &[W]) -> Option<Self> {
        let more = |words: &[OsString]| {
            let options = options.iter().cloned().map(Into::into);
            words.iter().cloned().chain(options).collect()
        };
        let form = match &self.form {
            Form::Prefix(words) => Form::Prefix(more(words)),
            Form::Root(words) => Form::Root(more(words)),
            Form::Bundle { .. } | Form::Life { .. } => return None,
        };
        Some(Self {
            name: name.into(),
            kind: self.kind,
            note: self.note.clone(),
            form,
            program_words: self.program_words,
            copies: self.copies.clone(),
            detaches: self.detaches,
            mounts: None,
            slow: self.slow,
            trial: self.trial.clone(),
        })
    }

    /// This peer by another name, with `program`, which may be several words, in the place of its own.
    pub fn by(&self, name: &str, program: &[OsString]) -> Result<Self, String> {
        let instead = |words: &[OsString]| {
            [program, words.get(self.program_words..).unwrap_or_default()].concat()
        };
        let form = match &self.form {
            Form::Prefix(words) => Form::Prefix(instead(words)),
            Form::Root(words) => Form::Root(instead(words)),
            Form::Bundle { words, bundles } => Form::Bundle {
                words: instead(words),
                bundles: bundles.clone(),
            },
            Form::Life { words, bundles } => Form::Life {
                words: instead(words),
                bundles: bundles.clone(),
            },
        };
        Ok(Self {
            form,
            program_words: program.len(),
            slow: self.slow,
            mounts: self.same_mounts()?,
            ..Self::prefix(name, self.kind, &self.note, [""; 0])
        })
    }

    /// For another that is to be started where this one is.
    pub fn same_mounts(&self) -> Result<Option<OwnedFd>, String> {
        let copied = self.mounts.as_ref().map(OwnedFd::try_clone).transpose();
        copied.map_err(|error| format!("duplicate: {error}"))
    }

    /// The words to start it with. `serial` is another one each time.
    pub fn words(&self, command: &Path, act: Act, serial: u64) -> Vec<OsString> {
        let with = |words: &[OsString], command: OsString| {
            let arguments = act.arguments().iter().map(OsString::from);
            words
                .iter()
                .cloned()
                .chain([command])
                .chain(arguments)
                .collect()
        };
        let words = match &self.form {
            Form::Prefix(words) => with(words, command.into()),
            Form::Root(words) => with(words, "/command".into()),
            Form::Bundle { words, bundles } => {
                let bundle = bundles.join(act.name()).into_os_string();
                let rest = [OsString::from("--bundle"), bundle, name(serial)];
                words.iter().cloned().chain(rest).collect()
            }
            Form::Life { words, bundles } => {
                let bundle = bundles.join(act.name()).into_os_string();
                let rest = ["create".into(), "--bundle".into(), bundle, name(serial)];
                words.iter().cloned().chain(rest).collect()
            }
        };
        self.in_turn(words, serial)
    }

    /// The words with the program's copy whose turn it is.
    fn in_turn(&self, mut words: Vec<OsString>, serial: u64) -> Vec<OsString> {
        let turn = (serial / TURN) as usize % self.copies.len().max(1);
        if let (Some(copy), Some(program)) = (self.copies.get(turn), words.first_mut()) {
            *program = copy.into();
        }
        words
    }

    /// The words of a later command in a container's life.
    pub fn later(&self, command: &[&str], serial: u64) -> Vec<OsString> {
        let Form::Life { words, .. } = &self.form else {
            return Vec::new();
        };
        let command = command.iter().map(OsString::from);
        let words = words.iter().cloned().chain(command);
        self.in_turn(words.chain([name(serial)]).collect(), serial)
    }

    /// Whether a start is several processes, one after another, and the container is no child of any.
    pub fn is_life(&self) -> bool {
        matches!(self.form, Form::Life { .. })
    }

    /// What comes before the command.
    pub fn words_before(&self) -> &[OsString] {
        let (Form::Prefix(words)
        | Form::Root(words)
        | Form::Bundle { words, .. }
        | Form::Life { words, .. }) = &self.form;
        words
    }

    /// The file that is started.
    pub fn program(&self) -> Option<&OsString> {
        self.program_in_words().first()
    }

    /// The program, with the loader that it is started by.
    pub fn program_in_words(&self) -> &[OsString] {
        self.words_before()
            .get(..self.program_words)
            .unwrap_or_default()
    }
}

/// Starts, of everyone together, until it is the next copy's turn: enough for each to be warm.
const TURN: u64 = 512;

/// Of a container, which no other has.
pub fn name(serial: u64) -> OsString {
    format!("bench-{}-{serial}", std::process::id()).into()
}
