//! A container that is written by hand: what another front end than docker's command line does, in its shortest form.
//!
//! ```text
//! by_hand in-process|re-exec COMMAND ARG...   runs COMMAND in a container of its own, and ends with its exit code
//! by_hand init                                is what re-exec executes
//! ```

use mydocker::error::Error;
use mydocker::guard::Request;
use mydocker::launch::{self, Launch};
use mydocker::log::{Level, Log};
use mydocker::monitor::Supervisor;
use mydocker::monitor::signals::Relayed;
use mydocker::plan::{self, NetworkSource, Outputs, Source, Standard, Streams};
use mydocker::seccomp::{self, Host};
use mydocker::spec::limits::Limits;
use mydocker::spec::{
    Capabilities, ContainerSpec, ContainerWishes, Credentials, DEFAULT_CAPABILITIES, Ending,
    Filter, FirstProcess, HostName, Input, LaunchChoice, NamespaceWishes, ProcessSpec, Terminal,
    User, UserNamespace,
};
use mydocker::sys::capability::CapabilitySet;
use mydocker::sys::{identity, kernel};
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let way = arguments.next().expect("a way of starting it");
    let launch = match way.to_str() {
        Some("init") => {
            eprintln!("{}", launch::re_exec::enter());
            return ExitCode::FAILURE;
        }
        Some("in-process") => LaunchChoice::InProcess,
        Some("re-exec") => LaunchChoice::ReExec,
        _ => panic!("in-process or re-exec"),
    };
    let command = arguments
        .map(|argument| CString::new(argument.into_vec()).expect("no NUL"))
        .collect();
    match run(launch, command) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The command as user 7, called `byhand`, with a variable and nothing else of the caller's environment.
fn wishes(launch: LaunchChoice, command: Vec<CString>, is_root: bool) -> ContainerWishes {
    ContainerWishes {
        process: ProcessSpec {
            user: User {
                id: 7,
                group: 8,
                ..User::default()
            },
            capabilities: Capabilities {
                bounding: DEFAULT_CAPABILITIES,
                held: CapabilitySet::NONE,
                required: CapabilitySet::NONE,
                ambient: true,
            },
            resources: Vec::new(),
            oom_score_adjustment: None,
            no_new_privileges: true,
            filter: Filter::Default,
            new_keyring: true,
            environment: vec![c"WRITTEN=by hand".into()],
            working_directory: Some(c"/".into()),
            terminal: Terminal::None,
            input: Input::Caller,
            arguments: command,
        },
        root: None,
        user_namespace: match is_root {
            true => UserNamespace::Callers,
            false => UserNamespace::Single,
        },
        namespaces: NamespaceWishes::default(),
        hostname: HostName::new(b"byhand"),
        domain_name: None,
        sysctls: Vec::new(),
        limits: Limits::default(),
        first_process: FirstProcess::Command,
        ending: Ending {
            timeout: None,
            grace: None,
            stop_signal: 15,
            output_limit: None,
        },
        launch,
    }
}

fn run(launch: LaunchChoice, command: Vec<CString>) -> Result<u8, Error> {
    let caller = Credentials {
        user: identity::effective_user(),
        group: identity::effective_group(),
        droppable_groups: &[],
    };
    let wishes = wishes(launch, command, caller.user == 0);
    let spec = ContainerSpec::new(wishes, &caller).expect("wishes that fit together");
    let kernel = kernel::version();
    let filter = seccomp::default_filter(&Host {
        capabilities: spec.process.capabilities.bounding,
        kernel,
    });
    let signals = Relayed::Nothing.acquire()?;
    let callers = Standard::Streams(Streams {
        input: Source::Callers,
        outputs: Outputs::Separate {
            output: Source::Callers,
            error: Source::Callers,
        },
        given_to: None,
    });
    let source = NetworkSource::Clone;
    let joins = Vec::new();
    let plan = plan::build(&spec, source, signals.ignored, callers, joins, Some(filter));
    let log = Log::new(None, false, Level::Warn, None);
    let container = Launch {
        plan: &plan,
        namespaces: spec.namespaces.anew(),
        choice: spec.launch,
        kernel,
        streams: [None; 3],
        terminal: None,
        pool: None,
        status: None,
        cgroup: None,
        joins: &[],
        ids: None,
        premounted: &[],
        moments: &[],
        timeout: spec.ending.timeout,
        ending: signals.ending(),
        log: &log,
    }
    .start()?;
    let supervisor = Supervisor::new(container, &spec, None, None, false, &log);
    Ok(supervisor.wait(signals)?.exit.0)
}
