//! `oci events`.

use super::cgroup::{Lookout, Records};
use super::command_line::{EventsArgs, Globals};
use super::id::ContainerId;
use super::store::{Status, Store};
use crate::error::{Error, ExitCode};
use crate::json::Object;
use crate::standard_streams;
use std::time::{Duration, Instant};

/// How often it is looked whether the container is still there.
const LOOK: Duration = Duration::from_millis(500);

/// Writes a line of JSON for what the container has used, at once or again and again, and for each time that memory was short,
/// for as long as it lives.
///
/// Errors: it does not run; no one reads what is written.
pub fn run(arguments: &EventsArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let id = &arguments.id;
    let container = Store::open(globals)?.find(id)?;
    let record = container.record()?;
    let cgroups = &record.cgroups;
    if container.status(&record)? == Status::Stopped {
        let message = format!("container with id {id} is not running");
        return Err(Error::told(&message));
    }
    if arguments.stats {
        write_stats(id, cgroups)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lookout = Lookout::new(cgroups)?;
    let mut next = Instant::now() + arguments.interval;
    loop {
        let left = next.saturating_duration_since(Instant::now()).min(LOOK);
        // Before what has happened is counted: the last of it is told too.
        let lives = is_alive(id, globals);
        let Some(times) = wait(&mut lookout, if lives { left } else { Duration::ZERO }) else {
            return Ok(ExitCode::SUCCESS);
        };
        for _ in 0..times {
            write(event("oom", id))?;
        }
        if !lives {
            return Ok(ExitCode::SUCCESS);
        }
        if Instant::now() >= next {
            match write_stats(id, cgroups) {
                // It has ended meanwhile.
                Err(_) if !is_alive(id, globals) => {}
                written => written?,
            }
            next += arguments.interval;
        }
    }
}

fn is_alive(id: &ContainerId, globals: &Globals) -> bool {
    let status = Store::open(globals).and_then(|store| {
        let container = store.find(id)?;
        let record = container.record()?;
        container.status(&record)
    });
    status.is_ok_and(|status| status != Status::Stopped)
}

fn wait(lookout: &mut Option<Lookout>, longest: Duration) -> Option<u64> {
    match lookout {
        Some(lookout) => lookout.wait(longest),
        None => {
            std::thread::sleep(longest);
            Some(0)
        }
    }
}

fn event(kind: &str, id: &ContainerId) -> Object {
    let mut event = Object::new();
    event.text("type", kind.as_bytes());
    event.text("id", id.as_str().as_bytes());
    event
}

fn write_stats(id: &ContainerId, cgroups: &Records) -> Result<(), Error> {
    let mut event = event("stats", id);
    event.object("data", cgroups.stats()?);
    write(event)
}

fn write(event: Object) -> Result<(), Error> {
    let line = event.finish() + "\n";
    standard_streams::answer(line.as_bytes())
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}
