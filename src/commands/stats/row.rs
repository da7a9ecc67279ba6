//! The line of a container.

use super::sample::Sample;
use crate::cgroup::{Load, MemoryLoad};
use crate::format::Columns;
use crate::format::units::{Units, size};

pub const COLUMNS: Columns = Columns {
    fields: &[
        ("BlockIO", "BLOCK I/O"),
        ("CPUPerc", "CPU %"),
        ("Container", "CONTAINER"),
        ("ID", "CONTAINER ID"),
        ("MemPerc", "MEM %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("Name", "NAME"),
        ("NetIO", "NET I/O"),
        ("PIDs", "PIDS"),
    ],
    usual: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
};

/// What is known of a container.
pub struct Shown<'a> {
    pub id: String,
    pub name: &'a str,
    pub word: &'a str,
    pub earlier: Option<&'a Sample>,
    /// `None`: it does not run.
    pub sample: Option<&'a Sample>,
}

/// Docker's for what is not known.
const UNKNOWN: &str = "--";

impl Shown<'_> {
    /// In the order of the columns. `memory`: bytes that the host has.
    pub fn cells(&self, memory: u64) -> Vec<Vec<u8>> {
        let load = match self.sample {
            Some(sample) => sample.load.unwrap_or_default(),
            // What does not run uses nothing.
            None => NOTHING,
        };
        let network = match self.sample {
            Some(sample) => sample.network,
            None => Some([0, 0]),
        };
        let cells = [
            both(load.blocks),
            self.processors().map_or(UNKNOWN.into(), per_cent),
            self.word.into(),
            self.id.clone(),
            share(load.memory, memory),
            used(load.memory, self.sample.map_or(0, |_| memory)),
            self.name.into(),
            both(network),
            load.processes
                .map_or(UNKNOWN.into(), |number| number.to_string()),
        ];
        cells.map(String::into_bytes).into()
    }

    /// Ten thousandths of one processor, since the earlier sample.
    fn processors(&self) -> Option<u64> {
        let Some(sample) = self.sample else {
            return Some(0);
        };
        let now = sample.load?.processor_time?;
        let Some(earlier) = self.earlier else {
            return Some(0);
        };
        let before = earlier.load?.processor_time?;
        let used = now.saturating_sub(before).as_nanos();
        let passed = sample.at.saturating_duration_since(earlier.at).as_nanos();
        u64::try_from((used * 10_000).checked_div(passed)?).ok()
    }
}

const NOTHING: Load = Load {
    memory: Some(MemoryLoad {
        used: 0,
        limit: None,
    }),
    processor_time: None,
    processes: Some(0),
    blocks: Some([0, 0]),
};

fn both(bytes: Option<[u64; 2]>) -> String {
    match bytes {
        Some(bytes) => bytes
            .map(|bytes| size(bytes, Units::Decimal, 3))
            .join(" / "),
        None => UNKNOWN.into(),
    }
}

/// What the container can have at most: the host's, if no limit is lower.
fn limit(memory: MemoryLoad, host: u64) -> u64 {
    memory.limit.map_or(host, |limit| limit.min(host))
}

fn used(memory: Option<MemoryLoad>, host: u64) -> String {
    match memory {
        Some(memory) => [memory.used, limit(memory, host)]
            .map(|bytes| size(bytes, Units::Binary, 4))
            .join(" / "),
        None => [UNKNOWN; 2].join(" / "),
    }
}

fn share(memory: Option<MemoryLoad>, host: u64) -> String {
    let Some(memory) = memory else {
        return UNKNOWN.into();
    };
    let share = (u128::from(memory.used) * 10_000).checked_div(limit(memory, host).into());
    per_cent(u64::try_from(share.unwrap_or(0)).unwrap_or(u64::MAX))
}

fn per_cent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn line(earlier: Option<&Sample>, sample: Option<&Sample>) -> String {
        let shown = Shown {
            id: "0123456789ab".into(),
            name: "web",
            word: "we",
            earlier,
            sample,
        };
        let cells = shown.cells(8 << 30).into_iter();
        assert_eq!(cells.len(), COLUMNS.fields.len());
        let cells = cells.map(|cell| String::from_utf8(cell).unwrap());
        cells.collect::<Vec<_>>().join("|")
    }

    fn sample(at: Instant, milliseconds: u64, limit: Option<u64>) -> Sample {
        Sample {
            at,
            load: Some(Load {
                memory: Some(MemoryLoad {
                    used: 12 << 20,
                    limit,
                }),
                processor_time: Some(Duration::from_millis(milliseconds)),
                processes: Some(7),
                blocks: Some([4096, 0]),
            }),
            network: Some([1_234_567, 890]),
        }
    }

    #[test]
    fn lines_are_dockers() {
        let start = Instant::now();
        let earlier = sample(start, 1_000, None);
        let now = sample(start + Duration::from_millis(500), 1_617, Some(64 << 20));
        assert_eq!(
            line(Some(&earlier), Some(&now)),
            "4.1kB / 0B|123.40%|we|0123456789ab|18.75%|12MiB / 64MiB|web|1.23MB / 890B|7"
        );
        assert_eq!(
            line(None, Some(&earlier)),
            "4.1kB / 0B|0.00%|we|0123456789ab|0.14%|12MiB / 8GiB|web|1.23MB / 890B|7"
        );
        // Not more than the host has.
        let above = sample(start, 0, Some(1 << 40));
        assert!(line(None, Some(&above)).contains("12MiB / 8GiB"));
        assert_eq!(
            line(Some(&earlier), None),
            "0B / 0B|0.00%|we|0123456789ab|0.00%|0B / 0B|web|0B / 0B|0"
        );
        let uncounted = Sample {
            at: start,
            load: None,
            network: None,
        };
        assert_eq!(
            line(Some(&uncounted), Some(&uncounted)),
            "--|--|we|0123456789ab|--|-- / --|web|--|--"
        );
    }

    #[test]
    fn fields_are_sorted() {
        assert!(COLUMNS.fields.is_sorted());
    }
}
