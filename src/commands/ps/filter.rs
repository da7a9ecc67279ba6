//! Which containers are listed.

use crate::error::{Error, ExitCode};
use crate::format;
use crate::store::Status;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What `ps` is told of containers. Of one key any value will do, but for labels: all of them are to be there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Filters {
    ids: Vec<Pattern>,
    names: Vec<Pattern>,
    labels: Vec<(String, Option<Vec<u8>>)>,
    statuses: Vec<&'static str>,
    exits: Vec<i64>,
    /// Containers, before and after which the others were made.
    pub before: Vec<OsString>,
    pub since: Vec<OsString>,
}

/// What is looked at.
pub struct Candidate<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub labels: &'a [OsString],
    pub status: Status,
    /// The exit code of one that has run and does not now.
    pub exit: Option<u8>,
}

impl Filters {
    /// Errors: a key that means nothing here, and values that no container has.
    pub fn parse(typed: &[OsString]) -> Result<Self, Error> {
        let mut filters = Self::default();
        for filter in typed {
            let (key, value) = filter
                .to_str()
                .and_then(|filter| filter.split_once('='))
                .ok_or_else(|| refused(filter, "a filter is KEY=VALUE"))?;
            match key.trim() {
                "id" => filters.ids.push(Pattern::parse(filter, value)?),
                "name" => filters.names.push(Pattern::parse(filter, value)?),
                "label" => filters.labels.push(match value.split_once('=') {
                    Some((key, value)) => (key.into(), Some(value.as_bytes().to_vec())),
                    None => (value.into(), None),
                }),
                "status" => {
                    let known = STATUSES.into_iter().find(|word| *word == value);
                    let known = known.ok_or_else(|| refused(filter, NO_STATUS))?;
                    filters.statuses.push(known);
                }
                "exited" => {
                    let code = value.parse();
                    let code = code.map_err(|_| refused(filter, "an exit code is a number"))?;
                    filters.exits.push(code);
                }
                "before" => filters.before.push(value.into()),
                "since" => filters.since.push(value.into()),
                _ => return Err(refused(filter, KEYS)),
            }
        }
        Ok(filters)
    }

    /// Whether containers that do not run are asked for by what is asked of them.
    pub fn ask_for_all(&self) -> bool {
        !self.statuses.is_empty() || !self.before.is_empty() || !self.since.is_empty()
    }

    pub fn accept(&self, candidate: &Candidate<'_>) -> bool {
        let any = |patterns: &[Pattern], text| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.is_in(text))
        };
        let has_label = |(key, value): &(String, Option<Vec<u8>>)| {
            let found = format::find_label(candidate.labels, key);
            found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
        };
        let exit = candidate.exit.map(i64::from);
        any(&self.ids, candidate.id)
            && any(&self.names, candidate.name)
            && self.labels.iter().all(has_label)
            && (self.statuses.is_empty() || self.statuses.contains(&candidate.status.word()))
            && (self.exits.is_empty() || exit.is_some_and(|exit| self.exits.contains(&exit)))
    }
}

/// Docker's words. (A container that is being removed is not seen any more.)
const STATUSES: [&str; 7] = [
    "created",
    "running",
    "paused",
    "restarting",
    "removing",
    "exited",
    "dead",
];

const NO_STATUS: &str = "it is created, running, paused, restarting, removing, exited or dead";

const KEYS: &str = "the keys are id, name, label, status, exited, before and since";

/// Part of a name or an id: of docker's regular expressions what names need, `^` and `$`.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    text: String,
    is_start: bool,
    is_end: bool,
}

impl Pattern {
    fn parse(filter: &OsStr, value: &str) -> Result<Self, Error> {
        let text = value.strip_prefix('^');
        let (text, is_start) = (text.unwrap_or(value), text.is_some());
        let inner = text.strip_suffix('$');
        let (text, is_end) = (inner.unwrap_or(text), inner.is_some());
        // Docker's names begin with it.
        let slash = text.strip_prefix('/');
        let is_start = is_start || slash.is_some();
        let text = slash.unwrap_or(text);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !text.bytes().all(is_plain) {
            return Err(refused(
                filter,
                "it takes a part of it, with ^ before its beginning and $ behind its end",
            ));
        }
        Ok(Self {
            text: text.into(),
            is_start,
            is_end,
        })
    }

    fn is_in(&self, whole: &str) -> bool {
        let text = self.text.as_str();
        match (self.is_start, self.is_end) {
            (true, true) => whole == text,
            (true, false) => whole.starts_with(text),
            (false, true) => whole.ends_with(text),
            (false, false) => whole.contains(text),
        }
    }
}

#[cold]
#[inline(never)]
fn refused(filter: &OsStr, reason: &'static str) -> Error {
    Error::refused([b"filter ", filter.as_bytes()].concat(), reason).exit_with(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(filters: &[&str], candidate: &Candidate<'_>) -> bool {
        let filters: Vec<OsString> = filters.iter().map(OsString::from).collect();
        Filters::parse(&filters).unwrap().accept(candidate)
    }

    #[test]
    fn what_is_asked_is_so() {
        let labels = ["app=web".into(), "tier".into(), "app=shop".into()];
        let candidate = Candidate {
            id: "0123abcd",
            name: "web-1",
            labels: &labels,
            status: Status::Exited,
            exit: Some(137),
        };
        for (filters, expected) in [
            (&[][..], true),
            (&["name=web"], true),
            (&["name=eb-"], true),
            (&["name=^web-1$"], true),
            (&["name=^/web-1$"], true),
            (&["name=/web"], true),
            (&["name=^eb"], false),
            (&["name=web$"], false),
            (&["name=db", "name=web"], true),
            (&["name="], true),
            (&["id=0123"], true),
            (&["id=9"], false),
            (&["label=app"], true),
            (&["label=app=shop"], true),
            (&["label=app=web"], false),
            (&["label=tier="], true),
            (&["label=app", "label=tier"], true),
            (&["label=app", "label=nope"], false),
            (&["label=ap"], false),
            (&["status=exited"], true),
            (&["status=running", "status=exited"], true),
            (&["status=removing"], false),
            (&["exited=137"], true),
            (&["exited=0"], false),
            (&["exited=-1"], false),
            (&["name=web", "exited=0"], false),
        ] {
            assert_eq!(accepts(filters, &candidate), expected, "{filters:?}");
        }
        let running = Candidate {
            status: Status::Running,
            exit: None,
            ..candidate
        };
        assert!(!accepts(&["exited=0"], &running));
    }

    #[test]
    fn anything_else_is_refused_on_one_line() {
        for filter in [
            "name",
            "ancestor=x",
            "network=host",
            "health=none",
            "volume=/x",
            "nope=1",
            "=x",
            "",
            "status=up",
            "status=",
            "exited=x",
            "exited=",
            "name=a.*b",
            "name=(a|b)",
            "id=[0-9]",
            "name=a\nb",
        ] {
            let error = Filters::parse(&[filter.into()]).unwrap_err();
            assert_eq!(error.exit(), ExitCode::FAILURE, "{filter}");
            let error = error.to_string();
            assert!(error.starts_with("filter "), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
