//! `oci exec`: one more process in a container that `create` or `run` has made.
//!
//! ```text
//! asked     which process: of a file, or the container's own with what was typed over it
//! cgroups   where it is counted
//! plan      the steps, by who does them
//! attended  while it is born: the terminal and a pidfd go to the engine, and its pid is written down
//! null      what it is lent of the host's /dev/null
//! ```
//!
//! How it comes in is docker's `exec` (`plan/build/entry.rs` tells). What is different is whose it is: in the background it is
//! the engine's, which has asked for it, and does not end with us.

mod asked;
mod attended;
mod cgroups;
mod null;
mod plan;

use super::cgroup::{Records, is_rootless};
use super::command_line::{ExecArgs, Globals};
use super::config::{self, Config, Process};
use super::process::{self, Inherited, Surroundings, capabilities};
use super::store::{Entry, Record, Status, Store};
use super::{namespaces, seccomp};
use crate::cgroup;
use crate::error::{Error, ExitCode};
use crate::guard::Request;
use crate::host::running::{FirstProcess, Refused, Running};
use crate::launch::{self, Container, ForEngine, Launch};
use crate::monitor::Supervisor;
use crate::monitor::relay::{Allowance, Ends, Relay};
use crate::monitor::signals::{Relayed, Signals};
use crate::plan::{InitPlan, entry};
use crate::runtime::sealed_exe::OwnFile;
use crate::spec::{LaunchChoice, Namespace, Namespaces};
use crate::sys::capability::{CapabilitySet, SYS_ADMIN, SYS_PTRACE};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::invocation::Invocation;
use crate::sys::process_start::{self, State};
use crate::sys::terminal::Size;
use crate::sys::{Errno, identity, kernel};
use crate::terminal::{CallerTerminal, TerminalSource};
use crate::terminal_settings::TerminalSettings;
use attended::Attended;
use plan::Entering;
use std::os::fd::AsFd;
use std::time::Duration;

/// With these a process of the container may look into any other that it sees.
const LOOKERS: CapabilitySet = CapabilitySet::NONE.with(SYS_PTRACE).with(SYS_ADMIN);

/// Runs a process in a container, and answers with its exit code; or, if no one is to wait for it, when it runs.
///
/// Errors: it does not run.
pub fn run(
    arguments: &ExecArgs,
    globals: &Globals,
    invocation: &Invocation,
) -> Result<ExitCode, Error> {
    // Everything begins again then, so nothing is read before. What the container may do to our file its first process does
    // not tell: that is hostile, and others were born before it gave up what it had (a user namespace of its own shows but
    // who it is in there).
    OwnFile::of_engine(invocation).acquire()?;
    let entry = Store::open(globals)?.find(&arguments.id)?;
    let record = entry.record()?;
    if record.pid == 0 {
        return Err(never_born(&entry, &record));
    }
    let config = config::read(&entry.config()?)?;
    let running = look(&record, &namespaces::made(&config))?;
    if record.cgroups.is_frozen()? && !arguments.ignore_paused {
        return Err(Error::told(
            "cannot exec in a paused container (use --ignore-paused to override)",
        ));
    }
    let process = asked::process(&arguments.process, &config)?;
    let containers = config
        .process
        .as_ref()
        .map_or(CapabilitySet::NONE, Process::bounding);
    let bounding = containers.and(process.bounding());
    OwnFile::of_engine_with(bounding, invocation).acquire()?;
    null::lend()?;
    check_terminal(arguments, &process)?;
    let story = Story {
        arguments,
        globals,
        record: &record,
        running,
        config: &config,
        process,
        bounding,
    };
    story.tell().map_err(|error| explained(error, &record))
}

/// Why there is nothing to enter where no process is written down.
#[cold]
#[inline(never)]
fn never_born(entry: &Entry, record: &Record) -> Error {
    match entry.status(record) {
        Ok(Status::Creating) => Error::told("cannot exec in a container that is being created"),
        Ok(_) => stopped(),
        Err(error) => error,
    }
}

fn stopped() -> Error {
    Error::told("cannot exec in a stopped container")
}

fn look(record: &Record, made: &[Namespace]) -> Result<Running, Error> {
    let first = FirstProcess {
        pid: record.pid,
        start_time: record.start_time,
        is_reaper: false,
    };
    Running::look(first, made).map_err(|why| match why {
        Refused::Ended => stopped(),
        Refused::Failed(error) => error,
    })
}

/// Who is to have the terminal.
fn check_terminal(arguments: &ExecArgs, process: &Process) -> Result<(), Error> {
    let wrong = match (
        process.terminal,
        arguments.detach,
        &arguments.console_socket,
    ) {
        (true, true, None) => {
            "cannot allocate tty if the runtime will detach without setting console socket"
        }
        (false, _, Some(_)) | (true, false, Some(_)) => {
            "cannot use console socket if the runtime will not detach or allocate tty"
        }
        _ => return Ok(()),
    };
    Err(Error::told(wrong))
}

/// Why nothing runs: perhaps because the container has ended meanwhile.
#[cold]
#[inline(never)]
fn explained(error: Error, record: &Record) -> Error {
    let may_be_why = matches!(error.errno(), None | Some(Errno::ESRCH | Errno::ENOMEM));
    if may_be_why && error.exit() == ExitCode::OWN_FAILURE && has_ended(record) {
        return stopped();
    }
    error
}

/// A first process that ends has killed all others before it is seen to have ended.
fn has_ended(record: &Record) -> bool {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(5);
    (0..TRIES).any(|number| {
        if number > 0 {
            std::thread::sleep(PAUSE);
        }
        process_start::state(record.pid, record.start_time) != Ok(State::Alive)
    })
}

/// What is known of a process before it is there.
struct Story<'a> {
    arguments: &'a ExecArgs,
    globals: &'a Globals,
    record: &'a Record,
    running: Running,
    config: &'a Config,
    process: Process,
    /// What bounds the capabilities of the container's processes.
    bounding: CapabilitySet,
}

/// What is made for it.
struct Made {
    plan: InitPlan,
    signals: Signals,
    terminal: Option<TerminalSource>,
    /// The caller's terminal, if the container's is relayed to it.
    outside: Option<CallerTerminal>,
    first_private: u32,
}

impl Story<'_> {
    fn tell(self) -> Result<ExitCode, Error> {
        capabilities::warn(&self.process, self.grantable(), &self.globals.log);
        let records = cgroups::below(&self.record.cgroups, &self.arguments.cgroups)?;
        let (container, made) = match self.begin(&records) {
            Err(error) if self.arguments.cgroups.is_empty() => self.begin_elsewhere(error)?,
            begun => begun?,
        };
        match self.arguments.detach {
            true => Ok(ExitCode::SUCCESS),
            false => self.accompany(container, made),
        }
    }

    /// Once more, where the first process is, or, if cgroups need not be had, in none of the container's.
    #[cold]
    #[inline(never)]
    fn begin_elsewhere(&self, error: Error) -> Result<(Container, Made), Error> {
        if cgroups::may_be_closed(&error) {
            if let Some(moved) = cgroups::of_first(&self.record.cgroups, self.record.pid) {
                return self.begin(&moved);
            }
        }
        let is_refused = matches!(
            error.errno(),
            Some(Errno::EACCES | Errno::EPERM | Errno::EROFS)
        );
        let has_any = !self.record.cgroups.is_empty();
        match is_refused && has_any && is_rootless(self.globals.rootless) {
            true => self.begin(&Records::default()),
            false => Err(error),
        }
    }

    fn begin(&self, records: &Records) -> Result<(Container, Made), Error> {
        let entry = cgroups::entry(records)?;
        let made = self.make(&entry)?;
        let attended = Attended::new(
            self.arguments,
            made.terminal.as_ref(),
            (self.config.linux.seccomp.as_ref(), self.record),
        );
        let container = self.start(&made, &entry, &attended)?;
        attended.succeed();
        Ok((container, made))
    }

    fn make(&self, cgroups: &cgroup::Entry) -> Result<Made, Error> {
        let has_terminal = self.process.terminal;
        let is_relayed = has_terminal && self.arguments.console_socket.is_none();
        let outside = is_relayed.then(CallerTerminal::of_engine);
        let relayed = match is_relayed {
            true => Relayed::Terminal,
            false => Relayed::Nothing,
        };
        // Before the clone, so that a signal that comes meanwhile waits and is handed on.
        let signals = relayed.acquire()?;
        let inherited = Inherited::find(self.arguments.preserve_fds)?;
        let filter = self.config.linux.seccomp.as_ref();
        let steps = process::steps(
            &self.process,
            Surroundings {
                namespaces: None,
                grantable: self.grantable(),
                keyring: Some(&self.record.id),
                personality: self.config.linux.personality,
                inherited,
                ignored: signals.ignored,
                filter: filter.map(seccomp::step).transpose()?,
            },
        )?;
        let entering = Entering {
            namespaces: self.running.namespaces.clone(),
            joins: cgroups.joins.iter().map(|join| join.path.clone()).collect(),
            has_root: self.has_root()?,
            sets_groups: self.running.may_set_groups(),
            terminal: has_terminal.then(|| self.settings(outside.as_ref())),
            first_private: inherited.first_private(),
            ends_with_caller: !self.arguments.detach,
            is_recorded: {
                let told = [
                    &self.arguments.pid_file,
                    &self.arguments.pidfd_socket,
                    &self.arguments.console_socket,
                ];
                self.arguments.detach || told.into_iter().any(Option::is_some)
            },
        };
        Ok(Made {
            first_private: entering.first_private,
            plan: plan::enter(entering, steps, process::command(&self.process, inherited)?),
            signals,
            terminal: has_terminal.then(TerminalSource::awaited).transpose()?,
            outside,
        })
    }

    fn grantable(&self) -> CapabilitySet {
        capabilities::grantable(self.running.has_own_users())
    }

    /// Whether the container has a user namespace of its own, with a root.
    fn has_root(&self) -> Result<bool, Error> {
        if !self.running.has_own_users() {
            return Ok(false);
        }
        let has_root = |ids: &[identity::Mapped]| ids.iter().any(|line| line.outside(0).is_some());
        let [users, groups] = self.running.ids()?;
        Ok(has_root(&users) && has_root(&groups))
    }

    fn settings(&self, outside: Option<&CallerTerminal>) -> TerminalSettings {
        let settings = outside.map(|outside| outside.terminal_settings(None));
        let mut settings = settings.unwrap_or_default();
        if let Some(size) = self.process.console_size {
            settings.size = Some(Size {
                rows: size.height,
                columns: size.width,
                ..Size::default()
            });
        }
        settings
    }

    fn launch(&self) -> LaunchChoice {
        let may_look = self.bounding.common(LOOKERS) != CapabilitySet::NONE;
        match (self.globals.launch, may_look) {
            // Nothing of the caller's is in the memory that such a container may look into.
            (LaunchChoice::Auto, true) => LaunchChoice::ReExec,
            (asked, _) => asked,
        }
    }

    fn start(
        &self,
        made: &Made,
        cgroups: &cgroup::Entry,
        attended: &Attended<'_>,
    ) -> Result<Container, Error> {
        let joins = cgroups.joins.iter();
        let joins = joins.map(|join| ChildDescriptor::of(join.opened.as_fd()));
        let joins: Vec<_> = joins.collect();
        let mut entered = [ChildDescriptor::of(self.running.pidfd.as_fd()); 2];
        entered[usize::from(entry::ROOT)] = ChildDescriptor::of(self.running.root.as_fd());
        Launch {
            plan: &made.plan,
            namespaces: Namespaces::NONE,
            choice: self.launch(),
            kernel: kernel::version(),
            streams: [None; 3],
            terminal: made.terminal.as_ref().and_then(TerminalSource::for_child),
            pool: None,
            status: None,
            cgroup: cgroups.birthplace.as_ref().map(AsFd::as_fd),
            joined: &entered,
            pid_namespace: None,
            joins: &joins,
            ids: None,
            premounted: &[],
            moments: &[],
            timeout: None,
            ending: made.signals.ending(),
            log: &self.globals.log,
            entrance: None,
            engine: Some(ForEngine {
                attendant: attended,
                start: None,
                hook_state: None,
                first_private: made.first_private,
            }),
        }
        .start()
    }

    /// Until the command has ended.
    fn accompany(&self, container: Container, made: Made) -> Result<ExitCode, Error> {
        let log = &self.globals.log;
        let supervisor = Supervisor::of_engine(container, log);
        let end = match (made.terminal, &made.outside) {
            (Some(terminal), Some(outside)) => {
                let ends = Ends::Terminal(terminal.taken()?);
                let signals = (made.signals, Allowance::new(None));
                let (end, lost) =
                    Relay::new(supervisor, log, ends, outside, signals, None)?.run()?;
                match lost {
                    Some(lost) if end.exit == ExitCode::SUCCESS => return Err(lost),
                    _ => end,
                }
            }
            _ => supervisor.wait(made.signals)?,
        };
        launch::not_executed(&made.plan, end.exit).map_or(Ok(end.exit), Err)
    }
}
