//! Who is told of a run as it goes on: `--timing` and `--report`.

use super::reporting::Reporting;
use crate::cgroup::Usage;
use crate::log::Log;
use crate::monitor::End;
use crate::plan::InitPlan;
use crate::report::Moment;

use crate::sys::Pid;
use crate::timing::Timing;
use std::cell::Cell;

pub struct Told<'a> {
    pub timing: Option<Timing>,
    pub report: Option<&'a mut Reporting>,
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
