//! How each step on the way to a root of the container's own is done.

mod base;
mod bind;
mod mount;
mod older;
mod restrict;
mod show;
mod stage;
mod terminal;

use super::Descriptors;
use crate::inside::{self, Missing};
use crate::plan::root::{Kernels, RootStep};
use crate::report::{Failed, Part};
use crate::spec::MOST_COPIES;
use crate::sys::{Errno, descriptor};
use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// What one step leaves to the next. None of it outlives execve.
#[derive(Default)]
pub struct Held {
    /// What / will be.
    root: Cell<Option<BorrowedFd<'static>>>,
    /// What becomes of a place for a usual mount that is missing.
    places: Places,
    copies: [Cell<Option<BorrowedFd<'static>>>; MOST_COPIES],
    /// The container's /proc and /sys, while what is hidden there is.
    proc: Cell<Option<BorrowedFd<'static>>>,
    sysfs: Cell<Option<BorrowedFd<'static>>>,
    /// How many mounts lie on the host's /, the container's among them.
    covers: Cell<u32>,
}

/// What becomes of a place for /proc, /sys or /dev that the root does not have.
struct Places(Cell<Missing>);

impl Default for Places {
    /// As in an overlay, where it stays or goes with all the rest.
    fn default() -> Self {
        Self(Cell::new(Missing::MakeDirectory))
    }
}

impl Held {
    /// With the mounts that were handed in.
    pub fn with(handed: &[BorrowedFd<'static>]) -> Self {
        let held = Self::default();
        for (slot, mount) in held.copies.iter().zip(handed) {
            slot.set(Some(*mount));
        }
        held
    }

    fn root(&self) -> Result<BorrowedFd<'static>, Errno> {
        self.root.get().ok_or(Errno::EBADF)
    }

    fn copy(&self, slot: u8) -> Result<&Cell<Option<BorrowedFd<'static>>>, Errno> {
        self.copies.get(usize::from(slot)).ok_or(Errno::EBADF)
    }

    fn kernels(&self, kernels: Kernels) -> &Cell<Option<BorrowedFd<'static>>> {
        match kernels {
            Kernels::Proc => &self.proc,
            Kernels::Sysfs => &self.sysfs,
        }
    }

    fn cover(&self) {
        self.covers.set(self.covers.get().saturating_add(1));
    }
}

// Apart, so that what a start without a root of its own does lies close together.
#[cold]
#[inline(never)]
pub fn perform(step: &RootStep, held: &Held, descriptors: &Descriptors<'_>) -> Result<(), Failed> {
    match step {
        RootStep::Copy(step) => bind::copy(step, held),
        RootStep::LeaveChroot => base::leave_chroot().map_err(Failed::from),
        RootStep::Directory {
            path,
            flags,
            handed,
            makes_places,
        } => {
            held.places.0.set(if *makes_places {
                Missing::MakePlace
            } else {
                Missing::Refuse
            });
            match handed {
                true => base::handed_directory(*flags, held),
                false => base::directory(path, *flags, held),
            }
        }
        RootStep::Overlay(layers) => base::overlay(layers, held),
        RootStep::FileSystem(step) => mount::file_system(step, held),
        RootStep::Show(step) => show::show(step, held),
        RootStep::Stage => stage::begin().map_err(Failed::from),
        RootStep::Devices => stage::devices(),
        RootStep::StandardDevices(own) => stage::standard_devices(own).map_err(Failed::from),
        RootStep::Restrict(step) => restrict::restrict(step, held),
        RootStep::Links => stage::links().map_err(Failed::from),
        RootStep::Staged(step) => stage::file_system(step),
        RootStep::Terminal(likeness) => {
            let socket = descriptors.terminal.ok_or(Errno::EBADF)?;
            terminal::make(likeness, socket).map_err(Failed::from)
        }
        RootStep::NameFile(file) => stage::name_file(file, held),
        RootStep::PlaceDev => stage::place_dev(held),
        RootStep::DropStage => stage::discard().map_err(Failed::from),
        RootStep::Bind(step) => bind::bind(step, held),
        RootStep::OverlayMount(step) => mount::overlay(step, held),
        RootStep::MakeWorkingDirectory(path) => {
            let made = find(held, path, Missing::MakeDirectory)?;
            descriptor::close(made);
            Ok(())
        }
        RootStep::ReadOnly => base::read_only(held),
        RootStep::Enter => base::enter(held).map_err(Failed::from),
    }
}

/// Finds a path of the container's.
fn find(held: &Held, path: &CStr, missing: Missing) -> Result<BorrowedFd<'static>, Failed> {
    inside::find(held.root()?, path, missing).map_err(|failed| match failed {
        inside::Failed::Find(errno) => Part::Target.failed(errno),
        inside::Failed::Make(errno) => Part::Make.failed(errno),
    })
}

/// What to do about a place for a mount that is missing: what an option asked for is made for good.
fn place_for(held: &Held, asked: bool) -> Missing {
    if asked {
        Missing::MakeDirectory
    } else {
        held.places.0.get()
    }
}
