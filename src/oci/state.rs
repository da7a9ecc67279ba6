//! `oci state`, and how a container is told to programs.

use super::command_line::{Globals, IdArgs};
use super::store::{Record, Status, Store};
use super::version;
use crate::error::Error;
use crate::json::{self, Object, Value};
use crate::time;

/// The container's state, as the specification has it.
///
/// Errors: there is no such container.
pub fn run(arguments: &IdArgs, globals: &Globals) -> Result<String, Error> {
    let entry = Store::open(globals)?.find(&arguments.id)?;
    let record = entry.record()?;
    let status = entry.status(&record)?;
    let state = shown(&record, status, &mut Owners::default()).finish();
    // For who looks at it, as runc and crun have it.
    let indented = json::parse(&state).map(|state| state.indented());
    Ok(indented.unwrap_or(state) + "\n")
}

/// What the specification has of a state. The status is its first member: so hooks can be told of another in its place
/// ([`crate::plan::hook`]).
pub fn object(record: &Record, status: Status) -> Object {
    let mut object = Object::new();
    object.text("status", status.word().as_bytes());
    name(&mut object, record, status);
    object.text("bundle", record.bundle.to_bytes());
    annotations(&mut object, record);
    object
}

/// With runc's further members, in its order, which scripts may go by.
pub fn shown(record: &Record, status: Status, owners: &mut Owners) -> Object {
    let mut object = Object::new();
    name(&mut object, record, status);
    object.text("status", status.word().as_bytes());
    object.text("bundle", record.bundle.to_bytes());
    object.text("rootfs", record.root.to_bytes());
    object.text(
        "created",
        time::to_the_nanosecond(record.created).as_bytes(),
    );
    annotations(&mut object, record);
    object.text("owner", owners.name(record.owner).as_bytes());
    object
}

fn name(object: &mut Object, record: &Record, status: Status) {
    object.text("ociVersion", version::SPECIFICATION.as_bytes());
    object.text("id", record.id.as_bytes());
    object.number("pid", pid(record, status));
}

fn annotations(object: &mut Object, record: &Record) {
    let annotations = record.annotations.iter();
    let annotations = annotations.map(|(key, value)| (key.clone(), Value::Text(value.clone())));
    object.value("annotations", &Value::Object(annotations.collect()));
}

/// Once a container has ended, its number may be another process's.
pub fn pid(record: &Record, status: Status) -> i64 {
    match status {
        Status::Stopped => 0,
        _ => record.pid.into(),
    }
}

/// The names of users, each looked for once.
#[derive(Default)]
pub struct Owners(Vec<(u32, String)>);

impl Owners {
    /// A user's name in /etc/passwd; the number of who has none there.
    pub fn name(&mut self, user: u32) -> &str {
        let known = self.0.iter().position(|(known, _)| *known == user);
        let at = known.unwrap_or_else(|| {
            self.0
                .push((user, named(user).unwrap_or_else(|| user.to_string())));
            self.0.len() - 1
        });
        self.0.get(at).map_or("", |(_, name)| name)
    }
}

fn named(user: u32) -> Option<String> {
    let accounts = std::fs::read("/etc/passwd").ok()?;
    let accounts = String::from_utf8_lossy(&accounts);
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let is_users = fields.nth(1)?.parse() == Ok(user);
        is_users.then(|| name.to_owned())
    })
}
