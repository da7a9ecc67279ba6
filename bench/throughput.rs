//! Starts per second with several at once.

use crate::arguments::Extent;
use crate::contestants::{Contestant, Kind};
use crate::rounds::progress;
use crate::runner::{Act, Runner, now};
use crate::statistics::Samples;
use nix::sys::wait::{WaitStatus, waitpid};

/// Starts per second (medians of the slices) for each degree of concurrency.
pub struct Row {
    pub name: String,
    pub per_second: Vec<(usize, f64)>,
}

pub fn measure(
    runner: &mut Runner,
    contestants: &[Contestant],
    extent: &Extent,
) -> Result<Vec<Row>, String> {
    // A program that a control starts twice says nothing more here.
    let mut playing: Vec<&Contestant> = contestants
        .iter()
        .filter(|contestant| {
            contestant.trial.is_ok() && (!contestant.slow || contestant.kind != Kind::Peer)
        })
        .collect();
    let mut rows: Vec<Row> = Vec::new();
    for at_once in extent.at_once {
        let mut rates: Vec<(String, Vec<u64>)> = Vec::new();
        for slice in 0..extent.slices {
            progress(&format!(
                "{at_once} at once: {} of {}",
                slice + 1,
                extent.slices
            ));
            fastrand::shuffle(&mut playing);
            for contestant in &playing {
                let rate = rate(runner, contestant, *at_once, extent.slice)
                    .map_err(|why| format!("{}: {why}", contestant.name))?;
                match rates.iter_mut().find(|(name, _)| *name == contestant.name) {
                    Some((_, rates)) => rates.push(rate),
                    None => rates.push((contestant.name.clone(), vec![rate])),
                }
            }
        }
        for (name, rates) in rates {
            let median = Samples::new(rates).median().unwrap_or_default() / 1000.0;
            match rows.iter_mut().find(|row| row.name == name) {
                Some(row) => row.per_second.push((*at_once, median)),
                None => rows.push(Row {
                    name,
                    per_second: vec![(*at_once, median)],
                }),
            }
        }
    }
    progress("");
    // In the order of the other tables.
    rows.sort_by_key(|row| {
        contestants
            .iter()
            .position(|contestant| contestant.name == row.name)
    });
    Ok(rows)
}

/// Starts per 1,000 seconds over `milliseconds`, with `at_once` alive all the time.
fn rate(
    runner: &mut Runner,
    contestant: &Contestant,
    at_once: usize,
    milliseconds: u64,
) -> Result<u64, String> {
    let begin = now();
    let deadline = begin + milliseconds * 1_000_000;
    let (mut alive, mut ended) = (0, 0);
    while alive > 0 || now() < deadline {
        if alive < at_once && now() < deadline {
            runner.spawn(contestant, Act::First)?;
            alive += 1;
            continue;
        }
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(_, 0)) => {}
            Ok(other) => return Err(format!("{other:?}")),
            Err(errno) => return Err(format!("wait: {errno}")),
        }
        alive -= 1;
        ended += 1;
        // The pipe is not to fill up.
        runner.said();
    }
    Ok(ended * 1_000_000_000_000 / (now() - begin))
}
