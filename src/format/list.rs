//! Lists of things, each of which has the same fields: a table, or a line for each.

use super::Table;
use super::template::{Place, Subject, Template};
use crate::error::Error;
use crate::json::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The fields of what a command lists.
pub struct Columns {
    /// Their names in templates, and what stands above them, sorted by name.
    pub fields: &'static [(&'static str, &'static str)],
    /// The template of the table that nobody has asked anything else of.
    pub usual: &'static str,
}

/// One of what is listed.
pub struct Row {
    /// Every field, in the order of [`Columns`].
    pub cells: Vec<Vec<u8>>,
    /// `NAME=VALUE`.
    pub labels: Vec<OsString>,
}

/// How a list is to be shown.
pub struct Layout {
    columns: &'static Columns,
    template: Template,
    is_table: bool,
}

impl Layout {
    /// Reads what was typed: `table`, `json`, `table TEMPLATE` or `TEMPLATE`, in which `\t` and `\n` are what C means.
    ///
    /// Errors: what is no template, and fields that there are not.
    pub fn parse(typed: Option<&OsStr>, columns: &'static Columns) -> Result<Self, Error> {
        let typed = typed.unwrap_or_default().as_bytes();
        let wanted = typed.strip_prefix(b"table");
        let is_table = wanted.is_some() || typed.is_empty();
        let template = match wanted.unwrap_or(typed).trim_ascii() {
            b"" => columns.usual.as_bytes().to_vec(),
            b"json" if !is_table => b"{{json .}}".to_vec(),
            template => with_escapes(template),
        };
        let layout = Self {
            columns,
            template: Template::parse(&template)?,
            is_table,
        };
        // No field is missed only when there is something to list.
        layout.headings().map(|_| layout)
    }

    /// The list, as it is to be written.
    pub fn list(&self, rows: impl IntoIterator<Item = Row>) -> Result<Vec<u8>, Error> {
        let place = if self.is_table {
            Place::Cell
        } else {
            Place::Line
        };
        let mut table = Table::default();
        let mut lines = Vec::new();
        if self.is_table {
            table.push(&self.headings()?);
        }
        // Of one row after the other: the names stay.
        let fields = self.columns.fields.iter();
        let fields = fields.map(|(name, _)| ((*name).to_owned(), Value::Null));
        let mut value = Value::Object(fields.collect());
        for row in rows {
            if let Value::Object(fields) = &mut value {
                for ((_, value), cell) in fields.iter_mut().zip(row.cells) {
                    *value = Value::string(cell);
                }
            }
            let subject = Subject {
                value: &value,
                labels: Some(&row.labels),
                place,
            };
            let start = lines.len();
            self.template.fill(&subject, &mut lines)?;
            if self.is_table {
                table.push(lines.get(start..).unwrap_or_default());
                lines.clear();
            } else {
                lines.push(b'\n');
            }
        }
        Ok(if self.is_table { table.finish() } else { lines })
    }

    fn headings(&self) -> Result<Vec<u8>, Error> {
        let fields = self.columns.fields.iter();
        let headings = fields.map(|(name, heading)| {
            let heading = Value::Text((*heading).to_owned());
            ((*name).to_owned(), heading)
        });
        let value = Value::Object(headings.collect());
        let subject = Subject {
            value: &value,
            labels: None,
            place: Place::Heading,
        };
        let mut line = Vec::new();
        self.template.fill(&subject, &mut line)?;
        Ok(line)
    }
}

fn with_escapes(typed: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut typed = typed.iter().copied().peekable();
    while let Some(byte) = typed.next() {
        let escaped = match (byte, typed.peek()) {
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            _ => None,
        };
        if escaped.is_some() {
            typed.next();
        }
        text.push(escaped.unwrap_or(byte));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        fields: &[("ID", "CONTAINER ID"), ("Names", "NAMES")],
        usual: "{{.ID}}\t{{.Names}}",
    };

    fn list(typed: Option<&str>, rows: &[[&str; 2]]) -> Result<String, String> {
        let labels = [
            "a.x-y=1".into(),
            "a.x-y=2".into(),
            "b".into(),
            "a.x=3".into(),
        ];
        let rows = rows.iter().map(|row| Row {
            cells: row.map(|cell| cell.as_bytes().to_vec()).to_vec(),
            labels: labels.to_vec(),
        });
        let list =
            Layout::parse(typed.map(OsStr::new), &COLUMNS).and_then(|layout| layout.list(rows));
        match list {
            Ok(list) => Ok(String::from_utf8(list).unwrap()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn layouts() {
        let rows = [["0123456789ab", "web"], ["1", "a\tb"]];
        let usual = "CONTAINER ID   NAMES\n0123456789ab   web\n1              a\\tb\n";
        for (typed, expected) in [
            (None, usual),
            (Some(""), usual),
            (Some("table"), usual),
            (
                Some(r"table {{.Names}}\t{{.ID}}"),
                "NAMES     CONTAINER ID\nweb       0123456789ab\na\\tb      1\n",
            ),
            (
                Some(r#"table {{.Label "a.x-y"}}\t{{json .ID}}"#),
                "x y       CONTAINER ID\n2         \"0123456789ab\"\n2         \"1\"\n",
            ),
            (
                Some("json"),
                "{\"ID\":\"0123456789ab\",\"Names\":\"web\"}\n{\"ID\":\"1\",\"Names\":\"a\\tb\"}\n",
            ),
            (
                Some(r"{{.ID}}\t\\{{.Names}}\n"),
                "0123456789ab\t\\\\web\n\n1\t\\\\a\tb\n\n",
            ),
            (Some(r#"[{{.Label "b"}}{{.Label "a"}}]"#), "[]\n[]\n"),
        ] {
            assert_eq!(list(typed, &rows).as_deref(), Ok(expected), "{typed:?}");
        }
        assert_eq!(list(None, &[]).as_deref(), Ok("CONTAINER ID   NAMES\n"));
        assert_eq!(list(Some("json"), &[]).as_deref(), Ok(""));
    }

    #[test]
    fn an_unknown_field_is_one_without_anything_to_list() {
        for typed in ["{{.Id}}", "table {{.Id}}", "{{.ID.Id}}", "{{json .Id}}"] {
            let error = list(Some(typed), &[]).unwrap_err();
            assert!(error.contains("no field Id"), "{error}");
        }
    }
}
