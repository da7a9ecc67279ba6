//! The tables, as Markdown that can be read in a terminal.

use crate::contestants::{BARE, COMMAND, FLOOR, SMALL};
use crate::crowd;
use crate::many;
use crate::markdown;
use crate::protections::{self, Protections};
use crate::results::Results;
use crate::roots::DIRECTORY;
use crate::rounds::{Measured, NOISE, REGIMES, Row, TIMES};
use crate::statistics::Samples;
use crate::targets;
use crate::throughput;
use std::fmt::Write;

/// Everything, the machine first.
pub fn all(results: &Results) -> String {
    let mut text = String::new();
    for (name, value) in &results.machine {
        let _ = writeln!(text, "{name}: {value}");
    }
    for (part, measured, noise) in results.refuted() {
        let _ = writeln!(
            text,
            "\nTHROWN AWAY, {part}{}: the floor differs from itself by {:.1} %, more than {:.0} %. \
             The machine was too noisy; run it again.",
            measured.regime.name(),
            noise * 100.0,
            NOISE * 100.0
        );
    }
    for measured in &results.regimes {
        let _ = writeln!(text, "\n{}\n{}", heading(measured), regime(measured));
    }
    for measured in &results.pooled {
        let _ = writeln!(
            text,
            "With a pool. {}\n{}",
            heading(measured),
            regime(measured)
        );
    }
    for measured in &results.staying {
        let _ = writeln!(
            text,
            "Containers that stay. {}\n{}",
            heading(measured),
            regime(measured)
        );
    }
    for measured in &results.protections.regimes {
        let table = costs(measured);
        let _ = writeln!(
            text,
            "What the protections cost. {}\n{table}",
            heading(measured)
        );
    }
    let sections = [
        (
            "The steps of the protections by --timing's clock, medians in µs",
            steps(&results.protections),
        ),
        ("Starts per second", throughput(results)),
        (
            "Starts per second by one caller, and times those of xargs over mydocker",
            by_one_caller(results),
        ),
        ("Waiting outside while the command runs", memory(results)),
        (
            "Among live containers, µs",
            crowded(&results.crowd, "containers"),
        ),
        ("Among mounts, µs", crowded(&results.mounts, "mounts")),
        ("Size", sizes(results)),
        ("What was to be reached", targets::table(results)),
    ];
    for (heading, table) in sections {
        // Under the heads there may be nothing, if it was not asked for.
        if table.lines().count() > 2 {
            let _ = writeln!(text, "{heading}\n\n{table}");
        }
    }
    text
}

fn heading(measured: &Measured) -> String {
    let noise = measured.noise().map_or(String::new(), |noise| {
        format!("; the floor differs from itself by {:.1} %", noise * 100.0)
    });
    format!("Times in µs, {}{noise}\n", measured.regime.name())
}

fn regime(measured: &Measured) -> String {
    let mut rows = vec![
        [
            "",
            "first instruction",
            "p90",
            "p99",
            "× equal",
            "× bare",
            "less the command",
            "exit seen",
            "p90",
            "p99",
            "× equal",
            "× bare",
            "less the command",
            "its exit → seen (3 ms)",
            "what is not the same",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for row in &measured.rows {
        let mut cells = vec![row.name.clone()];
        if row.first.median().is_none() {
            cells.resize(rows[0].len() - 1, "–".into());
            cells.push(row.failed.clone().unwrap_or_default());
        } else {
            cells.extend(times(measured, &row.first, |row| &row.first));
            cells.extend(times(measured, &row.exit, |row| &row.exit));
            cells.push(microseconds(row.after.median()));
            let failed = row
                .failed
                .as_ref()
                .map(|why| format!("; failed later: {why}"));
            cells.push(row.note.clone() + &failed.unwrap_or_default());
        }
        rows.push(cells);
    }
    markdown::table(&rows)
}

/// Median, p90, p99, then the median as a ratio to the floors, and to the equal one with the bare
/// command taken off both.
fn times(measured: &Measured, samples: &Samples, of: impl Fn(&Row) -> &Samples) -> Vec<String> {
    let median = |name| of(measured.row(name)?).median();
    let (own, command) = (samples.median(), median(COMMAND));
    let over = |own: Option<f64>, other: Option<f64>| match (own, other) {
        (Some(own), Some(other)) => format!("{:.2}", own / other),
        _ => "–".into(),
    };
    let less = |time: Option<f64>| Some(time? - command?);
    vec![
        microseconds(own),
        microseconds(samples.quantile(0.9)),
        microseconds(samples.quantile(0.99)),
        over(own, median(FLOOR)),
        over(own, median(BARE)),
        over(less(own), less(median(FLOOR))),
    ]
}

fn microseconds(nanoseconds: Option<f64>) -> String {
    nanoseconds.map_or("–".into(), |time| format!("{:.0}", time / 1000.0))
}

/// Each protection's cost: the difference of two medians, what it may be wrong by, and its part of the time without.
fn costs(measured: &Measured) -> String {
    let heads = TIMES.iter().flat_map(|(what, _)| {
        let with = format!("{what}, with");
        [&with, "without", "cost", "±", "%"].map(str::to_owned)
    });
    let first = ["", "switched off by"].map(str::to_owned);
    let mut rows = vec![first.into_iter().chain(heads).collect::<Vec<_>>()];
    for difference in protections::differences(measured) {
        let mut cells = vec![difference.what.to_owned(), difference.switch.clone()];
        for (_, of) in TIMES {
            let without = of(difference.without).median();
            cells.push(microseconds(of(difference.with).median()));
            cells.push(microseconds(without));
            match difference.cost(of).zip(without) {
                Some(((cost, error), without)) => cells.extend([
                    format!("{:.1}", cost / 1000.0),
                    format!("{:.1}", error / 1000.0),
                    format!("{:.1}", cost / without * 100.0),
                ]),
                None => cells.extend(["–"; 3].map(str::to_owned)),
            }
        }
        rows.push(cells);
    }
    markdown::table(&rows)
}

fn steps(protections: &Protections) -> String {
    let columns = [SMALL, DIRECTORY]
        .into_iter()
        .flat_map(|contestant| REGIMES.map(|regime| (contestant, regime)))
        .collect::<Vec<_>>();
    let heads = columns
        .iter()
        .map(|(contestant, regime)| format!("{contestant}, {}", regime.key().replace('_', " ")));
    let mut rows = vec![[String::new()].into_iter().chain(heads).collect::<Vec<_>>()];
    for name in protections.steps() {
        let cells = columns.iter().map(|(contestant, regime)| {
            let median = protections
                .step(*regime, contestant, name)
                .and_then(Samples::median);
            median.map_or("–".into(), |time| format!("{:.1}", time / 1000.0))
        });
        rows.push([name.to_owned()].into_iter().chain(cells).collect());
    }
    markdown::table(&rows)
}

fn throughput(results: &Results) -> String {
    rates(&results.throughput, None)
}

fn by_one_caller(results: &Results) -> String {
    let many = &results.many;
    let base = many.rows.iter().find(|row| row.name == many::XARGS);
    let mut text = rates(&many.rows, base);
    if !many.absent.is_empty() {
        let _ = writeln!(text, "\nNot installed here: {}.", many.absent.join(", "));
    }
    text
}

/// Beside each rate how many times that of `base` it is, if there is one.
fn rates(all: &[throughput::Row], base: Option<&throughput::Row>) -> String {
    let degrees = all.first().map_or(&[][..], |row| &row.per_second);
    let heads = degrees
        .iter()
        .map(|(at_once, _)| format!("{at_once} at once"));
    let mut rows = vec![[String::new()].into_iter().chain(heads).collect::<Vec<_>>()];
    for row in all {
        let cells = row.per_second.iter().enumerate().map(|(index, (_, rate))| {
            let base = base.and_then(|base| base.per_second.get(index)?.1.as_ref().ok());
            match (rate, base) {
                (Ok(rate), Some(base)) => format!("{rate:.0} ({:.2})", rate / base),
                (Ok(rate), None) => format!("{rate:.0}"),
                (Err(_), _) => "–".into(),
            }
        });
        rows.push([row.name.clone()].into_iter().chain(cells).collect());
    }
    let mut text = markdown::table(&rows);
    for row in all {
        for (at_once, rate) in &row.per_second {
            if let Err(why) = rate {
                let _ = writeln!(text, "\n{}, {at_once} at once: {why}", row.name);
            }
        }
    }
    text
}

fn memory(results: &Results) -> String {
    let mut rows = vec![
        [
            "",
            "processes",
            "RSS, KiB",
            "PSS, KiB",
            "PSS among ten",
            "page faults",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for row in &results.memory {
        rows.push(vec![
            row.name.clone(),
            row.processes.to_string(),
            row.resident.to_string(),
            row.proportional.to_string(),
            row.among_ten.map_or("–".into(), |among| among.to_string()),
            row.faults.to_string(),
        ]);
    }
    markdown::table(&rows)
}

fn crowded(rows: &[crowd::Row], what: &str) -> String {
    let mut lines = vec![
        [what, "", "first instruction", "p99", "exit seen", "p99"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in rows {
        lines.push(vec![
            row.others.to_string(),
            row.name.clone(),
            microseconds(row.first.median()),
            microseconds(row.first.quantile(0.99)),
            microseconds(row.exit.median()),
            microseconds(row.exit.quantile(0.99)),
        ]);
    }
    markdown::table(&lines)
}

fn sizes(results: &Results) -> String {
    let mut rows = vec![["", "bytes"].map(str::to_owned).to_vec()];
    for (name, bytes) in &results.sizes {
        rows.push(vec![name.clone(), bytes.to_string()]);
    }
    markdown::table(&rows)
}
