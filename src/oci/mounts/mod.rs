//! What a container sees of files: its root, what is mounted in it, devices, and what is hidden or only to be read. From
//! config.json to steps, in runc's order, on which hooks rely:
//!
//! ```text
//! before_gate   propagation of /, the root, mounts in their order, devices, links
//!                 ◀─ gate `runtime`: prestart and createRuntime hooks, which may mount more in the root, and write to it
//!                 ◀─ createContainer hooks
//! enter         pivot_root; the terminal, on the container's own devpts, and /dev/console
//!                 ◀─ host name, sysctls: /proc/sys is still writable
//! restrict      read-only tmpfs, /dev and /; masked and read-only paths; propagation of the new /
//! ```
//!
//! ```text
//! options    what the words of a mount mean: the table
//! one        a mount to its step
//! handed     what the parent opens, because the container's root may not: binds in a user namespace, idmapped mounts
//! cgroup     mounts of type cgroup
//! dev        devices and links
//! ```

mod cgroup;
mod dev;
mod handed;
mod one;
pub mod options;
#[cfg(test)]
mod tests;

pub use options::known as known_options;

use super::cgroup::Records;
use super::config::{Config, NamespaceKind, Process, Propagation};
use super::process::labels;
use crate::error::Error;
use crate::plan::Step;
use crate::plan::root::{Copy, EnterHow, RestrictedPaths, RootStep};
use crate::sys::MountFlags;
use crate::sys::terminal::Size;
use crate::terminal_settings::TerminalSettings;
use handed::Handed;
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the mounts depend on, and config.json does not tell.
pub struct Surroundings<'a> {
    /// Whether the root is entered by pivot_root(2); with `--no-pivot` it is not.
    pub pivots: bool,
    /// Where the container is in each hierarchy of cgroups. In one that is not among them it is where the runtime is.
    pub cgroups: &'a Records,
    /// What the container's terminal takes from the caller's, if that shows it.
    pub terminal: TerminalSettings,
}

/// The steps, in three parts, between which there is something to be done.
#[derive(Debug)]
pub struct Mounts {
    /// Until everything is mounted; / is still the host's.
    pub before_gate: Vec<Step>,
    /// The root is entered; the terminal, if there is one (`Step::StandardTerminal` and `ControllingTerminal` are not among
    /// them).
    pub enter: Vec<Step>,
    /// What is hidden and read-only from here on. After sysctls.
    pub restrict: Vec<Step>,
    /// Mounts that are handed in, by slot (`child::Descriptors::premounted`, `InitPlan::premounted`).
    pub premounted: Vec<OwnedFd>,
}

/// For directories that are made in the root.
const UMASK: u32 = 0o022;

/// The steps for what `config` asks for; `bundle` is the absolute path of the directory that relative paths are below.
#[cold]
#[inline(never)]
pub fn steps(
    config: &Config,
    bundle: &Path,
    surroundings: &Surroundings<'_>,
) -> Result<Mounts, Error> {
    labels::check_mount_label(config.linux.mount_label.as_deref())?;
    let mut all = Mounts {
        before_gate: Vec::with_capacity(16 + config.mounts.len()),
        enter: Vec::with_capacity(4),
        restrict: Vec::with_capacity(4),
        premounted: Vec::new(),
    };
    let propagations = Propagations::of(config.linux.root_propagation);
    let mut handed = Handed::new(config, propagations.of_copies());
    all.before_gate.push(Step::Umask(UMASK));
    root(config, bundle, propagations, &mut handed, &mut all)?;
    let mut frozen = Vec::new();
    for (number, mount) in config.mounts.iter().enumerate() {
        let mut one = one::One {
            config,
            bundle,
            number,
            cgroups: surroundings.cgroups,
            handed: &mut handed,
            frozen: &mut frozen,
            steps: Vec::new(),
        };
        one.mount(mount)
            .map_err(|error| error.behind(&format!("mounts[{number}]")))?;
        let steps = one.steps;
        all.before_gate.extend(steps.into_iter().map(boxed));
    }
    if !is_dev_bound(config) {
        all.before_gate
            .extend(dev::steps(config).into_iter().map(boxed));
    }
    let path = below(bundle, &config.root.path);
    if has_hooks(config)
        && surroundings.pivots
        && propagations.cuts_off()
        && !handed::is_root(&path)
    {
        all.before_gate.push(boxed(RootStep::OwnPath(path)));
    }
    all.enter.push(boxed(
        match (surroundings.pivots, propagations.cuts_off()) {
            (false, _) => RootStep::EnterAs(EnterHow::Chroot),
            (true, true) => RootStep::Enter,
            (true, false) => RootStep::EnterAs(EnterHow::Pivot),
        },
    ));
    match config.process.as_ref().filter(|process| process.terminal) {
        Some(process) => all.enter.push(boxed(RootStep::Console(terminal(
            process,
            surroundings.terminal,
        )))),
        None if !is_dev_bound(config) => all.enter.push(boxed(RootStep::OwnNull)),
        None => {}
    }
    restrict(config, frozen, &mut all);
    if let Some(flags) = propagations.last {
        let path = c"/".into();
        all.restrict
            .push(boxed(RootStep::Propagate { path, flags }));
    }
    all.premounted = handed.into_trees();
    Ok(all)
}

/// Whether there are hooks that may enter the mount namespace before the root is.
fn has_hooks(config: &Config) -> bool {
    let hooks = &config.hooks;
    let all = [
        &hooks.prestart,
        &hooks.create_runtime,
        &hooks.create_container,
    ];
    all.into_iter().any(|hooks| !hooks.is_empty())
}

/// Until the root is what will be /.
fn root(
    config: &Config,
    bundle: &Path,
    propagations: Propagations,
    handed: &mut Handed<'_>,
    all: &mut Mounts,
) -> Result<(), Error> {
    let path = below(bundle, &config.root.path);
    let mut push = |step| all.before_gate.push(boxed(step));
    let propagate = |path: &CStr, flags| RootStep::Propagate {
        path: path.into(),
        flags,
    };
    push(propagate(c"/", propagations.hosts));
    if propagations.hosts.contains(MountFlags::SHARED) {
        // What is mounted on / is the container's, and its peers would see it.
        push(propagate(c"/", MountFlags::PRIVATE));
    }
    for (slot, recursive) in one::kept_roots(config, handed) {
        // Before anything lies on it, of which a copy would be a copy, too.
        push(RootStep::Copy(Copy {
            option: c"mounts".into(),
            path: c"/".into(),
            recursive,
            slot,
        }));
    }
    push(RootStep::Directory {
        path: path.clone(),
        flags: MountFlags::NONE,
        premounted: handed.root(&path)?,
        makes_places: false,
    });
    push(propagate(c"/..", propagations.root));
    Ok(())
}

/// What `linux.rootfsPropagation` means: set before anything is mounted, or when everything is.
#[derive(Clone, Copy)]
struct Propagations {
    /// Of the host's mounts in the container's namespace.
    hosts: MountFlags,
    /// Of the root itself, so that it does not pass on what is mounted in it meanwhile.
    root: MountFlags,
    /// Of the new /, at the end.
    last: Option<MountFlags>,
}

impl Propagations {
    fn of(asked: Option<Propagation>) -> Self {
        let usual = MountFlags::SLAVE.and(MountFlags::RECURSIVE);
        let flags = asked.map(flags_of);
        let (hosts, root, last) = match asked {
            None | Some(Propagation::Private { .. }) => (flags, MountFlags::PRIVATE, None),
            Some(Propagation::Slave { .. }) => (flags, MountFlags::SLAVE, None),
            Some(Propagation::Shared { .. }) => (flags, MountFlags::PRIVATE, flags),
            // Now nothing could be bound.
            Some(Propagation::Unbindable { .. }) => (None, MountFlags::PRIVATE, flags),
        };
        Self {
            hosts: hosts.unwrap_or(usual),
            root,
            last,
        }
    }

    /// Of what is copied from the host's namespace, if it is to be another one there.
    fn of_copies(self) -> Option<MountFlags> {
        self.cuts_off().then_some(self.hosts)
    }

    /// Whether nothing that is unmounted here is unmounted on the host.
    fn cuts_off(self) -> bool {
        !self.hosts.contains(MountFlags::SHARED) && self.hosts.contains(MountFlags::RECURSIVE)
    }
}

fn restrict(config: &Config, frozen: Vec<CString>, all: &mut Mounts) {
    let mut push = |step| all.restrict.push(boxed(step));
    for path in frozen {
        push(RootStep::Freeze(path));
    }
    if config.root.read_only {
        push(RootStep::ReadOnly);
    }
    let linux = &config.linux;
    if !linux.masked_paths.is_empty() || !linux.read_only_paths.is_empty() {
        push(RootStep::RestrictFound(RestrictedPaths {
            masked: each_once(&linux.masked_paths),
            read_only: each_once(&linux.read_only_paths),
        }));
    }
}

/// Plain paths, those that are listed twice once.
fn each_once(paths: &[CString]) -> Vec<CString> {
    let mut all: Vec<CString> = Vec::with_capacity(paths.len());
    for path in paths {
        let path = clean(path);
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

fn terminal(process: &Process, callers: TerminalSettings) -> TerminalSettings {
    let asked = process.console_size.map(|size| Size {
        rows: size.height,
        columns: size.width,
        ..Size::default()
    });
    TerminalSettings {
        size: asked.or(callers.size),
        owner: Some(process.user.id).filter(|user| *user != 0),
        ..callers
    }
}

fn flags_of(propagation: Propagation) -> MountFlags {
    let (flags, recursive) = match propagation {
        Propagation::Private { recursive } => (MountFlags::PRIVATE, recursive),
        Propagation::Slave { recursive } => (MountFlags::SLAVE, recursive),
        Propagation::Shared { recursive } => (MountFlags::SHARED, recursive),
        Propagation::Unbindable { recursive } => (MountFlags::UNBINDABLE, recursive),
    };
    match recursive {
        true => flags.and(MountFlags::RECURSIVE),
        false => flags,
    }
}

/// Whether the container's /dev is one of the host's, in which nothing is made.
fn is_dev_bound(config: &Config) -> bool {
    let mut mounts = config.mounts.iter();
    mounts.any(|mount| one::is_bind(mount) && clean(&mount.destination).as_c_str() == c"/dev")
}

fn has(config: &Config, kind: NamespaceKind) -> bool {
    let mut namespaces = config.linux.namespaces.iter();
    namespaces.any(|one| one.kind == kind)
}

fn boxed(step: RootStep) -> Step {
    Step::Root(Box::new(step))
}

/// A path of the host's, which may be written as one below the bundle.
fn below(bundle: &Path, path: &CStr) -> CString {
    match path.to_bytes() {
        [b'/', ..] => path.into(),
        relative => c_string([bundle.as_os_str().as_bytes(), b"/", relative].concat()),
    }
}

/// An absolute path of the container's, without `.`, `..` and empty names. What is relative is below /.
fn clean(path: &CStr) -> CString {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.to_bytes().split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let mut clean = Vec::with_capacity(path.count_bytes() + 1);
    for name in &names {
        clean.push(b'/');
        clean.extend(*name);
    }
    if names.is_empty() {
        clean.push(b'/');
    }
    c_string(clean)
}

/// Of bytes without NUL, as all of C strings are.
fn c_string(bytes: Vec<u8>) -> CString {
    CString::new(bytes).unwrap_or_default()
}
