//! Everything that was measured, and its JSON.

use crate::crowd;
use crate::machine::Facts;
use crate::many::Many;
use crate::memory;
use crate::protections::{self, Protections};
use crate::rounds::{Measured, NOISE, Row};
use crate::throughput;
use serde_json::{Map, Value, json};
use std::path::Path;

const POOL: &str = "with a pool, ";
const STAYING: &str = "containers that stay, ";
const PROTECTIONS: &str = "the protections, ";

#[derive(Default)]
pub struct Results {
    pub machine: Facts,
    pub regimes: Vec<Measured>,
    /// Starts from a pool, beside the floors.
    pub pooled: Vec<Measured>,
    /// Commands in containers that stay, beside the floors.
    pub staying: Vec<Measured>,
    /// Starts with each protection off, beside the floors.
    pub protections: Protections,
    pub throughput: Vec<throughput::Row>,
    /// By one caller who has many to make.
    pub many: Many,
    pub memory: Vec<memory::Row>,
    pub crowd: Vec<crowd::Row>,
    pub mounts: Vec<crowd::Row>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
    /// Program and bytes.
    pub sizes: Vec<(String, u64)>,
}

impl Results {
    /// Everything that has the floor twice, each with words before its regime's name.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Measured)> {
        let main = self.regimes.iter().map(|measured| ("", measured));
        let pooled = self.pooled.iter().map(|measured| (POOL, measured));
        let staying = self.staying.iter().map(|measured| (STAYING, measured));
        let protections = self.protections.regimes.iter();
        main.chain(pooled)
            .chain(staying)
            .chain(protections.map(|measured| (PROTECTIONS, measured)))
    }

    /// The parts in which the floor differs from itself by more than can be believed, and by how much.
    pub fn refuted(&self) -> Vec<(&'static str, &Measured, f64)> {
        self.parts()
            .filter_map(|(part, measured)| Some((part, measured, measured.noise()?)))
            .filter(|(_, _, noise)| *noise > NOISE)
            .collect()
    }

    /// Writes everything, each sample of it in nanoseconds.
    pub fn write(&self, file: &Path) -> Result<(), String> {
        let said = |error: std::io::Error| format!("{}: {error}", file.display());
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory).map_err(said)?;
        }
        std::fs::write(file, format!("{:#}\n", self.json())).map_err(said)
    }

    fn json(&self) -> Value {
        let machine: Map<String, Value> = self
            .machine
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let regimes = |measured: &[Measured]| -> Map<String, Value> {
            let each = |measured: &Measured| (measured.regime.key().to_owned(), regime(measured));
            measured.iter().map(each).collect()
        };
        let memory = self.memory.iter().map(|row| {
            json!({
                "contestant": row.name,
                "processes": row.processes,
                "rss_kib": row.resident,
                "pss_kib": row.proportional,
                "pss_kib_among_ten": row.among_ten,
                "page_faults": row.faults,
            })
        });
        let sizes: Map<String, Value> = self
            .sizes
            .iter()
            .map(|(name, bytes)| (name.clone(), json!(bytes)))
            .collect();
        json!({
            "machine": machine,
            "unit": "nanoseconds",
            "missing": self.missing,
            "valid": self.refuted().is_empty(),
            "regimes": regimes(&self.regimes),
            "with_a_pool": regimes(&self.pooled),
            "containers_that_stay": regimes(&self.staying),
            "protections": regimes(&self.protections.regimes),
            "steps_of_protections": self.protections.steps.iter().map(step).collect::<Vec<_>>(),
            "starts_per_second": rates(&self.throughput),
            "starts_per_second_by_one_caller": rates(&self.many.rows),
            "waiting_outside": memory.collect::<Vec<_>>(),
            "among_live_containers": self.crowd.iter().map(crowded).collect::<Vec<_>>(),
            "among_mounts": self.mounts.iter().map(crowded).collect::<Vec<_>>(),
            "bytes": sizes,
        })
    }
}

fn rates(rows: &[throughput::Row]) -> Map<String, Value> {
    let row = |row: &throughput::Row| {
        let rates = row.per_second.iter().map(|(at_once, rate)| match rate {
            Ok(rate) => json!({ "at_once": at_once, "per_second": rate }),
            Err(why) => json!({ "at_once": at_once, "failed": why }),
        });
        (row.name.clone(), rates.collect())
    };
    rows.iter().map(row).collect()
}

fn regime(measured: &Measured) -> Value {
    let row = |row: &Row| {
        json!({
            "contestant": row.name,
            "note": row.note,
            "failed": row.failed,
            "spawn_to_first_instruction": row.first.in_order(),
            "spawn_to_exit_seen": row.exit.in_order(),
            "exit_to_exit_seen_after_3_ms": row.after.in_order(),
        })
    };
    json!({
        "floor_differs_from_itself_by": measured.noise(),
        "contestants": measured.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn step(step: &protections::Step) -> Value {
    json!({
        "contestant": step.contestant,
        "regime": step.regime.key(),
        "step": step.name,
        "lasted": step.samples.in_order(),
    })
}

fn crowded(row: &crowd::Row) -> Value {
    json!({
        "others": row.others,
        "contestant": row.name,
        "spawn_to_first_instruction": row.first.in_order(),
        "spawn_to_exit_seen": row.exit.in_order(),
    })
}
