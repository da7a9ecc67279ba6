//! The story of `exec`: one more process in a container that runs, accompanied until it ends, or left to itself.
//!
//! How it comes into the container, and in which order, `plan/build/entry.rs` tells.

use super::caller::{self, Asking};
use super::conclusion::die_of_interrupt;
use super::origin::{Answers, Origin};
use super::sealed_exe::OwnFile;
use super::standard::{self, Opened, StandardPlan, StreamsOf};
use super::{logging, security};
use crate::cgroup::{self, Record};
use crate::docker::specify::another::{Container, another};
use crate::docker::specify::specify;
use crate::docker::{Caller, ExecArgs, RunArgs};
use crate::error::{Error, ExitCode};
use crate::guard::{Acquire, Request};
use crate::hint::{Doing, hint};
use crate::host::running::{FirstProcess, Refused, Running};
use crate::launch::{self, Launch};
use crate::log::{Level, Log};
use crate::monitor::Supervisor;
use crate::monitor::relay::{Allowance, Relay};
use crate::monitor::signals::Signals;
use crate::plan::InitPlan;
use crate::plan::entry::{self, Entry};
use crate::spec::{ContainerSpec, LaunchChoice, Namespaces, PidfdNumber};
use crate::sys::capability::{CapabilitySet, SYS_ADMIN, SYS_PTRACE};
use crate::sys::descriptor::{self, ChildDescriptor};
use crate::sys::invocation::Invocation;
use crate::sys::process_start::{self, State};
use crate::sys::{Errno, Pid, kernel, process};
use std::convert::Infallible;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

/// A container that runs, as it was written down.
pub struct Made {
    /// What people call it.
    pub word: String,
    /// What it was asked for.
    pub arguments: RunArgs,
    pub answers: Answers,
    /// Its host name, if it was given none.
    pub host_name: String,
    /// Its first process.
    pub pid: Pid,
    /// When that has started, in ticks from the boot.
    pub start_time: u64,
    pub cgroups: Vec<Record>,
}

/// Runs a command in a container that runs, and ends this process with its exit code, or, if no one is to wait for it,
/// returns when it runs.
pub fn run(arguments: &ExecArgs, made: &Made, invocation: &Invocation) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(&arguments.log, Level::Warn, |log| {
        let story = Story::look(arguments, made, invocation);
        let story = story.map_err(|error| made.explained(error))?;
        let started = story.start(log).map_err(|error| made.explained(error))?;
        match arguments.detach {
            true => Ok(ExitCode::SUCCESS),
            false => match story.accompany(started, arguments, log)? {},
        }
    })
}

/// What is known of a process before it is there.
struct Story {
    running: Running,
    spec: ContainerSpec,
    kernel: (u32, u32),
    plan: InitPlan,
    look: StandardPlan,
    signals: Signals,
    cgroups: cgroup::Entry,
}

struct Started {
    container: launch::Container,
    opened: Opened,
}

/// With these a process of the container may look into any other that it sees.
const LOOKERS: CapabilitySet = CapabilitySet::NONE.with(SYS_PTRACE).with(SYS_ADMIN);

/// How long a container may take to end, if that may be why something has failed.
const END: Duration = Duration::from_millis(500);

impl Story {
    fn look(arguments: &ExecArgs, made: &Made, invocation: &Invocation) -> Result<Self, Error> {
        let running = Running::look(made.first_process(), &[]).map_err(|why| made.refused(why))?;
        let (specified, bounding) = specified(arguments, made, &running)?;
        OwnFile::of_another(&specified, bounding, invocation).acquire()?;
        let origin = Origin::Maker(&made.answers);
        let kernel = kernel::version();
        let filter = security::filter(&specified.process, kernel, &origin)?;
        let streams_of = match arguments.detach {
            true => StreamsOf::Nobody,
            false => StreamsOf::Caller,
        };
        let look = standard::look(&specified, streams_of)?;
        // Before the clone, so that a signal that comes meanwhile waits and is handed on.
        let signals = look.relayed().acquire()?;
        let cgroups = made.cgroups(&specified)?;
        let entry = Entry {
            namespaces: running.namespaces.clone(),
            joins: cgroups.joins.iter().map(|join| join.path.clone()).collect(),
            ignored: signals.ignored,
            ends_with_caller: !arguments.detach,
        };
        let plan = entry::enter(&specified, entry, look.standard, filter);
        Ok(Self {
            running,
            spec: specified,
            kernel,
            plan,
            look,
            signals,
            cgroups,
        })
    }

    fn start(&self, log: &Log) -> Result<Started, Error> {
        let opened = standard::Wanted {
            standard: self.look.standard,
            spec: &self.spec,
        }
        .acquire()?;
        let joins = self.cgroups.joins.iter();
        let joins = joins.map(|join| ChildDescriptor::of(join.opened.as_fd()));
        let joins: Vec<_> = joins.collect();
        let mut entered = [ChildDescriptor::of(self.running.pidfd.as_fd()); 2];
        entered[usize::from(entry::PROCESS)] = ChildDescriptor::of(self.running.pidfd.as_fd());
        entered[usize::from(entry::ROOT)] = ChildDescriptor::of(self.running.root.as_fd());
        let container = Launch {
            plan: &self.plan,
            namespaces: Namespaces::NONE,
            choice: self.spec.launch,
            kernel: self.kernel,
            streams: opened.streams(),
            terminal: opened.terminal(),
            pool: None,
            status: None,
            cgroup: self.cgroups.birthplace.as_ref().map(AsFd::as_fd),
            joined: &entered,
            pid_namespace: None,
            joins: &joins,
            ids: None,
            premounted: &[],
            moments: &[],
            timeout: None,
            ending: self.signals.ending(),
            log,
            entrance: None,
            engine: None,
        }
        .start()?;
        Ok(Started { container, opened })
    }

    /// Until the command has ended. Returns only if something went wrong.
    fn accompany(
        self,
        started: Started,
        arguments: &ExecArgs,
        log: &Log,
    ) -> Result<Infallible, Error> {
        let Started { container, opened } = started;
        let ends = opened.ends()?;
        let supervisor = Supervisor::new(container, &self.spec, None, None, false, log);
        // Ours, for the command has its own: the other ends of these pipes are to notice when it closes its copies.
        let [keep_input, keep_output] = self.look.standard.relays_input_and_output();
        descriptor::close_input_and_output(keep_input, keep_output);
        let (end, lost) = match (ends, &self.look.outside) {
            (Some(ends), Some(outside)) => {
                let signals = (self.signals, Allowance::new(None));
                Relay::new(supervisor, log, ends, outside, signals, None)?.run()?
            }
            _ => (supervisor.wait(self.signals)?, None),
        };
        if let Some(error) = launch::not_executed(&self.plan, end.exit) {
            return Err(error);
        }
        if let Some(lost) = lost {
            return Err(match end.exit {
                ExitCode::SUCCESS => lost,
                exit => lost.exit_with(exit),
            });
        }
        if end.interrupted {
            die_of_interrupt(end, arguments.interactive, self.signals);
        }
        process::exit(i32::from(end.exit.0))
    }
}

/// The container, as its new process has it; and what bounds the capabilities of its own.
fn specified(
    arguments: &ExecArgs,
    made: &Made,
    running: &Running,
) -> Result<(ContainerSpec, CapabilitySet), Error> {
    let asking = Asking {
        origin: Origin::Maker(&made.answers),
        host_name: Some(&made.host_name),
    };
    let accounts = |_: Option<&_>, name: &str| running.accounts(name);
    caller::as_caller(&|_| running.first_user(), &asking, &accounts, |maker| {
        let mut spec = specify(&made.arguments, maker)?;
        caller::look_at_host(&mut spec, &made.arguments)?;
        let bounding = spec.process.capabilities.bounding;
        let may_look = bounding.common(LOOKERS) != CapabilitySet::NONE;
        spec.launch = match (arguments.launch, spec.launch) {
            // Nothing of the caller's is in the memory that such a container may look into.
            (LaunchChoice::Auto, _) if may_look => LaunchChoice::ReExec,
            (LaunchChoice::Auto, containers) => containers,
            (asked, _) => asked,
        };
        let here = Origin::Caller;
        let caller = Caller {
            variable: &|name| here.variable(name),
            named_file: &|file| here.file(file),
            ..*maker
        };
        let container = Container {
            arguments: &made.arguments,
            spec,
            maker,
            namespaces: &running.namespaces,
            pidfd: PidfdNumber(running.pidfd.as_raw_fd()),
        };
        another(arguments, container, &caller).map(|spec| (spec, bounding))
    })
}

impl Made {
    fn first_process(&self) -> FirstProcess {
        FirstProcess {
            pid: self.pid,
            start_time: self.start_time,
            is_reaper: self.arguments.first_is_reaper(),
        }
    }

    /// The way into its cgroups. What is limited is not entered without.
    fn cgroups(&self, spec: &ContainerSpec) -> Result<cgroup::Entry, Error> {
        let limits = spec.limits.as_ref();
        let is_limited = limits.is_some_and(|limits| !limits.can_do_without());
        if is_limited && self.cgroups.is_empty() {
            return Err(Error::refused(
                format!("container {}", self.word),
                "it is limited, and its cgroups are not known",
            ));
        }
        cgroup::entry(&self.cgroups).map_err(|(path, errno)| {
            Error::new("join the cgroup by", path.to_bytes(), errno)
                .because(hint(Doing::JoinCgroup, errno))
        })
    }

    fn refused(&self, why: Refused) -> Error {
        match why {
            Refused::Ended => not_running(&self.word),
            Refused::Failed(error) => error,
        }
    }

    /// Why nothing runs: perhaps because the container has ended meanwhile.
    #[cold]
    #[inline(never)]
    fn explained(&self, error: Error) -> Error {
        let lives = || process_start::state(self.pid, self.start_time) == Ok(State::Alive);
        if error.exit() != ExitCode::OWN_FAILURE {
            return error;
        }
        // A first process that ends has killed all others before it is seen to have ended.
        if let None | Some(Errno::ESRCH | Errno::ENOMEM) = error.errno() {
            let end = Instant::now() + END;
            while lives() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        match lives() {
            true => error,
            false => not_running(&self.word),
        }
    }
}

/// In docker's words.
pub fn not_running(word: &str) -> Error {
    Error::failure(&format!("container {word} is not running"))
}
