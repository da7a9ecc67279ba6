//! What is typed after `update` and `events`.

use super::container;
use super::containers::path;
use super::line::Line;
use crate::docker::specify::size;
use crate::error::Error;
use crate::oci::config::{BlockIo, Cpu, Memory, Resources};
use crate::oci::id::ContainerId;
use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;

/// Of `update`.
#[derive(Debug)]
pub struct UpdateArgs {
    pub id: ContainerId,
    pub source: UpdateSource,
}

/// What says what a container may use from now on.
#[derive(Debug)]
pub enum UpdateSource {
    /// A file, written as the member `linux.resources` of config.json.
    File(OsString),
    Stdin,
    Typed(Box<Resources>),
}

impl UpdateArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        let (id, _) = container(line, 0, 0)?;
        for name in ["l3-cache-schema", "mem-bw-schema"] {
            if line.value(name).is_some_and(|value| !value.is_empty()) {
                return Err(Error::refused(name, "mydocker has no Intel RDT"));
            }
        }
        let source = match path(line, "resources") {
            Some(name) if name == "-" => UpdateSource::Stdin,
            Some(name) => UpdateSource::File(name),
            None => UpdateSource::Typed(Box::new(typed(line)?)),
        };
        Ok(Self { id, source })
    }
}

fn typed(line: &Line) -> Result<Resources, Error> {
    let text = |name| {
        Ok(line
            .value(name)
            .map(|value| value.to_string_lossy().into_owned()))
    };
    let text = |name| -> Result<Option<String>, Error> { text(name) };
    Ok(Resources {
        memory: Memory {
            limit: bytes(line, "memory")?,
            reservation: bytes(line, "memory-reservation")?,
            swap: bytes(line, "memory-swap")?,
            kernel: bytes(line, "kernel-memory")?,
            kernel_tcp: bytes(line, "kernel-memory-tcp")?,
            ..Memory::default()
        },
        cpu: Cpu {
            shares: number(line, "cpu-share")?,
            quota: number(line, "cpu-quota")?,
            burst: number(line, "cpu-burst")?,
            period: number(line, "cpu-period")?,
            realtime_runtime: number(line, "cpu-rt-runtime")?,
            realtime_period: number(line, "cpu-rt-period")?,
            processors: text("cpuset-cpus")?,
            memory_nodes: text("cpuset-mems")?,
            idle: number(line, "cpu-idle")?,
        },
        processes: number(line, "pids-limit")?,
        block_io: BlockIo {
            weight: number(line, "blkio-weight")?,
            ..BlockIo::default()
        },
        ..Resources::default()
    })
}

fn number<T: FromStr>(line: &Line, name: &str) -> Result<Option<T>, Error> {
    let parse = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
    line.parsed(name, parse, "invalid value: it is a number")
}

/// `64m`, or -1 for no limit.
fn bytes(line: &Line, name: &str) -> Result<Option<i64>, Error> {
    let parse = |text: &[u8]| match text {
        b"-1" => Some(-1),
        text => i64::try_from(size::bytes(text)?).ok(),
    };
    line.parsed(name, parse, "invalid value: it is a size, as 64m, or -1")
}

/// Of `events`.
#[derive(Debug)]
pub struct EventsArgs {
    pub id: ContainerId,
    /// Once, and no more.
    pub stats: bool,
    /// Between two of them.
    pub interval: Duration,
}

impl EventsArgs {
    pub(super) fn of(line: &Line) -> Result<Self, Error> {
        const USUAL: Duration = Duration::from_secs(5);
        let (id, _) = container(line, 0, 0)?;
        let interval = line.parsed(
            "interval",
            duration,
            "duration interval must be greater than 0, as 5s",
        )?;
        Ok(Self {
            id,
            stats: line.switch("stats"),
            interval: interval.unwrap_or(USUAL),
        })
    }
}

/// As Go writes durations: `1m30s`, `100ms`.
fn duration(text: &[u8]) -> Option<Duration> {
    let nanoseconds = crate::time::duration(text)?;
    (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
}
