//! What every container has of /proc, /sys and /dev, as docker has it, and what it is kept from there.

use crate::docker::specify::Protections;
use crate::spec::{Bind, Devices, FileSystem, Link, MountSource, Node, OwnDevice, RootMount};
use crate::sys::MountFlags;
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// What lies in these file systems is neither programs nor devices.
const RESTRICTIONS: MountFlags = BOUND.and(MountFlags::NODEV);

/// The flags of a bind, which says apart which devices open.
const BOUND: MountFlags = MountFlags::NOSUID.and(MountFlags::NOEXEC);

/// A device node is what /dev is for; a set-user-ID program is not. Times as they are: a terminal's access time is how
/// long its user has been idle.
const DEV: MountFlags = MountFlags::NOSUID.and(MountFlags::STRICTATIME);

const LINKS: [(&CStr, &CStr); 5] = [
    (c"/dev/fd", c"/proc/self/fd"),
    (c"/dev/stdin", c"/proc/self/fd/0"),
    (c"/dev/stdout", c"/proc/self/fd/1"),
    (c"/dev/stderr", c"/proc/self/fd/2"),
    // The devpts of the container's own, where the host's /dev/ptmx would make terminals of the host's.
    (c"/dev/ptmx", c"pts/ptmx"),
];

/// Seen by no one in the container: what of it is the host's, whatever the namespace.
pub const MASKED_IN_PROC: [&CStr; 10] = [
    c"/proc/asound",
    c"/proc/acpi",
    // Counts every keystroke.
    c"/proc/interrupts",
    // The host's memory.
    c"/proc/kcore",
    c"/proc/keys",
    c"/proc/latency_stats",
    c"/proc/timer_list",
    c"/proc/timer_stats",
    c"/proc/sched_debug",
    c"/proc/scsi",
];

/// Read and not written.
pub const READ_ONLY_IN_PROC: [&CStr; 5] = [
    c"/proc/bus",
    c"/proc/fs",
    c"/proc/irq",
    c"/proc/sys",
    c"/proc/sysrq-trigger",
];

pub const MASKED_IN_SYS: [&CStr; 2] = [
    c"/sys/firmware",
    // Tells how much power was used, to the microsecond, and by that what others compute.
    c"/sys/devices/virtual/powercap",
];

/// What the usual mounts depend on.
pub struct Choices<'a> {
    pub protections: &'a Protections,
    pub privileged: bool,
    /// Whether the container's IPC objects are the caller's.
    pub shares_ipc: bool,
    /// Bytes that /dev/shm holds; `None`: 64 MiB.
    pub shared_memory: Option<u64>,
}

/// What a root has beside what was asked for.
#[derive(Default)]
pub struct Usual {
    pub mounts: Vec<RootMount>,
    pub nodes: Vec<Node>,
    pub links: Vec<Link>,
    pub masked: Vec<Cow<'static, CStr>>,
    pub read_only_paths: Vec<Cow<'static, CStr>>,
}

/// All but what someone asked for something else in the place of.
pub fn beside(asked: &[RootMount], choices: &Choices<'_>) -> Usual {
    let is_asked = |target: &CStr| asked.iter().any(|mount| *mount.target == *target);
    let mut usual = Usual::default();
    let access = if choices.privileged {
        MountFlags::NONE
    } else {
        // What is set in /sys is the host's, whatever the namespace.
        MountFlags::READONLY
    };
    usual.mounts.reserve(8 + asked.len());
    usual.mounts.push(kernels(
        c"/proc",
        c"proc",
        MountFlags::NONE,
        &choices.protections.proc_options,
    ));
    let has_sys = !is_asked(c"/sys");
    if has_sys {
        usual.mounts.push(kernels(c"/sys", c"sysfs", access, c""));
    }
    if !is_asked(c"/dev") {
        usual.add_dev(is_asked, choices);
    }
    if choices.protections.restricted_paths {
        usual.masked.extend(MASKED_IN_PROC.map(Cow::Borrowed));
        usual
            .read_only_paths
            .extend(READ_ONLY_IN_PROC.map(Cow::Borrowed));
        if has_sys {
            usual.masked.extend(MASKED_IN_SYS.map(Cow::Borrowed));
        }
    }
    usual
}

impl Usual {
    fn add_dev(&mut self, is_asked: impl Fn(&CStr) -> bool, choices: &Choices<'_>) {
        let flags = MountFlags::NOSUID.and(MountFlags::NOEXEC);
        // Room for nodes and links, and for no one's data.
        let dev = file_system(c"tmpfs", DEV, c"mode=0755,size=65536k");
        // Everyone may have a terminal of their own: ptmxmode.
        let data = c"newinstance,ptmxmode=0666,mode=0620,gid=5";
        let pts = file_system(c"devpts", flags, data);
        for (target, source) in [(c"/dev", dev), (c"/dev/pts", pts)] {
            self.mounts
                .push(usual(target, MountSource::FileSystem(source)));
        }
        let shared = [c"/dev/shm", c"/dev/mqueue"];
        let [shm, mqueue] = shared.map(|target| !is_asked(target));
        if shm {
            let bytes = choices.shared_memory;
            let data = bytes.map(|bytes| CString::new(format!("mode=1777,size={bytes}")));
            let data = data.and_then(Result::ok);
            let data = data.unwrap_or_else(|| c"mode=1777,size=65536k".into());
            let source = file_system(c"tmpfs", RESTRICTIONS, &data);
            self.mounts
                .push(usual(c"/dev/shm", MountSource::FileSystem(source)));
        }
        if mqueue {
            let source = FileSystem {
                optional: true,
                ..file_system(c"mqueue", RESTRICTIONS, c"")
            };
            self.mounts
                .push(usual(c"/dev/mqueue", MountSource::FileSystem(source)));
        }
        for (target, is_wanted) in shared.into_iter().zip([shm, mqueue]) {
            if choices.shares_ipc && is_wanted {
                // As docker has it: what is shared is shared by its names too, if the host has them.
                let source = hosts(target, MountFlags::NONE, Devices::All);
                self.mounts.push(usual(target, MountSource::Bind(source)));
            }
        }
        self.nodes.extend(OwnDevice::ALL.map(|own| Node {
            path: own.path().into(),
            hosts: own.path().into(),
            device: own.device(),
            mode: 0o666,
        }));
        self.links.extend(LINKS.map(|(path, content)| Link {
            path: path.into(),
            content: content.into(),
        }));
    }
}

fn usual(target: &CStr, source: MountSource) -> RootMount {
    RootMount {
        asked_by: None,
        target: target.into(),
        source,
    }
}

/// /proc or /sys: a new one, or the host's where a new one would show what is not the container's.
fn kernels(target: &CStr, kind: &CStr, access: MountFlags, data: &CStr) -> RootMount {
    let new = FileSystem {
        instead: Some(hosts(target, BOUND.and(access), Devices::None)),
        ..file_system(kind, RESTRICTIONS.and(access), data)
    };
    usual(target, MountSource::FileSystem(new))
}

fn file_system(kind: &CStr, flags: MountFlags, data: &CStr) -> FileSystem {
    FileSystem {
        kind: kind.into(),
        flags,
        data: data.into(),
        optional: false,
        instead: None,
    }
}

/// The host's, with all that is mounted below: a part that the host covered must not come to light. A host without it
/// has none to show.
fn hosts(path: &CStr, flags: MountFlags, devices: Devices) -> Bind {
    Bind {
        path: path.into(),
        recursive: true,
        flags,
        recursive_flags: true,
        devices,
        is_device: false,
        is_root: false,
        optional: true,
    }
}
