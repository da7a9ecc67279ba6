//! `cargo bench`: how long a container takes to start, here and elsewhere. `bench/README.md` says
//! what is measured and how; `cargo bench -- --help` says what can be asked for.

mod act;
mod arguments;
mod batch;
mod contestants;
mod copies;
mod crowd;
mod engines;
mod field;
mod filter;
mod further;
mod isolate;
mod limits;
mod machine;
mod many;
mod markdown;
mod memory;
mod mount_namespaces;
mod mounts;
mod peers;
mod plot;
mod pool;
mod programs;
mod protections;
mod results;
mod roots;
mod rounds;
mod runner;
mod statistics;
mod stay;
mod switched_off;
mod table;
mod targets;
mod throughput;

use act::Act;
use arguments::Arguments;
use contestants::Contestant;
use results::Results;
use runner::Runner;
use std::path::Path;
use std::process::ExitCode;

/// Exit code of a run that its own control refutes: the machine was too noisy to tell 2 % apart.
const THROWN_AWAY: u8 = 2;

fn main() -> ExitCode {
    match Arguments::parse(std::env::args_os()).and_then(|arguments| bench(&arguments)) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<ExitCode, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("the benchmark compares starts by root; call it as root".into());
    }
    let scratch = Scratch::new()?;
    let programs = programs::build(&scratch.path)?;
    let mut contestants = field::all(&programs, &scratch.path, &arguments.also)?;
    further::add(&mut contestants, &arguments.further)?;
    if let Some(only) = &arguments.only {
        contestants.retain(|contestant| only.iter().any(|name| contestant.name.contains(name)));
    }
    copies::make(&mut contestants, &scratch.path)?;
    let mut runner = Runner::new(&programs.command)?;
    for contestant in &mut contestants {
        if contestant.trial.is_err() {
            continue;
        }
        // Once, for what is slow only the first time, and to see that it works at all.
        contestant.trial = runner.run(contestant, Act::First).map(drop);
        if let Err(why) = &contestant.trial {
            eprintln!("{}: left out: {why}", contestant.name);
        }
    }
    let results = measure(arguments, &mut runner, &contestants, &scratch.path)?;
    results.write(&arguments.json)?;
    std::fs::write(&arguments.plot, plot::svg(&results))
        .map_err(|error| format!("{}: {error}", arguments.plot.display()))?;
    println!("{}", table::all(&results));
    println!("samples: {}", arguments.json.display());
    println!("plot: {}", arguments.plot.display());
    if !results.missing.is_empty() {
        return Err(results.missing.join("\n"));
    }
    Ok(if results.refuted().is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(THROWN_AWAY)
    })
}

fn measure(
    arguments: &Arguments,
    runner: &mut Runner,
    contestants: &[Contestant],
    scratch: &Path,
) -> Result<Results, String> {
    let extent = &arguments.extent;
    let mut results = Results {
        machine: machine::facts(contestants),
        ..Results::default()
    };
    for regime in rounds::REGIMES {
        let play = rounds::Play {
            regime,
            rounds: regime.rounds(extent),
            late_rounds: extent.late_rounds,
            before: &mut |_| Ok(()),
        };
        results
            .regimes
            .push(rounds::measure(runner, contestants, play)?);
    }
    // What fails from here on does not take away what has been measured.
    let mut missing = Vec::new();
    results.pooled = kept(
        "starts from a pool",
        pool::measure(runner, contestants, extent),
        &mut missing,
    );
    results.staying = kept(
        "containers that stay",
        stay::measure(runner, contestants, extent, scratch),
        &mut missing,
    );
    results.protections = protections::measure(runner, contestants, extent, &mut missing);
    if !arguments.starts_only {
        results.throughput = throughput::measure(runner, contestants, extent);
        let many = many::measure(contestants, extent, runner.command());
        results.many = kept("starts by one caller", many, &mut missing);
        results.memory = kept("memory", memory::measure(runner, contestants), &mut missing);
        let crowd = crowd::measure(runner, contestants, extent);
        results.crowd = kept("live containers", crowd, &mut missing);
        let mounts = mounts::measure(runner, contestants, extent);
        results.mounts = kept("mounts", mounts, &mut missing);
        results.sizes = programs::sizes(contestants);
    }
    results.missing = missing;
    Ok(results)
}

/// What was measured, or nothing, and why.
fn kept<T: Default>(what: &str, measured: Result<T, String>, missing: &mut Vec<String>) -> T {
    measured.unwrap_or_else(|why| {
        eprintln!("{what}: {why}");
        missing.push(format!("{what}: {why}"));
        T::default()
    })
}

/// A directory of our own that goes when we do.
struct Scratch {
    path: std::path::PathBuf,
}

impl Scratch {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("mydocker-bench-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        peers::take_away_leftovers();
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
