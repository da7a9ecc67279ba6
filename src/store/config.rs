//! What was asked of a container: `config.json`.

use super::id::Id;
use super::text;
use crate::json::Object;
use std::ffi::{OsStr, OsString};
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
}

impl Config {
    pub(super) fn object(&self) -> Object {
        let mut object = Object::new();
        object.text("id", self.id.to_string().as_bytes());
        object.number("created", i64::try_from(self.created).unwrap_or(i64::MAX));
        text::put(&mut object, "directory", self.directory.as_bytes());
        text::put_list(&mut object, "words", ["word"], text::words(&self.words));
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        text::put_list(&mut object, "variables", ["name", "value"], variables);
        let files = self.files.iter();
        let files = files.map(|(path, content)| [OsStr::as_bytes(path), content]);
        text::put_list(&mut object, "files", ["path", "content"], files);
        object
    }

    /// Errors: what is wrong with the text.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value = text::parse(bytes)?;
        Self::of(&value).ok_or_else(|| "a member is missing".into())
    }

    fn of(value: &crate::json::Value) -> Option<Self> {
        let word = |value| text::os_string(value, "word");
        let variable = |value| {
            Some((
                text::os_string(value, "name")?,
                text::os_string(value, "value")?,
            ))
        };
        let file = |value| {
            Some((
                text::os_string(value, "path")?,
                text::bytes(value, "content")?,
            ))
        };
        let list = |key| text::list(value, key).iter();
        Some(Self {
            id: Id::parse(&text::bytes(value, "id")?)?,
            created: text::number(value, "created")?,
            words: list("words").map(word).collect::<Option<_>>()?,
            directory: text::os_string(value, "directory")?,
            variables: list("variables").map(variable).collect::<Option<_>>()?,
            files: list("files").map(file).collect::<Option<_>>()?,
        })
    }
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
            id: Id::new().unwrap(),
            created: 1_800_000_000_123_456_789,
            words: vec!["-d".into(), "".into(), any.clone()],
            directory: any.clone(),
            variables: vec![("A".into(), any.clone()), (any, "".into())],
            files: vec![("/etc/x".into(), bytes)],
        };
        let written = config.object().finish();
        assert_eq!(Config::parse(written.as_bytes()), Ok(config));
        assert!(Config::parse(b"{}").is_err());
        assert!(Config::parse(b"{\"id\"").is_err());
    }
}
