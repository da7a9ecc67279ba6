//! `mydocker top`: the processes of a container, as ps(1) would show them, which need not be on the host.

mod columns;
pub mod process;

use crate::cgroup;
use crate::docker::TopArgs;
use crate::docker::specify;
use crate::error::{Error, ExitCode};
use crate::format::Table;
use crate::runtime::heal;
use crate::store::Status;
#[cfg(feature = "oci")]
use crate::sys::Pid;
use crate::time;
use columns::{Column, Host};
use process::Process;
use std::ffi::OsString;

/// The narrowest column of docker's.
const NARROWEST: usize = 20;

/// Lists the processes of a container.
///
/// Errors: options that are none of those that are known; the container is not there, or does not run.
pub fn run(arguments: &TopArgs) -> Result<ExitCode, Error> {
    let columns = columns(&arguments.options)?;
    let (entry, look) = heal::find(arguments.state.as_deref(), &arguments.container)?;
    let runs = matches!(look.status, Status::Running | Status::Paused);
    let Some(first) = look.state.first.filter(|_| runs) else {
        let told = format!("container {} is not running", entry.word());
        return Err(Error::failure(&told));
    };
    let all = process::all();
    let members = match look.state.cgroups.as_slice() {
        [] => process::of_namespace(first.pid, &all),
        cgroups => cgroup::Opened::by(cgroups)?.processes()?,
    };
    let processes = members.iter().filter_map(|pid| all.get(pid));
    super::answer(&table(&columns, processes))
}

/// The processes of these pids, as ps(1) would show them with these options.
///
/// Errors: options that are none of those that are known.
#[cfg(feature = "oci")]
pub fn of_processes(options: &[OsString], pids: &[Pid]) -> Result<Vec<u8>, Error> {
    let columns = columns(options)?;
    let all = process::all();
    let processes = pids.iter().filter_map(|pid| all.get(pid));
    Ok(table(&columns, processes))
}

fn columns(options: &[OsString]) -> Result<Vec<&'static Column>, Error> {
    let words: Option<Vec<&str>> = options.iter().map(|option| option.to_str()).collect();
    let columns = words.and_then(|words| Column::chosen(&words));
    columns.ok_or_else(|| {
        let options = options.join(" ".as_ref());
        Error::refused(
            format!("top: {}", options.to_string_lossy()),
            "of ps there are -ef, aux and -o with the names of its usual columns",
        )
        .exit_with(ExitCode::FAILURE)
    })
}

fn table<'a>(columns: &[&Column], processes: impl Iterator<Item = &'a Process>) -> Vec<u8> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    let name_of = |user| specify::user_name(user, &passwd);
    let host = Host {
        now: time::nanoseconds() / 1_000_000_000,
        boot: process::number_of(&read("/proc/stat"), "btime", 0).unwrap_or(0),
        memory: process::number_of(&read("/proc/meminfo"), "MemTotal:", 0).unwrap_or(0),
        name_of: &|user| {
            let name = u32::try_from(user).ok().and_then(name_of);
            name.map_or(user.to_string(), |name| {
                String::from_utf8_lossy(&name).into_owned()
            })
        },
    };
    let mut table = Table::new(NARROWEST);
    table.push_cells(columns.iter().map(|column| column.heading().as_bytes()));
    for process in processes {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| column.cell(process, &host))
            .collect();
        table.push_cells(cells.iter().map(String::as_bytes));
    }
    table.finish()
}
