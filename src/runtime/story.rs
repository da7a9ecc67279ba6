//! The story of a run: look at the caller, write the specification and the plan, start the container, monitor it until it
//! ends.

use super::Setting;
use super::asked::{self, Asked, Given, Lent, explained};
use super::boxes;
use super::boxes::why::Why;
use super::caller;
use super::conclusion::{self, Outcome, Settled};
use super::reporting::Reporting;
use super::standard::{StandardPlan, StreamsOf};
use super::told::{Stay, Told};
use crate::docker::RunArgs;
use crate::error::Error;
use crate::guard::Acquire;
use crate::host::limits::CgroupEntry;
use crate::host::premounted;
use crate::launch::{Container, Launch, joined};
use crate::log::{Level, Log, Value};
use crate::monitor::detached::{Detached, InputEnds};
use crate::monitor::relay::{Allowance, Ends, Pipes, Relay};
use crate::monitor::signals::Signals;
use crate::monitor::{CpuTime, End, Supervisor};
use crate::plan::{self, ExecPlan, InitPlan};
use crate::spec::{ContainerSpec, Namespaces};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::{Pid, counter, descriptor};
use crate::terminal::CallerTerminal;
use crate::timing::{Beginning, Parsed, Timing};
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

/// In the foreground. Returns only if something fails.
pub fn run(
    setting: &Setting<'_>,
    beginning: Option<Beginning>,
    report: Option<&mut Reporting>,
) -> Result<Infallible, Error> {
    let mut told = Told {
        timing: None,
        report,
        stay: None,
        without_box: None,
    };
    let mut settled = match boxes::client::live(setting, &mut told)? {
        Some(settled) => settled,
        None if matches!(told.without_box, Some(Why::Taken)) => {
            // Who has no box left will not have a network namespace soon. It would only be kept from its work.
            let arguments = RunArgs {
                pool: None,
                ..setting.arguments.clone()
            };
            let arguments = &arguments;
            live(
                &Setting {
                    arguments,
                    ..*setting
                },
                beginning,
                &mut told,
            )?
        }
        None => live(setting, beginning, &mut told)?,
    };
    let report = told.report.as_deref();
    settled.tell(report, setting.arguments, setting.log)?;
    settled.leave(setting.arguments)
}

/// One life of a container, from nothing to nothing.
pub fn live(
    setting: &Setting<'_>,
    beginning: Option<Beginning>,
    told: &mut Told<'_>,
) -> Result<Settled, Error> {
    let Setting { arguments, log, .. } = setting;
    let parsed = arguments.timing.as_ref().map(|_| Parsed::now(beginning));
    let (mut asked, mut lent) = asked::look::<Acquire>(setting)?;
    if let Some(why) = told.without_box.take() {
        why.say(arguments, log);
    }
    let timing = parsed.zip(lent.timing.take());
    told.timing = timing.map(|(parsed, target)| Timing::new(parsed, target));
    let cpu_time = match &lent.limited {
        Some(limited) => limited.cpu_time()?,
        None => None,
    };
    let cpu_time = cpu_time.map(|(counted, most)| CpuTime::new(counted, most));
    let started = start(&mut asked, &mut lent, arguments, told, log)?;
    announce(&mut lent, arguments, &started, log);
    if let Err(error) = told.stays(started.running.container.pid) {
        // No one would know of it.
        started.running.container.end();
        return Err(error);
    }
    if let Some(limited) = &lent.limited {
        limited.sweep();
    }
    let Started { plan, running } = started;
    let outcome = accompany(&asked, running, cpu_time, &lent.signals, told, setting)?;
    conclusion::settle(outcome, lent, told, &plan, log)
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

/// Where the reaper tells how the command has ended, if someone wants to know, or has to.
fn command_status(
    asked: &Asked,
    plan: &InitPlan,
    told: &Told<'_>,
) -> Result<Option<OwnedFd>, Error> {
    match told.report.is_some() || asked.reads_keys {
        true if plan.reaper.is_some() => counter::new()
            .map(Some)
            .map_err(|errno| Error::new("eventfd", "for the command's status", errno)),
        _ => Ok(None),
    }
}

fn start(
    asked: &mut Asked,
    lent: &mut Lent<Acquire>,
    arguments: &RunArgs,
    told: &mut Told<'_>,
    log: &Log,
) -> Result<Started, Error> {
    let CgroupEntry { birthplace, joins } = match &lent.limited {
        Some(limited) => limited.entry()?,
        None => CgroupEntry::default(),
    };
    let paths = joins.iter().map(|join| join.path.clone()).collect();
    let mut plan = asked.plan(paths, lent.signals.ignored)?;
    plan.timed = told.timing.is_some();
    let status = command_status(asked, &plan, told)?;
    plan.tells_status = status.is_some();
    log_plan(&plan, asked.namespaces, log);
    let Given { opened, premounted } = asked.give::<Acquire>()?;
    let premounted = premounted.unwrap_or_default();
    let moments = told.begin(&plan);
    let pool = lent.pool.take();
    let joined = std::mem::take(&mut asked.joined);
    told.prepared(lent)?;
    let container = Launch {
        plan: &plan,
        namespaces: asked.namespaces,
        choice: asked.spec.launch,
        kernel: asked.kernel,
        streams: opened.streams(),
        terminal: opened.terminal(),
        pool: pool.as_ref().map(AsFd::as_fd),
        status: status.as_ref().map(AsFd::as_fd),
        cgroup: birthplace,
        joined: &in_child(joined.iter().map(|one| &one.file)),
        pid_namespace: joined::pid_namespace(&joined),
        joins: &in_child(joins.iter().map(|join| &join.opened)),
        ids: premounted::ids(&asked.spec),
        premounted: &in_child(premounted.iter()),
        moments: &moments,
        timeout: asked.spec.ending.timeout.map(|timeout| timeout.after),
        ending: lent.signals.ending(),
        log,
        engine: None,
        entrance: None,
    }
    .start()
    .map_err(|error| explained(error, arguments, lent.limited.as_ref()))?;
    told.is_running();
    // The container has its copies: a mount that we keep could not be taken away on the host.
    drop((premounted, joins, joined));
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
fn announce(lent: &mut Lent<Acquire>, arguments: &RunArgs, started: &Started, log: &Log) {
    let pid = started.running.container.pid;
    caller::warn(arguments, log);
    log_command(&started.plan.command, pid, log);
    if let Some(Err(error)) = lent.pid_file.take().map(|file| file.publish(pid)) {
        // The command runs, and goes on. (What is said as the last thing would open the signal mask.)
        log.write(Level::Error, error.to_string().as_bytes(), &[]);
    }
}

/// Until the container has ended.
fn accompany(
    asked: &Asked,
    running: Running,
    cpu_time: Option<CpuTime>,
    signals: &Signals,
    told: &mut Told<'_>,
    setting: &Setting<'_>,
) -> Result<Outcome, Error> {
    let log = setting.log;
    let Running {
        container,
        status,
        ends,
    } = running;
    let is_timed = told.is_anyone();
    let supervisor = Supervisor::new(container, &asked.spec, cpu_time, status, is_timed, log);
    oversee(
        supervisor,
        ends,
        (&asked.spec, &asked.look),
        signals,
        told,
        setting,
    )
}

/// Relays, hands signals on and waits until the container has ended.
pub(super) fn oversee(
    supervisor: Supervisor<'_>,
    ends: Option<Ends>,
    (spec, look): (&ContainerSpec, &StandardPlan),
    signals: &Signals,
    told: &mut Told<'_>,
    setting: &Setting<'_>,
) -> Result<Outcome, Error> {
    let log = setting.log;
    let supervisor = match setting.patience {
        None => supervisor,
        Some(patience) => supervisor.with_patience(patience),
    };
    // Ours, for the container has its own: the other ends of these pipes are to notice when the container closes its
    // copies.
    let [keep_input, keep_output] = look.standard.relays_input_and_output();
    if !setting.keeps_streams {
        descriptor::close_input_and_output(keep_input, keep_output || told.needs_stdout());
    }
    let output_limit = spec.ending.output_limit.map(|limit| limit.bytes);
    let allowance = || Allowance::new(output_limit);
    let (end, lost) = match (&mut told.stay, ends, &look.outside) {
        (Some(stay), ends, outside) => {
            let outside = outside.as_ref();
            let signals = (*signals, allowance());
            accompany_staying(stay, supervisor, ends, outside, signals, setting)?
        }
        (None, Some(ends), Some(outside)) => Relay::new(
            supervisor,
            log,
            ends,
            outside,
            (*signals, allowance()),
            None,
        )?
        .run()?,
        (None, ..) => (supervisor.wait(*signals)?, None),
    };
    Ok(Outcome { end, lost })
}

/// One that others ask something of meanwhile, and are attached to if no one has stayed with it.
#[cold]
#[inline(never)]
fn accompany_staying(
    stay: &mut Stay<'_>,
    supervisor: Supervisor<'_>,
    ends: Option<Ends>,
    outside: Option<&CallerTerminal>,
    signals: (Signals, Allowance),
    setting: &Setting<'_>,
) -> Result<(End, Option<Error>), Error> {
    let Setting { arguments, log, .. } = setting;
    let ends = ends.unwrap_or_else(|| Ends::Pipes(Pipes::default()));
    let desk = (&mut *stay.desk, stay.chronicle.hooks());
    if setting.streams == StreamsOf::Caller {
        let none = CallerTerminal::look(false);
        let outside = outside.unwrap_or(&none);
        return Relay::new(supervisor, log, ends, outside, signals, Some(desk))?.run();
    }
    let input_ends = match arguments.detach {
        // Others may be attached later.
        true => InputEnds::Never,
        false => InputEnds::WithTypist,
    };
    let input_ends = arguments.interactive.then_some(input_ends);
    let end = Detached::new(supervisor, log, ends, input_ends, desk, signals)?.run()?;
    Ok((end, None))
}

/// Files as a child has them.
fn in_child<'a>(files: impl Iterator<Item = &'a OwnedFd>) -> Vec<ChildDescriptor<'a>> {
    files
        .map(|file| ChildDescriptor::of(file.as_fd()))
        .collect()
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
pub fn log_command(command: &ExecPlan, pid: Pid, log: &Log) {
    if !log.enabled(Level::Info) {
        return;
    }
    let mut message = b"command".to_vec();
    for argument in command.arguments.strings() {
        message.push(b' ');
        message.extend(argument.to_bytes());
    }
    let fields = [("pid", Value::Number(i64::from(pid)))];
    log.write(Level::Info, &message, &fields);
}
