//! The story of a run: look at the caller, write the specification and the plan, start the
//! container, supervise it until it ends.

mod caller;
mod devices;
mod explain;
mod id_claim;
mod limits;
mod logging;
mod pid_file;
mod premounted;
mod reporting;
mod root;
mod sealed_exe;
mod security;
mod standard;

use crate::cli::{LogArgs, image};
use crate::error::{Error, ExitCode};
use crate::hint;
use crate::launch::{self, Launch};
use crate::log::{self, Level, Log, Value};
use crate::monitor::relay::{Allowance, Relay};
use crate::monitor::signals::{self, Relayed, Signals};
use crate::monitor::{End, Supervisor};
use crate::plan::{self, InitPlan, Network};
use crate::pool::{self, PoolArgs};
use crate::report::{Lack, Moment};
use crate::spec::{ContainerSpec, Namespace, Namespaces, RunArgs};
use crate::sys::invocation::Invocation;
use crate::sys::process::Ended;
use crate::sys::{Errno, counter, descriptor, kernel, process, signal};
use crate::timing::{Beginning, Timing};
use crate::verdict::Reason;
use limits::{Entry, Limited};
use pid_file::PidFile;
use reporting::Reporting;
use standard::Opened;
use std::cell::Cell;
use std::convert::Infallible;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

/// Runs a container and ends this process with its exit code. What goes wrong on the way is said here,
/// in the log or to the person who called, and then this returns the exit code for that.
pub fn run(
    arguments: &RunArgs,
    log: &LogArgs,
    invocation: &Invocation,
    beginning: Option<Beginning>,
) -> Result<ExitCode, Error> {
    if arguments.explain {
        return explain::run(arguments, log);
    }
    let mut report = match &arguments.report {
        Some(file) => Some(Reporting::open(file)?),
        None => None,
    };
    let mut has_log = false;
    let outcome = logging::with_log(log, Level::Warn, |log| {
        has_log = true;
        if report.is_some() {
            // The report is still to be written, and its status to be kept.
            log.keep_signals_blocked();
        }
        sealed_exe::enter(arguments, invocation)
            .and_then(|()| run_logged(arguments, log, beginning, report.as_mut()))
            .map(|never| match never {})
            .inspect_err(|error| failed(error, report.as_ref(), Some(log)))
    });
    match (outcome, &report) {
        (Err(error), Some(report)) if !has_log => {
            failed(&error, Some(report), None);
            log::complain_briefly(&error);
            Ok(error.exit())
        }
        (outcome, _) => outcome,
    }
}

#[cold]
#[inline(never)]
fn failed(error: &Error, report: Option<&Reporting>, log: Option<&Log>) {
    if let Some(report) = report {
        report.write(error.exit(), Some(error), log);
    }
}

/// Keeps a pool until a signal ends it.
pub fn keep_pool(arguments: &PoolArgs, log: &LogArgs) -> Result<ExitCode, Error> {
    logging::with_log(log, Level::Info, |log| pool::serve(arguments, log))
}

/// Returns only if something fails.
fn run_logged(
    arguments: &RunArgs,
    log: &Log,
    beginning: Option<Beginning>,
    mut report: Option<&mut Reporting>,
) -> Result<Infallible, Error> {
    let mut timing = match &arguments.timing {
        Some(file) => Some(Timing::open(file, beginning)?),
        None => None,
    };
    let is_timed = timing.is_some() || report.is_some();
    // Now, so that the pool answers while we go on.
    let called = match arguments.usable_pool() {
        Some(directory) => Some(pool::call(directory)?),
        None => None,
    };
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

    // Before the clone, so that a signal that comes meanwhile waits and is handed on.
    let signals = signals::take_over(look.relayed())
        .map_err(|errno| Error::new("block", "signals", errno))?;
    // After that, so that a signal does not end us before they are removed again.
    let mut limited = match &spec.limits {
        Some(limits) => Some(Limited::prepare(limits, is_timed, log)?),
        None => None,
    };
    let cpu_time = match &limited {
        Some(limited) => limited.cpu_time()?,
        None => None,
    };
    let Entry { birthplace, joins } = match &mut limited {
        Some(limited) => limited.entry(spec.has_keeper())?,
        None => Entry::default(),
    };

    let pool = called.and_then(|called| called.map_err(|why| without_pool(why, log)).ok());
    let (network, namespaces) = network_and_namespaces(&spec, pool.is_some());
    let mut plan = plan::build(
        &spec,
        network,
        signals.ignored,
        look.standard,
        joins.iter().map(|join| join.path.clone()).collect(),
        filter,
    );
    if spec.root.is_some() {
        plan::check_options(&plan)?;
    }
    plan.timed = timing.is_some();
    // A person may end the command by a key, which its code alone does not tell.
    let reads_keys = arguments.interactive && look.relayed() != Relayed::Nothing;
    let status = match report.is_some() || reads_keys {
        true if plan.reaper.is_some() => Some(
            counter::new()
                .map_err(|errno| Error::new("eventfd", "for the command's status", errno))?,
        ),
        _ => None,
    };
    plan.tells_status = status.is_some();
    log_plan(&plan, namespaces, log);

    let opened = Opened::new(look.standard, &spec)?;

    let ids = premounted::ids(&spec);
    let premounted = match (&spec.root, ids) {
        (Some(root), Some(ids)) if root.is_handed => premounted::hand_over(root, ids)?,
        _ => Vec::new(),
    };
    let premounted_numbers: Vec<BorrowedFd<'static>> = premounted
        .iter()
        .map(|mount| descriptor::borrowed(mount.as_raw_fd()))
        .collect();

    let join_numbers: Vec<BorrowedFd<'static>> = joins
        .iter()
        .map(|join| descriptor::borrowed(join.opened.as_raw_fd()))
        .collect();

    let moments = match &mut timing {
        Some(timing) => {
            timing.planned();
            vec![Cell::new(0); Moment::count(plan.steps().count())]
        }
        None => Vec::new(),
    };
    if let Some(report) = &mut report {
        report.begin();
    }
    let container = Launch {
        plan: &plan,
        namespaces,
        choice: spec.launch,
        kernel,
        streams: opened.streams(),
        terminal: opened.terminal(),
        pool: pool.as_ref().map(AsFd::as_fd),
        status: status.as_ref().map(AsFd::as_fd),
        cgroup: birthplace,
        joins: &join_numbers,
        ids,
        premounted: &premounted_numbers,
        moments: &moments,
        timeout: spec.timeout,
        ending: signals.ending(),
        log,
    }
    .start()
    .map_err(|error| explained(error, arguments, limited.as_ref()))?;
    if let Some(report) = &mut report {
        report.is_running();
    }
    // The container has its copies: a mount that we keep could not be taken away on the host.
    drop((premounted, joins));
    let ends = opened.ends()?;
    // An answer that came too late goes with it, and does not stay for as long as the container.
    drop(pool);
    if let Some(timing) = &mut timing {
        timing.running(&plan, &moments, container.pid, log);
    }
    caller::warn(arguments, log);
    log_command(&plan, container.pid, log);
    if let Some(Err(error)) = pid_file.map(|file| file.publish(container.pid)) {
        // The command runs, and goes on. (What is said as the last thing would open the signal mask.)
        log.write(Level::Error, error.to_string().as_bytes(), &[]);
    }

    if let Some(limited) = &limited {
        limited.sweep();
    }
    let supervisor = Supervisor::new(container, &spec, cpu_time, status, is_timed, log);
    // Ours, for the container has its own: the other ends of these pipes are to notice when the container closes its
    // copies.
    let [keep_input, mut keep_output] = look.standard.relays_input_and_output();
    keep_output |= timing.as_ref().is_some_and(Timing::needs_stdout)
        || report.as_ref().is_some_and(|report| report.needs_stdout());
    descriptor::close_input_and_output(keep_input, keep_output);
    let (mut end, lost) = match (ends, &look.outside) {
        (Some(ends), Some(outside)) => {
            let allowance = Allowance::new(spec.output_limit);
            Relay::new(supervisor, log, ends, outside, (signals, allowance))?.run()?
        }
        _ => (supervisor.wait(signals)?, None),
    };
    let usage = match is_timed {
        true => limited.as_ref().map(Limited::usage),
        false => None,
    };
    if let Some(usage) = &usage {
        end.is_known_with(usage);
    }
    if let (Some(timing), Some(at)) = (&timing, end.at) {
        timing.ended(at, (end.reason, end.exit), usage.as_ref(), log);
    }
    if let Some(report) = &mut report {
        report.ended(end, usage);
    }
    if let Some(traces) = traces {
        traces.clean_up();
    }
    if let Some(limited) = limited {
        limited.end(end.exit, log);
    }
    if let Some(error) = launch::not_executed(&plan, end.exit) {
        if let Some(report) = &mut report {
            report.never_ran();
        }
        return Err(error);
    }
    say_why(end.reason, arguments, log);
    if let Some(lost) = lost {
        // What the command could not be told is not a success.
        return Err(match end.exit {
            ExitCode::SUCCESS => lost,
            exit => lost.exit_with(exit),
        });
    }
    if let Some(report) = report {
        report.write(end.exit, None, Some(log));
    }
    if end.interrupted {
        die_of_interrupt(end, arguments.interactive, signals);
    }
    // Now, without a destructor: what they would free the kernel takes back for less.
    process::exit(i32::from(end.exit.0))
}

/// Dies of SIGINT if a ^C that a person typed has ended the command: a shell's loop goes on with its next round as long as
/// what it waits for handles the signal and exits. The status that the shell sees is the same.
///
/// By its exit code alone a command that reads keys has not been ended by it: a shell's own is that of the last command,
/// which the person may have interrupted, and the end of the shell is another decision of theirs.
#[cold]
#[inline(never)]
fn die_of_interrupt(end: End, reads_keys: bool, signals: Signals) {
    let interrupt = Ended::Signaled(libc::SIGINT);
    let is_own = end.reason == Reason::StoppedBySignal || end.ended == Some(interrupt);
    if end.exit.0 == interrupt.code() && (is_own || !reads_keys) {
        // Not if the caller ignores it.
        signal::act_by_default(libc::SIGINT, signals.blocked);
    }
}

/// The pool has not been called. One that is too busy answers others.
#[cold]
#[inline(never)]
fn without_pool(why: Errno, log: &Log) {
    if why == Errno::EAGAIN {
        return launch::say_without(Lack::Spare, why, log);
    }
    let name = why.name().unwrap_or("unknown");
    let message = b"--pool: no pool is kept there, and the network namespace is made (mydocker pool DIR keeps one)";
    log.write(
        Level::Warn,
        message,
        &[("errno", Value::Text(name.as_bytes()))],
    );
}

/// Says which limit has ended it, as is said of memory. (An exit code may be the command's own.)
fn say_why(reason: Reason, arguments: &RunArgs, log: &Log) {
    let limit = |name: &str| {
        let mut limits = arguments.limits.iter().rev();
        limits
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value)
    };
    let (why, option, value) = match reason {
        Reason::TimedOut => ("its time was up", "--timeout", arguments.timeout.as_ref()),
        Reason::CpuTime => ("its processor time was up", "--cpu-time", limit("cpu-time")),
        Reason::OutputLimit => (
            "it wrote too much",
            "--output-limit",
            arguments.output_limit.as_ref(),
        ),
        _ => return,
    };
    if let Some(value) = value {
        let value = value.to_string_lossy();
        log.say(&Error::told(&format!("ended: {why} ({option} {value})")));
    }
}

/// Where the network comes from, and what is left for the clone to make.
fn network_and_namespaces(spec: &ContainerSpec, pooled: bool) -> (Network, Namespaces) {
    let (network, namespaces) = match pooled {
        true => (Network::Pool, spec.namespaces.without(Namespace::Network)),
        false => (Network::Clone, spec.namespaces),
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
fn explained(error: Error, arguments: &RunArgs, limited: Option<&Limited>) -> Error {
    let command = arguments.command.first();
    let is_image = command.is_some_and(|word| image::is_named(word.as_bytes()));
    if arguments.overlay_then_command && !is_image && error.exit() == ExitCode::NOT_FOUND {
        return error.hint_instead(hint::NO_COMMAND_AND_NO_UPPER);
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
fn log_command(plan: &InitPlan, pid: crate::sys::Pid, log: &Log) {
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
