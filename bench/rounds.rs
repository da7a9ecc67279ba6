//! The main measurement: everyone in each round, in another order each time.

use crate::act::Act;
use crate::arguments::Extent;
use crate::contestants::{self, Contestant};
use crate::runner::{Runner, Sample};
use crate::statistics::Samples;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How starts follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Regime {
    BackToBack,
    /// After a rest. A hot loop hides what waits for a grace period of the kernel's.
    Rested,
}

pub const REGIMES: [Regime; 2] = [Regime::BackToBack, Regime::Rested];

const REST: Duration = Duration::from_millis(20);

/// By how much the floor may differ from itself.
pub const NOISE: f64 = 0.02;

/// A slow contestant takes part in one round of so many.
const SLOW: usize = 10;

impl Regime {
    pub fn rounds(self, extent: &Extent) -> usize {
        match self {
            Self::BackToBack => extent.rounds,
            Self::Rested => extent.rested_rounds,
        }
    }

    /// What comes before each start.
    pub fn rest(self) {
        if self == Self::Rested {
            std::thread::sleep(REST);
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::BackToBack => "back to back",
            Self::Rested => "with 20 ms of rest before each start",
        }
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::BackToBack => "back_to_back",
            Self::Rested => "rested",
        }
    }
}

/// What was measured of one contestant.
pub struct Row {
    pub name: String,
    pub note: String,
    /// Why there is nothing, or no more.
    pub failed: Option<String>,
    pub first: Samples,
    pub exit: Samples,
    /// From the exit of the command that ran 3 ms to exit seen.
    pub after: Samples,
}

/// Which of a row's times.
pub type Of = fn(&Row) -> &Samples;

/// The two times of each start.
pub const TIMES: [(&str, Of); 2] = [
    ("first instruction", |row| &row.first),
    ("exit seen", |row| &row.exit),
];

pub struct Measured {
    pub regime: Regime,
    pub rows: Vec<Row>,
}

impl Measured {
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// How far apart the two runs of the floor are, of which the greater difference counts. `None`
    /// if it did not run twice.
    pub fn noise(&self) -> Option<f64> {
        let (floor, again) = (
            self.row(contestants::FLOOR)?,
            self.row(contestants::FLOOR_AGAIN)?,
        );
        let differ =
            |one: &Samples, other: &Samples| Some((one.median()? / other.median()? - 1.0).abs());
        Some(differ(&floor.first, &again.first)?.max(differ(&floor.exit, &again.exit)?))
    }
}

/// How much of what is played, and what is done before each round, which is not timed.
pub struct Play<'a> {
    pub regime: Regime,
    pub rounds: usize,
    pub late_rounds: usize,
    pub before: &'a mut dyn FnMut(usize) -> Result<(), String>,
}

pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    play: Play<'_>,
) -> Result<Measured, String> {
    let Play {
        regime,
        rounds,
        late_rounds,
        before,
    } = play;
    let starts = rounds_of(runner, contestants, regime, Act::First, rounds, before)?;
    let ends = rounds_of(runner, contestants, regime, Act::Late, late_rounds, before)?;
    let rows = contestants.iter().zip(starts.into_iter().zip(ends));
    Ok(Measured {
        regime,
        rows: rows
            .map(|(contestant, (starts, ends))| Row {
                name: contestant.name.clone(),
                note: contestant.note.clone(),
                failed: starts.failed.or(ends.failed),
                first: Samples::new(starts.samples.iter().map(|sample| sample.first())),
                exit: Samples::new(starts.samples.iter().map(|sample| sample.exit())),
                after: Samples::new(ends.samples.iter().map(|sample| sample.after())),
            })
            .collect(),
    })
}

#[derive(Default)]
struct Column {
    samples: Vec<Sample>,
    failed: Option<String>,
}

fn rounds_of(
    runner: &mut Runner,
    contestants: &[Contestant],
    regime: Regime,
    act: Act,
    rounds: usize,
    before: &mut dyn FnMut(usize) -> Result<(), String>,
) -> Result<Vec<Column>, String> {
    let mut columns: Vec<Column> = contestants
        .iter()
        .map(|contestant| Column {
            failed: contestant.trial.clone().err(),
            ..Column::default()
        })
        .collect();
    let mut order: Vec<usize> = (0..contestants.len()).collect();
    for round in 0..rounds {
        progress(&format!(
            "{}, {}: round {} of {rounds}",
            regime.name(),
            act.name(),
            round + 1
        ));
        before(round)?;
        fastrand::shuffle(&mut order);
        for index in &order {
            let (contestant, column) = (&contestants[*index], &mut columns[*index]);
            if column.failed.is_some() || contestant.slow && round % SLOW != 0 {
                continue;
            }
            regime.rest();
            match runner.run(contestant, act) {
                Ok(sample) => column.samples.push(sample),
                Err(why) => column.failed = Some(why),
            }
        }
    }
    progress("");
    Ok(columns)
}

/// One line on stderr that is written over, for people.
pub fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
        let _ = std::io::stderr().flush();
    }
}
