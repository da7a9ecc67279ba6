//! How the steps of a process are done that an engine asks for.

use super::kernel::{join_keyring, write_file};
use super::root::RootState;
use super::{Descriptors, execute, home};
use crate::lingering;
use crate::plan::InitPlan;
use crate::plan::process::{JoinOf, ProcessStep};
use crate::report::{Failed, Part};
use crate::spec::Namespace;
use crate::sys::clone::NewNamespaces;
use crate::sys::facts::{self, Kind};
use crate::sys::{
    Errno, affinity, capability, descriptor, identity, keyring, namespace, own_proc, process,
    scheduler, signal,
};
use std::ffi::CStr;

pub fn perform(
    step: &ProcessStep,
    plan: &InitPlan,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) -> Result<(), Failed> {
    let done = match step {
        ProcessStep::Processors(set) => {
            affinity::set_processors(&affinity::Bits::of(|number| set.contains(number)))
        }
        ProcessStep::AllProcessors => affinity::set_processors(&affinity::Bits::ALL),
        ProcessStep::TimeNamespace(offsets) => time_namespace(offsets),
        ProcessStep::JoinNamespaces(all) => return join_namespaces(all, descriptors),
        ProcessStep::Keyring { name, permissions } => {
            join_keyring(|| keyring::join_session(name, *permissions))
        }
        ProcessStep::Personality(number) => process::set_personality(*number),
        ProcessStep::Scheduling(scheduling) => scheduler::set(scheduling),
        ProcessStep::IoPriority { class, level } => scheduler::set_io_priority(*class, *level),
        ProcessStep::Groups(groups) => set_groups(groups),
        ProcessStep::CapabilitySets(sets) => capability::set_each(sets),
        ProcessStep::EnterDirectory(path) => enter_directory(path, state),
        ProcessStep::EnterDirectoryAsUser(path) => match state.is_in_directory.get() {
            true => Ok(()),
            false => enter(path),
        },
        ProcessStep::GiveStandard { user, is_terminal } => give_standard(*user, *is_terminal),
        ProcessStep::Label { attribute, value } => own_proc::set_attribute(attribute, value),
        ProcessStep::FindHome(user) => {
            home::find(*user, &plan.command);
            Ok(())
        }
        ProcessStep::EndWhenAsked => signal::end_when_asked(state.child),
        ProcessStep::FindCommand => {
            execute::look(&plan.command, descriptors);
            Ok(())
        }
    };
    done.map_err(Failed::from)
}

fn enter(path: &CStr) -> Result<(), Errno> {
    process::change_directory(path)?;
    process::is_below_root()
}

fn enter_directory(path: &CStr, state: &RootState) -> Result<(), Errno> {
    match enter(path) {
        // Of a file system that squashes root.
        Err(Errno::EACCES | Errno::EPERM) => Ok(()),
        entered => {
            state.is_in_directory.set(entered.is_ok());
            entered
        }
    }
}

/// The memory is this process's own: setns(2) would refuse it otherwise.
fn time_namespace(offsets: &[u8]) -> Result<(), Errno> {
    lingering::outlast(namespace::new_time)?;
    if !offsets.is_empty() {
        const FILE: &CStr = c"/proc/self/timens_offsets";
        match write_file(FILE, offsets) {
            // Who has come from an ordinary user into a user namespace does not own its own files in /proc, unless it is
            // dumpable. What could look then is that user.
            Err(Errno::EACCES) => {
                process::dumpable()?;
                let written = write_file(FILE, offsets);
                process::not_dumpable()?;
                written?;
            }
            written => written?,
        }
    }
    let file = descriptor::open_undropped(c"/proc/self/ns/time_for_children", libc::O_RDONLY)?;
    let joined = namespace::join(file.as_fd(), NewNamespaces::TIME);
    descriptor::close(file);
    joined
}

/// Three rounds: what may be joined as the caller, the user namespace, and what only its root may join.
fn join_namespaces(all: &[JoinOf], descriptors: &Descriptors<'_>) -> Result<(), Failed> {
    let mut done = [false; 8];
    for round in 0..3u8 {
        for ((number, one), done) in (0u8..).zip(all).zip(&mut done) {
            let is_user = one.namespace == Namespace::User;
            if *done || is_user != (round == 1) {
                continue;
            }
            match join_one(one, descriptors) {
                Ok(()) => *done = true,
                Err(Errno::EPERM) if round == 0 => {}
                Err(errno) => return Err(Part::Item(number).failed(errno)),
            }
        }
    }
    Ok(())
}

fn join_one(one: &JoinOf, descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    let file = descriptors.namespaces.get(usize::from(one.slot)).copied();
    let file = file.ok_or(Errno::EBADF)?;
    namespace::join(file.as_fd(), one.namespace.flag())?;
    if one.namespace == Namespace::User {
        match identity::set_groups(&[]) {
            // It was given up in there, user_namespaces(7).
            Ok(()) | Err(Errno::EPERM) => {}
            Err(errno) => return Err(errno),
        }
        identity::set_group(0)?;
        identity::set_user(0)?;
        process::not_dumpable()?;
    }
    Ok(())
}

fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    match identity::set_groups(groups) {
        Err(Errno::EPERM) if own_proc::denies_groups() == Ok(true) => Ok(()),
        set => set,
    }
}

/// It gives the command what it could have by another name: where it cannot be done, nothing is less protected.
fn give_standard(user: u32, is_terminal: bool) -> Result<(), Errno> {
    for number in 0..3 {
        let file = descriptor::standard(number);
        let facts = facts::facts(file)?;
        let may_be_given = match facts.kind {
            // The slave of a pseudo-terminal (majors 136 to 143, Documentation/admin-guide/devices.txt) is the container's
            // alone. Any other device of the host's would be its new owner's for everyone.
            Kind::Character(device) => is_terminal && (136..=143).contains(&device.major),
            Kind::Block(_) => false,
            _ => true,
        };
        if !may_be_given || facts.owner == user {
            continue;
        }
        match descriptor::change_owner(file, user) {
            Err(Errno::EPERM | Errno::EROFS | Errno::EINVAL | Errno::EBADF) => {}
            given => given?,
        }
    }
    Ok(())
}
