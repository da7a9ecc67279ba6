//! How each step on the way to a root of the container's own is done.

mod base;
mod bind;
mod copy_up;
mod cover;
mod device;
mod device_files;
pub mod kernel_fs;
mod mount;
mod names;
mod older;
mod place;
mod place_bind;
mod restrict;
mod stage;
mod target;
mod terminal;
mod veil;

use super::gate::Passed;
use super::{Descriptors, entry};
use crate::path_in_root::{self, Making, Missing};
use crate::plan::root::{KernelFs, NAME_FILES, RootStep};
use crate::report::{Failed, Part};
use crate::spec::MOST_COPIES;
use crate::sys::descriptor::{ChildDescriptor, Undropped};
use crate::sys::in_child::InChild;
use crate::sys::{Errno, descriptor, facts};
use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// What one step leaves to the next. None of it outlives execve.
pub struct RootState {
    pub child: InChild,
    pub passed: Passed,
    /// What / will be.
    root: Cell<Option<ChildDescriptor<'static>>>,
    /// What becomes of a place for /proc, /sys or /dev that the root does not have.
    places: Cell<Missing>,
    copies: [Cell<Option<ChildDescriptor<'static>>>; MOST_COPIES],
    /// The container's /proc and /sys, while what is hidden there is.
    proc: Cell<Option<ChildDescriptor<'static>>>,
    sysfs: Cell<Option<ChildDescriptor<'static>>>,
    /// The working directory is entered.
    #[cfg(feature = "oci")]
    pub is_in_directory: Cell<bool>,
    /// The network namespace came from the pool, which has opened it to all users.
    pub network_is_open: Cell<bool>,
    /// The network namespace was made meanwhile, and its loopback is, or will be, set up.
    pub network_is_made: Cell<bool>,
    /// How many mounts lie on the host's /, the container's among them.
    covers: Cell<u32>,
    /// The container's is not among them any more: it lies on its own path.
    #[cfg(feature = "oci")]
    is_at_own_path: Cell<bool>,
    /// Where what is bound to its place has its name, see [`stage::HIDDEN`].
    hidden: Cell<Option<ChildDescriptor<'static>>>,
    /// The host's devices, in a mount namespace that has none of its mounts: a mount that is nowhere.
    hosts_devices: Cell<Option<ChildDescriptor<'static>>>,
    is_alone: Cell<bool>,
    /// The stage's file system.
    stage: Cell<Option<FileSystemNumber>>,
    /// The file systems that were mounted for this container alone, in which a file may be made that it lacks: the first
    /// ones.
    own: [Cell<Option<FileSystemNumber>>; MOST_OWN],
    /// How many devices have been made at [`stage::HIDDEN`].
    devices: Cell<u32>,
    /// What was where the files of names will be.
    looked_at: [Cell<Option<FileIdentity>>; NAME_FILES],
}

/// A file system and an inode.
type FileIdentity = (u64, u64);

type FileSystemNumber = u64;

const MOST_OWN: usize = 16;

impl RootState {
    pub fn new(child: InChild) -> Self {
        Self {
            child,
            passed: Passed::default(),
            root: Cell::default(),
            // As in an overlay, where it stays or goes with all the rest.
            places: Cell::new(Missing::MakeDirectory),
            copies: Default::default(),
            proc: Cell::default(),
            sysfs: Cell::default(),
            #[cfg(feature = "oci")]
            is_in_directory: Cell::default(),
            network_is_open: Cell::default(),
            network_is_made: Cell::default(),
            covers: Cell::default(),
            #[cfg(feature = "oci")]
            is_at_own_path: Cell::default(),
            hidden: Cell::default(),
            hosts_devices: Cell::default(),
            is_alone: Cell::default(),
            stage: Cell::default(),
            own: Default::default(),
            devices: Cell::default(),
            looked_at: Default::default(),
        }
    }

    /// With the mounts that were handed in.
    pub fn with(child: InChild, premounted: &[ChildDescriptor<'_>]) -> Self {
        let state = Self::new(child);
        for (slot, mount) in state.copies.iter().zip(premounted) {
            slot.set(Some(mount.in_child(child)));
        }
        state
    }

    /// The container's proc, while it is as it was mounted.
    pub fn proc(&self) -> Option<BorrowedFd<'static>> {
        self.proc.get().map(ChildDescriptor::as_fd)
    }

    /// What / will be.
    pub fn root(&self) -> Result<BorrowedFd<'static>, Errno> {
        self.root
            .get()
            .map(ChildDescriptor::as_fd)
            .ok_or(Errno::EBADF)
    }

    fn copy(&self, slot: u8) -> Result<&Cell<Option<ChildDescriptor<'static>>>, Errno> {
        self.copies.get(usize::from(slot)).ok_or(Errno::EBADF)
    }

    fn kernel_fs(&self, kernel_fs: KernelFs) -> &Cell<Option<ChildDescriptor<'static>>> {
        match kernel_fs {
            KernelFs::Proc => &self.proc,
            KernelFs::Sysfs => &self.sysfs,
        }
    }

    fn hidden(&self) -> Result<BorrowedFd<'static>, Errno> {
        self.hidden
            .get()
            .map(ChildDescriptor::as_fd)
            .ok_or(Errno::EBADF)
    }

    /// Keeps in mind that this file system is the container's own. Of more than there is room for the last are
    /// forgotten, and nothing is made in them.
    fn owns(&self, file: BorrowedFd<'_>) -> Result<(), Errno> {
        let number = facts::facts(file)?.identity.0;
        if let Some(place) = self.own.iter().find(|place| place.get().is_none()) {
            place.set(Some(number));
        }
        Ok(())
    }

    /// Whether a file may be made in a directory: in DIR and in a volume it would be there to stay.
    fn may_make_in(&self, directory: BorrowedFd<'_>) -> bool {
        let number = facts::facts(directory).map(|facts| facts.identity.0);
        number.is_ok_and(|number| self.own.iter().any(|own| own.get() == Some(number)))
    }

    /// What becomes of places that a directory does not have.
    fn make_places(&self, makes: bool) {
        self.places.set(match makes {
            true => Missing::MakePlace,
            false => Missing::Refuse,
        });
    }

    fn cover(&self) {
        self.covers.set(self.covers.get().saturating_add(1));
    }
}

// Apart, so that what a start without a root of its own does lies close together.
#[cold]
#[inline(never)]
pub fn perform(
    step: &RootStep,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) -> Result<(), Failed> {
    match step {
        RootStep::Copy(step) => bind::copy(step, state),
        RootStep::LeaveChroot => base::leave_chroot().map_err(Failed::from),
        RootStep::Directory {
            path,
            flags,
            premounted,
            makes_places,
        } => {
            state.make_places(*makes_places);
            match premounted {
                true => base::handed_directory(*flags, state),
                false => base::directory(path, *flags, state),
            }
        }
        RootStep::Alone {
            path,
            flags,
            makes_places,
        } => {
            state.make_places(*makes_places);
            base::alone(path, *flags, state)
        }
        RootStep::Overlay(layers) => base::overlay(layers, state),
        RootStep::FileSystem(step) => mount::file_system(step, state),
        RootStep::Stage { flags, data } => stage::begin(*flags, data, state).map_err(Failed::from),
        RootStep::Devices(nodes) => stage::devices(nodes, state),
        RootStep::StandardDevices(own) => {
            stage::standard_devices(own, state.child).map_err(Failed::from)
        }
        RootStep::Restrict(step) => restrict::restrict(step, state),
        RootStep::RestrictPaths(step) => restrict::restrict_paths(step, state),
        RootStep::Links(links) => stage::links(links).map_err(Failed::from),
        RootStep::Staged(step) => stage::file_system(step),
        RootStep::Terminal(terminal_settings) => {
            let socket = descriptors.terminal.ok_or(Errno::EBADF)?;
            terminal::make(terminal_settings, socket.as_fd(), state.child).map_err(Failed::from)
        }
        RootStep::AnotherTerminal(settings) => {
            let socket = descriptors.terminal.ok_or(Errno::EBADF)?;
            entry::make_terminal(settings, socket.as_fd(), state.child).map_err(Failed::from)
        }
        RootStep::Device(step) => device::make(step, state),
        RootStep::LookAtNames(targets) => names::look(targets, state),
        RootStep::NameFile(file) => names::place(file, state, descriptors.channel),
        RootStep::PlaceStage(target) => stage::place(target, state),
        RootStep::DropStage => stage::discard().map_err(Failed::from),
        RootStep::Bind(step) => bind::bind(step, state),
        RootStep::OverlayMount(step) => mount::overlay(step, state),
        RootStep::MakeWorkingDirectory { path, owner } => {
            let making = Making {
                owner: *owner,
                ..Making::anywhere(Missing::MakeDirectory)
            };
            find_or_make(state, path, &making).map(descriptor::close)
        }
        RootStep::ReadOnly => base::read_only(state),
        RootStep::Enter => base::enter(state).map_err(Failed::from),
        _ => perform_configured(step, state, descriptors),
    }
}

/// What config.json alone asks for.
#[cold]
#[inline(never)]
fn perform_configured(
    step: &RootStep,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) -> Result<(), Failed> {
    if !cfg!(feature = "oci") {
        // No one has written such a step.
        return Err(Errno::ENOSYS.into());
    }
    match step {
        RootStep::EnterAs(how) => base::enter_as(*how, state).map_err(Failed::from),
        RootStep::Propagate { path, flags } => mount::propagate(path, *flags).map_err(Failed::from),
        RootStep::Place(step) => place::place(step, state, descriptors),
        RootStep::DeviceFiles(files) => device_files::make(files, state),
        RootStep::PlacedLinks(links) => device_files::link(links, state),
        RootStep::Console(settings) => {
            let socket = descriptors.terminal.ok_or(Errno::EBADF)?;
            terminal::make_in_root(settings, socket.as_fd(), state)
        }
        RootStep::OwnNull => device_files::own_null(state),
        RootStep::OwnPath(path) => base::move_to_own_path(path, state).map_err(Failed::from),
        RootStep::Freeze(path) => veil::freeze(path, state),
        RootStep::RestrictFound(paths) => veil::restrict(paths, state),
        _ => Err(Errno::ENOSYS.into()),
    }
}

/// Finds a path of the container's.
fn find(state: &RootState, path: &CStr, missing: Missing) -> Result<Undropped, Failed> {
    find_or_make(state, path, &Making::anywhere(missing))
}

fn find_or_make(state: &RootState, path: &CStr, making: &Making<'_>) -> Result<Undropped, Failed> {
    path_in_root::find_or_make(state.root()?, path, making).map_err(|failed| match failed {
        path_in_root::PathFailure::Find(errno) => Part::Target.failed(errno),
        path_in_root::PathFailure::Make(errno) => Part::Make.failed(errno),
    })
}

/// What to do about a place for a mount that is missing: what an option asked for is made for good.
fn place_for(state: &RootState, asked: bool) -> Missing {
    if asked {
        Missing::MakeDirectory
    } else {
        state.places.get()
    }
}

/// What follows the last slash.
fn last_name(path: &CStr) -> &CStr {
    let bytes = path.to_bytes_with_nul();
    let start = bytes.iter().rposition(|byte| *byte == b'/');
    let name = start.and_then(|start| bytes.get(start.saturating_add(1)..));
    name.and_then(|name| CStr::from_bytes_with_nul(name).ok())
        .unwrap_or(path)
}
