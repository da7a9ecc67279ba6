//! The client's side: a command runs in a box, if the pool has one for it.

use super::description;
use super::why::Why;
use crate::docker::RunArgs;
use crate::error::Error;
use crate::field::Field;
use crate::guard::{Acquire, Intent, Request};
use crate::host::limits::{fresh_digits, say_out_of_memory};
use crate::launch::{self, Container, Role};
use crate::log::{Level, Log};
use crate::monitor::Supervisor;
use crate::monitor::line::Line;
use crate::monitor::relay::Ends;
use crate::plan::{self, ExecPlan, InitPlan, Source, Standard, Streams};
use crate::pool::job::{self, LIMITS, Order, Stream, Streams as Handed, Terms};
use crate::pool::{Call, TAKEN};
use crate::runtime::asked::explained;
use crate::runtime::caller::{self, Asking};
use crate::runtime::conclusion::{Outcome, Settled};
use crate::runtime::standard::{self, Opened, StandardPlan, StreamsOf};
use crate::runtime::told::Told;
use crate::runtime::{Setting, story};
use crate::spec::{ContainerSpec, Identity, IdsWanted, OwnDevice};
use crate::sys::descriptor::{Waiting, wait_briefly};
use crate::sys::{
    Errno, affinity, descriptor, identity, local_socket, process, scheduler, sent_files,
};
use crate::terminal_settings::TerminalSettings;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a box may take to accept a call: in a container of its own the command would run not much later.
const PATIENCE: Duration = Duration::from_micros(200);

/// What a run has that might have a box, up to the call.
struct Asked {
    spec: ContainerSpec,
    look: StandardPlan,
    opened: Opened,
    command: ExecPlan,
    directory: Option<CString>,
    /// Which file that is, if it is the caller's own.
    place: Option<(u64, u64)>,
    host_name: String,
}

/// Has the command run in a box. `None`: the pool has none for it, and nothing has been done.
pub fn live(setting: &Setting<'_>, told: &mut Told<'_>) -> Result<Option<Settled>, Error> {
    let Setting { arguments, log, .. } = setting;
    let Some(pool) = &arguments.pool else {
        return Ok(None);
    };
    let (socket, description) = match call(arguments, pool)? {
        Ok(called) => called,
        Err(why) => return Ok(without(told, why)),
    };
    // It stands for that of the box, which no one knows yet, and which is put where this one is.
    let host_name = fresh_digits();
    let asking = Asking {
        origin: setting.asking.origin,
        host_name: Some(&host_name),
    };
    let ids = |wanted: IdsWanted<'_>| Acquire::take(wanted);
    let spec = caller::specify(arguments, &ids, &asking)?;
    let look = standard::look(&spec, StreamsOf::Caller)?;
    let signals = Acquire::take(look.relayed())?;
    let opened = Acquire::take(standard::Wanted {
        standard: look.standard,
        spec: &spec,
    })?;
    let Some((directory, place)) = directory(&spec) else {
        return Ok(without(
            told,
            Why::Unfit("its working directory cannot be named"),
        ));
    };
    let asked = Asked {
        command: plan::command_of(
            &spec.process.arguments,
            spec.process.environment.clone(),
            None,
        ),
        spec,
        look,
        opened,
        directory,
        place,
        host_name,
    };
    if let Some(report) = &mut told.report {
        report.begin();
    }
    let deadline = asked.spec.ending.timeout;
    let deadline = deadline.and_then(|timeout| Instant::now().checked_add(timeout.after));
    let line = match hand_over(&asked, socket.as_fd(), description) {
        Ok(line) => line,
        Err(why) => return Ok(without(told, Why::Unfit(why))),
    };
    let line = Line::new(line).map_err(|errno| Error::new("listen", "to the pool", errno))?;
    if let Some(report) = &mut told.report {
        report.is_running();
    }
    if log.enabled(Level::Info) {
        announce(&line, &asked.command, log)?;
    }
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
            boxs_terminal(socket.as_fd(), opened, settings)?
        }
        _ => opened.ends()?,
    };
    drop(socket);
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
    Ok(Some(Settled { end, lost, signals }))
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

/// The socket, and what its boxes are to be like.
type Called = Result<(OwnedFd, [u64; 2]), Why>;

/// Calls a box that is as these options want it, if there may be one.
///
/// Errors: what answers is not this user's.
fn call(arguments: &RunArgs, directory: &OsStr) -> Result<Called, Error> {
    if !Call::is_possible()
        && let Err(errno) = Call::to(directory).preview()?
    {
        return Ok(Err(Why::NoPool(errno)));
    }
    if let Err(why) = description::is_fit(arguments) {
        return Ok(Err(Why::Unfit(why)));
    }
    let Ok(description) = description::describe(arguments) else {
        return Ok(Err(Why::Unfit("what it is to be like cannot be looked at")));
    };
    let name = description::socket(description);
    let path = [directory.as_bytes(), b"/", name.as_bytes()].concat();
    let connected = CString::new(path)
        .map_err(|_| Errno::EINVAL)
        .and_then(|path| local_socket::connect(&path));
    let socket = match connected {
        Ok(socket) => socket,
        Err(Errno::EAGAIN) => return Ok(Err(Why::Taken)),
        Err(_) => return Ok(Err(Why::Unfit("none like it is kept there"))),
    };
    match local_socket::peer_user(socket.as_fd()) {
        Ok(user) if user == identity::effective_user() => Ok(Ok((socket, description))),
        _ => {
            let named = [Field::Pool.spelled().as_bytes(), b" ", directory.as_bytes()].concat();
            Err(Error::refused(named, "it is another user's"))
        }
    }
}

/// A path, and which file it has to lead to.
type Place = (Option<CString>, Option<(u64, u64)>);

/// Where the command starts. `None`: there is none that would do.
fn directory(spec: &ContainerSpec) -> Option<Place> {
    if spec.process.working_directory.is_some() || spec.root.is_some() {
        return Some((spec.process.working_directory.clone(), None));
    }
    // Without a box it need not be entered: it is the caller's. Another user may not be able to.
    if matches!(
        spec.identity,
        Identity::Set {
            user: Some(1..),
            ..
        }
    ) {
        return None;
    }
    let path = std::env::current_dir().ok()?;
    let path = CString::new(path.into_os_string().into_vec()).ok()?;
    let place = description::identity_of(".".as_ref()).ok()?;
    Some((Some(path), Some(place)))
}

/// Hands the job to whoever accepts the call. Returns the line to the pool.
///
/// Errors: why there is no box. The call is as if it had never been made then.
fn hand_over(
    asked: &Asked,
    socket: BorrowedFd<'_>,
    description: [u64; 2],
) -> Result<OwnedFd, &'static str> {
    let (streams, files) = streams(asked)?;
    let unknown = "what it has of its caller cannot be looked at";
    let mut limits = [None; LIMITS];
    for (number, limit) in (0u32..).zip(&mut limits) {
        let mut own = asked.spec.process.resources.iter();
        if !own.any(|own| own.resource == number) {
            *limit = Some(process::limits(number).map_err(|_| unknown)?);
        }
    }
    let environment = as_c_strings(asked.command.environment.strings());
    let terms = Terms {
        description,
        streams,
        nice: scheduler::nice().map_err(|_| unknown)?,
        limits,
        place: asked.place,
        host_name_at: host_name_at(&environment, asked.host_name.as_bytes()),
    };
    let order = Order {
        directory: asked.directory.as_deref(),
        candidates: &as_c_strings(&asked.command.candidates),
        arguments: &as_c_strings(asked.command.arguments.strings()),
        environment: &environment,
    };
    let processors = affinity::processors().map_err(|_| unknown)?;
    let record = job::write(&terms, &processors, &order).ok_or("its arguments are too long")?;
    let lost = "the call was not answered";
    sent_files::send_files(socket, &record, &files).map_err(|_| lost)?;
    answer(socket).ok_or(lost)
}

/// The line, if a box has taken the job.
fn answer(socket: BorrowedFd<'_>) -> Option<OwnedFd> {
    let mut record = local_socket::receive(socket);
    if matches!(record, Err(Errno::EAGAIN)) {
        let _ = wait_briefly(&mut [Waiting::to_read(socket)], PATIENCE);
        record = local_socket::receive(socket);
    }
    if matches!(record, Err(Errno::EAGAIN)) {
        // From here on no box can take it; one may have done so just before.
        local_socket::hear_no_more(socket).ok()?;
        record = local_socket::receive(socket);
    }
    let record = record.ok().flatten()?;
    let line = record.file.map(descriptor::own);
    line.filter(|_| record.byte == TAKEN)
}

type SentStreams<'a> = (Handed, Vec<BorrowedFd<'a>>);

/// What becomes 0, 1 and 2, and the descriptors that are sent for them.
fn streams(asked: &Asked) -> Result<SentStreams<'_>, &'static str> {
    let streams: Streams = match asked.look.standard {
        Standard::Terminal(_) => {
            let terminal = asked.opened.terminal().ok_or("it has no terminal")?;
            let kind = match plan::makes_terminal(&asked.spec) {
                true => Handed::OwnTerminal,
                false => Handed::Terminal,
            };
            return Ok((kind, vec![terminal]));
        }
        Standard::Streams(streams) => streams,
    };
    if streams.given_to.is_some() && streams.pipes() != [false; 3] {
        return Err("its pipes are to be its user's");
    }
    let mut files = Vec::with_capacity(3);
    let mut sent = [Stream::Sent; 3];
    let opened = asked.opened.streams();
    for ((number, source), (place, opened)) in (0..)
        .zip(streams.sources())
        .zip(sent.iter_mut().zip(opened))
    {
        match source {
            Source::Callers | Source::CallersPipe => files.push(descriptor::standard(number)),
            Source::HostsNull | Source::Pipe => files.push(opened.ok_or("it has no stream")?),
            Source::Own(device) => {
                let mut all = OwnDevice::ALL.iter();
                let index = all.position(|one| *one == device).unwrap_or_default();
                *place = Stream::Own(index as u8);
            }
        }
    }
    Ok((Handed::Each(sent), files))
}

fn as_c_strings(strings: &[CString]) -> Vec<&CStr> {
    strings.iter().map(CString::as_c_str).collect()
}

/// Where in the list the box's host name is to be put, counted in bytes.
fn host_name_at(environment: &[&CStr], name: &[u8]) -> Option<u32> {
    let mut before = 0;
    for variable in environment {
        let bytes = variable.to_bytes_with_nul();
        if variable.to_bytes().strip_prefix(b"HOSTNAME=") == Some(name) {
            return u32::try_from(before + bytes.len() - 1 - name.len()).ok();
        }
        before += bytes.len();
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_name_has_a_place() {
        let place = |environment: &[&CStr]| host_name_at(environment, b"0123456789ab");
        assert_eq!(place(&[c"A=1", c"HOSTNAME=0123456789ab"]), Some(4 + 9));
        assert_eq!(place(&[c"A=1", c"HOSTNAME=x"]), None);
    }
}
