//! `oci update`.

use super::bundle;
use super::cgroup::{merge, to_json};
use super::command_line::{Globals, UpdateArgs, UpdateSource};
use super::config::{self, Memory, Resources};
use super::store::{Locked, Status, Store};
use super::{warnings, words};
use crate::error::{Error, ExitCode};
use crate::sys::Errno;
use std::io::Read;

/// What a container may use becomes something else. What is not asked stays.
///
/// Errors: it does not run; a limit cannot be set, and then all are as they were.
pub fn run(arguments: &UpdateArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let asked = asked(&arguments.source)?;
    let container = Store::open(globals)?.find(&arguments.id)?.lock()?;
    let record = container.record()?;
    if container.status(&record)? == Status::Stopped {
        return Err(words::not_running(&arguments.id));
    }
    warnings::of_memory(&asked.memory, &globals.log);
    let asked = Resources {
        memory: Memory {
            kernel: None,
            kernel_tcp: None,
            ..asked.memory
        },
        ..asked
    };
    let before = before(&container)?;
    let merged = merge(&before, &asked);
    let kept = to_json(&merged.kept).compact();
    container.write_resources(kept.as_bytes(), || {
        record.cgroups.change(&before, &merged.written)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What it may use now: what the last update has written, or else its config.json.
fn before(container: &Locked) -> Result<Resources, Error> {
    match container.resources()? {
        Some(kept) => config::read_resources(&kept),
        None => Ok(config::read(&container.config()?)?.linux.resources),
    }
}

fn asked(source: &UpdateSource) -> Result<Resources, Error> {
    let failed = |error: std::io::Error| {
        let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
        Error::new("read", "stdin", errno)
    };
    match source {
        UpdateSource::Typed(resources) => Ok((**resources).clone()),
        UpdateSource::File(path) => config::read_resources(&bundle::read_beside(path)?),
        UpdateSource::Stdin => {
            let mut text = Vec::new();
            // One more than can be is refused there.
            let most = config::LARGEST as u64 + 1;
            let read = std::io::stdin().take(most).read_to_end(&mut text);
            read.map_err(failed)?;
            config::read_resources(&text)
        }
    }
}
