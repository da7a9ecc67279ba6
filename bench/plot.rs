//! The plot: how each contestant's times are distributed, side by side on one logarithmic scale,
//! back to back above the line and rested below it. Written by hand: it is rectangles, paths and
//! words, and a plotting library would have neither these shapes nor fewer lines.

use crate::results::Results;
use crate::rounds::Row;
use crate::statistics::Samples;
use std::fmt::Write;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 200.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 64.0;
const ROW: f64 = 40.0;
const BOTTOM: f64 = 46.0;

/// Bins in each tenfold of time.
const BINS: f64 = 60.0;

/// Above the line and below it.
const COLOURS: [&str; 2] = ["#4477aa", "#cc6677"];

pub fn svg(results: &Results) -> String {
    let [above, below] = results.regimes.as_slice() else {
        return String::new();
    };
    let rows: Vec<(&Row, &Row)> = above
        .rows
        .iter()
        .zip(&below.rows)
        .filter(|(row, _)| row.first.median().is_some())
        .collect();
    let scale = Scale::around(
        rows.iter()
            .flat_map(|(above, below)| [&above.first, &below.first]),
    );
    let height = TOP + ROW * rows.len() as f64 + BOTTOM;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">From spawn to the command's first instruction</text>\n\
         <text x=\"{LEFT}\" y=\"42\"><tspan fill=\"{}\">▲ {}</tspan>   <tspan fill=\"{}\">▼ {}</tspan>\
         </text>\n",
        COLOURS[0],
        above.regime.name(),
        COLOURS[1],
        below.regime.name()
    );
    axis(&mut text, &scale, height);
    for ((above, below), index) in rows.into_iter().zip(0u32..) {
        let line = TOP + ROW * (f64::from(index) + 0.5);
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 10.0,
            line + 4.0,
            above.name
        );
        half(&mut text, &scale, &above.first, line, -1.0, COLOURS[0]);
        half(&mut text, &scale, &below.first, line, 1.0, COLOURS[1]);
    }
    text.push_str("</svg>\n");
    text
}

/// Tenfold steps of time, in nanoseconds, over the width.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn around<'a>(samples: impl Iterator<Item = &'a Samples> + Clone) -> Self {
        let ends = |quantile, start: f64, pick: fn(f64, f64) -> f64| {
            let values = samples
                .clone()
                .filter_map(|samples| samples.quantile(quantile));
            values.fold(start, pick).log10()
        };
        // Past that it is a few stray samples, which the table's p99 is about.
        let (low, high) = (ends(0.0, f64::MAX, f64::min), ends(0.99, 0.0, f64::max));
        Self {
            low: low - 0.05,
            high: high + 0.05,
        }
    }

    fn x(&self, nanoseconds: f64) -> f64 {
        let part = (nanoseconds.log10() - self.low) / (self.high - self.low);
        LEFT + (WIDTH - LEFT - RIGHT) * part.clamp(0.0, 1.0)
    }
}

fn axis(text: &mut String, scale: &Scale, height: f64) {
    let foot = height - BOTTOM;
    for tenfold in 3..11 {
        for digit in [1.0, 2.0, 5.0] {
            let time = digit * 10f64.powi(tenfold);
            if !(scale.low..=scale.high).contains(&time.log10()) {
                continue;
            }
            let x = scale.x(time);
            let label = match time / 1000.0 {
                micro if micro < 1000.0 => format!("{micro} µs"),
                micro => format!("{} ms", micro / 1000.0),
            };
            let _ = writeln!(
                text,
                "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{foot}\" stroke=\"#ddd\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{label}</text>",
                foot + 20.0
            );
        }
    }
}

/// The distribution as a hill on one side of the line, and the median as a stroke and a number.
fn half(text: &mut String, scale: &Scale, samples: &Samples, line: f64, side: f64, colour: &str) {
    let Some(median) = samples.median() else {
        return;
    };
    let bin = |time: u64| ((time as f64).log10() * BINS).floor() as i64;
    let mut counts: Vec<(i64, usize)> = Vec::new();
    let mut bins: Vec<i64> = samples.in_order().iter().map(|time| bin(*time)).collect();
    bins.sort_unstable();
    for bin in bins {
        match counts.last_mut() {
            Some((last, count)) if *last == bin => *count += 1,
            _ => counts.push((bin, 1)),
        }
    }
    let highest = counts.iter().map(|(_, count)| *count).max().unwrap_or(1) as f64;
    let mut path = String::new();
    for (bin, count) in counts {
        let (from, to) = (bin as f64 / BINS, (bin + 1) as f64 / BINS);
        let (from, to) = (scale.x(10f64.powf(from)), scale.x(10f64.powf(to)));
        let y = line + side * (ROW * 0.42) * count as f64 / highest;
        let _ = write!(path, "M{from:.1} {line:.1}V{y:.1}H{to:.1}V{line:.1}z");
    }
    let x = scale.x(median);
    let end = line + side * ROW * 0.42;
    let _ = writeln!(
        text,
        "<path d=\"{path}\" fill=\"{colour}\" fill-opacity=\"0.75\"/>\
         <line x1=\"{x:.1}\" y1=\"{line:.1}\" x2=\"{x:.1}\" y2=\"{end:.1}\" stroke=\"black\"/>\
         <text x=\"{}\" y=\"{:.1}\" fill=\"{colour}\" font-size=\"11\">{:.0} µs</text>",
        WIDTH - RIGHT + 8.0,
        line + side * 9.0 + 4.0,
        median / 1000.0
    );
}
