//! Starts by one caller who has many to make: `mydocker batch`, and `xargs -P` over those that make one.

use crate::act::Act;
use crate::arguments::Extent;
use crate::batch::Batch;
use crate::contestants::{Contestant, Form, INIT, Kind, SMALL, name};
use crate::isolate::Isolate;
use crate::mount_namespaces;
use crate::peers::installed;
use crate::roots;
use crate::rounds::progress;
use crate::runner::now;
use crate::statistics::Samples;
use crate::throughput::Row;
use serde_json::json;
use std::ffi::OsString;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// As `mydocker run`: the command is PID 1.
pub const BATCH: &str = "batch, --init=false";
/// As `mydocker run --report`, which has a reaper.
const REPORTED: &str = "batch";
/// What the others are compared with.
pub const XARGS: &str = "xargs -P, mydocker";

/// How many there are at once.
const AT_ONCE: [usize; 3] = [1, 8, 32];

/// Those that xargs calls, beside mydocker itself.
const OTHERS: [&str; 6] = [INIT, "bwrap", "crun", roots::CRUN, "runc", "youki"];

#[derive(Default)]
pub struct Many {
    pub rows: Vec<Row>,
    /// Who would be compared, and is not installed.
    pub absent: Vec<String>,
}

enum Player<'a> {
    Batch(&'a [&'a str]),
    Xargs(&'a Contestant),
    Isolate(Isolate),
}

/// The rates of all of them, in rounds.
pub fn measure(
    contestants: &[Contestant],
    extent: &Extent,
    command: &Path,
) -> Result<Many, String> {
    let find = |name: &str| {
        contestants
            .iter()
            .find(|contestant| contestant.name == name)
    };
    let Some(own) = find(SMALL).filter(|own| own.trial.is_ok()) else {
        return Ok(Many::default());
    };
    let mut many = Many::default();
    let mut players = vec![
        (XARGS.to_owned(), Player::Xargs(own)),
        (BATCH.to_owned(), Player::Batch(&["--init=false"])),
        (REPORTED.to_owned(), Player::Batch(&[])),
    ];
    for name in OTHERS {
        match find(name) {
            Some(other) if other.trial.is_ok() => {
                players.push((format!("xargs -P, {name}"), Player::Xargs(other)));
            }
            Some(other) if other.kind == Kind::Peer => many.absent.push(name.to_owned()),
            _ => {}
        }
    }
    let boxes = installed("isolate").map(|program| Isolate::new(program, command));
    match boxes.transpose()? {
        Some(boxes) => players.push(("xargs -P, isolate".into(), Player::Isolate(boxes))),
        None => many.absent.push("isolate".into()),
    }
    many.rows = players.iter().map(|(name, _)| empty(name)).collect();
    let players: Vec<Player<'_>> = players.into_iter().map(|(_, player)| player).collect();
    let mut serial = 0;
    for at_once in AT_ONCE {
        let rates = at(at_once, own, &players, extent, command, &mut serial)?;
        for (row, rates) in many.rows.iter_mut().zip(rates) {
            let median = |rates| Samples::new(rates).median().unwrap_or_default() / 1000.0;
            row.per_second.push((at_once, rates.map(median)));
        }
    }
    progress("");
    Ok(many)
}

fn empty(name: &str) -> Row {
    Row {
        name: name.to_owned(),
        per_second: Vec::new(),
    }
}

type Rates = Vec<Result<Vec<u64>, String>>;

/// With so many at once, everyone in each round, in an order that is shuffled anew.
fn at(
    at_once: usize,
    own: &Contestant,
    players: &[Player<'_>],
    extent: &Extent,
    command: &Path,
    serial: &mut u64,
) -> Result<Rates, String> {
    let mut rates: Rates = vec![Ok(Vec::new()); players.len()];
    let mut order: Vec<usize> = (0..players.len()).collect();
    for slice in 0..extent.slices {
        progress(&format!(
            "by one caller, {at_once} at once: {} of {}",
            slice + 1,
            extent.slices
        ));
        fastrand::shuffle(&mut order);
        for index in &order {
            let Ok(known) = &mut rates[*index] else {
                continue;
            };
            let rate = match &players[*index] {
                Player::Batch(options) => batch(own, options, at_once, command, extent.slice),
                Player::Xargs(contestant) => {
                    let called = Called {
                        words: words(contestant, command, *serial),
                        name: name_of,
                        mounts: contestant.mounts.as_ref(),
                    };
                    xargs(&called, at_once, extent.slice, serial)
                }
                Player::Isolate(boxes) => {
                    let called = Called {
                        words: boxes.words(),
                        name: Isolate::number,
                        mounts: None,
                    };
                    xargs(&called, at_once, extent.slice, serial)
                }
            };
            match rate {
                Ok(rate) => known.push(rate),
                Err(why) => rates[*index] = Err(why),
            }
        }
    }
    Ok(rates)
}

/// Starts per 1,000 seconds. Its workers are there when it is measured.
fn batch(
    own: &Contestant,
    options: &[&str],
    at_once: usize,
    command: &Path,
    milliseconds: u64,
) -> Result<u64, String> {
    let job = json!({"command": [command], "stdout_file": "/dev/null"}).to_string();
    let jobs = format!("--jobs={at_once}");
    let options = options.iter().copied().chain([jobs.as_str()]);
    let options: Vec<OsString> = options.map(OsString::from).collect();
    Batch::new(own, &options, job)?.rate(at_once, milliseconds)
}

/// What xargs is to call.
struct Called<'a> {
    words: Vec<OsString>,
    /// What stands for `{}`.
    name: fn(u64) -> Vec<u8>,
    /// The mount namespace that it needs, which xargs is started in.
    mounts: Option<&'a OwnedFd>,
}

/// The words of a call, where `{}` is what differs from one start to the next.
fn words(contestant: &Contestant, command: &Path, serial: u64) -> Vec<OsString> {
    let mut words = contestant.words(command, Act::First, serial);
    if let (Form::Bundle { .. }, Some(last)) = (&contestant.form, words.last_mut()) {
        // The container's name, which is another one each time.
        *last = "{}".into();
    }
    words
}

fn name_of(serial: u64) -> Vec<u8> {
    name(serial).into_encoded_bytes()
}

/// Starts per 1,000 seconds, of as many as take about so long.
fn xargs(
    called: &Called<'_>,
    at_once: usize,
    milliseconds: u64,
    serial: &mut u64,
) -> Result<u64, String> {
    let few = 2 * at_once.max(8);
    let rate = of_so_many(called, at_once, few, serial)?;
    let count = usize::try_from(rate * milliseconds / 1_000_000).unwrap_or(few);
    of_so_many(called, at_once, count.max(few), serial)
}

fn of_so_many(
    called: &Called<'_>,
    at_once: usize,
    count: usize,
    serial: &mut u64,
) -> Result<u64, String> {
    let mut names = Vec::new();
    for _ in 0..count {
        *serial += 1;
        names.extend((called.name)(*serial));
        names.push(b'\n');
    }
    let home = mount_namespaces::here()?;
    if let Some(mounts) = called.mounts {
        mount_namespaces::enter(mounts)?;
    }
    let begin = now();
    let child = Command::new("xargs")
        .arg(format!("-P{at_once}"))
        .arg("-I{}")
        .args(&called.words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    if called.mounts.is_some() {
        mount_namespaces::enter(&home)?;
    }
    let mut child = child.map_err(|error| format!("xargs: {error}"))?;
    let mut input = child.stdin.take().ok_or("xargs: no stdin")?;
    let written = input.write_all(&names);
    drop(input);
    let output = child.wait_with_output();
    let lasted = now() - begin;
    let output = output.map_err(|error| format!("xargs: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().next().unwrap_or_default();
        return Err(format!("{}: {line}", output.status));
    }
    written.map_err(|error| format!("xargs: {error}"))?;
    Ok(count as u64 * 1_000_000_000_000 / lasted)
}
