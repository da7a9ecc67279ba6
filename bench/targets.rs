//! What mydocker has set itself to reach, and whether it does.

use crate::batch;
use crate::contestants::{BARE, FLOOR, FLOOR_UNPROTECTED, INIT, SMALL, UNPROTECTED};
use crate::crowd;
use crate::engines;
use crate::limits;
use crate::many;
use crate::markdown;
use crate::peers;
use crate::pool::{POOLED, POOLED_ROOT};
use crate::protections;
use crate::results::Results;
use crate::roots;
use crate::rounds::{Measured, Regime, Row, TIMES};
use crate::statistics::Samples;
use crate::throughput;

/// The most that mydocker's median may be of another's, to the first instruction and to exit seen. Each is compared
/// with who has the same protections: all of them, or none.
const RATIOS: [(&str, &str, f64, f64); 9] = [
    (INIT, SMALL, 1.10, 1.10),
    (SMALL, FLOOR, 1.05, 1.05),
    (UNPROTECTED, FLOOR_UNPROTECTED, 1.05, 1.05),
    (UNPROTECTED, BARE, 1.15, 1.15),
    (UNPROTECTED, "unshare", 0.53, 0.56),
    (UNPROTECTED, "bwrap", 0.32, 0.35),
    (UNPROTECTED, peers::CRUN_UNPROTECTED, 0.20, 0.20),
    (SMALL, "crun", 0.20, 0.20),
    (SMALL, "runc", 0.045, 0.05),
];

/// The targets for a root of its own: the most of the median to the first instruction.
const ROOT_RATIOS: [(&str, &str, f64); 8] = [
    (roots::DIRECTORY_UNPROTECTED, roots::BWRAP, 0.5),
    (roots::DIRECTORY, roots::CRUN, 0.35),
    (roots::OVERLAY_UNPROTECTED, roots::BWRAP, 0.5),
    (roots::OVERLAY, roots::CRUN, 0.35),
    (engines::OCI, roots::CRUN, 0.36),
    (engines::OCI, roots::RUNC, 0.10),
    (engines::OCI, engines::CRUN_CGROUPS, 0.20),
    (engines::OCI_CGROUPS, engines::CRUN_CGROUPS, 0.20),
];

/// The same of create, start and delete, all of them together.
const LIFE_OF_CRUN: f64 = 0.40;

/// The most of the bare floor's that a start from a pool may take, back to back and rested. (A box's protections are on before
/// anyone asks for it.)
const POOLED_RATIOS: [(&str, [f64; 2]); 2] = [(POOLED, [0.40, 0.45]), (POOLED_ROOT, [0.45, 0.50])];

/// What all protections may cost, and the load of the filter among them: microseconds.
const PROTECTIONS_ADD: f64 = 150.0;
const LOAD: f64 = 100.0;

/// What a limit of memory, of processor time and of processes may cost: milliseconds, and of crun's start with
/// the same ones.
const LIMITS_ADD: f64 = 0.5;
const LIMITS_OF_CRUN: f64 = 0.15;

/// Of the process that waits, in KiB and in number.
const RESIDENT: u64 = 100;
const PROPORTIONAL: u64 = 100;
const FAULTS: u64 = 12;

/// The least part of the floor's starts per second.
const RATE: f64 = 0.9;

/// The least of xargs's starts per second over `mydocker run` that a batch makes, and the most of the bare floor's that it
/// takes from a line to the first instruction in a pool's box.
const BATCH_RATE: f64 = 1.15;
const BATCH_POOLED: f64 = 0.25;

/// The most that 1,000 live containers may cost.
const CROWD: f64 = 1.10;

pub fn table(results: &Results) -> String {
    let mut rows = vec![["", "measured", "to reach", ""].map(str::to_owned).to_vec()];
    let mut say = |what: String, measured: f64, bound: String, reached: bool| {
        let word = if reached { "reached" } else { "NOT REACHED" };
        rows.push(vec![what, format!("{measured:.3}"), bound, word.into()]);
    };
    let mut most = |what: String, measured: Option<f64>, most: f64| {
        if let Some(measured) = measured {
            say(what, measured, format!("at most {most}"), measured <= most);
        }
    };
    for measured in &results.regimes {
        let key = measured.regime.key();
        for (own, other, first, exit) in RATIOS {
            let of = |what| format!("{what}, {own} / {other}, {key}");
            most(
                of("first instruction"),
                ratio(measured, own, other, |row| &row.first),
                first,
            );
            most(
                of("exit seen"),
                ratio(measured, own, other, |row| &row.exit),
                exit,
            );
        }
        for (own, other, first) in ROOT_RATIOS {
            let what = format!("first instruction, {own} / {other}, {key}");
            most(what, ratio(measured, own, other, |row| &row.first), first);
        }
        let what = format!(
            "exit seen, {} / {}, {key}",
            engines::OCI_LIFE,
            engines::CRUN_LIFE
        );
        let life = ratio(measured, engines::OCI_LIFE, engines::CRUN_LIFE, |row| {
            &row.exit
        });
        most(what, life, LIFE_OF_CRUN);
    }
    for measured in &results.protections.regimes {
        let key = measured.regime.key();
        let all = protections::differences(measured)
            .into_iter()
            .filter(|difference| {
                [protections::ALL, protections::ALL_WITH_A_ROOT].contains(&difference.what)
            });
        for difference in all {
            for (name, of) in TIMES {
                let added = difference.cost(of).map(|(cost, _)| cost / 1000.0);
                let what = format!(
                    "microseconds that protections add to the {name}, {}, {key}",
                    difference.what
                );
                most(what, added, PROTECTIONS_ADD);
            }
        }
        let load = results
            .protections
            .step(measured.regime, SMALL, protections::LOAD);
        let load = load.and_then(Samples::median).map(|time| time / 1000.0);
        let what = format!("microseconds that the filter takes to load, {key}");
        most(what, load, LOAD);
    }
    for measured in &results.regimes {
        let key = measured.regime.key();
        let first = |name| measured.row(name)?.first.median();
        let added = first(limits::LIMITED).zip(first(SMALL));
        let added = added.map(|(limited, plain)| (limited - plain) / 1e6);
        let what = format!("milliseconds that limits add to the first instruction, {key}");
        most(what, added, LIMITS_ADD);
        let of_crun = ratio(measured, limits::LIMITED, limits::CRUN, |row| &row.first);
        let what = format!("first instruction, limits / {}, {key}", limits::CRUN);
        most(what, of_crun, LIMITS_OF_CRUN);
    }
    for measured in &results.pooled {
        let key = measured.regime.key();
        for (name, [hot, rested]) in POOLED_RATIOS {
            let bound = match measured.regime {
                Regime::BackToBack => hot,
                Regime::Rested => rested,
            };
            let what = format!("first instruction, {name} / {BARE}, {key}");
            most(what, ratio(measured, name, BARE, |row| &row.first), bound);
        }
        let what = format!("first instruction, {} / {BARE}, {key}", batch::POOLED);
        let measured = ratio(measured, batch::POOLED, BARE, |row| &row.first);
        most(what, measured, BATCH_POOLED);
    }
    if let Some(row) = results.memory.iter().find(|row| row.name == SMALL) {
        most(
            "waiting parent, RSS KiB".into(),
            Some(row.resident as f64),
            RESIDENT as f64,
        );
        most(
            "waiting parent, PSS KiB".into(),
            Some(row.proportional as f64),
            PROPORTIONAL as f64,
        );
        let among = row.among_ten.map(|among| among as f64);
        let what = "waiting parent beside nine others, PSS KiB".to_owned();
        most(what, among, PROPORTIONAL as f64);
        most(
            "waiting parent, page faults".into(),
            Some(row.faults as f64),
            FAULTS as f64,
        );
    }
    let (before, among) = (among(&results.crowd, 0), among(&results.crowd, 1000));
    let crowd = before.zip(among).map(|(before, among)| among / before);
    most("first instruction among 1,000 / alone".into(), crowd, CROWD);
    for (at_once, rate) in rates(&results.throughput, SMALL, FLOOR) {
        let what = format!("starts per second / floor, {at_once} at once");
        say(what, rate, format!("at least {RATE}"), rate >= RATE);
    }
    for (at_once, rate) in rates(&results.many.rows, many::BATCH, many::XARGS) {
        let what = format!("starts per second, batch / xargs over run, {at_once} at once");
        let reached = rate >= BATCH_RATE;
        say(what, rate, format!("at least {BATCH_RATE}"), reached);
    }
    markdown::table(&rows)
}

fn ratio(
    measured: &Measured,
    own: &str,
    other: &str,
    of: impl Fn(&Row) -> &Samples,
) -> Option<f64> {
    let median = |name| of(measured.row(name)?).median();
    Some(median(own)? / median(other)?)
}

fn among(rows: &[crowd::Row], others: usize) -> Option<f64> {
    rows.iter()
        .find(|row| row.name == SMALL && row.others == others)?
        .first
        .median()
}

fn rates(rows: &[throughput::Row], own: &str, base: &str) -> Vec<(usize, f64)> {
    let of = |name| rows.iter().find(|row| row.name == name);
    let (Some(own), Some(floor)) = (of(own), of(base)) else {
        return Vec::new();
    };
    let both = own.per_second.iter().zip(&floor.per_second);
    both.filter_map(|((at_once, own), (_, floor))| {
        Some((*at_once, own.as_ref().ok()? / floor.as_ref().ok()?))
    })
    .collect()
}
