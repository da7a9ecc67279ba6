//! Starts from a pool of network namespaces.
//!
//! Among the others they would be the others' noise: a pool makes new spares when nothing starts *from
//! it*. So they have rounds of their own, with the floors, and back to back these stop now and then
//! until the pool is full again. With a rest before each start it is full by itself.

use crate::arguments::Extent;
use crate::contestants::{BARE, Contestant, FLOOR, FLOOR_AGAIN, Kind, SMALL};
use crate::rounds::{self, Measured, Play, REGIMES, Regime, Row};
use crate::runner::Runner;
use crate::switched_off;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const POOLED: &str = "mydocker --pool";
/// The bare floor has no protection either.
pub const POOLED_UNPROTECTED: &str = "mydocker --pool, unprotected";

/// How many spares there are, and after how many rounds, of two starts each, they are waited for.
const SIZE: usize = 64;
const ROUNDS: usize = (SIZE - 8) / 2;

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
    let pool = Pool::new(program)?;
    let words = [
        program.as_os_str(),
        "run".as_ref(),
        "--pool".as_ref(),
        pool.directory.as_ref(),
    ];
    let note = "its network namespace was ready";
    let pooled = Contestant::prefix(POOLED, Kind::Mydocker, note, words);
    let mut playing: Vec<Contestant> = contestants
        .iter()
        .filter(|contestant| [FLOOR, FLOOR_AGAIN, BARE, SMALL].contains(&contestant.name.as_str()))
        .filter_map(Contestant::again)
        .collect();
    playing.extend(pooled.with(POOLED_UNPROTECTED, &switched_off::OFF));
    playing.push(pooled);

    let mut measured = Vec::new();
    let mut starts = 0;
    for regime in REGIMES {
        // Half as many: there are few contestants, and a pool to wait for.
        let rounds = regime.rounds(extent).div_ceil(2);
        starts += 2 * rounds;
        let play = Play {
            regime,
            rounds,
            late_rounds: 0,
            before: &mut |round| match regime {
                Regime::BackToBack if round % ROUNDS == 0 => pool.wait_until_full(),
                _ => Ok(()),
            },
        };
        measured.push(rounds::measure(runner, &playing, play)?);
    }
    // Said, not assumed: without a spare a start takes as long as any other.
    let handed_out = pool.end()?;
    for measured in &mut measured {
        let pooled = |row: &&mut Row| [POOLED, POOLED_UNPROTECTED].contains(&row.name.as_str());
        for row in measured.rows.iter_mut().filter(pooled) {
            row.note = format!("{note}: {handed_out} of {starts} starts of both had a spare");
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
    fn new(program: &OsStr) -> Result<Self, String> {
        let directory =
            std::env::temp_dir().join(format!("mydocker-bench-pool-{}", std::process::id()));
        let log = directory.with_extension("log");
        let child = Command::new(program)
            .args([
                "pool",
                "--size",
                &SIZE.to_string(),
                "--log-level=debug",
                "--log",
            ])
            .args([log.as_os_str(), directory.as_os_str()])
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

    fn wait_until_full(&self) -> Result<(), String> {
        for _ in 0..2000 {
            let listed = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
            let spares = listed
                .map_err(|error| format!("the pool: {error}"))?
                .flatten()
                .filter_map(|entry| std::fs::read_link(entry.path()).ok())
                .filter(|target| target.to_string_lossy().starts_with("net:"))
                .count();
            // One is where it was born.
            if spares > SIZE && self.directory.join("socket").exists() {
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
            .find_map(|line| line["handed_out"].as_u64())
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
