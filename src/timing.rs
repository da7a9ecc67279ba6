//! `--timing`: how long each phase of a run took, as two JSON objects: one when the command is
//! running and one when it has ended.
//!
//! The phases follow each other without a gap, so they add up to the whole: what this process cost
//! before its `main` (`start`, in processor time, there being no other clock that far back), the
//! command line (`parse`), all that is prepared (`plan`), the clone until the child runs, each step,
//! execve, the command, and what comes after it. What is missing is what only others can see: the
//! caller's own fork, and the end of this process after its last word.

use crate::cgroup::Usage;
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::json::{Array, Object};
use crate::log::{Level, Log};
use crate::plan::{self, InitPlan};
use crate::report::Moment;
use crate::result_file::ResultFile;
use crate::sys::{clock, process};
use crate::verdict::{Reason, rusage, signed};
use std::cell::Cell;

/// When `main` began.
#[derive(Clone, Copy)]
pub struct Beginning {
    spent: u64,
    time: u64,
}

impl Beginning {
    /// Looks at the clocks.
    pub fn now() -> Self {
        Self {
            spent: clock::spent(),
            time: clock::monotonic(),
        }
    }
}

/// When the command line had been understood.
pub struct Parsed {
    beginning: Beginning,
    time: u64,
}

impl Parsed {
    pub fn now(beginning: Option<Beginning>) -> Self {
        let time = clock::monotonic();
        Self {
            // Not seen: it was typed in a way that is not looked for.
            beginning: beginning.unwrap_or(Beginning { spent: 0, time }),
            time,
        }
    }
}

/// The clock of a run that is timed.
pub struct Timing {
    beginning: Beginning,
    parsed: u64,
    planned: u64,
    running: u64,
    target: ResultFile,
    /// A line was lost, and that has been said.
    lost: Cell<bool>,
}

impl Timing {
    /// What is told goes to `target`.
    pub fn new(Parsed { beginning, time }: Parsed, target: ResultFile) -> Self {
        Self {
            beginning,
            parsed: time,
            planned: time,
            running: time,
            target,
            lost: Cell::new(false),
        }
    }

    /// Whether stdout is to stay open until the end.
    pub fn needs_stdout(&self) -> bool {
        self.target.needs_stdout()
    }

    /// Everything is ready for the clone.
    pub fn planned(&mut self) {
        self.planned = clock::monotonic();
    }

    /// The command is running; `moments` are what the child has told on its way.
    #[cold]
    #[inline(never)]
    pub fn running(&mut self, plan: &InitPlan, moments: &[Cell<u64>], pid: i32, log: &Log) {
        self.running = clock::monotonic();
        let mut phases = Phases::new(self.beginning.time);
        phases.object.number("start", signed(self.beginning.spent));
        phases.until("parse", self.parsed);
        phases.until("plan", self.planned);
        let told = |moment: Moment| moments.get(moment.index()).map_or(0, Cell::get);
        phases.until("clone", told(Moment::Born));
        let mut steps = Array::default();
        let first_after = [
            // In-process there is nothing between, and so nothing is told.
            (plan.birth.len(), "re-exec", Moment::Entered),
            (
                plan.birth.len() + plan.container.len(),
                "reaper",
                Moment::Spawned,
            ),
        ];
        for (index, step) in plan.steps().enumerate() {
            for (place, name, moment) in first_after {
                if place == index && told(moment) != 0 {
                    phases.until(name, told(moment));
                }
            }
            let mut object = Object::new();
            object.text("name", plan::name_step(step).as_bytes());
            let done = told(Moment::Done(index.try_into().unwrap_or(u32::MAX)));
            object.number("ns", phases.advance(done));
            steps.push(object);
        }
        phases.object.array("steps", steps);
        phases.until("exec", self.running);

        let mut object = Object::new();
        object.text("event", b"running");
        object.number("pid", pid.into());
        object.object("ns", phases.object);
        self.write(object, log);
    }

    /// The container has ended for `reason`, and mydocker exits with `status`; `figures` are what its cgroups have counted.
    #[cold]
    #[inline(never)]
    pub fn ended(
        &self,
        ended: u64,
        (reason, status): (Reason, ExitCode),
        usage: Option<&Usage>,
        log: &Log,
    ) {
        let mut phases = Phases::new(self.running);
        phases.until("running", ended);
        let resource_usage = process::resource_usage_of_children();
        phases.until("teardown", clock::monotonic());
        let mut object = Object::new();
        object.text("event", b"ended");
        object.text("reason", reason.word().as_bytes());
        object.number("status", status.0.into());
        object.object("ns", phases.object);
        match resource_usage {
            Ok(resource_usage) => object.object("rusage", rusage(&resource_usage)),
            Err(errno) => {
                let error = Error::new("getrusage", "of the container", errno).to_string();
                log.write(Level::Error, error.as_bytes(), &[]);
            }
        }
        if let Some(usage) = usage {
            object.object("cgroup", counted(usage));
        }
        self.write(object, log);
    }

    fn write(&self, object: Object, log: &Log) {
        let Err(errno) = self.target.write(object) else {
            return;
        };
        if !self.lost.replace(true) {
            // The command runs, or has run: that is not to be undone for a measurement.
            let error = Error::new("write", Field::Timing.spelled(), errno).to_string();
            log.write(Level::Error, error.as_bytes(), &[]);
        }
    }
}

/// Phases that follow each other.
struct Phases {
    object: Object,
    last: u64,
}

impl Phases {
    fn new(from: u64) -> Self {
        Self {
            object: Object::new(),
            last: from,
        }
    }

    /// A phase that began where the last one ended, and lasted until `time`.
    fn until(&mut self, name: &str, time: u64) {
        let lasted = self.advance(time);
        self.object.number(name, lasted);
    }

    fn advance(&mut self, time: u64) -> i64 {
        let lasted = time.saturating_sub(self.last);
        self.last = self.last.max(time);
        signed(lasted)
    }
}

/// What the cgroups have counted of the whole container.
fn counted(usage: &Usage) -> Object {
    let mut object = Object::new();
    for (key, value) in [
        ("memory_peak_bytes", usage.memory_peak),
        ("cpu_us", usage.processor_time),
        ("oom_kills", usage.oom_kills),
        ("pids_peak", usage.processes_peak),
    ] {
        if let Some(value) = value {
            object.number(key, signed(value));
        }
    }
    object
}
