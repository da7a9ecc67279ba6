//! Latency beside live containers: 0, 100, 1,000 of them.

use crate::act::Act;
use crate::arguments::Extent;
use crate::contestants::{self, Contestant};
use crate::rounds::progress;
use crate::runner::Runner;
use crate::statistics::Samples;
use std::process::Child;

/// How long starts took among `others`.
pub struct Row {
    pub others: usize,
    pub name: String,
    pub first: Samples,
    pub exit: Samples,
}

/// The floor beside mydocker: what the kernel itself takes longer is not mydocker's.
const PLAYING: [&str; 2] = [contestants::FLOOR, contestants::SMALL];

pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    extent: &Extent,
) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let Some(mydocker) =
        playing(contestants).find(|contestant| contestant.name == contestants::SMALL)
    else {
        return Ok(rows);
    };
    for others in extent.crowds {
        let crowd = Crowd::gather(runner, mydocker, *others)?;
        rows.extend(starts(runner, contestants, extent.crowd_rounds, *others)?);
        drop(crowd);
    }
    Ok(rows)
}

fn playing(contestants: &[Contestant]) -> impl Iterator<Item = &Contestant> {
    contestants.iter().filter(|contestant| {
        contestant.trial.is_ok() && PLAYING.contains(&contestant.name.as_str())
    })
}

/// Interleaved starts in whatever surroundings there are, `others` in number.
pub fn starts(
    runner: &mut Runner,
    contestants: &[Contestant],
    rounds: usize,
    others: usize,
) -> Result<Vec<Row>, String> {
    let mut order: Vec<(&Contestant, Vec<_>)> = playing(contestants)
        .map(|contestant| (contestant, Vec::new()))
        .collect();
    for round in 0..rounds {
        progress(&format!("among {others}: round {} of {rounds}", round + 1));
        fastrand::shuffle(&mut order);
        for (contestant, samples) in &mut order {
            samples.push(runner.run(contestant, Act::First)?);
        }
    }
    progress("");
    order.sort_by_key(|(contestant, _)| contestant.name != contestants::FLOOR);
    let rows = order.into_iter().map(|(contestant, samples)| Row {
        others,
        name: contestant.name.clone(),
        first: Samples::new(samples.iter().map(|sample| sample.first())),
        exit: Samples::new(samples.iter().map(|sample| sample.exit())),
    });
    Ok(rows.collect())
}

/// Containers that stay until this is dropped.
struct Crowd(Vec<Child>);

impl Crowd {
    fn gather(runner: &mut Runner, contestant: &Contestant, count: usize) -> Result<Self, String> {
        let mut crowd = Self(Vec::new());
        for number in 0..count {
            progress(&format!("live containers: {number} of {count}"));
            crowd.0.push(runner.spawn(contestant, Act::Stay)?.0);
            runner.wait_until_said()?;
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // All at once, then all waited for: each container goes with its mydocker.
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}
