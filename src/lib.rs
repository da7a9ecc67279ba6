//! mydocker runs a command in a container of its own.
//!
//! A container start is a *plan*: an ordered list of typed steps (map these ids, mount this there,
//! execute that). The parent does all the thinking: it parses, validates, resolves, allocates every
//! C string and array, and writes the plan. The child, born by clone(2) on a stack of its own,
//! walks the plan with system calls until execve(2), and answers with the number of the step that
//! failed, if one did.
//!
//! ```text
//! argv ─▶ RunArgs ─▶ ContainerSpec ─▶ guards ─▶ InitPlan ─▶ clone ─▶ steps ─▶ execve
//!        (what was    (validated     (what the   (every byte           │
//!         typed)       wishes)        host lends) prepared)            └─ Report: step + errno ─▶ parent
//! ```
//!
//! In-process (the default) the child shares its parent's memory and walks the plan where it is;
//! by re-exec it executes `/proc/self/exe init`, which decodes the same plan from a sealed memory
//! file. Everything a container can have is either another way to write the specification or
//! another kind of step. `docker` writes the specification, and so does `tests/common/by_hand.rs`, without a
//! command line; `oci` has one in config.json, and writes the plan from it. What the host lends is asked for in one
//! order, by a run to have it and by `--explain` to look at it.
//!
//! # Containers that stay
//!
//! ```text
//! run -d, start ─▶ store: a directory, its lock ─▶ fork ─▶ monitor ─▶ the story of a run, once for each life
//! ps, logs, rm, … ─▶ store: config.json, state.json, log.json        │
//! stop, attach, … ─▶ control: the monitor's socket ─────────────────▶┘
//! exec ─▶ the plan of one more process, born into the namespaces of the command's own
//! ```
//!
//! There is no daemon: each container has a *monitor*, the parent of its first process. In the foreground that is
//! the process that was typed; in the background (`runtime::stored`) it is a copy of it, which runs the same story. The
//! lock that it holds says that the container lives, and it alone writes the state. It reads the command line that made the container
//! once more for each life, and has the answers of its caller from then. If it is killed, whoever looks next
//! puts right what it has left (`runtime::heal`).
//!
//! # Boxes
//!
//! ```text
//! pool ─▶ plan ─▶ clone ─▶ steps ─▶ gate `job` ─▶ accept ─▶ execve
//!                                                  ▲ │
//! run --pool ─▶ a job: command, streams, limits ───┘ └─▶ the line: client ◀─▶ pool
//! ```
//!
//! `mydocker pool` keeps containers that lack only what is to run (`runtime::boxes`). Each is a child of the pool and waits on
//! one socket; the one that accepts a call takes over what a child has of its parent (`child::job`) and executes. The
//! client supervises it as it would a child of its own, and asks the pool, which is the parent, for what only a parent can do
//! (`monitor::line`).
//!
//! # Batches
//!
//! ```text
//! jobs: lines of JSON ─▶ batch ─▶ worker, a copy of it, for each that runs at once ─▶ the story of a run, once for each job
//!     results ◀───────────┘ ◀──── one line for each, when it has ended
//! ```
//!
//! `mydocker batch` reads jobs and has workers run them (`runtime::batch`). A worker is the parent of its containers, as a
//! `mydocker run` would be; it reads the command line once and starts no process of mydocker's for a job.
//!
//! # Containers of an engine
//!
//! ```text
//! oci create ─▶ store: a directory, config.json ─▶ cgroups ─▶ clone ─▶ steps ─▶ gate `start` ─▶ execve
//!                                                    │  ▲                           ▲
//!                                    gate `runtime`: hooks of the engine            └─ oci start
//! ```
//!
//! They have no monitor: `create` ends, and the process that it leaves at the gate is the engine's. How such a container is,
//! is looked at each time (`oci::store`).
//!
//! # Layers
//!
//! Imports point down only (`tests/layers.rs` holds them to it):
//!
//! ```text
//! main          dispatch; an error becomes an exit code
//! explain       what a run would do: the plan's texts, and what is acquired, previewed
//! commands      one file for each command that knows containers by their names
//! oci           beside it: the OCI's runtime command line, and config.json
//! runtime       the story of a run: specify, plan, launch, monitor
//! timing        what --timing writes
//! monitor       while the command runs: signals, the terminal's relay, the exit code
//! store         containers that stay: a directory each, with what was asked, how it is, and who has it
//! terminal      the container's pseudo-terminal and the caller's terminal
//! preview       what a start will fail at, as far as a look tells
//! host          what the host lends: places in a root, ids, cgroups, copies of mounts
//! launch        clone in either mode; what the child's reports mean
//! child         the child's side: walk the plan, execve, the reaper
//! verdict       why a container has ended; what --report writes
//! plan          the steps: built, described, explained, encoded
//! cgroup        the cgroups that limit a container: made, swept, counted, removed
//! seccomp       beside it: the filter of system calls, its rules and docker's profiles
//! docker        docker's command line: its syntax, read into what `spec` defines; help texts
//! spec          what a container is to be: no descriptors, no system calls, no one's syntax
//! pool          spare network namespaces: kept, and asked for; what a box's job looks like
//! format        what is shown of containers: templates, tables, docker's words for times and sizes
//! path_in_root  paths inside a root, which no link leads out of
//! control       what a container's monitor is asked and answers, by a socket
//! locks         which directories a run uses, told to the same user's other runs
//! archive       tar archives, written and read
//! container_log what a container has written, as docker's json-file has it
//! guard, guide, log, standard_streams, result_file, hint, error, field, report, terminal_settings,
//! lingering, json, time, writable
//! sys           one system call each; the only `unsafe`
//! ```
//!
//! # The child rule
//!
//! Between clone and execve nothing allocates, locks, formats, logs, panics or drops. See
//! [`child`].

pub mod archive;
pub mod cgroup;
pub mod child;
pub mod commands;
pub mod container_log;
pub mod control;
pub mod docker;
pub mod error;
pub mod explain;
pub mod field;
pub mod format;
pub mod guard;
pub mod guide;
pub mod hint;
pub mod host;
pub mod json;
pub mod launch;
pub mod lingering;
pub mod locks;
pub mod log;
pub mod monitor;
#[cfg(feature = "oci")]
pub mod oci;
pub mod path_in_root;
pub mod plan;
pub mod pool;
pub mod preview;
pub mod report;
pub mod result_file;
pub mod runtime;
pub mod seccomp;
pub mod spec;
pub mod standard_streams;
pub mod store;
pub mod sys;
pub mod terminal;
pub mod terminal_settings;
pub mod time;
pub mod timing;
pub mod verdict;
pub mod writable;

use docker::Command;
use error::{Error, ExitCode};
use std::ffi::OsString;
use sys::inherited::NotStandard;
use sys::invocation::Invocation;
use sys::{identity, inherited};
use timing::Beginning;

/// Whether it is called as a runtime of the OCI, by an engine.
#[inline]
pub fn is_runtime(arguments: &[OsString]) -> bool {
    #[cfg(feature = "oci")]
    return oci::words_for(arguments).is_some();
    #[cfg(not(feature = "oci"))]
    {
        let _ = arguments;
        false
    }
}

/// The program: `arguments` as execve gave them, the program's name first; `invocation` is the same. Returns the exit
/// code.
pub fn main(arguments: Vec<OsString>, invocation: &Invocation) -> u8 {
    let beginning = docker::may_ask_for_times(&arguments).then(Beginning::now);
    #[cfg(feature = "oci")]
    let engines = oci::words_for(&arguments);
    if !is_runtime(&arguments) {
        // Before anything can fail: errors name fields. (Of config.json they have no options.)
        field::spell(docker::spelling);
    }
    // Before anything else opens a file.
    if let Err(fault) = inherited::open_standard() {
        log::complain(&not_standard(fault));
        return ExitCode::OWN_FAILURE.0;
    }
    #[cfg(feature = "oci")]
    if let Some(words) = engines {
        return oci::main(words, invocation);
    }
    let outcome = dispatch(
        arguments.into_iter().skip(1).collect(),
        invocation,
        beginning,
    );
    let exit = outcome.unwrap_or_else(|error| {
        log::complain(&error);
        error.exit()
    });
    exit.0
}

#[cold]
#[inline(never)]
fn not_standard(fault: NotStandard) -> Error {
    match fault {
        NotStandard::NoNull(errno) => Error::new("open", "/dev/null", errno),
        NotStandard::Names(number) => Error::refused(
            standard_streams::name(number),
            "it was opened with O_PATH: nothing can be read from it or written to it",
        ),
    }
}

fn dispatch(
    arguments: Vec<OsString>,
    invocation: &Invocation,
    beginning: Option<Beginning>,
) -> Result<ExitCode, Error> {
    if identity::privileged_by_exec() {
        return Err(Error::refused(
            "mydocker",
            "it must not be installed set-user-ID or with file capabilities: it would lend them to \
             every caller; ordinary users do not need them",
        ));
    }
    match docker::parse(arguments, &|path| std::path::Path::new(path).is_dir())? {
        Command::Run(arguments, log) if !arguments.explain && !arguments.is_stored() => {
            runtime::run(&arguments, &log, invocation, beginning)
        }
        other => dispatch_other(other, invocation),
    }
}

/// Apart, so that a usual run has none of it among its code and on its stack.
#[cold]
#[inline(never)]
fn dispatch_other(command: Command, invocation: &Invocation) -> Result<ExitCode, Error> {
    match command {
        Command::Run(arguments, log) if arguments.explain => {
            explain::run(&arguments, &log, invocation)
        }
        Command::Create(arguments, log) if arguments.explain => {
            // As `start` will.
            let arguments = docker::RunArgs {
                detach: true,
                ..*arguments
            };
            explain::run(&arguments, &log, invocation)
        }
        Command::Run(arguments, log) => runtime::stored::run(&arguments, &log, invocation),
        Command::Create(arguments, _) => commands::create::run(&arguments, invocation),
        Command::Start(arguments) => commands::start::run(&arguments, invocation),
        Command::Restart(arguments) => commands::restart::run(&arguments, invocation),
        Command::Ps(arguments) => commands::ps::run(&arguments),
        Command::Inspect(arguments) => commands::inspect::run(&arguments),
        Command::Logs(arguments) => commands::logs::run(&arguments),
        Command::Top(arguments) => commands::top::run(&arguments),
        Command::Stats(arguments) => commands::stats::run(&arguments),
        Command::Wait(arguments) => commands::wait::run(&arguments),
        Command::Exec(arguments) => commands::exec::run(&arguments, invocation),
        Command::Attach(arguments) => commands::attach::run(&arguments),
        Command::Cp(arguments) => commands::cp::run(&arguments),
        Command::Stop(arguments) => commands::stop::run(&arguments),
        Command::Kill(arguments) => commands::kill::run(&arguments),
        Command::Pause(arguments) => commands::pause::run(&arguments),
        Command::Unpause(arguments) => commands::unpause::run(&arguments),
        Command::Rename(arguments) => commands::rename::run(&arguments),
        Command::Update(arguments) => commands::update::run(&arguments),
        Command::Rm(arguments) => commands::rm::run(&arguments),
        Command::Batch(arguments) => runtime::batch::run(&arguments, invocation),
        Command::Pool(arguments, boxes, log) => runtime::keep_pool(&arguments, &boxes, &log),
        Command::Init => Err(launch::re_exec::enter(&invocation.arguments())),
        Command::Completion(shell) => print(&shell.script()),
        Command::Help(topic) => print(&docker::help::text(topic)),
        Command::Version => print(concat!(
            "mydocker ",
            env!("CARGO_PKG_VERSION"),
            "
"
        )),
    }
}

/// Answers on stdout.
#[cold]
#[inline(never)]
fn print(text: &str) -> Result<ExitCode, Error> {
    standard_streams::answer(text.as_bytes())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}
