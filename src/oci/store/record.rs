//! What is written of a container: `state.json`.

use crate::json::{Array, Fault, Object, StrictReader};
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
    /// Whether both are of one container, and not of two that have had one name.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        let identity = |record: &Self| (record.pid, record.start_time, record.created);
        identity(self) == identity(other)
    }

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
        Self::parse_with(content, Records::read)
    }

    /// [`parse`](Self::parse), with no more of its cgroups than tells whether it is frozen: `list` reads a thousand.
    pub(super) fn parse_for_status(content: &[u8]) -> Result<Self, String> {
        Self::parse_with(content, Records::read_freezer)
    }

    fn parse_with(content: &[u8], cgroups: ReadCgroups) -> Result<Self, String> {
        let mut record = Self::default();
        // One that was not written whole has not all of them.
        let mut missing = MEMBERS;
        let mut read = || {
            let mut reader = StrictReader::of_own(content)?;
            reader.object(&mut |reader, name| {
                let is_known = record.take(reader, name, cgroups)?;
                missing = missing.wrapping_sub(is_known.into());
                Ok(())
            })?;
            reader.end()
        };
        match read() {
            Ok(()) if missing == 0 => Ok(record),
            Ok(()) => Err("a member is missing".into()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    /// Takes a member, and says whether it is one that is known.
    fn take(
        &mut self,
        reader: &mut StrictReader<'_>,
        name: &str,
        cgroups: ReadCgroups,
    ) -> Result<bool, Fault> {
        match name {
            "id" => self.id = reader.text()?.into_owned(),
            "ociVersion" => self.oci_version = reader.text()?.into_owned(),
            "pid" => self.pid = reader.whole()?,
            "startTime" => self.start_time = reader.whole()?,
            "bundle" => self.bundle = c_string(reader)?,
            "root" => self.root = c_string(reader)?,
            "created" => self.created = reader.whole()?,
            "owner" => self.owner = reader.whole()?,
            "annotations" => reader.list(&mut |reader| {
                self.annotations.push(pair(reader)?);
                Ok(())
            })?,
            "cgroups" => self.cgroups = cgroups(reader)?,
            "systemd" => self.is_systemds = reader.boolean()?,
            "gate" => self.gate = reader.whole()?,
            "sharesPids" => self.shares_pids = reader.boolean()?,
            _ => return reader.skip().map(|()| false),
        }
        Ok(true)
    }
}

type ReadCgroups = fn(&mut StrictReader<'_>) -> Result<Records, Fault>;

/// As many as [`Record`] has fields.
const MEMBERS: u32 = 13;

fn c_string(reader: &mut StrictReader<'_>) -> Result<CString, Fault> {
    CString::new(reader.bytes()?).map_err(|_| Fault::new("it has a NUL in it"))
}

fn pair(reader: &mut StrictReader<'_>) -> Result<(String, String), Fault> {
    let mut both = [String::new(), String::new()];
    let mut free = both.iter_mut();
    reader.list(&mut |reader| {
        let text = reader.text()?.into_owned();
        let place = free
            .next()
            .ok_or_else(|| Fault::new("it is one too many"))?;
        *place = text;
        Ok(())
    })?;
    let [key, value] = both;
    Ok((key, value))
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
            let text = record.text();
            assert_eq!(Record::parse(text.as_bytes()), Ok(record.clone()));
            let of_status = Record::parse_for_status(text.as_bytes()).unwrap();
            assert!(of_status.cgroups.is_empty(), "none of them freezes");
            let cgroups = record.cgroups.clone();
            assert_eq!(
                Record {
                    cgroups,
                    ..of_status
                },
                record
            );
        }
        let text = Record::default().text();
        let less = text.replace("\"gate\":0,", "");
        let more = text.replace("\"gate\":0,", "\"gate\":0,\"more\":0,");
        let twice = text.replace("\"gate\":0,", "\"gate\":0,\"gate\":0,");
        let cut = text.replace('}', "");
        let paths = text.replace("\"cgroups\":{}", "\"cgroups\":{\"cpu\":\"a/b\"}");
        let wrong = [&less, &twice, &cut, &paths].map(|text| text.as_bytes());
        for wrong in [b"{}", &b"\xff"[..], b"[]"].into_iter().chain(wrong) {
            let text = String::from_utf8_lossy(wrong);
            assert!(Record::parse(wrong).is_err(), "{text}");
        }
        assert_eq!(Record::parse(more.as_bytes()), Ok(Record::default()));
    }
}
