//! A container that is written by hand: what another front end than docker's command line does, in its shortest form.
//!
//! ```text
//! by_hand in-process|re-exec [in DIR | KIND=PATH...] COMMAND ARG...
//!     runs COMMAND in a container of its own, and ends with its exit code; in DIR: with a root that docker's command line
//!     never asks for; KIND=PATH: in a namespace that is there, of a kind as /proc/PID/ns has it; KIND=host: in the caller's
//! by_hand init
//!     is what re-exec executes
//! ```

use mydocker::error::Error;
use mydocker::guard::Request;
use mydocker::launch::{self, Launch, joined};
use mydocker::log::{Level, Log};
use mydocker::monitor::Supervisor;
use mydocker::monitor::signals::Relayed;
use mydocker::plan::{self, NetworkSource, Outputs, Source, Standard, Streams};
use mydocker::seccomp::{self, Host};
use mydocker::spec::limits::Limits;
use mydocker::spec::{
    Base, Bind, Capabilities, ContainerSpec, ContainerWishes, Credentials, DEFAULT_CAPABILITIES,
    Devices, Ending, FileSystem, Filter, FirstProcess, HostName, Input, JoinTarget, LaunchChoice,
    Link, MountSource, Mounter, Namespace, NamespaceChoice, NamespaceChoices, NamespaceWishes,
    Node, Overlay, OwnDevice, ProcessSpec, RootMount, RootSpec, RootWishes, Terminal, User,
    UserNamespace, Writes,
};
use mydocker::sys::capability::CapabilitySet;
use mydocker::sys::descriptor::ChildDescriptor;
use mydocker::sys::{MountFlags, identity, kernel};
use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let way = arguments.next().expect("a way of starting it");
    let launch = match way.to_str() {
        Some("init") => {
            eprintln!("{}", launch::re_exec::enter(&[]));
            return ExitCode::FAILURE;
        }
        Some("in-process") => LaunchChoice::InProcess,
        Some("re-exec") => LaunchChoice::ReExec,
        _ => panic!("in-process or re-exec"),
    };
    let mut joined = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some((kind, path)) = arguments.peek().and_then(|word| namespace(word)) {
        joined.push((kind, path));
        arguments.next();
    }
    let arguments = arguments.map(|argument| CString::new(argument.into_vec()).expect("no NUL"));
    let mut command: Vec<CString> = arguments.collect();
    let directory = match command.first().map(|word| word.as_bytes()) {
        Some(b"in") => command.drain(..2).nth(1),
        _ => None,
    };
    match run(launch, directory, joined, command) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn namespace(word: &OsStr) -> Option<(Namespace, CString)> {
    let (kind, path) = word.to_str()?.split_once('=')?;
    let kind = match kind {
        "user" => Namespace::User,
        "mnt" => Namespace::Mount,
        "pid" => Namespace::Pid,
        "uts" => Namespace::Uts,
        "ipc" => Namespace::Ipc,
        "net" => Namespace::Network,
        "cgroup" => Namespace::Cgroup,
        _ => return None,
    };
    Some((kind, CString::new(path).ok()?))
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
            stop_signal: 15,
            output_limit: None,
        },
        launch,
    }
}

/// An overlay of DIR: /sys after /dev, which is called /devices, other file systems in other places, and what is hidden
/// or read-only of files that are no kernel's. The last mount is one that was asked for.
fn root(directory: CString, is_root: bool) -> RootSpec {
    let paths = |paths: &[&'static CStr]| paths.iter().map(|path| Cow::Borrowed(*path)).collect();
    let bound = |path: &CStr, flags: MountFlags| Bind {
        path: path.into(),
        recursive: true,
        flags,
        recursive_flags: true,
        devices: Devices::None,
        is_device: false,
        is_root: false,
        optional: false,
    };
    let etc = CString::new([directory.as_bytes(), b"/etc"].concat()).expect("no NUL");
    let mount = |target: &CStr, source| RootMount {
        asked_by: None,
        target: target.into(),
        source,
    };
    let new = |target: &CStr, kind: &CStr, data: &CStr| {
        let instead = (*kind == *c"sysfs").then(|| bound(c"/sys", MountFlags::READONLY));
        let system = FileSystem {
            kind: kind.into(),
            flags: MountFlags::NOSUID,
            data: data.into(),
            optional: false,
            instead,
        };
        mount(target, MountSource::FileSystem(system))
    };
    let wishes = RootWishes {
        base: Base::Overlay(Overlay {
            lower: vec![directory],
            writes: Writes::ThrownAway { size: None },
        }),
        read_only: false,
        opens_devices: false,
        mounts: vec![
            new(c"/scratch/deep", c"ramfs", c"mode=0777"),
            new(c"/proc", c"proc", c""),
            new(c"/devices", c"tmpfs", c"mode=0755,size=1m"),
            new(c"/devices/queues", c"mqueue", c""),
            new(c"/old/proc", c"proc", c""),
            new(c"/sys", c"sysfs", c""),
            RootMount {
                asked_by: Some("mounts[6]".into()),
                ..mount(
                    c"/again",
                    MountSource::Bind(bound(&etc, MountFlags::READONLY)),
                )
            },
        ],
        nodes: vec![Node {
            path: c"/devices/null".into(),
            hosts: OwnDevice::Null.path().into(),
            device: OwnDevice::Null.device(),
            mode: 0o666,
        }],
        links: vec![Link {
            path: c"/devices/link".into(),
            content: c"null".into(),
        }],
        masked: paths(&[
            c"/proc/keys",
            c"/sys/kernel",
            c"/etc/secret",
            c"/etc/secrets",
            c"/etc/none",
        ]),
        read_only_paths: paths(&[c"/proc/sys", c"/etc/fixed", c"/tmp/fixed"]),
        name_files: Vec::new(),
    };
    let mounter = match is_root {
        true => Mounter::Root,
        false => Mounter::User,
    };
    RootSpec::new(wishes, mounter).expect("a root that can be had")
}

fn run(
    launch: LaunchChoice,
    directory: Option<CString>,
    targets: Vec<(Namespace, CString)>,
    command: Vec<CString>,
) -> Result<u8, Error> {
    let caller = Credentials {
        user: identity::effective_user(),
        group: identity::effective_group(),
        droppable_groups: &[],
    };
    let is_root = caller.user == 0;
    let wishes = ContainerWishes {
        root: directory.map(|directory| root(directory, is_root)),
        ..wishes(launch, command, is_root)
    };
    let spec = ContainerSpec::new(wishes, &caller).expect("wishes that fit together");
    let namespaces = NamespaceChoices::new(|namespace| {
        let mut targets = targets.iter();
        match targets.find(|(kind, _)| *kind == namespace) {
            Some((_, path)) if path.as_bytes() == b"host" => NamespaceChoice::Host,
            Some((_, path)) => NamespaceChoice::Join(JoinTarget::Path(path.clone())),
            None => spec.namespaces().of(namespace).clone(),
        }
    });
    let spec = spec
        .in_namespaces(namespaces)
        .expect("namespaces that fit the wishes");
    let joined = joined::open(spec.namespaces())?;
    let joined_files: Vec<ChildDescriptor<'_>> = joined
        .iter()
        .map(|one| ChildDescriptor::of(one.file.as_fd()))
        .collect();
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
        namespaces: spec.namespaces().anew(),
        choice: spec.launch,
        kernel,
        streams: [None; 3],
        terminal: None,
        pool: None,
        status: None,
        cgroup: None,
        joined: &joined_files,
        pid_namespace: joined::pid_namespace(&joined),
        joins: &[],
        ids: None,
        premounted: &[],
        moments: &[],
        timeout: None,
        ending: signals.ending(),
        log: &log,
        engine: None,
        entrance: None,
    }
    .start()?;
    let supervisor = Supervisor::new(container, &spec, None, None, false, &log);
    Ok(supervisor.wait(signals)?.exit.0)
}
