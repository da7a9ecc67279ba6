//! How a container is made, by `create` and by `run`: from the bundle to a first process that waits, or runs.
//!
//! Whatever fails takes back what was made: the launch ends the child, the guards remove the cgroups and the directory of the
//! store. Who is killed halfway leaves a record of all that there may be, for `delete --force`.

use super::bundle::Bundle;
use super::cgroup::{Placed, Records, Wanted, is_rootless};
use super::command_line::{CreateArgs, Globals};
use super::config::{Config, NamespaceKind, NamespaceOf, Process};
use super::hooks::{self, Moment, StateFile, Until};
use super::mounts::{self, Mounts};
use super::namespaces::{self, NamespacesOf};
use super::notify::Notify;
use super::plan::{Parts, needs_runtime, plan};
use super::process::{self, Inherited, capabilities};
use super::seccomp;
use super::state;
use super::store::{Made, Record, Status, Store};
use super::{console, network_devices, pid_file, warnings};
use crate::error::Error;
use crate::guard::Request;
use crate::host::limits::CgroupEntry;
use crate::launch::{Attendant, Container, ForEngine, Launch};
use crate::monitor::signals::Signals;
use crate::plan::{Gate, InitPlan, Step};
use crate::runtime::sealed_exe::OwnFile;
use crate::spec::LaunchChoice;
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::invocation::Invocation;
use crate::sys::{Pid, identity, kernel, process as processes, process_start};
use crate::terminal::{CallerTerminal, PseudoTerminal, TerminalSource};
use crate::terminal_settings::TerminalSettings;
use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a container is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To wait for `start`.
    Create,
    /// To run, and be left to itself.
    Detached,
    /// To run, and be accompanied.
    Foreground,
}

/// A container that is there.
pub struct Begun {
    pub container: Container,
    pub config: Config,
    pub record: Record,
    pub plan: InitPlan,
    /// Its terminal, if no one else has it.
    pub terminal: Option<PseudoTerminal>,
    /// Who waits until it is ready, and its socket for that, if it runs.
    pub notified: Option<(Notify, UnixDatagram)>,
}

/// To be called before anything is done: everything may begin again.
pub fn shield(invocation: &Invocation) -> Result<(), Error> {
    OwnFile::of_engine(invocation).acquire()
}

/// Makes the container. It is written down and kept when this returns.
///
/// Errors: what could not be done; nothing is left then.
pub fn make(
    arguments: &CreateArgs,
    globals: &Globals,
    invocation: &Invocation,
    purpose: Purpose,
    signals: &Signals,
) -> Result<Begun, Error> {
    let inherited = Inherited::find(arguments.preserve_fds)?;
    let mut bundle = Bundle::read(&arguments.bundle, arguments.config.as_deref())?;
    let notify = Notify::asked(globals, &arguments.id)?;
    if let Some(notify) = &notify {
        notify.add_to(&mut bundle.config);
    }
    let Some(process) = &bundle.config.process else {
        return Err(Error::told("process property must not be empty"));
    };
    OwnFile::of_engine_with(process.bounding(), invocation).acquire()?;
    check_terminal(process, arguments, purpose)?;
    if let Some(path) = &arguments.pid_file {
        pid_file::check(path)?;
    }
    warnings::of_memory(&bundle.config.linux.resources.memory, &globals.log);
    let making = Making {
        arguments,
        globals,
        inherited,
        purpose,
        signals,
        bundle: &bundle,
        process,
        notify: notify.as_ref(),
    };
    let (container, plan, terminal, record, socket) = making.make()?;
    let notified = notify.zip(socket);
    Ok(Begun {
        notified,
        container,
        config: bundle.config,
        record,
        plan,
        terminal,
    })
}

/// A terminal needs someone who has its other end; in runc's words.
fn check_terminal(
    process: &Process,
    arguments: &CreateArgs,
    purpose: Purpose,
) -> Result<(), Error> {
    let detaches = purpose != Purpose::Foreground;
    match (process.terminal, &arguments.console_socket) {
        (true, None) if detaches => Err(Error::told(
            "cannot allocate tty if the runtime will detach without setting console socket",
        )),
        (false, Some(_)) => Err(no_use_for_socket()),
        (true, Some(_)) if !detaches => Err(no_use_for_socket()),
        _ => Ok(()),
    }
}

#[cold]
#[inline(never)]
fn no_use_for_socket() -> Error {
    Error::told("cannot use console socket if the runtime will not detach or allocate tty")
}

struct Making<'a> {
    arguments: &'a CreateArgs,
    globals: &'a Globals,
    inherited: Inherited,
    purpose: Purpose,
    signals: &'a Signals,
    bundle: &'a Bundle,
    process: &'a Process,
    notify: Option<&'a Notify>,
}

type Launched = (
    Container,
    InitPlan,
    Option<PseudoTerminal>,
    Record,
    Option<UnixDatagram>,
);

/// What a launch is given, beside the plan.
struct Given<'a> {
    namespaces: &'a NamespacesOf,
    mounts: &'a Mounts,
    entry: &'a CgroupEntry<'a>,
    terminal: Option<&'a TerminalSource>,
    start: Option<&'a OwnedFd>,
    keeper: &'a Keeper<'a>,
}

impl Making<'_> {
    fn make(&self) -> Result<Launched, Error> {
        let config = &self.bundle.config;
        let id = &self.arguments.id;
        let store = Store::open(self.globals)?;
        let made = store.make(id)?;
        made.write_config(&self.bundle.text)?;
        let socket = self.socket()?;
        let mut namespaces = namespaces::read(config)?;
        network_devices::check(config, &namespaces)?;
        let wanted = Wanted {
            id: id.as_str(),
            linux: &config.linux,
            manager: self.globals.cgroup_manager,
            is_rootless: is_rootless(self.globals.rootless),
        };
        let mut record = self.record(&namespaces);
        let placed = Placed::make(&wanted, |cgroups| {
            record.cgroups = cgroups;
            made.write_record(&record)
        })?;
        // Some may do without.
        record.cgroups = placed.records();
        let inner = [
            &config.hooks.create_container,
            &config.hooks.start_container,
        ];
        let runs_hooks = inner.iter().any(|hooks| !hooks.is_empty());
        let keeper = Keeper {
            config,
            process: self.process,
            hook_state: runs_hooks.then(StateFile::new).transpose()?,
            record: RefCell::new(record),
            made,
        };
        let mut mounts = mounts::steps(
            config,
            &self.bundle.path,
            &mounts::Surroundings {
                pivots: !self.arguments.no_pivot,
                cgroups: &placed.records(),
                terminal: self.terminal_settings(),
            },
        )?;
        let steps = self.process_steps(&namespaces)?;
        let entry = placed.entry()?;
        let plan = plan(Parts {
            config,
            process: self.process,
            joins: entry.joins.iter().map(|join| join.path.clone()).collect(),
            namespaces: &mut namespaces,
            mounts: &mut mounts,
            steps,
            inherited: self.inherited,
            waits: self.purpose == Purpose::Create,
            is_recorded: self.is_awake(),
        })?;
        keeper.record.borrow_mut().gate = gate(&plan);
        let start = (self.purpose == Purpose::Create)
            .then(|| keeper.made.make_start())
            .transpose()?;
        let terminal = self
            .process
            .terminal
            .then(TerminalSource::awaited)
            .transpose()?;
        let container = self.launch(
            &plan,
            &Given {
                namespaces: &namespaces,
                mounts: &mounts,
                entry: &entry,
                terminal: terminal.as_ref(),
                start: start.as_ref(),
                keeper: &keeper,
            },
        );
        let container = container.map_err(|error| keeper.explain(error))?;
        drop(entry);
        let handed = self
            .hand_over(container.pid, terminal, &keeper)
            .inspect_err(|_| {
                container.end();
                let _ = placed.records().kill(libc::SIGKILL);
            })?;
        let Keeper { record, made, .. } = keeper;
        made.keep();
        placed.keep();
        Ok((container, plan, handed, record.into_inner(), socket))
    }

    /// By which the container says that it is ready; who starts it makes it else.
    fn socket(&self) -> Result<Option<UnixDatagram>, Error> {
        let Some(notify) = self.notify else {
            return Ok(None);
        };
        notify.make()?;
        match self.purpose {
            Purpose::Create => Ok(None),
            Purpose::Detached | Purpose::Foreground => notify.listen(),
        }
    }

    /// What the container's terminal has of ours, if we relay it.
    fn terminal_settings(&self) -> TerminalSettings {
        match self.process.terminal && self.purpose == Purpose::Foreground {
            true => CallerTerminal::of_engine().terminal_settings(None),
            false => TerminalSettings::default(),
        }
    }

    /// Whether mydocker is awake while the child works.
    fn is_awake(&self) -> bool {
        let config = &self.bundle.config;
        self.purpose == Purpose::Create
            || self.launch_choice() == LaunchChoice::ReExec
            || needs_runtime(config)
            || config.linux.seccomp.as_ref().is_some_and(seccomp::listens)
    }

    /// Who waits cannot be looked into, but by who has CAP_SYS_PTRACE where its program was executed. An ordinary user has
    /// that in the container's user namespace alone, and may want to enter a container that waits.
    fn launch_choice(&self) -> LaunchChoice {
        let mut namespaces = self.bundle.config.linux.namespaces.iter();
        let is_new = |one: &NamespaceOf| one.kind == NamespaceKind::User && one.path.is_none();
        let is_ordinary = identity::effective_user() != 0;
        match self.purpose == Purpose::Create && is_ordinary && namespaces.any(is_new) {
            true => LaunchChoice::ReExec,
            false => self.globals.launch,
        }
    }

    fn process_steps(&self, namespaces: &NamespacesOf) -> Result<process::ProcessSteps, Error> {
        let config = &self.bundle.config;
        let filter = config.linux.seccomp.as_ref();
        let grantable = capabilities::grantable(namespaces.has_own(NamespaceKind::User));
        capabilities::warn(self.process, grantable, &self.globals.log);
        let id = self.arguments.id.as_str();
        process::steps(
            self.process,
            process::Surroundings {
                namespaces: Some(namespaces),
                grantable,
                keyring: (!self.arguments.no_new_keyring).then_some(id),
                personality: config.linux.personality,
                inherited: self.inherited,
                ignored: self.signals.ignored,
                filter: filter.map(seccomp::step).transpose()?,
            },
        )
    }

    fn record(&self, namespaces: &NamespacesOf) -> Record {
        let config = &self.bundle.config;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Record {
            id: self.arguments.id.to_string(),
            oci_version: config.oci_version.clone(),
            pid: 0,
            start_time: 0,
            bundle: self.bundle.name(),
            root: self.bundle.root(),
            created: now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)),
            owner: identity::effective_user(),
            annotations: config.annotations.clone(),
            cgroups: Records::default(),
            is_systemds: false,
            gate: 0,
            shares_pids: !namespaces.has_own(NamespaceKind::Pid),
        }
    }

    fn launch(&self, plan: &InitPlan, given: &Given<'_>) -> Result<Container, Error> {
        let entry = given.entry;
        let joined = in_child(given.namespaces.joined.iter().map(|one| &one.file));
        let joins = in_child(entry.joins.iter().map(|join| &join.opened));
        let premounted = in_child(given.mounts.premounted.iter());
        Launch {
            plan,
            namespaces: given.namespaces.new,
            choice: self.launch_choice(),
            kernel: kernel::version(),
            streams: [None; 3],
            terminal: given.terminal.and_then(TerminalSource::for_child),
            pool: None,
            status: None,
            cgroup: entry.birthplace,
            joined: &joined,
            pid_namespace: given.namespaces.pid(),
            joins: &joins,
            ids: given.namespaces.ids.as_ref(),
            premounted: &premounted,
            moments: &[],
            timeout: None,
            ending: self.signals.ending(),
            log: &self.globals.log,
            entrance: None,
            engine: Some(ForEngine {
                attendant: given.keeper,
                start: given.start.map(AsFd::as_fd),
                hook_state: given.keeper.hook_state.as_ref().map(StateFile::as_fd),
                first_private: self.inherited.first_private(),
            }),
        }
        .start()
    }

    /// Tells those who have asked of the first process, and writes it down if that was not done while it was made. Gives
    /// the terminal if no one else has it.
    fn hand_over(
        &self,
        pid: Pid,
        terminal: Option<TerminalSource>,
        keeper: &Keeper<'_>,
    ) -> Result<Option<PseudoTerminal>, Error> {
        if keeper.record.borrow().pid != pid {
            keeper.record(pid)?;
        }
        let mut terminal = terminal.map(TerminalSource::taken).transpose()?;
        if let (Some(made), Some(socket)) = (&terminal, &self.arguments.console_socket) {
            console::send(socket, console::TERMINAL, made.master.as_fd())?;
            terminal = None;
        }
        if let Some(socket) = &self.arguments.pidfd_socket {
            let pidfd = processes::open(pid)
                .map_err(|errno| Error::new("open a pidfd of", pid.to_string(), errno))?;
            console::send(socket, console::FIRST_PROCESS, pidfd.as_fd())?;
        }
        if let Some(path) = &self.arguments.pid_file {
            pid_file::write(path, pid)?;
        }
        Ok(terminal)
    }
}

/// The number of the step at which the first process waits for its start.
fn gate(plan: &InitPlan) -> u32 {
    let mut steps = (0..).zip(plan.steps());
    let found = steps.find(|(_, step)| matches!(step, Step::Await(Gate::Start)));
    found.map_or(0, |(number, _)| number)
}

/// Files as a child has them.
fn in_child<'f>(files: impl Iterator<Item = &'f OwnedFd>) -> Vec<ChildDescriptor<'f>> {
    files
        .map(|file| ChildDescriptor::of(file.as_fd()))
        .collect()
}

/// Writes the container down, and has its hooks run.
struct Keeper<'a> {
    config: &'a Config,
    process: &'a Process,
    /// For the hooks that the container runs itself, if there are any.
    hook_state: Option<StateFile>,
    record: RefCell<Record>,
    made: Made,
}

impl Keeper<'_> {
    /// The error of a launch.
    fn explain(&self, error: Error) -> Error {
        match &self.hook_state {
            Some(state) => state.explain(error),
            None => error,
        }
    }
}

impl Attendant for Keeper<'_> {
    fn prepare(&self, pid: Pid) -> Result<(), Error> {
        process::outside::prepare(self.process, pid)
    }

    fn record(&self, pid: Pid) -> Result<(), Error> {
        let start_time = process_start::start_time(pid)
            .map_err(|errno| Error::new("look at", format!("process {pid}"), errno))?;
        let mut record = self.record.borrow_mut();
        record.pid = pid;
        record.start_time = start_time;
        self.made.write_record(&record)
    }

    fn make(&self, pid: Pid, signals: BorrowedFd<'_>) -> Result<(), Error> {
        network_devices::move_to(self.config, pid)?;
        let record = self.record.borrow();
        let wanted = &self.config.hooks;
        let until = Until::made(pid, signals);
        hooks::run(&wanted.prestart, Moment::Prestart, &record, &until)?;
        let hooks = &wanted.create_runtime;
        hooks::run(hooks, Moment::CreateRuntime, &record, &until)?;
        match &self.hook_state {
            Some(state) => state.fill(&record),
            None => Ok(()),
        }
    }

    fn listen(&self, pid: Pid, listener: OwnedFd) -> Result<(), Error> {
        let record = self.record.borrow();
        let state = state::object(&record, Status::Creating);
        seccomp::send_listener(self.config.linux.seccomp.as_ref(), listener, pid, state)
    }
}
