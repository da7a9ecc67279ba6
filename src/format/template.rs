//! `{{.Field.Field}}`, `{{json .Field}}` and `{{.Label "key"}}`, with text around them.

use super::print::print;
use crate::error::{Error, ExitCode, printable};
use crate::json::Value;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// A template that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    /// A field of what is shown, of that one's field and so on; of none, all of it.
    Field(Vec<String>),
    AsJson(Vec<String>),
    /// The value of the label with this name.
    Label(String),
}

/// What a template is filled with.
pub struct Subject<'a> {
    pub value: &'a Value,
    /// `NAME=VALUE`, where there are labels; the last one of a name counts.
    pub labels: Option<&'a [OsString]>,
    pub place: Place,
}

/// Where what is filled in will stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a line of its own, byte by byte.
    Line,
    /// In a cell of a table, whose end is a tab's or a line's.
    Cell,
    /// Above a column.
    Heading,
}

const UNDERSTOOD: &str = "a template has {{.Field}}, {{json .Field}}, {{.Label \"key\"}} and text; for more take the format \
                          json, and jq(1)";

/// What docker exits with.
const FAILED: ExitCode = ExitCode(1);

impl Template {
    /// Errors: the first part that is none of those that there are.
    pub fn parse(mut text: &[u8]) -> Result<Self, Error> {
        let mut parts = Vec::new();
        while let Some(start) = find(text, b"{{") {
            let (before, action) = text.split_at(start);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_vec()));
            }
            let Some(end) = find(action, b"}}") else {
                return Err(refused(action, "it does not end with }}"));
            };
            let (action, rest) = action.split_at(end + 2);
            let inner = action
                .get(2..end)
                .and_then(|inner| std::str::from_utf8(inner).ok());
            let part = inner.and_then(part);
            parts.push(part.ok_or_else(|| refused(action, UNDERSTOOD))?);
            text = rest;
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.to_vec()));
        }
        Ok(Self(parts))
    }

    /// Adds the template's text, filled in.
    ///
    /// Errors: a field that there is not.
    pub fn fill(&self, subject: &Subject<'_>, text: &mut Vec<u8>) -> Result<(), Error> {
        for part in &self.0 {
            match part {
                Part::Text(part) => text.extend_from_slice(part),
                Part::AsJson(path) if subject.place != Place::Heading => {
                    let json = find_field(subject.value, path)?.compact();
                    text.extend_from_slice(json.as_bytes());
                }
                Part::Field(path) | Part::AsJson(path) => {
                    let mut printed = Vec::new();
                    print(find_field(subject.value, path)?, &mut printed);
                    add(&printed, subject.place, text);
                }
                Part::Label(name) => match (subject.place, subject.labels) {
                    (Place::Heading, _) => text.extend_from_slice(&heading(name)),
                    (place, Some(labels)) => {
                        add(find_label(labels, name).unwrap_or_default(), place, text);
                    }
                    (_, None) => return Err(unknown("Label")),
                },
            }
        }
        Ok(())
    }
}

fn add(printed: &[u8], place: Place, text: &mut Vec<u8>) {
    match place {
        Place::Cell => text.extend_from_slice(printable(printed).as_bytes()),
        Place::Line | Place::Heading => text.extend_from_slice(printed),
    }
}

fn find(text: &[u8], braces: &[u8]) -> Option<usize> {
    text.windows(2).position(|letters| letters == braces)
}

/// What stands between the braces.
fn part(inner: &str) -> Option<Part> {
    let inner = inner.trim_matches([' ', '\t', '\n', '\r']);
    if let Some(field) = inner.strip_prefix("json ") {
        return path(field.trim_start()).map(Part::AsJson);
    }
    if let Some(name) = inner.strip_prefix(".Label ") {
        let name = name.trim_start();
        let quoted = |quote| name.strip_prefix(quote)?.strip_suffix(quote);
        let name = quoted('"').or_else(|| quoted('`'))?;
        return (!name.contains(['"', '`', '\\'])).then(|| Part::Label(name.into()));
    }
    path(inner).map(Part::Field)
}

/// `.Field.Field`, or `.` alone.
fn path(text: &str) -> Option<Vec<String>> {
    let names = text.strip_prefix('.')?;
    if names.is_empty() {
        return Some(Vec::new());
    }
    let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let names = names.split('.').map(|name| {
        let is_name = !name.is_empty() && name.chars().all(is_of_name);
        is_name.then(|| name.to_owned())
    });
    names.collect()
}

fn find_field<'a>(value: &'a Value, path: &[String]) -> Result<&'a Value, Error> {
    path.iter().try_fold(value, |value, name| {
        let found = match value {
            Value::Object(members) => members.iter().find(|(member, _)| member == name),
            _ => None,
        };
        found.map(|(_, value)| value).ok_or_else(|| unknown(name))
    })
}

/// As docker does: of `com.example.the-thing` it is `the thing`.
fn heading(name: &str) -> Vec<u8> {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.replace(['-', '_'], " ").into_bytes()
}

/// The value of a label, of which the last one of its name counts.
pub fn find_label<'a>(labels: &'a [OsString], name: &str) -> Option<&'a [u8]> {
    let mut values = labels.iter().filter_map(|label| {
        let rest = label.as_bytes().strip_prefix(name.as_bytes())?;
        match rest.split_first() {
            None => Some(rest),
            Some((b'=', value)) => Some(value),
            Some(_) => None,
        }
    });
    values.next_back()
}

#[cold]
#[inline(never)]
fn unknown(field: &str) -> Error {
    let reason = format!("there is no field {field}; the format json shows all");
    refused_for(["{{.", field, "}}"].concat().as_bytes(), reason)
}

#[cold]
#[inline(never)]
fn refused(part: &[u8], reason: &'static str) -> Error {
    refused_for(part, reason.into())
}

fn refused_for(part: &[u8], reason: String) -> Error {
    Error::refused_for([b"template ", part].concat(), reason).exit_with(FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    const VALUE: &str = r#"{
        "Id": "abc", "Args": ["-c", "a b"], "Null": null, "Raw": "a\tb\udcff",
        "State": {"Running": true, "Pid": 7, "Error": ""}
    }"#;

    fn fill(template: &str) -> Result<String, String> {
        let value = json::parse(VALUE).unwrap();
        let labels = ["a.b=<1>", "c=", "a.b=<2>", "a.bc=3", "d"].map(OsString::from);
        let subject = Subject {
            value: &value,
            labels: Some(&labels),
            place: Place::Line,
        };
        let mut text = Vec::new();
        let done = Template::parse(template.as_bytes())
            .and_then(|template| template.fill(&subject, &mut text));
        match done {
            Ok(()) => Ok(text.escape_ascii().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn fields_and_text() {
        for (template, text) in [
            ("", ""),
            ("plain }} text", "plain }} text"),
            ("{{.Id}}", "abc"),
            (
                "<{{ .Id }}>{{\t.State.Running\n}}{{.State.Pid}}!",
                "<abc>true7!",
            ),
            ("{{.Args}} {{.Null}} {{.Raw}}", "[-c a b] <nil> a\\tb\\xff"),
            ("{{.State}}", "map[Error: Pid:7 Running:true]"),
            (
                "{{json .Args}}{{json  .Null }}",
                "[\\\"-c\\\",\\\"a b\\\"]null",
            ),
            ("{{json .Raw}}", "\\\"a\\\\tb\\\\udcff\\\""),
            ("{{.Label \"a.b\"}}{{.Label `c`}}{{.Label \"a\"}}", "<2>"),
        ] {
            assert_eq!(fill(template).as_deref(), Ok(text), "{template}");
        }
        assert!(fill("{{json .}}").unwrap().starts_with("{\\\"Id\\\":"));
    }

    #[test]
    fn anything_else_is_refused_by_its_part() {
        for part in [
            "{{range .Args}}",
            "{{if .State.Running}}",
            "{{end}}",
            "{{.Id | upper}}",
            "{{index .Args 0}}",
            "{{- .Id}}",
            "{{.Id -}}",
            "{{}}",
            "{{json}}",
            "{{json.Id}}",
            "{{json Id}}",
            "{{Id}}",
            "{{..Id}}",
            "{{.Id.}}",
            "{{.Id .Args}}",
            "{{/* x */}}",
            "{{\"x\"}}",
            "{{$}}",
            "{{.Label x}}",
            "{{.Label \"x}}",
            "{{.Label \"a\\\"b\"}}",
            "{{ {{.Id}}",
        ] {
            let error = fill(&format!("a {{{{.Id}}}} {part} b")).unwrap_err();
            assert!(error.starts_with(&format!("template {part}: ")), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        assert_eq!(
            fill("x{{.Id").unwrap_err(),
            "template {{.Id: it does not end with }}"
        );
        for (template, field) in [
            ("{{.Nope}}", "Nope"),
            ("{{.id}}", "id"),
            ("{{json .State.Nope}}", "Nope"),
            ("{{.Id.Length}}", "Length"),
            ("{{.Args.0}}", "0"),
        ] {
            let expected = format!("there is no field {field};");
            assert!(
                fill(template).unwrap_err().contains(&expected),
                "{template}"
            );
        }
    }

    #[test]
    fn anything_is_answered() {
        let mut random = fastrand::Rng::with_seed(15);
        let pieces = [
            "{{", "}}", ".", "Id", "json ", ".Label ", "\"", "`", "\u{e9}", " ", "-",
        ];
        for _ in 0..20_000 {
            let template: String = (0..random.usize(..9))
                .map(|_| *random.choice(&pieces).unwrap())
                .collect();
            let _ = fill(&template);
        }
    }
}
