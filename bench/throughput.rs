//! Starts per second with several at once.

use crate::act::Act;
use crate::arguments::Extent;
use crate::contestants::Contestant;
use crate::rounds::progress;
use crate::runner::{Runner, now};
use crate::statistics::Samples;
use nix::sys::wait::{WaitStatus, waitpid};

/// Starts per second (medians of the slices) for each degree of concurrency, or why there is no number.
pub struct Row {
    pub name: String,
    pub per_second: Vec<(usize, Result<f64, String>)>,
}

pub fn measure(runner: &mut Runner, contestants: &[Contestant], extent: &Extent) -> Vec<Row> {
    let playing: Vec<&Contestant> = contestants
        .iter()
        .filter(|contestant| contestant.trial.is_ok() && !contestant.slow)
        .collect();
    let mut rows: Vec<Row> = playing
        .iter()
        .map(|contestant| Row {
            name: contestant.name.clone(),
            per_second: Vec::new(),
        })
        .collect();
    let mut order: Vec<usize> = (0..playing.len()).collect();
    for at_once in extent.at_once {
        let mut rates = vec![Ok(Vec::new()); playing.len()];
        for slice in 0..extent.slices {
            progress(&format!(
                "{at_once} at once: {} of {}",
                slice + 1,
                extent.slices
            ));
            fastrand::shuffle(&mut order);
            for index in &order {
                if let Ok(known) = &mut rates[*index] {
                    match rate(runner, playing[*index], *at_once, extent.slice) {
                        Ok(rate) => known.push(rate),
                        Err(why) => rates[*index] = Err(why),
                    }
                }
            }
        }
        for (row, rates) in rows.iter_mut().zip(rates) {
            let median = |rates| Samples::new(rates).median().unwrap_or_default() / 1000.0;
            row.per_second.push((*at_once, rates.map(median)));
        }
    }
    progress("");
    rows
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
    let mut failed = None;
    while alive > 0 || now() < deadline {
        if alive < at_once && now() < deadline && failed.is_none() {
            runner.spawn(contestant, Act::First)?;
            alive += 1;
            continue;
        }
        if alive == 0 {
            break;
        }
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(_, 0)) => {}
            Ok(other) => failed = Some(format!("{other:?}: {}", runner.complaint())),
            Err(errno) => return Err(format!("wait: {errno}")),
        }
        alive -= 1;
        ended += 1;
        // The pipe is not to fill up.
        runner.said();
    }
    match failed {
        None => Ok(ended * 1_000_000_000_000 / (now() - begin)),
        Some(why) => Err(why),
    }
}
