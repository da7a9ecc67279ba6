//! Who is told of a run as it goes on: `--timing`, `--report`, and the store if the container stays.

use super::asked::Lent;
use super::boxes::why::Why;
use super::reporting::Reporting;
use crate::cgroup::{self, Usage};
use crate::error::Error;
use crate::guard::Acquire;
use crate::host::limits::Limited;
use crate::host::root::{self, Traces};
use crate::log::Log;
use crate::monitor::End;
use crate::monitor::desk::{Desk, Hooks};
use crate::plan::InitPlan;
use crate::report::Moment;
use crate::sys::Pid;
use crate::timing::Timing;
use std::cell::Cell;

pub struct Told<'a> {
    pub timing: Option<Timing>,
    pub report: Option<&'a mut Reporting>,
    /// Of a container that stays.
    pub stay: Option<Stay<'a>>,
    /// Why it is not in a box of the pool that it was to be in.
    pub without_box: Option<Why>,
}

/// A container that stays, as the story of a run sees it.
pub struct Stay<'a> {
    pub chronicle: &'a mut dyn Chronicled,
    pub desk: &'a mut Desk,
}

/// The store's part in a run.
pub trait Chronicled {
    /// The clone comes next: `cgroups` and `root` are what a crash would leave.
    fn prepared(
        &mut self,
        cgroups: Vec<cgroup::Record>,
        root: Option<root::Record>,
    ) -> Result<(), Error>;

    /// The command is running, below this process.
    fn running(&mut self, pid: Pid) -> Result<(), Error>;

    /// What is done when someone asks for it.
    fn hooks(&mut self) -> &mut dyn Hooks;
}

impl<'a> Told<'a> {
    /// Whether there is anyone, who wants to know when it ended and what it has used.
    pub fn is_anyone(&self) -> bool {
        self.timing.is_some() || self.report.is_some()
    }

    /// Whether stdout is to stay open until the end.
    pub fn needs_stdout(&self) -> bool {
        self.timing.as_ref().is_some_and(Timing::needs_stdout)
            || self
                .report
                .as_ref()
                .is_some_and(|report| report.needs_stdout())
    }

    /// The plan is made, and the start begins: a place for each of its moments, if someone wants to know.
    pub fn begin(&mut self, plan: &InitPlan) -> Vec<Cell<u64>> {
        let moments = match &mut self.timing {
            Some(timing) => {
                timing.planned();
                vec![Cell::new(0); Moment::count(plan.steps().count())]
            }
            None => Vec::new(),
        };
        if let Some(report) = &mut self.report {
            report.begin();
        }
        moments
    }

    /// The clone comes next. What a crash would leave from then on is written down, if the container stays.
    pub fn prepared(&mut self, lent: &Lent<Acquire>) -> Result<(), Error> {
        match &mut self.stay {
            None => Ok(()),
            Some(stay) => write_down(stay.chronicle, lent),
        }
    }

    /// Writes down that the command runs, if the container stays.
    pub fn stays(&mut self, pid: Pid) -> Result<(), Error> {
        match &mut self.stay {
            None => Ok(()),
            Some(stay) => stay.chronicle.running(pid),
        }
    }

    pub fn is_running(&mut self) {
        if let Some(report) = &mut self.report {
            report.is_running();
        }
    }

    pub fn running(&mut self, plan: &InitPlan, moments: &[Cell<u64>], pid: Pid, log: &Log) {
        if let Some(timing) = &mut self.timing {
            timing.running(plan, moments, pid, log);
        }
    }

    pub fn ended(&mut self, end: End, usage: Option<Usage>, log: &Log) {
        if let (Some(timing), Some(at)) = (&self.timing, end.at) {
            timing.ended(at, (end.reason, end.exit), usage.as_ref(), log);
        }
        if let Some(report) = &mut self.report {
            report.ended(end, usage);
        }
    }
}

#[cold]
#[inline(never)]
fn write_down(chronicle: &mut dyn Chronicled, lent: &Lent<Acquire>) -> Result<(), Error> {
    let root = lent.traces.as_ref().map(Traces::clean_up_record);
    let root = root
        .transpose()
        .map_err(|errno| Error::new("look at", "what the root leaves on the host", errno))?;
    let cgroups = lent.limited.as_ref().map(Limited::records);
    chronicle.prepared(cgroups.unwrap_or_default(), root)
}
