//! What a start will fail at, as far as a look tells: for `--explain`, which refuses what a run refuses.
//!
//! The plan is gone through step by step as the child does it, but each step is looked at instead of done: in a
//! tree of names (`tree.rs`) in the place of the container's root, and for whom the process will be by then. What is found
//! is told as the child's own report is, by the plan's words for that step.
//!
//! A look refuses only what is sure. What no look tells is left out: whether the kernel takes a mount and its options, a
//! profile of a security module, the limits of the machine at the moment.

mod command;
mod format;
mod node;
mod own;
mod person;
mod root;
mod tree;

use crate::error::Error;
use crate::hint::too_few_processes;
use crate::launch;
use crate::log::Log;
use crate::plan::{InitPlan, Reaper, Step, describe_execve, describe_failure};
use crate::report::{Failed, Lack};
use crate::spec::{ContainerSpec, Namespaces};
use crate::sys::Errno;
use command::Around;
use person::Person;
use root::Coming;
use std::ffi::CStr;
use std::os::unix::ffi::OsStringExt;
use tree::{ResolvedPath, Tree};

/// Errors: those of a start of `plan`, in the words of a run.
#[cold]
#[inline(never)]
pub fn look(
    plan: &InitPlan,
    spec: &ContainerSpec,
    namespaces: Namespaces,
    log: &Log,
) -> Result<(), Error> {
    own::clone(spec, namespaces).map_err(|errno| launch::not_cloned(namespaces, errno))?;
    let mut coming = spec.root.as_ref().map(|root| Coming::new(spec, root));
    let first = plan.birth.iter().chain(&plan.container);
    let seen = steps(plan, first, |step| match (step, &mut coming) {
        (Step::Root(step), Some(coming)) => coming.perform(step),
        (Step::MountKernelFs(step), Some(coming)) => coming.mount_kernel_fs(step),
        _ => own::look(step, spec).map_err(Failed::from),
    });
    if let Some(why) = coming.as_ref().and_then(|coming| coming.name_servers) {
        launch::say_without(Lack::NameServers, why, log);
    }
    seen?;
    has_room_for_reaper(plan, spec)?;
    let (tree, mut directory) = match coming {
        // It is entered at its top.
        Some(coming) => (coming.tree, ResolvedPath::new()),
        None => (root::callers(), own_directory()),
    };
    let person = Person::of_command(spec);
    steps(plan, plan.process.iter(), |step| match step {
        Step::WorkingDirectory(path) => {
            directory = change_directory(&tree, &person, path)?;
            Ok(())
        }
        _ => own::look(step, spec).map_err(Failed::from),
    })?;
    if let Some(error) = launch::ended_by_filter(plan) {
        return Err(error);
    }
    let around = Around {
        tree: &tree,
        person: &person,
        directory,
    };
    match command::failure(plan, &around) {
        Some((candidate, errno, clue)) => Err(describe_execve(plan, candidate, errno, clue)),
        None => Ok(()),
    }
}

fn steps<'a>(
    plan: &InitPlan,
    steps: impl Iterator<Item = &'a Step>,
    mut look: impl FnMut(&Step) -> Result<(), Failed>,
) -> Result<(), Error> {
    for step in steps {
        look(step).map_err(|failed| describe_failure(plan, step, failed))?;
    }
    Ok(())
}

/// A reaper that is in the cgroup of its command is one process of it.
fn has_room_for_reaper(plan: &InitPlan, spec: &ContainerSpec) -> Result<(), Error> {
    let most = spec.limits.as_ref().and_then(|limits| limits.processes);
    match (plan.reaper, most) {
        (Some(Reaper::FirstProcess), Some(..2)) => {
            Err(launch::not_spawned(Errno::EAGAIN).hint(Some(too_few_processes())))
        }
        _ => Ok(()),
    }
}

/// Where the caller is.
fn own_directory() -> ResolvedPath {
    let here = std::env::current_dir().map(std::path::PathBuf::into_os_string);
    let mut place = here.map(OsStringExt::into_vec).unwrap_or_default();
    if place == b"/" {
        place.clear();
    }
    place
}

/// chdir(2).
fn change_directory(tree: &Tree, person: &Person, path: &CStr) -> Result<ResolvedPath, Errno> {
    let Some((place, node)) = tree.walk(person, b"", path.to_bytes())?.found()? else {
        return Ok(path.to_bytes().to_vec());
    };
    match node.is_directory() {
        Some(false) => Err(Errno::ENOTDIR),
        _ if node.refuses(person, person::EXECUTE) => Err(Errno::EACCES),
        _ => Ok(place),
    }
}
