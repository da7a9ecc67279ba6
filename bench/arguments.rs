//! What `cargo bench --` takes.

use crate::further::Further;
use std::ffi::OsString;
use std::path::PathBuf;

const HELP: &str = "usage: cargo bench -- [OPTIONS]    (as root)

  --short        one or two minutes, for a look and for CI
  --full         the whole of it, about twenty minutes (default)
  --starts       only the times of starts
  --also FILE    another mydocker, to compare with
  --peer NAME=PROGRAM
                 another version of a peer; its name begins with the peer's (\"crun 1.28\"), PROGRAM may be several words:
                 the loader of a libc of its own, its options, and the program
  --only NAMES   contestants whose name contains one of these, comma-separated
  --json FILE    every sample and the machine's facts (default: target/bench/latency.json)
  --plot FILE    the distributions (default: target/bench/latency.svg)";

/// How much is measured.
pub struct Extent {
    /// Rounds back to back. A slow contestant is in each tenth.
    pub rounds: usize,
    /// Rounds with a rest before each start.
    pub rested_rounds: usize,
    /// Rounds of the command that runs 3 ms.
    pub late_rounds: usize,
    /// Milliseconds that each contestant has at each degree of concurrency, and how often.
    pub slice: u64,
    pub slices: usize,
    pub at_once: &'static [usize],
    /// Starts in each crowd, and how large the crowds are.
    pub crowd_rounds: usize,
    pub crowds: &'static [usize],
    pub mounts: &'static [usize],
}

const FULL: Extent = Extent {
    rounds: 1000,
    rested_rounds: 1000,
    late_rounds: 150,
    slice: 300,
    slices: 3,
    at_once: &[1, 2, 4, 8, 32],
    crowd_rounds: 200,
    crowds: &[0, 100, 1000, 0],
    mounts: &[10, 1000, 5000, 10],
};

const SHORT: Extent = Extent {
    rounds: 150,
    rested_rounds: 25,
    late_rounds: 15,
    slice: 60,
    slices: 1,
    at_once: &[1, 8],
    crowd_rounds: 30,
    crowds: &[0, 100],
    mounts: &[10, 1000],
};

pub struct Arguments {
    pub extent: Extent,
    pub only: Option<Vec<String>>,
    pub also: Vec<PathBuf>,
    pub further: Vec<Further>,
    pub starts_only: bool,
    pub json: PathBuf,
    pub plot: PathBuf,
}

impl Arguments {
    pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        use lexopt::Arg::Long;
        let mut parser = lexopt::Parser::from_iter(arguments);
        let mut result = Self {
            extent: FULL,
            only: None,
            also: Vec::new(),
            further: Vec::new(),
            starts_only: false,
            json: "target/bench/latency.json".into(),
            plot: "target/bench/latency.svg".into(),
        };
        let failed = |error: lexopt::Error| format!("{error}\n{HELP}");
        while let Some(argument) = parser.next().map_err(failed)? {
            match argument {
                // cargo says this to every benchmark.
                Long("bench") => {}
                Long("short") => result.extent = SHORT,
                Long("full") => result.extent = FULL,
                Long("only") => {
                    let names = parser.value().map_err(failed)?;
                    let names = names
                        .to_string_lossy()
                        .split(',')
                        .map(str::to_owned)
                        .collect();
                    result.only = Some(names);
                }
                Long("starts") => result.starts_only = true,
                Long("also") => result.also.push(parser.value().map_err(failed)?.into()),
                Long("peer") => {
                    let text = parser.value().map_err(failed)?;
                    result
                        .further
                        .push(Further::parse(&text.to_string_lossy())?);
                }
                Long("json") => result.json = parser.value().map_err(failed)?.into(),
                Long("plot") => result.plot = parser.value().map_err(failed)?.into(),
                Long("help") => return Err(HELP.into()),
                other => return Err(failed(other.unexpected())),
            }
        }
        Ok(result)
    }
}
