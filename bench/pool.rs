//! Starts from pools of boxes.
//!
//! Among the others they would be the others' noise: a pool makes new boxes when nothing starts *from
//! it*. So they have rounds of their own, with the floors, and back to back these stop now and then
//! until the pool is full again. With a rest before each start it is full by itself.

use crate::arguments::Extent;
use crate::batch::Batch;
use crate::contestants::{BARE, Contestant, FLOOR, FLOOR_AGAIN, SMALL};
use crate::memory::rollup;
use crate::roots::DIRECTORY;
use crate::rounds::{self, Measured, Play, REGIMES, Regime};
use crate::runner::Runner;
use crate::switched_off;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const POOLED: &str = "mydocker --pool";
pub const POOLED_ROOT: &str = "mydocker --pool --rootfs";
/// The bare floor has no protection either.
const POOLED_UNPROTECTED: &str = "mydocker --pool, unprotected";

/// How many boxes each has, and after how many rounds, of a start each, they are waited for.
const SIZE: usize = 64;
const ROUNDS: usize = SIZE / 2 - 4;

pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    extent: &Extent,
) -> Result<Vec<Measured>, String> {
    let ready = |name: &str| {
        contestants
            .iter()
            .find(|contestant| contestant.name == name && contestant.trial.is_ok())
    };
    let Some(plain) = ready(SMALL) else {
        return Ok(Vec::new());
    };
    let off = switched_off::OFF.map(OsString::from);
    let kinds = [
        (POOLED, Some(plain), Vec::new()),
        (POOLED_UNPROTECTED, Some(plain), off.to_vec()),
        (POOLED_ROOT, ready(DIRECTORY), Vec::new()),
    ];
    let mut pools = Vec::new();
    let mut pooled = Vec::new();
    let mut asked = None;
    for (name, like, options) in kinds {
        let Some(like) = like else { continue };
        let pool = Pool::new(like, pools.len(), &options)?;
        let mut words = vec![OsString::from("--pool"), pool.directory.clone().into()];
        words.extend(options);
        if name == POOLED_UNPROTECTED {
            let options: Vec<OsString> = words
                .iter()
                .cloned()
                .chain(["--init=false", "--jobs=1"].map(Into::into))
                .collect();
            asked = Some(Batch::telling(like, &options, runner.command())?);
        }
        pooled.extend(like.with(name, &words));
        pools.push((name, pool));
    }
    let mut playing: Vec<Contestant> = contestants
        .iter()
        .filter(|contestant| [FLOOR, FLOOR_AGAIN, BARE, SMALL].contains(&contestant.name.as_str()))
        .filter_map(Contestant::again)
        .collect();
    playing.extend(pooled);

    let mut measured = Vec::new();
    let mut starts = 0;
    for regime in REGIMES {
        // Half as many: there are few contestants, and a pool to wait for.
        let rounds = regime.rounds(extent).div_ceil(2);
        starts += rounds;
        let play = Play {
            regime,
            rounds,
            late_rounds: 0,
            before: &mut |round| {
                if regime == Regime::BackToBack && round % ROUNDS == 0 {
                    pools
                        .iter()
                        .try_for_each(|(_, pool)| pool.wait_until_full())?;
                }
                // Of the same pool as another, which has boxes for both.
                asked
                    .as_mut()
                    .map_or(Ok(()), |asked: &mut Batch| asked.start(regime))
            },
        };
        let mut all = rounds::measure(runner, &playing, play)?;
        all.rows.extend(asked.as_mut().map(Batch::row));
        measured.push(all);
    }
    drop(asked);
    // Said, not assumed: without a box a start takes as long as any other.
    for (name, pool) in pools {
        let memory = pool.memory_of_a_box();
        let handed_out = pool.end()?;
        let starts = match name {
            // With those of the batch.
            POOLED_UNPROTECTED => 2 * starts,
            _ => starts,
        };
        for measured in &mut measured {
            for row in measured.rows.iter_mut().filter(|row| row.name == name) {
                row.note = format!(
                    "a box was ready for {handed_out} of {starts} starts; one that waits has {memory} KiB (PSS)"
                );
            }
        }
    }
    Ok(measured)
}

struct Pool {
    child: Child,
    directory: PathBuf,
    log: PathBuf,
}

impl Pool {
    /// For starts like `contestant`'s with these options besides.
    fn new(contestant: &Contestant, number: usize, options: &[OsString]) -> Result<Self, String> {
        let directory = format!("mydocker-bench-pool-{number}-{}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        let log = directory.with_extension("log");
        let words = contestant.words_before();
        let program = words.first().ok_or("the pool: of no program")?;
        let child = Command::new(program)
            .arg("pool")
            .arg(format!("--size={SIZE}"))
            .args(["--log-level=debug", "--log"])
            .arg(&log)
            // Without the program and `run`.
            .args(words.iter().skip(2))
            .args(options)
            .arg(&directory)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("the pool: {error}"))?;
        let pool = Self {
            child,
            directory,
            log,
        };
        pool.wait_until_full()?;
        Ok(pool)
    }

    fn boxes(&self) -> Vec<u32> {
        let pid = self.child.id();
        let boxes = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let boxes = boxes.unwrap_or_default();
        boxes.split_whitespace().flat_map(str::parse).collect()
    }

    /// What a box that waits has of its own, in KiB, and its part of what it shares.
    fn memory_of_a_box(&self) -> u64 {
        let boxes = self.boxes();
        let all: u64 = boxes.iter().map(|pid| rollup(*pid, "Pss:")).sum();
        all.checked_div(boxes.len() as u64).unwrap_or_default()
    }

    fn wait_until_full(&self) -> Result<(), String> {
        for _ in 0..2000 {
            if self.boxes().len() >= SIZE && self.directory.join("socket").exists() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the pool does not become full".into())
    }

    /// Ends the pool, which says how many it has handed out.
    fn end(mut self) -> Result<usize, String> {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)
            .map_err(|errno| format!("the pool: {errno}"))?;
        self.child
            .wait()
            .map_err(|error| format!("the pool: {error}"))?;
        let log =
            std::fs::read_to_string(&self.log).map_err(|error| format!("its log: {error}"))?;
        log.lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|line| line["boxes"].as_u64())
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| "the pool has not said how many it has handed out".into())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
        let _ = std::fs::remove_file(&self.log);
    }
}
