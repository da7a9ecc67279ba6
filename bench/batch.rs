//! One process that stays, `mydocker batch`: what it can start in a second, see [`crate::many`], and how long it takes from
//! a line to the first instruction of a command that has a box of a pool's.

use crate::contestants::Contestant;
use crate::rounds::{Regime, Row};
use crate::runner::{Sample, now, time_in};
use crate::statistics::Samples;
use serde_json::json;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub const POOLED: &str = "mydocker batch --pool, unprotected";

/// A batch that is asked.
pub struct Batch {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    job: String,
    /// Where commands tell their times.
    told: Option<(File, PathBuf)>,
    samples: Vec<Sample>,
}

impl Batch {
    pub fn new(contestant: &Contestant, options: &[OsString], job: String) -> Result<Self, String> {
        let (program, before) = contestant
            .program_in_words()
            .split_first()
            .ok_or("no program")?;
        let mut child = Command::new(program)
            .args(before)
            .arg("batch")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("batch: {error}"))?;
        Ok(Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().ok_or("batch: no stdout")?),
            child,
            job: job + "\n",
            told: None,
            samples: Vec::new(),
        })
    }

    /// One whose commands tell the time of their first instruction.
    pub fn telling(
        contestant: &Contestant,
        options: &[OsString],
        command: &Path,
    ) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("mydocker-bench-told-{}", std::process::id()));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)
            .map_err(|errno| format!("{}: {errno}", path.display()))?;
        // For writing as well: it has no end.
        let opened = File::options().read(true).write(true).open(&path);
        let job = json!({"command": [command], "stdout_file": path});
        let mut batch = Self::new(contestant, options, job.to_string())?;
        batch.told = Some((opened.map_err(|error| error.to_string())?, path));
        Ok(batch)
    }

    fn ask(&mut self) -> Result<(), String> {
        let input = self.input.as_mut().ok_or("batch: no stdin")?;
        let written = input.write_all(self.job.as_bytes());
        written.map_err(|error| format!("batch: {error}"))
    }

    fn result(&mut self) -> Result<(), String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        match read {
            Ok(1..) if line.contains("\"status\":0,") => Ok(()),
            Ok(_) => Err(format!("batch: {line:?}")),
            Err(error) => Err(format!("batch: {error}")),
        }
    }

    /// One start, from the line to its result.
    pub fn start(&mut self, regime: Regime) -> Result<(), String> {
        regime.rest();
        let spawned = now();
        self.ask()?;
        self.result()?;
        let exit_seen = now();
        let (told, _) = self.told.as_mut().ok_or("batch: nothing is told")?;
        let mut letters = [0; crate::runner::LETTERS];
        let read = told.read_exact(&mut letters);
        read.map_err(|error| format!("batch: {error}"))?;
        self.samples.push(Sample {
            spawned,
            said: time_in(&letters).ok_or("batch: the command said something else")?,
            exit_seen,
        });
        Ok(())
    }

    /// What was measured since the last time.
    pub fn row(&mut self) -> Row {
        let samples = std::mem::take(&mut self.samples);
        Row {
            name: POOLED.into(),
            note: "from its line, in a process that is there; a box was ready".into(),
            failed: None,
            first: Samples::new(samples.iter().map(|sample| sample.first())),
            exit: Samples::new(samples.iter().map(|sample| sample.exit())),
            after: Samples::default(),
        }
    }

    /// Starts per 1,000 seconds over `milliseconds`, with `at_once` alive all the time.
    pub fn rate(&mut self, at_once: usize, milliseconds: u64) -> Result<u64, String> {
        for _ in 0..at_once {
            self.ask()?;
        }
        // They have workers by then.
        for _ in 0..at_once {
            self.result()?;
        }
        let begin = now();
        let deadline = begin + milliseconds * 1_000_000;
        // One more, so that there is a line when a worker has ended with one.
        for _ in 0..=at_once {
            self.ask()?;
        }
        let (mut asked, mut ended) = (at_once + 1, 0u64);
        while asked > 0 {
            self.result()?;
            ended += 1;
            match now() < deadline {
                true => self.ask()?,
                false => asked -= 1,
            }
        }
        Ok(ended * 1_000_000_000_000 / (now() - begin))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
        if let Some((_, path)) = &self.told {
            let _ = std::fs::remove_file(path);
        }
    }
}
