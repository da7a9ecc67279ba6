//! The story of a run: look at the caller, write the specification and the plan, start the container, monitor it until it
//! ends.

use super::conclusion::{self, Lent, Outcome};
use super::reporting::Reporting;
use super::standard::{self, Look, Opened};
use super::told::Told;
use super::{caller, security};
use crate::cgroup::Join;
use crate::docker::RunArgs;
use crate::docker::image;
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::host::limits::{self, Entry, Limited};
use crate::host::pid_file::PidFile;
use crate::host::root::{self, Traces};
use crate::host::{id_claim, premounted};
use crate::launch::{self, Container, Launch};
use crate::log::{Level, Log, Value};
use crate::monitor::relay::{Allowance, Ends, Relay};
use crate::monitor::signals::{self, Relayed, Signals};
use crate::monitor::{CpuTime, Supervisor};
use crate::plan::{self, InitPlan, Network};
use crate::pool;
use crate::report::Lack;
use crate::spec::{ContainerSpec, Namespace, Namespaces};
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use crate::sys::{Errno, Pid, counter, descriptor, kernel};
use crate::timing::Beginning;
use std::borrow::Cow;
use std::convert::Infallible;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Returns only if something fails.
pub fn run(
    arguments: &RunArgs,
    log: &Log,
    beginning: Option<Beginning>,
    report: Option<&mut Reporting>,
) -> Result<Infallible, Error> {
    let mut told = Told::open(arguments, beginning, report)?;
    // Now, so that the pool answers while we go on.
    let called = match arguments.usable_pool() {
        Some(directory) => Some(pool::call(directory)?),
        None => None,
    };
    let mut asked = Asked::look(arguments)?;
    // Before the clone, so that a signal that comes meanwhile waits and is handed on.
    let signals = signals::take_over(asked.look.relayed())
        .map_err(|errno| Error::new("block", "signals", errno))?;
    // After that, so that a signal does not end us before they are removed again.
    let mut limited = match &asked.spec.limits {
        Some(limits) => Some(Limited::prepare(limits, told.is_anyone(), log)?),
        None => None,
    };
    let cpu_time = match &limited {
        Some(limited) => limited.cpu_time()?,
        None => None,
    };
    let cpu_time = cpu_time.map(|(counted, most)| CpuTime::new(counted, most));
    let pool = called.and_then(|called| called.map_err(|why| without_pool(why, log)).ok());
    let started = asked.start(arguments, limited.as_mut(), pool, &signals, &mut told, log)?;
    asked.announce(arguments, &started, log);
    if let Some(limited) = &limited {
        limited.sweep();
    }
    let Started { plan, running } = started;
    let outcome = asked.accompany(running, cpu_time, &signals, &told, log)?;
    let lent = Lent {
        traces: asked.traces.take(),
        limited,
    };
    conclusion::conclude(outcome, lent, told, (arguments, &plan, signals), log)
}

/// What was asked for, looked at as far as it concerns this host.
struct Asked {
    spec: ContainerSpec,
    kernel: (u32, u32),
    filter: Option<Cow<'static, [Instruction]>>,
    /// Of what the root has been lent.
    traces: Option<Traces>,
    look: Look,
    pid_file: Option<PidFile>,
    /// A person may end the command by a key, which its code alone does not tell.
    reads_keys: bool,
}

/// A plan, and what goes with it.
struct Planned {
    plan: InitPlan,
    namespaces: Namespaces,
    /// Where the reaper tells how the command has ended.
    status: Option<OwnedFd>,
}

/// A container that runs, with the plan that it was made by.
struct Started {
    plan: InitPlan,
    running: Running,
}

struct Running {
    container: Container,
    status: Option<OwnedFd>,
    /// Our ends of what is relayed.
    ends: Option<Ends>,
}

impl Asked {
    fn look(arguments: &RunArgs) -> Result<Self, Error> {
        let mut spec = caller::specify(arguments, &id_claim::claim)?;
        let kernel = kernel::version();
        let filter = security::filter(&spec.security, kernel)?;
        let ids = premounted::ids(&spec).cloned();
        let traces = match &mut spec.root {
            Some(own) => Some(root::prepare(own, ids.as_ref())?),
            None => None,
        };
        let look = standard::look(&spec)?;
        let pid_file = arguments
            .pid_file
            .as_deref()
            .map(PidFile::prepare)
            .transpose()?;
        Ok(Self {
            reads_keys: arguments.interactive && look.relayed() != Relayed::Nothing,
            spec,
            kernel,
            filter,
            traces,
            look,
            pid_file,
        })
    }

    fn plan(
        &mut self,
        joins: &[Join],
        ignored: SignalSet,
        has_pool: bool,
        told: &Told<'_>,
    ) -> Result<Planned, Error> {
        let (network, namespaces) = network_and_namespaces(&self.spec, has_pool);
        let mut plan = plan::build(
            &self.spec,
            network,
            ignored,
            self.look.standard,
            joins.iter().map(|join| join.path.clone()).collect(),
            self.filter.take(),
        );
        if self.spec.root.is_some() {
            plan::check_options(&plan)?;
        }
        plan.timed = told.timing.is_some();
        let status = match told.report.is_some() || self.reads_keys {
            true if plan.reaper.is_some() => Some(
                counter::new()
                    .map_err(|errno| Error::new("eventfd", "for the command's status", errno))?,
            ),
            _ => None,
        };
        plan.tells_status = status.is_some();
        Ok(Planned {
            plan,
            namespaces,
            status,
        })
    }

    fn start(
        &mut self,
        arguments: &RunArgs,
        mut limited: Option<&mut Limited>,
        pool: Option<OwnedFd>,
        signals: &Signals,
        told: &mut Told<'_>,
        log: &Log,
    ) -> Result<Started, Error> {
        let Entry { birthplace, joins } = match &mut limited {
            Some(limited) => limited.entry(self.spec.has_keeper())?,
            None => Entry::default(),
        };
        let Planned {
            plan,
            namespaces,
            status,
        } = self.plan(&joins, signals.ignored, pool.is_some(), told)?;
        log_plan(&plan, namespaces, log);
        let opened = Opened::new(self.look.standard, &self.spec)?;
        let ids = premounted::ids(&self.spec);
        let premounted = match (&self.spec.root, ids) {
            (Some(root), Some(ids)) if root.is_premounted => premounted::hand_over(root, ids)?,
            _ => Vec::new(),
        };
        let moments = told.begin(&plan);
        let container = Launch {
            plan: &plan,
            namespaces,
            choice: self.spec.launch,
            kernel: self.kernel,
            streams: opened.streams(),
            terminal: opened.terminal(),
            pool: pool.as_ref().map(AsFd::as_fd),
            status: status.as_ref().map(AsFd::as_fd),
            cgroup: birthplace,
            joins: &numbers(joins.iter().map(|join| &join.opened)),
            ids,
            premounted: &numbers(premounted.iter()),
            moments: &moments,
            timeout: self.spec.timeout,
            ending: signals.ending(),
            log,
        }
        .start()
        .map_err(|error| explained(error, arguments, limited.as_deref()))?;
        told.is_running();
        // The container has its copies: a mount that we keep could not be taken away on the host.
        drop((premounted, joins));
        let ends = opened.ends()?;
        // An answer that came too late goes with it, and does not stay for as long as the container.
        drop(pool);
        told.running(&plan, &moments, container.pid, log);
        let running = Running {
            container,
            status,
            ends,
        };
        Ok(Started { plan, running })
    }

    /// Says that the command runs.
    fn announce(&mut self, arguments: &RunArgs, started: &Started, log: &Log) {
        let pid = started.running.container.pid;
        caller::warn(arguments, log);
        log_command(&started.plan, pid, log);
        if let Some(Err(error)) = self.pid_file.take().map(|file| file.publish(pid)) {
            // The command runs, and goes on. (What is said as the last thing would open the signal mask.)
            log.write(Level::Error, error.to_string().as_bytes(), &[]);
        }
    }

    /// Until the container has ended.
    fn accompany(
        &self,
        running: Running,
        cpu_time: Option<CpuTime>,
        signals: &Signals,
        told: &Told<'_>,
        log: &Log,
    ) -> Result<Outcome, Error> {
        let Running {
            container,
            status,
            ends,
        } = running;
        let is_timed = told.is_anyone();
        let supervisor = Supervisor::new(container, &self.spec, cpu_time, status, is_timed, log);
        // Ours, for the container has its own: the other ends of these pipes are to notice when the container closes its
        // copies.
        let [keep_input, keep_output] = self.look.standard.relays_input_and_output();
        descriptor::close_input_and_output(keep_input, keep_output || told.needs_stdout());
        let (end, lost) = match (ends, &self.look.outside) {
            (Some(ends), Some(outside)) => {
                let allowance = Allowance::new(self.spec.output_limit);
                Relay::new(supervisor, log, ends, outside, (*signals, allowance))?.run()?
            }
            _ => (supervisor.wait(*signals)?, None),
        };
        Ok(Outcome { end, lost })
    }
}

/// Files by their numbers, which are the same in the child.
fn numbers<'a>(files: impl Iterator<Item = &'a OwnedFd>) -> Vec<BorrowedFd<'static>> {
    files
        .map(|file| descriptor::borrowed(file.as_raw_fd()))
        .collect()
}

/// The pool has not been called. One that is too busy answers others.
#[cold]
#[inline(never)]
pub fn without_pool(why: Errno, log: &Log) {
    if why == Errno::EAGAIN {
        return launch::say_without(Lack::Spare, why, log);
    }
    let name = why.name().unwrap_or("unknown");
    let message = Field::Pool.between(
        "",
        ": no pool is kept there, and the network namespace is made (mydocker pool DIR keeps one)",
    );
    log.write(
        Level::Warn,
        message.as_bytes(),
        &[("errno", Value::Text(name.as_bytes()))],
    );
}

/// Where the network comes from, and what is left for the clone to make.
pub fn network_and_namespaces(spec: &ContainerSpec, pooled: bool) -> (Network, Namespaces) {
    let (network, namespaces) = match pooled {
        true => (
            Network::Pool,
            spec.namespaces.anew().without(Namespace::Network),
        ),
        false => (Network::Clone, spec.namespaces.anew()),
    };
    let namespaces = match spec.limits {
        // Made when the container is in its cgroups, which are to be its tops.
        Some(_) => namespaces.without(Namespace::Cgroup),
        None => namespaces,
    };
    (network, namespaces)
}

/// Why the command is not running, as far as what was asked for explains it.
#[cold]
#[inline(never)]
pub fn explained(error: Error, arguments: &RunArgs, limited: Option<&Limited>) -> Error {
    if error.exit() == ExitCode::NOT_FOUND {
        if let Some(hint) = image::meant_as_upper(arguments) {
            return error.hint_instead(hint);
        }
    }
    limits::explained(error, limited)
}

#[cold]
#[inline(never)]
fn log_plan(plan: &InitPlan, namespaces: Namespaces, log: &Log) {
    if !log.enabled(Level::Debug) {
        return;
    }
    let names = namespaces.names();
    let fields = [("namespaces", Value::Text(names.as_bytes()))];
    log.write(Level::Debug, b"clone into new namespaces", &fields);
    for (number, step) in (0..).zip(plan.steps()) {
        let name = plan::name_step(step);
        let fields = [("step", Value::Number(number))];
        log.write(Level::Debug, name.as_bytes(), &fields);
    }
}

#[cold]
#[inline(never)]
fn log_command(plan: &InitPlan, pid: Pid, log: &Log) {
    if !log.enabled(Level::Info) {
        return;
    }
    let mut message = b"command".to_vec();
    for argument in plan.command.arguments.strings() {
        message.push(b' ');
        message.extend(argument.to_bytes());
    }
    let fields = [("pid", Value::Number(i64::from(pid)))];
    log.write(Level::Info, &message, &fields);
}
