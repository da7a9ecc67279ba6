//! What is written of a container: `state.json`.

use crate::json::{Array, Object, Value, parse};
use crate::oci::cgroup::Records;
use crate::sys::Pid;
use std::ffi::CString;

/// What is to be known of a container after `create` has left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    /// That of config.json.
    pub oci_version: String,
    /// The first process; 0 before it is born.
    pub pid: Pid,
    /// When it has started ([`crate::sys::process_start`]): so it is told from others that get its number.
    pub start_time: u64,
    /// Absolute, as is the next.
    pub bundle: CString,
    pub root: CString,
    /// Nanoseconds since 1970.
    pub created: u64,
    /// The user who called `create`.
    pub owner: u32,
    pub annotations: Vec<(String, String)>,
    pub cgroups: Records,
    /// Whether systemd has made the cgroups.
    pub is_systemds: bool,
    /// The number of the plan's step at which the first process waits for its start.
    pub gate: u32,
    /// Whether it has no PID namespace of its own, so that others live on when its first process ends.
    pub shares_pids: bool,
}

impl Record {
    pub(super) fn text(&self) -> String {
        let mut object = Object::new();
        object.text("id", self.id.as_bytes());
        object.text("ociVersion", self.oci_version.as_bytes());
        object.number("pid", self.pid.into());
        object.number(
            "startTime",
            i64::try_from(self.start_time).unwrap_or(i64::MAX),
        );
        object.bytes("bundle", self.bundle.to_bytes());
        object.bytes("root", self.root.to_bytes());
        object.number("created", i64::try_from(self.created).unwrap_or(i64::MAX));
        object.number("owner", self.owner.into());
        let annotations = self.annotations.iter();
        object.array(
            "annotations",
            pairs(annotations.map(|(key, value)| [key.as_bytes(), value.as_bytes()])),
        );
        object.value("cgroups", &self.cgroups.to_json());
        object.boolean("systemd", self.is_systemds);
        object.number("gate", self.gate.into());
        object.boolean("sharesPids", self.shares_pids);
        object.finish()
    }

    /// Errors: what is wrong with the text.
    pub(super) fn parse(content: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
        let value = parse(text)?;
        Self::of(&value).ok_or_else(|| "a member is missing".into())
    }

    fn of(value: &Value) -> Option<Self> {
        let text = |name| value.get(name)?.text().map(ToOwned::to_owned);
        let path = |name| c_string(value.get(name)?);
        Some(Self {
            id: text("id")?,
            oci_version: text("ociVersion")?,
            pid: number(value, "pid")?,
            start_time: number(value, "startTime")?,
            bundle: path("bundle")?,
            root: path("root")?,
            created: number(value, "created")?,
            owner: number(value, "owner")?,
            annotations: value
                .get("annotations")?
                .list()?
                .iter()
                .map(|pair| {
                    let [key, value] = pair_of(pair)?;
                    Some((key.text()?.to_owned(), value.text()?.to_owned()))
                })
                .collect::<Option<_>>()?,
            cgroups: Records::of_json(value.get("cgroups")?)?,
            is_systemds: value.get("systemd")?.boolean()?,
            gate: number(value, "gate")?,
            shares_pids: value.get("sharesPids")?.boolean()?,
        })
    }
}

fn number<T: TryFrom<i128>>(value: &Value, name: &str) -> Option<T> {
    T::try_from(value.get(name)?.number()?).ok()
}

fn c_string(value: &Value) -> Option<CString> {
    CString::new(value.bytes()?).ok()
}

fn pairs<'a>(pairs: impl Iterator<Item = [&'a [u8]; 2]>) -> Array {
    let mut all = Array::default();
    for pair in pairs {
        let mut array = Array::default();
        pair.into_iter().for_each(|item| array.bytes(item));
        all.array(array);
    }
    all
}

fn pair_of(value: &Value) -> Option<&[Value; 2]> {
    value.list()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let any = CString::new((1..=255).collect::<Vec<u8>>()).unwrap();
        let record = Record {
            id: "a".into(),
            oci_version: "1.2.0".into(),
            pid: 7,
            start_time: 1 << 40,
            bundle: any.clone(),
            root: any,
            created: 1_800_000_000_123_456_789,
            owner: u32::MAX,
            annotations: vec![("a\"".into(), "é\n".into()), ("".into(), "".into())],
            cgroups: Records(vec![crate::oci::cgroup::Record {
                controllers: "cpu,cpuacct".into(),
                path: c"/a/\xff".into(),
            }]),
            is_systemds: true,
            gate: 17,
            shares_pids: true,
        };
        for record in [record, Record::default()] {
            assert_eq!(Record::parse(record.text().as_bytes()), Ok(record));
        }
        assert!(Record::parse(b"{}").is_err() && Record::parse(b"\xff").is_err());
    }
}
