//! The peers that are installed, each told to do what mydocker does as nearly as it can be told.

use crate::act::Act;
use crate::contestants::{Contestant, Form, Kind};
use crate::filter;
use crate::mount_namespaces::mount_namespace;
use crate::programs::Programs;
use mydocker::docker::root::{MASKED_IN_PROC, MASKED_IN_SYS, READ_ONLY_IN_PROC};
use nix::mount::{MntFlags, umount2};
use serde_json::{Value, json};
use std::ffi::{CStr, OsString};
use std::path::{Path, PathBuf};

pub fn all(programs: &Programs, scratch: &Path) -> Result<Vec<Contestant>, String> {
    let root = scratch.join("root");
    root_file_system(&root, &programs.command).map_err(|error| format!("make a root: {error}"))?;
    let mut configuration = Configuration::of_processes();
    let bundles = Bundles::write(&scratch.join("bundles"), &programs.command, &configuration)?;
    let bundle = |name, note, words: &[&str]| bundles.peer(name, note, words);
    configuration.protections = Protections::None;
    let unprotected = Bundles::write(
        &scratch.join("unprotected-bundles"),
        &programs.command,
        &configuration,
    )?;
    Ok(vec![
        peer(
            "unshare",
            "-muinpf --mount-proc: five namespaces, lo down; no protection",
            &["unshare", "-muinpf", "--mount-proc"],
            Form::Prefix,
        ),
        peer(
            "bwrap",
            "the same namespaces; a root of its own, by pivot_root; of the protections no_new_privs",
            &BWRAP,
            Form::Prefix,
        ),
        without_unified(bundle(
            "crun",
            "the same protections; cgroups off; a root of its own, by pivot_root; lo down",
            &["crun", "--cgroup-manager=disabled", "run"],
        )),
        without_unified(unprotected.peer(
            CRUN_UNPROTECTED,
            "the same without a filter; its way without a list of capabilities is to have none",
            &["crun", "--cgroup-manager=disabled", "run"],
        )),
        slow(bundle(
            "runc",
            "the same protections; with cgroups, it has no way without; a root of its own, by pivot_root",
            &["runc", "run"],
        )),
        slow(bundle(
            "youki",
            "the same protections; with cgroups; a root of its own, by pivot_root",
            &["youki", "run"],
        )),
        slow(without_unified(podman(&root))),
        slow(nspawn(&root)),
    ])
}

pub const CRUN_UNPROTECTED: &str = "crun, unprotected";

const BWRAP: [&str; 14] = [
    "bwrap",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup",
    // The command is PID 1, as it is for the others.
    "--as-pid-1",
    "--die-with-parent",
    "--new-session",
    "--dev-bind",
    "/",
    "/",
    "--proc",
    "/proc",
];

fn podman(root: &Path) -> Contestant {
    let words = [
        "podman",
        "run",
        "--rm",
        "--network",
        "none",
        "--cgroups",
        "disabled",
        "--log-driver",
        "none",
        // Its defaults take CAP_SYS_RESOURCE, which root in a container may lack.
        "--ulimit",
        "nofile=1024:1024",
        "--ulimit",
        "nproc=4096:4096",
        "--rootfs",
    ];
    let root = root.as_os_str().to_owned();
    let note = "its own protections; cgroups off; a root, a monitor beside it, state on disk";
    peer("podman", note, &words, |mut words| {
        words.push(root);
        Form::Root(words)
    })
}

fn nspawn(root: &Path) -> Contestant {
    let words = [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--private-network",
        "--console=pipe",
        "--directory",
    ];
    let root = root.as_os_str().to_owned();
    let note = "its own protections; a root with /dev and /sys, a cgroup";
    peer("systemd-nspawn", note, &words, |mut words| {
        words.push(root);
        Form::Root(words)
    })
}

/// systemd-nspawn leaves two empty groups in each hierarchy that it finds us in.
pub fn take_away_leftovers() {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let places = match controllers.trim_start_matches("name=") {
            "" => ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
                .map(PathBuf::from)
                .to_vec(),
            names => vec![Path::new("/sys/fs/cgroup").join(names)],
        };
        for place in places {
            for name in ["payload", "supervisor"] {
                // Only an empty group can be removed; and mostly there is none.
                let group = place.join(path.trim_start_matches('/')).join(name);
                let _ = std::fs::remove_dir(group);
            }
        }
    }
}

/// A peer; whether its program is installed is its trial.
pub fn peer(
    name: &str,
    note: &str,
    words: &[&str],
    form: impl FnOnce(Vec<OsString>) -> Form,
) -> Contestant {
    let program = words.first().copied().unwrap_or_default();
    let file = installed(program);
    let mut contestant = Contestant::prefix(name, Kind::Peer, note, [""; 0]);
    if file.is_none() {
        contestant.trial = Err("not installed".into());
    }
    let file = file.unwrap_or_else(|| program.into()).into_os_string();
    let rest = words.iter().skip(1).map(OsString::from);
    contestant.form = form([file].into_iter().chain(rest).collect());
    contestant
}

pub fn slow(mut contestant: Contestant) -> Contestant {
    contestant.slow = true;
    contestant
}

/// Where a program is that is called by its name.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// crun refuses a host that has both cgroup versions mounted. Where that is so, it runs in a mount
/// namespace without the second; entering that is not timed.
pub fn without_unified(mut contestant: Contestant) -> Contestant {
    const UNIFIED: &str = "/sys/fs/cgroup/unified";
    if !Path::new(UNIFIED).exists() {
        return contestant;
    }
    let namespace = mount_namespace(|| {
        umount2(UNIFIED, MntFlags::MNT_DETACH).map_err(|errno| format!("{UNIFIED}: {errno}"))
    });
    match namespace {
        Ok(namespace) => contestant.mounts = Some(namespace),
        Err(why) => contestant.trial = Err(why),
    }
    contestant
}

/// What a bundle's container is kept from: the same as mydocker's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protections {
    None,
    /// What a process may: capabilities, no_new_privs, the filter. (A session keyring the runtimes make by
    /// themselves.)
    OfProcesses,
    /// Besides: what the container sees of /proc and /sys.
    OfPaths,
}

/// What bundles differ in.
pub struct Configuration {
    pub mounts: Vec<Value>,
    /// Limits, if they are not null.
    pub resources: Value,
    pub protections: Protections,
}

impl Configuration {
    /// As mydocker is by default without a root of its own.
    pub fn of_processes() -> Self {
        // The one mount that everyone has.
        let proc = json!({
            "destination": "/proc",
            "type": "proc",
            "source": "proc",
            "options": ["nosuid", "noexec", "nodev"],
        });
        Self {
            mounts: vec![proc],
            resources: Value::Null,
            protections: Protections::OfProcesses,
        }
    }
}

/// OCI bundles, one for each act, with the same namespaces as everyone's.
pub struct Bundles {
    directory: PathBuf,
}

impl Bundles {
    pub fn write(
        directory: &Path,
        command: &Path,
        configuration: &Configuration,
    ) -> Result<Self, String> {
        for act in Act::ALL {
            bundle(&directory.join(act.name()), command, act, configuration)
                .map_err(|error| format!("write a bundle: {error}"))?;
        }
        Ok(Self {
            directory: directory.into(),
        })
    }

    /// A runtime that is told of them.
    pub fn peer(&self, name: &str, note: &str, words: &[&str]) -> Contestant {
        peer(name, note, words, |words| self.form(words))
    }

    /// A runtime that is called for each step of a container's life.
    pub fn peer_in_steps(&self, name: &str, note: &str, words: &[&str]) -> Contestant {
        peer(name, note, words, |words| self.life(words))
    }

    /// How a runtime is told of them in steps, each by these words before it.
    pub fn life(&self, words: Vec<OsString>) -> Form {
        Form::Life {
            words,
            bundles: self.directory.clone(),
        }
    }

    /// How a runtime is told of them, by these words.
    pub fn form(&self, words: Vec<OsString>) -> Form {
        Form::Bundle {
            words,
            bundles: self.directory.clone(),
        }
    }
}

fn bundle(
    directory: &Path,
    command: &Path,
    act: Act,
    configuration: &Configuration,
) -> std::io::Result<()> {
    root_file_system(&directory.join("rootfs"), command)?;
    let kinds = ["pid", "network", "ipc", "uts", "mount", "cgroup"];
    let namespaces: Vec<_> = kinds.iter().map(|kind| json!({ "type": kind })).collect();
    let arguments: Vec<_> = [&["/command"], act.arguments()].concat();
    let mut text = json!({
        "ociVersion": "1.0.0",
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": arguments,
            "env": ["PATH=/"],
            "cwd": "/",
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs" },
        "hostname": "bench",
        "mounts": configuration.mounts,
        "linux": { "namespaces": namespaces },
    });
    if !configuration.resources.is_null() {
        text["linux"]["resources"] = configuration.resources.clone();
    }
    if configuration.protections != Protections::None {
        let sets = ["bounding", "effective", "permitted"];
        let sets = sets.map(|set| (set.to_owned(), json!(CAPABILITIES)));
        text["process"]["capabilities"] = Value::Object(sets.into_iter().collect());
        text["linux"]["seccomp"] = filter::profile();
    }
    if configuration.protections == Protections::OfPaths {
        let masked = [texts(&MASKED_IN_PROC), texts(&MASKED_IN_SYS)];
        text["linux"]["maskedPaths"] = json!(masked.concat());
        text["linux"]["readonlyPaths"] = json!(texts(&READ_ONLY_IN_PROC));
    }
    std::fs::write(directory.join("config.json"), text.to_string())
}

/// docker's.
const CAPABILITIES: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SYS_CHROOT",
    "CAP_MKNOD",
    "CAP_AUDIT_WRITE",
    "CAP_SETFCAP",
];

fn texts(paths: &[&CStr]) -> Vec<String> {
    let texts = paths.iter().map(|path| path.to_string_lossy());
    texts.map(|text| text.into_owned()).collect()
}

pub fn root_file_system(root: &Path, command: &Path) -> std::io::Result<()> {
    // systemd-nspawn wants a /usr, and others mount on the rest.
    for name in ["proc", "sys", "dev", "etc", "run", "tmp", "usr", "var"] {
        std::fs::create_dir_all(root.join(name))?;
    }
    for name in ["hostname", "hosts", "resolv.conf"] {
        std::fs::write(root.join("etc").join(name), "")?;
    }
    std::fs::copy(command, root.join("command")).map(drop)
}
