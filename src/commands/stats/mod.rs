//! `mydocker stats`: what containers use.

mod row;
mod sample;

use crate::cgroup::Opened;
use crate::docker::StatsArgs;
use crate::error::{Error, ExitCode};
use crate::format::{Layout, Row};
use crate::log;
use crate::runtime::heal;
use crate::standard_streams;
use crate::store::{Entry, Id, Look, Status, Store};
use crate::sys::{Errno, descriptor, signal, terminal};
use row::{COLUMNS, Shown};
use sample::Sample;
use std::ffi::OsStr;
use std::time::Duration;

/// How often what is shown is shown anew: as often as docker does.
const PERIOD: Duration = Duration::from_secs(1);

/// What is shown first tells of so long.
const FIRST_PERIOD: Duration = Duration::from_millis(250);

/// Shows what containers use until someone ends it, or once.
///
/// Errors: there is no such container; one that runs and was named has no cgroup of its own; templates that are none.
pub fn run(arguments: &StatsArgs) -> Result<ExitCode, Error> {
    let layout = Layout::parse(arguments.format.as_deref(), &COLUMNS)?;
    let mut before = watched(arguments)?;
    for one in before.iter().filter(|one| one.is_named) {
        one.refuse_uncounted()?;
    }
    signal::survive_writes();
    let screen = Screen::new(arguments);
    let mut pause = FIRST_PERIOD;
    loop {
        std::thread::sleep(pause);
        pause = PERIOD;
        let now = watched(arguments)?;
        let rows = now.iter().map(|one| one.row(&before, arguments.no_trunc));
        match screen.show(&layout.list(rows)?) {
            Ok(()) if arguments.no_stream => return Ok(ExitCode::SUCCESS),
            Ok(()) => {}
            // Who read it has seen enough.
            Err(Errno::EPIPE | Errno::ECONNRESET) => return Ok(ExitCode::SUCCESS),
            Err(errno) => return Err(Error::new("write", standard_streams::name(1), errno)),
        }
        before = now;
    }
}

/// A container that is shown, and what it has used so far.
struct Watched {
    id: Id,
    name: String,
    /// As it was typed.
    word: String,
    is_named: bool,
    /// `None`: it does not run.
    sample: Option<Sample>,
}

/// The containers that are shown, now.
fn watched(arguments: &StatsArgs) -> Result<Vec<Watched>, Error> {
    let state = arguments.state.as_deref();
    if arguments.containers.is_empty() {
        let store = Store::look(state)?;
        let all = store.map_or(Ok(Vec::new()), |store| store.all())?;
        let watched = all.iter().filter_map(|entry| match heal::look(entry) {
            Ok(look) => Some(Watched::new(entry, &look?, None)),
            // The others are to be seen.
            Err(error) => {
                log::complain(&error);
                None
            }
        });
        return Ok(watched
            .filter(|one| arguments.all || one.sample.is_some())
            .collect());
    }
    let words = arguments.containers.iter();
    let watched = words.map(|word| {
        let (entry, look) = heal::find(state, word)?;
        Ok(Watched::new(&entry, &look, Some(word)))
    });
    watched.collect()
}

impl Watched {
    fn new(entry: &Entry, look: &Look, word: Option<&OsStr>) -> Self {
        let runs = matches!(look.status, Status::Running | Status::Paused);
        // What has ended since it was looked at is shown as what has.
        let sample = runs.then(|| Sample::take(&look.state)).flatten();
        Self {
            id: entry.id,
            name: entry
                .name
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            word: word.map_or_else(
                || entry.id.short(),
                |word| word.to_string_lossy().into_owned(),
            ),
            is_named: word.is_some(),
            sample,
        }
    }

    fn refuse_uncounted(&self) -> Result<(), Error> {
        if self.sample.as_ref().is_none_or(Sample::is_counted) {
            return Ok(());
        }
        let why = Opened::by(&[])
            .err()
            .map_or_else(String::new, |error| error.to_string());
        Err(Error::failure(&format!(
            "nothing counts what {} uses: {why}",
            self.word
        )))
    }

    fn row(&self, before: &[Self], whole: bool) -> Row {
        let mut others = before.iter();
        let earlier = others.find(|other| other.id == self.id);
        let shown = Shown {
            id: match whole {
                true => self.id.to_string(),
                false => self.id.short(),
            },
            name: &self.name,
            word: &self.word,
            earlier: earlier.and_then(|earlier| earlier.sample.as_ref()),
            sample: self.sample.as_ref(),
        };
        Row {
            cells: shown.cells(sample::memory_of_host()),
            labels: Vec::new(),
        }
    }
}

/// Where it is shown.
struct Screen {
    /// It is drawn over what was there before.
    is_drawn_over: bool,
}

impl Screen {
    fn new(arguments: &StatsArgs) -> Self {
        let is_terminal = terminal::size(descriptor::standard(1)).is_ok();
        let is_drawn_over = is_terminal && !arguments.no_stream;
        if is_drawn_over {
            // Everything, and what has scrolled away stays.
            let _ = descriptor::write_all(descriptor::standard(1), b"\x1b[2J");
        }
        Self { is_drawn_over }
    }

    fn show(&self, list: &[u8]) -> Result<(), Errno> {
        if !self.is_drawn_over {
            return descriptor::write_all(descriptor::standard(1), list);
        }
        // From the top; what was longer before is cleared behind each line, and below the last one (ECMA-48).
        let mut text = b"\x1b[H".to_vec();
        for line in list.split_inclusive(|byte| *byte == b'\n') {
            text.extend(line.strip_suffix(b"\n").unwrap_or(line));
            text.extend(b"\x1b[K\n");
        }
        text.extend(b"\x1b[J");
        descriptor::write_all(descriptor::standard(1), &text)
    }
}
