//! The client's side: a command runs in a box, if the pool has one for it.

use super::hand_over::{self, Asked, Called};
use super::why::Why;
use crate::error::Error;
use crate::guard::{Acquire, Intent};
use crate::host::limits::{fresh_digits, say_out_of_memory};
use crate::launch::{self, Container, Role};
use crate::log::{Level, Log};
use crate::monitor::Supervisor;
use crate::monitor::line::Line;
use crate::monitor::relay::Ends;
use crate::monitor::signals::Signals;
use crate::plan::{self, ExecPlan, InitPlan, Standard};
use crate::pool::TAKEN;
use crate::runtime::asked::explained;
use crate::runtime::caller::{self, Asking};
use crate::runtime::conclusion::{Outcome, Settled};
use crate::runtime::standard::{self, Opened, StreamsOf};
use crate::runtime::told::Told;
use crate::runtime::{Setting, story};
use crate::spec::IdsWanted;
use crate::sys::descriptor::Waiting;
use crate::sys::{descriptor, local_socket};
use crate::terminal_settings::TerminalSettings;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::Instant;

/// Has the command run in a box. `None`: the pool has none for it, and nothing has been done.
pub fn live(setting: &Setting<'_>, told: &mut Told<'_>) -> Result<Option<Settled>, Error> {
    let Some(pool) = &setting.arguments.pool else {
        return Ok(None);
    };
    let place = match hand_over::find(setting.arguments, pool)? {
        Ok(place) => place,
        Err(why) => return Ok(without(told, why)),
    };
    let asked = match ask(setting)? {
        Ok(asked) => asked,
        Err(why) => return Ok(without(told, Why::Unfit(why))),
    };
    let called = match hand_over::call(setting.arguments, place)? {
        Ok(called) => called,
        Err(why) => return Ok(without(told, why)),
    };
    if let Some(report) = &mut told.report {
        report.begin();
    }
    let deadline = asked.spec.ending.timeout;
    let deadline = deadline.and_then(|timeout| Instant::now().checked_add(timeout.after));
    // Before the job is sent: the command may run before we are awake again, and whoever hears from it may send a signal at once,
    // which is the command's and not to end us. (An own start takes them over once more, which changes nothing.)
    let signals = Acquire::take(asked.look.relayed())?;
    if let Err(why) = hand_over::send(&asked, &called) {
        return Ok(without(told, Why::Unfit(why)));
    }
    let line = match hand_over::answer(&called) {
        Ok(line) => line,
        Err(why) => return Ok(without(told, Why::Unfit(why))),
    };
    let line = Line::new(line).map_err(|errno| Error::new("listen", "to the pool", errno))?;
    if let Some(report) = &mut told.report {
        report.is_running();
    }
    if setting.log.enabled(Level::Info) {
        announce(&line, &asked.command, setting.log)?;
    }
    attend(setting, (asked, called), (line, deadline), signals, told).map(Some)
}

/// Looks at the caller as a start without a box does.
fn ask(setting: &Setting<'_>) -> Result<Result<Asked, &'static str>, Error> {
    // It stands for that of the box, which no one knows yet, and which is put where this one is.
    let host_name = fresh_digits();
    let asking = Asking {
        origin: setting.asking.origin,
        host_name: Some(&host_name),
    };
    let ids = |wanted: IdsWanted<'_>| Acquire::take(wanted);
    let spec = caller::specify(setting.arguments, &ids, &asking)?;
    let look = standard::look(&spec, StreamsOf::Caller)?;
    let opened = Acquire::take(standard::Wanted {
        standard: look.standard,
        spec: &spec,
    })?;
    let Some((directory, place)) = hand_over::directory(&spec) else {
        return Ok(Err("its working directory cannot be named"));
    };
    let environment = spec.process.environment.clone();
    Ok(Ok(Asked {
        command: plan::command_of(&spec.process.arguments, environment, None),
        spec,
        look,
        opened,
        directory,
        place,
        host_name,
    }))
}

/// Is for the command what a parent is, until it has ended.
fn attend(
    setting: &Setting<'_>,
    (asked, called): (Asked, Called),
    (line, deadline): (Rc<Line>, Option<Instant>),
    signals: Signals,
    told: &mut Told<'_>,
) -> Result<Settled, Error> {
    let Setting { arguments, log, .. } = setting;
    let container = Container {
        pid: 0,
        role: match arguments.has_reaper() {
            true => Role::Reaper,
            false => Role::Command,
        },
        successor: None,
        deadline,
    };
    let Asked {
        spec,
        look,
        opened,
        command,
        ..
    } = asked;
    let supervisor = Supervisor::new(container, &spec, None, None, told.is_anyone(), log);
    let supervisor = supervisor.of_pool(Rc::clone(&line));
    let ends = match &look.standard {
        Standard::Terminal(settings) if plan::makes_terminal(&spec) => {
            boxs_terminal(called.socket.as_fd(), opened, settings)?
        }
        _ => opened.ends()?,
    };
    drop(called);
    let outcome = story::oversee(supervisor, ends, (&spec, &look), &signals, told, setting)?;
    let Outcome { mut end, lost } = outcome;
    if let Some(conclusion) = line.conclusion() {
        if let Some(failure) = conclusion.report {
            if let Some(report) = &mut told.report {
                report.never_ran();
            }
            let plan = explaining(command);
            return Err(explained(
                launch::describe_report(&plan, failure),
                arguments,
                None,
            ));
        }
        // (That it runs is known only now.)
        caller::warn(arguments, log);
        if let Some(usage) = &conclusion.usage {
            end.is_known_with(usage);
        }
        told.ended(end, conclusion.usage, log);
        if let (Some(usage), Some(limits)) = (&conclusion.usage, &spec.limits) {
            say_out_of_memory(usage, limits.memory, end.exit, log);
        }
    }
    Ok(Settled { end, lost, signals })
}

/// Says where the command is to run.
#[cold]
#[inline(never)]
fn announce(line: &Line, command: &ExecPlan, log: &Log) -> Result<(), Error> {
    let pid = line.wait_for_first_process()?;
    launch::log_init(b"pool", pid, log);
    story::log_command(command, pid, log);
    Ok(())
}

/// The terminal that the box makes, with the size and the modes that it is to have before anyone uses it.
#[cold]
#[inline(never)]
fn boxs_terminal(
    socket: BorrowedFd<'_>,
    opened: Opened,
    settings: &TerminalSettings,
) -> Result<Option<Ends>, Error> {
    let failed = |errno| Error::new("receive", "the container's terminal", errno);
    descriptor::wait(&mut [Waiting::to_read(socket)], -1).map_err(failed)?;
    if local_socket::receive(socket).map_err(failed)?.is_none() {
        // It has ended, and the pool tells why.
        return Ok(None);
    }
    let ends = opened.ends()?;
    if let Some(Ends::Terminal(terminal)) = &ends
        && let Some(slave) = terminal.slave()
    {
        // It is its user's who has made it.
        let settings = TerminalSettings {
            owner: None,
            ..*settings
        };
        settings
            .give(slave)
            .map_err(|errno| Error::new("set modes of", "the terminal", errno))?;
    }
    local_socket::send(socket, TAKEN, None).map_err(failed)?;
    Ok(ends)
}

/// Keeps why there is no box until it can be said: a log whose reader has gone would end us before signals are blocked.
#[cold]
#[inline(never)]
fn without<T>(told: &mut Told<'_>, why: Why) -> Option<T> {
    told.without_box = Some(why);
    None
}

/// A plan that has what a failure is told by.
#[cold]
#[inline(never)]
fn explaining(command: ExecPlan) -> InitPlan {
    InitPlan {
        forerunner: Vec::new(),
        birth: Vec::new(),
        container: Vec::new(),
        reaper: None,
        enters: false,
        process: Vec::new(),
        command,
        premounted: 0,
        timed: false,
        tells_status: false,
    }
}
