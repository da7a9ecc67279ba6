//! `mydocker update`: other limits, for a container that runs and for its next start.

use super::each::{Done, each};
use super::of_config::specification;
use crate::cgroup::{Opened, Record};
use crate::docker::{UpdateArgs, specify};
use crate::error::{Error, ExitCode};
use crate::runtime::{heal, stored};
use crate::spec::limits::Limits;
use crate::store::{Config, Entry, Status};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

pub fn run(arguments: &UpdateArgs) -> Result<ExitCode, Error> {
    let wanted = words(arguments);
    each(&arguments.containers, |word| {
        update(arguments.state.as_deref(), word, &wanted).map(|()| Done::Yes)
    })
}

/// Its options, as they are written down: of `run`'s form, with their values.
fn words(arguments: &UpdateArgs) -> Vec<OsString> {
    let restart = arguments.restart.iter().map(|policy| ("restart", policy));
    let limits = arguments.limits.iter().map(|(name, value)| (*name, value));
    let words = limits.chain(restart);
    words
        .map(|(name, value)| [prefix(name).as_slice(), value.as_bytes()].concat())
        .map(OsString::from_vec)
        .collect()
}

fn prefix(option: &str) -> Vec<u8> {
    ["--", option, "="].concat().into_bytes()
}

fn update(state: Option<&OsStr>, word: &OsStr, wanted: &[OsString]) -> Result<(), Error> {
    let (entry, _) = heal::find(state, word)?;
    let updating = entry.update()?;
    let before = updating.config().map_err(|error| entry.or_removed(error))?;
    let after = Config {
        updates: added(&before.updates, wanted),
        ..before.clone()
    };
    let limits = [limits(&before)?, limits(&after)?];
    let changed = change(&entry, &limits, None)?;
    updating.write(&after).inspect_err(|_| {
        let [before, after] = &limits;
        if let Some(cgroups) = &changed {
            // What is not written down would not be seen.
            let _ = Opened::by(cgroups).and_then(|opened| opened.change(after, before));
        }
    })?;
    // Who has started it meanwhile has read what was written before.
    change(&entry, &limits, changed).map(drop)
}

/// The words with others behind them, each option once.
fn added(updates: &[OsString], wanted: &[OsString]) -> Vec<OsString> {
    let name = |word: &OsString| {
        word.as_bytes()
            .split(|byte| *byte == b'=')
            .next()
            .map(<[u8]>::to_vec)
    };
    let is_new = |old: &&OsString| !wanted.iter().any(|new| name(new) == name(old));
    let old = updates.iter().filter(is_new);
    old.chain(wanted).cloned().collect()
}

/// Errors: what cannot be asked, or not together.
fn limits(config: &Config) -> Result<Limits, Error> {
    let arguments = stored::arguments(config)?;
    specify::staying(&arguments)?;
    let spec = specification(config, &arguments)?;
    Ok(spec.limits.unwrap_or_default())
}

/// Sets the limits that differ, if it runs in other cgroups than those for which that has been `done`; these are what it
/// returns.
fn change(
    entry: &Entry,
    [before, after]: &[Limits; 2],
    done: Option<Vec<Record>>,
) -> Result<Option<Vec<Record>>, Error> {
    let Some(look) = heal::look(entry)? else {
        return Ok(done);
    };
    let runs = matches!(look.status, Status::Running | Status::Paused);
    let cgroups = look.state.cgroups;
    if !runs || before == after || done.as_ref() == Some(&cgroups) {
        return Ok(done);
    }
    Opened::by(&cgroups)?.change(before, after)?;
    Ok(Some(cgroups))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_written_down_once() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let arguments = UpdateArgs {
            limits: vec![("memory", "64m".into()), ("cpus", "0.5".into())],
            restart: Some("on-failure:3".into()),
            ..UpdateArgs::default()
        };
        let wanted = super::words(&arguments);
        assert_eq!(
            wanted,
            words(&["--memory=64m", "--cpus=0.5", "--restart=on-failure:3"])
        );
        let before = words(&["--pids-limit=9", "--memory=1g"]);
        let after = added(&before, &wanted);
        assert_eq!(
            after,
            words(&[
                "--pids-limit=9",
                "--memory=64m",
                "--cpus=0.5",
                "--restart=on-failure:3"
            ])
        );
    }
}
