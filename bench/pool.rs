//! Starts from pools of boxes.
//!
//! Among the others they would be the others' noise: a pool makes new boxes when nothing starts *from
//! it*. So they have rounds of their own, with the floors, and back to back these stop now and then
//! until the pool is full again. With a rest before each start it is full by itself.

use crate::arguments::Extent;
use crate::contestants::{BARE, Contestant, FLOOR, FLOOR_AGAIN, Kind, SMALL};
use crate::rounds::{self, Measured, Play, REGIMES, Regime};
use crate::runner::Runner;
use crate::switched_off;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const POOLED: &str = "mydocker --pool";
/// The bare floor has no protection either.
pub const POOLED_UNPROTECTED: &str = "mydocker --pool, unprotected";

/// How many boxes each has, and after how many rounds, of a start each, they are waited for.
const SIZE: usize = 64;
const ROUNDS: usize = SIZE - 8;

pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    extent: &Extent,
) -> Result<Vec<Measured>, String> {
    let program = contestants
        .iter()
        .find(|contestant| contestant.name == SMALL && contestant.trial.is_ok())
        .and_then(Contestant::program);
    let Some(program) = program else {
        return Ok(Vec::new());
    };
    let pools = [
        (POOLED, Pool::new(program, "plain", &[])?),
        (
            POOLED_UNPROTECTED,
            Pool::new(program, "unprotected", &switched_off::OFF)?,
        ),
    ];
    let note = "a box was ready";
    let pooled = pools.each_ref().map(|(name, pool)| {
        let before = [
            program.as_os_str(),
            "run".as_ref(),
            "--pool".as_ref(),
            pool.directory.as_ref(),
        ];
        let options = pool.options.iter().map(|option| OsStr::new(*option));
        Contestant::prefix(
            name,
            Kind::Mydocker,
            note,
            before.into_iter().chain(options),
        )
    });
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
            before: &mut |round| match regime {
                Regime::BackToBack if round % ROUNDS == 0 => pools
                    .iter()
                    .try_for_each(|(_, pool)| pool.wait_until_full()),
                _ => Ok(()),
            },
        };
        measured.push(rounds::measure(runner, &playing, play)?);
    }
    // Said, not assumed: without a box a start takes as long as any other.
    for (name, pool) in pools {
        let handed_out = pool.end()?;
        for measured in &mut measured {
            for row in measured.rows.iter_mut().filter(|row| row.name == name) {
                row.note = format!("{note}: {handed_out} of {starts} starts had one");
            }
        }
    }
    Ok(measured)
}

struct Pool {
    child: Child,
    directory: PathBuf,
    log: PathBuf,
    options: &'static [&'static str],
}

impl Pool {
    fn new(program: &OsStr, name: &str, options: &'static [&'static str]) -> Result<Self, String> {
        let directory = format!("mydocker-bench-pool-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        let log = directory.with_extension("log");
        let child = Command::new(program)
            .args([
                "pool",
                "--size",
                &SIZE.to_string(),
                "--log-level=debug",
                "--log",
            ])
            .arg(&log)
            .args(options)
            .arg(&directory)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("the pool: {error}"))?;
        let pool = Self {
            child,
            directory,
            log,
            options,
        };
        pool.wait_until_full()?;
        Ok(pool)
    }

    fn wait_until_full(&self) -> Result<(), String> {
        let pid = self.child.id();
        for _ in 0..2000 {
            let boxes = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
                .map_err(|error| format!("the pool: {error}"))?;
            if boxes.split_whitespace().count() >= SIZE && self.directory.join("socket").exists() {
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
