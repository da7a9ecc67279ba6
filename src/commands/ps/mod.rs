//! `mydocker ps`: the containers that there are.

mod filter;
mod row;

use super::of_config::Known;
use crate::docker::PsArgs;
use crate::error::{Error, ExitCode};
use crate::format::{Layout, Row};
use crate::runtime::heal;
use crate::spec::{MountSource, RootMount};
use crate::store::{Entry, Look, Status, Store};
use crate::{log, time};
use filter::{Candidate, Filters};
use row::{COLUMNS, Shown};
use std::ffi::{OsStr, OsString};

pub use row::network;

/// Lists containers.
///
/// Errors: filters and templates that are none; the store cannot be read.
pub fn run(arguments: &PsArgs) -> Result<ExitCode, Error> {
    let filters = Filters::parse(&arguments.filters)?;
    let format = match arguments.quiet {
        true => Some(OsStr::new("{{.ID}}")),
        false => arguments.format.as_deref(),
    };
    let layout = Layout::parse(format, &COLUMNS)?;
    let store = Store::look(arguments.state.as_deref())?;
    let store = store.as_ref();
    let chosen = store.map(|store| choose(store, arguments, &filters));
    super::answer(&layout.list(chosen.transpose()?.into_iter().flatten())?)
}

/// A container that may be listed.
struct Chosen {
    id: String,
    entry: Entry,
    look: Look,
    known: Known,
}

/// The containers that were asked for, the newest first. One after the other is looked at, read again and let go: there may
/// be many.
fn choose<'a>(
    store: &Store,
    arguments: &'a PsArgs,
    filters: &'a Filters,
) -> Result<impl Iterator<Item = Row> + use<'a>, Error> {
    let entries = store.all()?;
    let (newest, oldest) = bounds(store, &entries, filters)?;
    // As docker has it, 0 is no number of containers.
    let last = arguments.last.filter(|last| *last > 0);
    let all = arguments.all || last.is_some() || filters.ask_for_all();
    let most = last.unwrap_or(usize::MAX);
    let now = time::nanoseconds();
    let between = entries.into_iter().take(oldest).skip(newest);
    let shown = between
        .filter_map(looked_at)
        .filter(move |(_, look)| all || look.is_live());
    let chosen = shown.map(|(entry, look)| Chosen::of(entry, look));
    let chosen = chosen.filter(|chosen| filters.accept(&chosen.candidate()));
    let rows = chosen.map(move |chosen| chosen.row(now, arguments.no_trunc));
    Ok(rows.take(most))
}

/// How it is with a container, put right; `None` if it has been removed meanwhile, or cannot be read.
fn looked_at(entry: Entry) -> Option<(Entry, Look)> {
    let look = heal::look(&entry).unwrap_or_else(|error| {
        log::complain(&error);
        // What cannot be put right is to be seen as well; of what cannot be read all is said.
        entry.look().ok()
    });
    look.map(|look| (entry, look))
}

/// Which of the entries are between those that were named, by their places in the list.
fn bounds(store: &Store, entries: &[Entry], filters: &Filters) -> Result<(usize, usize), Error> {
    let (mut newest, mut oldest) = (0, entries.len());
    let place = |name: &OsString| {
        let id = store.find(name)?.id;
        let place = entries.iter().position(|entry| entry.id == id);
        Ok::<usize, Error>(place.unwrap_or(0))
    };
    for name in &filters.before {
        newest = newest.max(place(name)? + 1);
    }
    for name in &filters.since {
        oldest = oldest.min(place(name)?);
    }
    Ok((newest, oldest))
}

impl Chosen {
    fn of(entry: Entry, look: Look) -> Self {
        let known = Known::of(&entry.config).unwrap_or_else(|error| {
            log::complain(&error);
            Known::default()
        });
        Self {
            id: entry.id.to_string(),
            entry,
            look,
            known,
        }
    }

    fn name(&self) -> &str {
        self.entry.name.as_ref().map_or("", |name| name.as_str())
    }

    fn candidate(&self) -> Candidate<'_> {
        let has_run = matches!(self.look.status, Status::Exited | Status::Dead);
        Candidate {
            id: &self.id,
            name: self.name(),
            labels: &self.known.labels,
            status: self.look.status,
            exit: self.look.state.exit.filter(|_| has_run),
        }
    }

    fn row(self, now: u64, whole: bool) -> Row {
        let mounts: Vec<Vec<u8>> = self.known.mounts.iter().map(source).collect();
        let shown = Shown {
            id: &self.id,
            name: self.name(),
            created: self.entry.config.created,
            look: &self.look,
            arguments: &self.known.arguments,
            labels: &self.known.labels,
            mounts: &mounts,
        };
        Row {
            cells: shown.cells(now, whole),
            labels: self.known.labels,
        }
    }
}

/// What is mounted: a path of the host's, or the kind of file system that it is.
fn source(mount: &RootMount) -> Vec<u8> {
    let source = match &mount.source {
        MountSource::Bind(bind) => bind.path.as_c_str(),
        MountSource::FileSystem(new) => new.kind.as_c_str(),
        MountSource::Overlay(_) => c"overlay",
    };
    source.to_bytes().to_vec()
}
