//! What is written down of [`Traces`], for another process to clean up by.

use super::Traces;
use super::places::PlacesRecord;
use super::upper::WorkRecord;
use crate::error::Error;
use crate::json::Value;
use crate::locks::Locks;
use crate::spec::{IdMap, Ids};
use std::ffi::{CStr, CString};

/// What it takes to clean up what [`Traces`] have left, as plain data: another process can do it when theirs is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub works: Vec<WorkRecord>,
    pub places: Option<PlacesRecord>,
}

impl Record {
    /// Cleans up, as dropping the traces would have. What is in use by then, or is no longer what it was, stays.
    ///
    /// Errors: there are no locks to be had.
    pub fn clean_up(&self) -> Result<(), Error> {
        let mut locks = Locks::open().map_err(|none| none.error("clean up: open"))?;
        let works = self.works.iter();
        let works = works.filter_map(|work| work.find(&mut locks)).collect();
        drop(Traces {
            works,
            places: self.places.as_ref().and_then(PlacesRecord::find),
            locks: Some(locks),
        });
        Ok(())
    }

    #[cold]
    #[inline(never)]
    pub fn to_json(&self) -> Value {
        let works = self.works.iter().map(|work| {
            object([
                ("above", path(&work.above)),
                ("above_identity", identity(work.above_identity)),
                ("name", path(&work.name)),
                ("identity", identity(work.identity)),
                ("upper", identity(work.upper)),
            ])
        });
        let places = self.places.as_ref().map(|places| {
            object([
                ("path", path(&places.path)),
                ("identity", identity(places.identity)),
                ("ids", places.ids.as_ref().map_or(Value::Null, ids)),
            ])
        });
        object([
            ("works", Value::List(works.collect())),
            ("places", places.unwrap_or(Value::Null)),
        ])
    }

    /// `None`: it is no such record.
    #[cold]
    #[inline(never)]
    pub fn of_json(value: &Value) -> Option<Self> {
        let works = value.get("works")?.list()?.iter();
        Some(Self {
            works: works.map(work_of).collect::<Option<_>>()?,
            places: match value.get("places") {
                Some(places) => Some(places_of(places)?),
                None => None,
            },
        })
    }
}

fn work_of(value: &Value) -> Option<WorkRecord> {
    let name = path_of(value.get("name")?)?;
    let is_name = !name.is_empty() && !name.to_bytes().contains(&b'/');
    is_name.then_some(WorkRecord {
        above: path_of(value.get("above")?)?,
        above_identity: identity_of(value.get("above_identity")?)?,
        name,
        identity: identity_of(value.get("identity")?)?,
        upper: identity_of(value.get("upper")?)?,
    })
}

fn places_of(value: &Value) -> Option<PlacesRecord> {
    Some(PlacesRecord {
        path: path_of(value.get("path")?)?,
        identity: identity_of(value.get("identity")?)?,
        ids: match value.get("ids") {
            Some(ids) => Some(Ids {
                users: maps_of(ids.get("users")?)?,
                groups: maps_of(ids.get("groups")?)?,
            }),
            None => None,
        },
    })
}

fn object<const COUNT: usize>(members: [(&str, Value); COUNT]) -> Value {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.into())
}

fn path(path: &CStr) -> Value {
    Value::string(path.to_bytes().to_vec())
}

fn path_of(value: &Value) -> Option<CString> {
    CString::new(value.bytes()?).ok()
}

/// A file system's number and an inode's.
fn identity((device, inode): (u64, u64)) -> Value {
    numbers([device, inode])
}

fn identity_of(value: &Value) -> Option<(u64, u64)> {
    numbers_of(value).map(|[device, inode]| (device, inode))
}

fn ids(ids: &Ids) -> Value {
    object([("users", maps(&ids.users)), ("groups", maps(&ids.groups))])
}

fn maps(maps: &[IdMap]) -> Value {
    let maps = maps.iter();
    let maps = maps.map(|map| numbers([map.inside, map.outside, map.count].map(u64::from)));
    Value::List(maps.collect())
}

fn maps_of(value: &Value) -> Option<Vec<IdMap>> {
    let maps = value.list()?.iter().map(|map| {
        let [inside, outside, count] = numbers_of(map)?;
        Some(IdMap {
            inside: inside.try_into().ok()?,
            outside: outside.try_into().ok()?,
            count: count.try_into().ok()?,
        })
    });
    maps.collect()
}

fn numbers<const COUNT: usize>(numbers: [u64; COUNT]) -> Value {
    Value::List(numbers.map(|number| Value::Number(number.into())).into())
}

fn numbers_of<const COUNT: usize>(value: &Value) -> Option<[u64; COUNT]> {
    let numbers = value.list()?.iter();
    let numbers = numbers.map(|number| number.number()?.try_into().ok());
    numbers.collect::<Option<Vec<u64>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::spec::Range;

    fn read(text: &str) -> Option<Record> {
        Record::of_json(&json::parse(text).unwrap())
    }

    #[test]
    fn what_is_written_down_is_read_again() {
        let work = WorkRecord {
            above: c"/srv/a \xff\n".into(),
            above_identity: (u64::MAX, 1),
            name: c".mydocker-work".into(),
            identity: (7, u64::MAX),
            upper: (0, 2),
        };
        let places = PlacesRecord {
            path: c"/srv/\xe9".into(),
            identity: (1, 2),
            ids: None,
        };
        let ids = Ids::from_zero(Range {
            first: 100_000,
            count: u32::MAX,
        });
        let with_ids = PlacesRecord {
            ids: Some(ids),
            ..places.clone()
        };
        for record in [
            Record::default(),
            Record {
                works: vec![work.clone(), work],
                places: Some(places),
            },
            Record {
                works: vec![],
                places: Some(with_ids),
            },
        ] {
            let text = record.to_json().compact();
            assert_eq!(read(&text), Some(record), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let work = |name: &str, identity: &str| {
            format!(
                r#"{{"works":[{{"above":"/a","above_identity":[1,2],"name":"{name}","identity":{identity},"upper":[1,4]}}]}}"#
            )
        };
        assert!(read(&work("b", "[1,3]")).is_some());
        for wrong in [
            work("", "[1,3]"),
            work("../b", "[1,3]"),
            work("b\\u0000", "[1,3]"),
            work("b", "[1,-3]"),
            work("b", "[1]"),
            work("b", "[1,2,3]"),
            "{}".to_owned(),
            r#"{"works":[],"places":{"path":"/a","identity":[1,2],"ids":{"users":[]}}}"#.to_owned(),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
