//! What each protection costs that a container has by default: starts with it and without, and what `--timing` says
//! of the steps that it is made of.
//!
//! The differences are small, and beside runc's and podman's starts each time would vary more than most of them. So
//! these contestants have rounds of their own, with the floors, which are the control here too.

use crate::act::Act;
use crate::arguments::Extent;
use crate::contestants::{Contestant, FLOOR, FLOOR_AGAIN, FLOOR_UNPROTECTED, SMALL};
use crate::roots::DIRECTORY;
use crate::rounds::{self, Measured, Of, Play, REGIMES, Regime, Row, progress};
use crate::runner::Runner;
use crate::statistics::Samples;
use crate::switched_off::{OFF, OFF_WITH_A_ROOT};
use serde_json::Value;
use std::path::{Path, PathBuf};

const NO_FILTER: [&str; 2] = ["--security-opt", "seccomp=unconfined"];
const MAY_GAIN: [&str; 2] = ["--security-opt", "no-new-privileges=false"];
const SAME_KEYRING: [&str; 1] = ["--no-new-keyring"];
const ALL_PATHS: [&str; 2] = ["--security-opt", "systempaths=unconfined"];
/// Without the filter, or another one would be made at each start: it depends on the capabilities.
const ALL_CAPABILITIES: [&str; 4] = ["--security-opt", "seccomp=unconfined", "--cap-add", "ALL"];

/// Two contestants whose difference it is.
struct Cost {
    what: &'static str,
    with: Side,
    without: Side,
}

#[derive(Clone, Copy)]
enum Side {
    /// The container of this name, with these options.
    Run(&'static str, &'static [&'static str]),
    /// The default once more.
    Again(&'static str),
    /// A control.
    Floor(&'static str),
}

impl Side {
    fn name(self) -> String {
        match self {
            Self::Run(base, options) => [&[base], options].concat().join(" "),
            Self::Again(base) => format!("{base}, again"),
            Self::Floor(name) => name.to_owned(),
        }
    }

    fn switch(self) -> String {
        match self {
            Self::Run(_, options) => options.join(" "),
            Self::Again(_) => "the same again".into(),
            Self::Floor(name) => name.into(),
        }
    }

    fn contestant(self, contestants: &[Contestant]) -> Option<Contestant> {
        let (base, options) = match self {
            Self::Run(base, options) => (base, options),
            Self::Again(base) => (base, &[][..]),
            Self::Floor(name) => (name, &[][..]),
        };
        contestants
            .iter()
            .find(|contestant| contestant.name == base && contestant.trial.is_ok())?
            .with(&self.name(), options)
    }
}

const fn default(what: &'static str, base: &'static str, options: &'static [&'static str]) -> Cost {
    Cost {
        what,
        with: Side::Run(base, &[]),
        without: Side::Run(base, options),
    }
}

pub const ALL: &str = "all of them";
pub const ALL_WITH_A_ROOT: &str = "--rootfs: all of them but the capabilities";

const COSTS: [Cost; 13] = [
    default("the filter of system calls", SMALL, &NO_FILTER),
    Cost {
        what: "the capabilities, both without a filter",
        with: Side::Run(SMALL, &NO_FILTER),
        without: Side::Run(SMALL, &ALL_CAPABILITIES),
    },
    default("no_new_privs", SMALL, &MAY_GAIN),
    default("the session keyring", SMALL, &SAME_KEYRING),
    default(ALL, SMALL, &OFF),
    Cost {
        what: "nothing: what noise does",
        with: Side::Run(SMALL, &[]),
        without: Side::Again(SMALL),
    },
    Cost {
        what: "all of them, the floor's: the kernel's own part",
        with: Side::Floor(FLOOR),
        without: Side::Floor(FLOOR_UNPROTECTED),
    },
    default(
        "--rootfs: the filter of system calls",
        DIRECTORY,
        &NO_FILTER,
    ),
    default("--rootfs: no_new_privs", DIRECTORY, &MAY_GAIN),
    default("--rootfs: the session keyring", DIRECTORY, &SAME_KEYRING),
    default(
        "--rootfs: masked and read-only paths",
        DIRECTORY,
        &ALL_PATHS,
    ),
    default(ALL_WITH_A_ROOT, DIRECTORY, &OFF_WITH_A_ROOT),
    Cost {
        what: "--rootfs: nothing: what noise does",
        with: Side::Run(DIRECTORY, &[]),
        without: Side::Again(DIRECTORY),
    },
];

/// The step that loads the filter, as `--timing` calls it.
pub const LOAD: &str = "load the filter of system calls (seccomp)";

/// The steps that the protections are made of, and those that only a root of its own has.
const STEPS: [&str; 6] = [
    LOAD,
    "prctl PR_SET_DUMPABLE",
    "take capabilities out of the bounding set",
    "set the command's capabilities",
    "prctl PR_SET_NO_NEW_PRIVS",
    "join a new session keyring (keyctl)",
];
const STEPS_WITH_A_ROOT: [&str; 1] = ["restrict what is seen of /proc and /sys"];

/// Starts, and steps.
#[derive(Default)]
pub struct Protections {
    pub regimes: Vec<Measured>,
    pub steps: Vec<Step>,
}

/// How long one step took, by the container's own clock.
pub struct Step {
    pub regime: Regime,
    pub contestant: &'static str,
    pub name: &'static str,
    pub samples: Samples,
}

impl Protections {
    pub fn step(&self, regime: Regime, contestant: &str, name: &str) -> Option<&Samples> {
        let mut steps = self.steps.iter();
        let found = steps.find(|step| {
            step.regime == regime && step.contestant == contestant && step.name == name
        });
        found.map(|step| &step.samples)
    }

    /// The steps' names, each once.
    pub fn steps(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for step in &self.steps {
            if !names.contains(&step.name) {
                names.push(step.name);
            }
        }
        names
    }
}

/// A row of the differences.
pub struct Difference<'a> {
    pub what: &'static str,
    /// What is said to be without it.
    pub switch: String,
    pub with: &'a Row,
    pub without: &'a Row,
}

/// The differences of which both sides were measured.
pub fn differences(measured: &Measured) -> Vec<Difference<'_>> {
    let each = |cost: &Cost| {
        let row = |way: Side| measured.row(&way.name());
        let (with, without) = row(cost.with).zip(row(cost.without))?;
        Some(Difference {
            what: cost.what,
            switch: cost.without.switch(),
            with,
            without,
        })
    };
    COSTS.iter().filter_map(each).collect()
}

impl Difference<'_> {
    /// Nanoseconds between the medians, and by how much they may be wrong (19 times in 20 by less).
    pub fn cost(&self, of: Of) -> Option<(f64, f64)> {
        let (with, without) = (of(self.with), of(self.without));
        let error = with.median_error()?.hypot(without.median_error()?);
        Some((with.median()? - without.median()?, 2.0 * error))
    }
}

/// What cannot be measured is added to `missing`, and takes nothing else away.
pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    extent: &Extent,
    missing: &mut Vec<String>,
) -> Protections {
    let mut protections = Protections::default();
    let playing = playing(runner, contestants);
    if !playing.iter().any(|contestant| contestant.name == SMALL) {
        return protections;
    }
    for regime in REGIMES {
        let rounds = regime.rounds(extent);
        let play = Play {
            regime,
            // Where a round is short there are twice as many: the differences are small.
            rounds: match regime {
                Regime::BackToBack => 2 * rounds,
                Regime::Rested => rounds,
            },
            late_rounds: 0,
            before: &mut |_| Ok(()),
        };
        match rounds::measure(runner, &playing, play) {
            Ok(measured) => protections.regimes.push(measured),
            Err(why) => missing.push(why),
        }
        match steps(runner, contestants, regime, extent) {
            Ok(steps) => protections.steps.extend(steps),
            Err(why) => missing.push(why),
        }
    }
    // A switch that mydocker does not know any more must not go unnoticed.
    let rows = protections.regimes.iter().flat_map(|regime| &regime.rows);
    missing.extend(rows.filter_map(|row| Some(format!("{}: {}", row.name, row.failed.as_ref()?))));
    protections
}

/// Every side of every cost, once.
fn playing(runner: &mut Runner, contestants: &[Contestant]) -> Vec<Contestant> {
    let mut playing: Vec<Contestant> = Vec::new();
    let sides = COSTS.iter().flat_map(|cost| [cost.with, cost.without]);
    for way in sides.chain([Side::Floor(FLOOR_AGAIN)]) {
        let name = way.name();
        if !playing.iter().any(|contestant| contestant.name == name) {
            playing.extend(way.contestant(contestants));
        }
    }
    for contestant in &mut playing {
        contestant.trial = runner.run(contestant, Act::First).map(drop);
    }
    playing
}

/// What `--timing` says, of the default without a root of its own and with one.
fn steps(
    runner: &mut Runner,
    contestants: &[Contestant],
    regime: Regime,
    extent: &Extent,
) -> Result<Vec<Step>, String> {
    let mut timed = Vec::new();
    for (base, names) in [
        (SMALL, STEPS.to_vec()),
        (DIRECTORY, [&STEPS[..], &STEPS_WITH_A_ROOT].concat()),
    ] {
        let found = Side::Run(base, &[]).contestant(contestants);
        let times = Times::new(base);
        let options = ["--timing".as_ref(), times.0.as_os_str()];
        if let Some(contestant) = found.and_then(|found| found.with(base, &options)) {
            timed.push((base, contestant, names, times));
        }
    }
    let rounds = regime.rounds(extent).div_ceil(2);
    for round in 0..rounds {
        progress(&format!(
            "{}, the steps: round {} of {rounds}",
            regime.name(),
            round + 1
        ));
        fastrand::shuffle(&mut timed);
        for (_, contestant, _, _) in &timed {
            regime.rest();
            runner
                .run(contestant, Act::First)
                .map_err(|why| format!("{} --timing: {why}", contestant.name))?;
        }
    }
    progress("");
    timed.sort_by_key(|(base, ..)| *base != SMALL);
    let mut steps = Vec::new();
    for (contestant, _, names, times) in timed {
        let runs = times.read()?;
        for name in names {
            let samples = Samples::new(runs.iter().filter_map(|run| duration(run, name)));
            if samples.in_order().len() != rounds {
                return Err(format!(
                    "{contestant} --timing: {} of {rounds} starts had the step {name:?}",
                    samples.in_order().len()
                ));
            }
            steps.push(Step {
                regime,
                contestant,
                name,
                samples,
            });
        }
    }
    Ok(steps)
}

/// Of the step of this name, in a line of `--timing`.
fn duration(run: &Value, name: &str) -> Option<u64> {
    let mut steps = run["ns"]["steps"].as_array()?.iter();
    steps.find(|step| step["name"] == name)?["ns"].as_u64()
}

/// The file that `--timing` adds its lines to. It goes when this does.
struct Times(PathBuf);

impl Times {
    fn new(name: &str) -> Self {
        let name = format!("mydocker-bench-times-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name.replace(' ', "")))
    }

    /// A line of each run: when its command was running.
    fn read(&self) -> Result<Vec<Value>, String> {
        let path: &Path = &self.0;
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let values: Vec<Value> = lines
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let running = |value: &Value| value["event"] == "running";
        Ok(values.into_iter().filter(running).collect())
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
