//! `oci state`, and how a container is told to programs.

use super::command_line::{Globals, IdArgs};
use super::store::{Record, Status, Store};
use super::version;
use crate::error::Error;
use crate::json::Object;

/// The container's state, as the specification has it.
///
/// Errors: there is no such container.
pub fn run(arguments: &IdArgs, globals: &Globals) -> Result<String, Error> {
    let entry = Store::open(globals)?.find(&arguments.id)?;
    let record = entry.record()?;
    let status = entry.status(&record)?;
    Ok(object(&record, status).finish() + "\n")
}

/// What the specification has of a state; runc's further members are added by who tells them.
pub fn object(record: &Record, status: Status) -> Object {
    let mut object = Object::new();
    object.text("ociVersion", version::SPECIFICATION.as_bytes());
    object.text("id", record.id.as_bytes());
    let has_process = status != Status::Stopped && record.pid != 0;
    object.number("pid", if has_process { record.pid.into() } else { 0 });
    object.text("status", status.word().as_bytes());
    object.text("bundle", record.bundle.to_bytes());
    object
}
