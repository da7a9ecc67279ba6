//! `oci list`.

use super::command_line::{Globals, ListArgs, ListFormat};
use super::state::{self, Owners};
use super::store::{Record, Status, Store};
use crate::error::Error;
use crate::format::Table;
use crate::json::Array;
use crate::log::Level;
use crate::sys::Errno;
use crate::sys::process_start::Processes;
use crate::time;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The containers, as they are asked for.
///
/// Errors: the root directory cannot be read. A container that cannot be read is told in the log, and not in the list.
pub fn run(arguments: &ListArgs, globals: &Globals) -> Result<String, Error> {
    let store = Store::open(globals)?;
    let ids = store.all()?;
    // One that was named is to be there; without a name there may have been no container yet.
    if let (true, Some(root)) = (ids.is_empty(), &globals.root)
        && !Path::new(root).exists()
    {
        return Err(Error::new("read", root.as_bytes(), Errno::ENOENT));
    }
    if arguments.quiet {
        return Ok(ids.iter().map(|id| format!("{id}\n")).collect());
    }
    // Without any container there is nothing that /proc could tell.
    let processes = (!ids.is_empty()).then(Processes::open).transpose();
    let processes = processes.map_err(|errno| Error::new("open", "/proc", errno))?;
    let mut content = Vec::new();
    let found =
        ids.iter().filter_map(
            |id| match store.glance(id, processes.as_ref()?, &mut content) {
                Ok(found) => found,
                Err(error) => {
                    globals
                        .log
                        .write(Level::Error, error.to_string().as_bytes(), &[]);
                    None
                }
            },
        );
    let mut owners = Owners::default();
    Ok(match arguments.format {
        ListFormat::Table => table(found, &mut owners),
        ListFormat::Json => array(found, &mut owners),
    })
}

fn array(found: impl Iterator<Item = (Record, Status)>, owners: &mut Owners) -> String {
    let mut array = Array::default();
    for (record, status) in found {
        array.push(state::shown(&record, status, owners));
    }
    array.finish() + "\n"
}

/// As wide as a column of runc's list is at least, with its space.
const NARROWEST: usize = 12;

fn table(found: impl Iterator<Item = (Record, Status)>, owners: &mut Owners) -> String {
    let mut table = Table::new(NARROWEST);
    let heads = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"];
    table.push_cells(heads.map(str::as_bytes));
    for (record, status) in found {
        table.push_cells([
            record.id.as_bytes(),
            state::pid(&record, status).to_string().as_bytes(),
            status.word().as_bytes(),
            record.bundle.to_bytes(),
            time::to_the_nanosecond(record.created).as_bytes(),
            owners.name(record.owner).as_bytes(),
        ]);
    }
    String::from_utf8_lossy(&table.finish()).into_owned()
}
