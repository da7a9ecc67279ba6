//! The story of a run: look at the caller, write the specification and the plan, start the
//! container, supervise it until it ends.

use crate::cli::{LogArgs, LogFormat};
use crate::error::{Error, ExitCode};
use crate::launch::Launch;
use crate::log::{self, Level, Log, Value};
use crate::plan::{self, InitPlan};
use crate::report::Moment;
use crate::spec::{
    Accounts, Caller, ContainerSpec, Identity, Input, Namespaces, RunArgs, Terminal,
};
use crate::supervise::Supervisor;
use crate::supervise::relay::Relay;
use crate::supervise::signals;
use crate::sys::{Errno, descriptor, identity, process, random};
use crate::terminal::{Outside, PseudoTerminal};
use crate::timing::{Beginning, Timing};
use std::cell::Cell;
use std::convert::Infallible;
use std::ffi::CString;
use std::mem::ManuallyDrop;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

/// Runs a container and ends this process with its exit code. What goes wrong on the way is said here,
/// in the log or to the person who called, and then this returns the exit code for that.
pub fn run(
    arguments: &RunArgs,
    log_arguments: &LogArgs,
    beginning: Option<Beginning>,
) -> Result<ExitCode, Error> {
    let configured = log_configuration(log_arguments)?;
    let log = open_log(log_arguments, &configured)?;
    let Err(error) = run_logged(arguments, &log, beginning);
    // Said once on stderr: as a line of the log if that is what stderr was asked to be, else in
    // plain words. A log elsewhere gets it as well.
    let lines_wanted = configured.asked_for && log.is_json();
    if !log.to_stderr() || lines_wanted {
        log.write(Level::Error, error.to_string().as_bytes(), &[]);
    }
    if !log.to_stderr() || !lines_wanted {
        log::complain(&error);
    }
    Ok(error.exit())
}

struct LogConfiguration {
    level: Level,
    /// Someone said something about the log, so someone will read it.
    asked_for: bool,
}

fn log_configuration(arguments: &LogArgs) -> Result<LogConfiguration, Error> {
    let variable = std::env::var_os("MYDOCKER_LOG").filter(|value| !value.is_empty());
    let level = match (arguments.level, &variable) {
        (Some(level), _) => level,
        (None, None) => Level::Warn,
        (None, Some(name)) => Level::from_name(name.as_bytes()).ok_or_else(|| {
            Error::refused(
                [b"MYDOCKER_LOG=", name.as_bytes()].concat(),
                "it takes error, warn, info or debug",
            )
        })?,
    };
    Ok(LogConfiguration {
        level,
        asked_for: variable.is_some() || *arguments != LogArgs::default(),
    })
}

fn open_log(arguments: &LogArgs, configuration: &LogConfiguration) -> Result<Log, Error> {
    let file = arguments
        .file
        .as_ref()
        .map(|file| CString::new(file.as_bytes()))
        .transpose()
        .map_err(|_| Error::new("open log", "", Errno::EINVAL))?;
    let format = match arguments.format {
        None | Some(LogFormat::Auto) => None,
        Some(LogFormat::Fixed(format)) => Some(format),
    };
    Log::open(file.as_deref(), configuration.level, format)
}

/// Returns only if something fails.
fn run_logged(
    arguments: &RunArgs,
    log: &Log,
    beginning: Option<Beginning>,
) -> Result<Infallible, Error> {
    let mut timing = match &arguments.timing {
        Some(file) => Some(Timing::open(file, beginning)?),
        None => None,
    };
    let spec = specify(arguments)?;
    let relayed = spec.terminal == Terminal::Own;

    // Before the clone, so that a signal that comes meanwhile waits and is handed on.
    let signals =
        signals::take_over(relayed).map_err(|errno| Error::new("block", "signals", errno))?;

    let mut plan = plan::build(&spec, signals.ignored);
    plan.timed = timing.is_some();
    log_plan(&plan, spec.namespaces, log);

    let null = if plan.needs_null() {
        let null = descriptor::open(c"/dev/null", libc::O_RDONLY, 0);
        // Left to the kernel to close, which it does for less when we leave.
        Some(ManuallyDrop::new(
            null.map_err(|errno| Error::new("open", "/dev/null", errno))?,
        ))
    } else {
        None
    };
    let outside = relayed.then(|| Outside::look(spec.input == Input::Caller));
    let owner = match spec.identity {
        Identity::Set { user, .. } => user,
        // Mapped to the caller, who makes it.
        Identity::Mapped { .. } => None,
    };
    let terminal = outside
        .as_ref()
        .map(|outside| PseudoTerminal::open(outside, owner))
        .transpose()?;

    let moments = match &mut timing {
        Some(timing) => {
            timing.planned();
            vec![Cell::new(0); Moment::count(plan.steps().count())]
        }
        None => Vec::new(),
    };
    let container = Launch {
        plan: &plan,
        namespaces: spec.namespaces,
        choice: spec.launch,
        null: null.as_ref().map(|null| null.as_fd()),
        terminal: terminal.as_ref().and_then(PseudoTerminal::slave),
        moments: &moments,
        log,
    }
    .start()?;
    if let Some(timing) = &mut timing {
        timing.running(&plan, &moments, container.pid, log);
    }
    log_command(&plan, container.pid, log);

    let supervisor = Supervisor::new(container, timing.is_some(), log);
    let end = match (terminal, &outside) {
        (Some(terminal), Some(outside)) => {
            Relay::new(supervisor, log, terminal, outside, signals)?.run()?
        }
        _ => {
            // Ours, for the container has its own: the other ends of these pipes are to notice when
            // the container closes its copies.
            if timing.as_ref().is_some_and(Timing::needs_stdout) {
                descriptor::close(descriptor::borrowed(0));
            } else {
                descriptor::close_input_and_output();
            }
            supervisor.wait(signals.forwarded)?
        }
    };
    if let (Some(timing), Some(at)) = (&timing, end.at) {
        timing.ended(at, end.exit.0, log);
    }
    // Now, without a destructor: what they would free the kernel takes back for less.
    process::exit(i32::from(end.exit.0))
}

/// Looks at the caller, as far as the arguments make it necessary, and writes the specification.
fn specify(arguments: &RunArgs) -> Result<ContainerSpec, Error> {
    let accounts = match arguments.user {
        None => Accounts::default(),
        Some(_) => Accounts {
            passwd: read_if_there("/etc/passwd")?,
            group: read_if_there("/etc/group")?,
        },
    };
    let user = identity::effective_user();
    // An ordinary user may not change its groups, and is mapped instead.
    let droppable_groups = if user == 0 {
        droppable_groups()?
    } else {
        Vec::new()
    };
    ContainerSpec::new(
        arguments,
        &Caller {
            user,
            group: identity::effective_group(),
            droppable_groups: &droppable_groups,
            variable: &|name| std::env::var_os(name),
            accounts: &accounts,
            fresh_name: &fresh_name(),
        },
    )
}

/// The caller's supplementary groups, unless the user namespace that mydocker itself runs in (a
/// container of an ordinary user, say) forbids to change groups: then they stay as they are.
fn droppable_groups() -> Result<Vec<u32>, Error> {
    let groups = identity::groups().map_err(|errno| Error::new("getgroups", "", errno))?;
    if groups.iter().all(|group| *group == 0) {
        // Nothing to drop for a container's root.
        return Ok(groups);
    }
    // Setting what is set changes nothing and shows whether it is allowed.
    match identity::set_groups(&groups) {
        Err(Errno::EPERM) if read_if_there("/proc/self/setgroups")?.starts_with(b"deny") => {
            Ok(Vec::new())
        }
        _ => Ok(groups),
    }
}

fn read_if_there(path: &str) -> Result<Vec<u8>, Error> {
    match std::fs::read(path) {
        Ok(content) => Ok(content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::new(
            "read",
            path,
            Errno::new(error.raw_os_error().unwrap_or(libc::EIO)),
        )),
    }
}

/// Twelve hexadecimal digits, as docker's container ids are shown.
fn fresh_name() -> String {
    let bytes = random::six_bytes().unwrap_or_else(|_| {
        // Early at boot, before the kernel has randomness: a name need only be another one.
        let [a, b, c, d] = std::process::id().to_le_bytes();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let [e, f, ..] = now.map_or(0, |now| now.subsec_micros()).to_le_bytes();
        [a, b, c, d, e, f]
    });
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(if digit < 10 { b'0' } else { b'a' - 10 } + digit))
        .collect()
}

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
