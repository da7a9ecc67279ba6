//! What was asked of a container: `config.json`.

use super::id::Id;
use super::member;
use crate::json::{Array, Object, Value};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// What `run` or `create` was told, and what it has looked at to understand that: enough to understand it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub id: Id,
    /// Nanoseconds since 1970.
    pub created: u64,
    /// What followed `run` or `create`. Everything that can be read from them again is in them alone.
    pub words: Vec<OsString>,
    /// The caller's working directory.
    pub directory: OsString,
    /// The variables of the caller's that the words lend.
    pub variables: Vec<(OsString, OsString)>,
    /// The files that were read to understand the words, with what was in them.
    pub files: Vec<(OsString, Vec<u8>)>,
    /// Words that could have been two things, and were directories.
    pub directories: Vec<OsString>,
    /// What `update` has changed since, as options of `run` that come behind those of the words. All else is written once.
    pub updates: Vec<OsString>,
}

impl Config {
    /// That of a container of which nothing is known.
    pub(super) fn unknown(id: Id) -> Self {
        Self {
            id,
            created: 0,
            words: Vec::new(),
            directory: OsString::new(),
            variables: Vec::new(),
            files: Vec::new(),
            directories: Vec::new(),
            updates: Vec::new(),
        }
    }

    pub(super) fn object(&self) -> Object {
        let mut object = Object::new();
        object.text("id", self.id.as_str().as_bytes());
        object.number("created", i64::try_from(self.created).unwrap_or(i64::MAX));
        object.bytes("directory", self.directory.as_bytes());
        let words = self.words.iter().map(|word| word.as_bytes());
        object.array("words", array(words));
        let variables = self.variables.iter();
        object.array(
            "variables",
            pairs(variables.map(|(name, value)| [name.as_bytes(), value.as_bytes()])),
        );
        let files = self.files.iter();
        object.array(
            "files",
            pairs(files.map(|(path, content)| [path.as_bytes(), content])),
        );
        let directories = self.directories.iter().map(|word| word.as_bytes());
        object.array("directories", array(directories));
        if !self.updates.is_empty() {
            let updates = self.updates.iter().map(|word| word.as_bytes());
            object.array("updates", array(updates));
        }
        object
    }

    /// Errors: what is wrong with the text.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value = member::parse(bytes)?;
        Self::of(&value).ok_or_else(|| "a member is missing".into())
    }

    fn of(value: &Value) -> Option<Self> {
        let list = |key| Some(value.get(key)?.list()?.iter());
        let words = |key| list(key)?.map(member::os_string).collect::<Option<_>>();
        let variable = |pair| {
            let [name, value] = pair_of(pair)?;
            Some((member::os_string(name)?, member::os_string(value)?))
        };
        let file = |pair| {
            let [path, content] = pair_of(pair)?;
            Some((member::os_string(path)?, content.bytes()?.to_vec()))
        };
        Some(Self {
            id: Id::parse(value.get("id")?.bytes()?)?,
            created: member::number(value, "created")?,
            words: words("words")?,
            directory: member::os_string(value.get("directory")?)?,
            variables: list("variables")?.map(variable).collect::<Option<_>>()?,
            files: list("files")?.map(file).collect::<Option<_>>()?,
            directories: words("directories")?,
            updates: match value.get("updates") {
                Some(_) => words("updates")?,
                None => Vec::new(),
            },
        })
    }
}

fn array<'a>(strings: impl IntoIterator<Item = &'a [u8]>) -> Array {
    let mut array = Array::default();
    for string in strings {
        array.bytes(string);
    }
    array
}

fn pairs<'a>(pairs: impl Iterator<Item = [&'a [u8]; 2]>) -> Array {
    let mut all = Array::default();
    for pair in pairs {
        all.array(array(pair));
    }
    all
}

fn pair_of(value: &Value) -> Option<&[Value; 2]> {
    value.list()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn every_byte_comes_back() {
        let bytes: Vec<u8> = (0..=255).chain([0xed, 0xb3, 0xbf, b'\\', b'u']).collect();
        let any = OsString::from_vec(bytes.clone());
        let config = Config {
            id: Id::fresh(),
            created: 1_800_000_000_123_456_789,
            words: vec!["-d".into(), "".into(), any.clone()],
            directory: any.clone(),
            updates: vec![any.clone()],
            variables: vec![("A".into(), any.clone()), (any, "".into())],
            files: vec![("/etc/x".into(), bytes)],
            directories: vec!["up".into()],
        };
        let written = config.object().finish();
        assert_eq!(Config::parse(written.as_bytes()), Ok(config));
        assert!(Config::parse(b"{}").is_err());
        assert!(Config::parse(b"{\"id\"").is_err());
    }
}
