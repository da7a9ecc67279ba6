//! The texts of a root of the container's own. The option that asked comes first; what nobody asked for says what it does.
//! How the steps are done, and more of why, is in `src/child/root`.

mod asked;
mod base;
mod dev;
mod kernel_fs;
mod names;
mod placed;

pub use kernel_fs::restricted_path;

use super::telling::{Blank, Told};
use crate::plan::root::RootStep;

pub fn tell<'p>(step: &RootStep, text: Blank<'p>) -> Told<'p> {
    match step {
        RootStep::Copy(step) => text.copy(step),
        RootStep::LeaveChroot => text.leave_chroot(),
        RootStep::Directory {
            path,
            flags,
            premounted,
            makes_places: _,
        } => text.directory(path, *flags, *premounted),
        RootStep::Alone { path, flags, .. } => text.alone(path, *flags),
        RootStep::Overlay(layers) => text.overlay(layers),
        RootStep::FileSystem(step) => text.file_system(step),
        RootStep::Stage { flags, data } => text.stage(*flags, data),
        RootStep::Devices(nodes) => text.devices(nodes),
        RootStep::StandardDevices(own) => text.standard_devices(*own),
        RootStep::Restrict(all) => text.restrict(all),
        RootStep::RestrictPaths(step) => text.restrict_paths(step),
        RootStep::Links(links) => text.links(links),
        RootStep::Staged(step) => text.staged(step),
        RootStep::Terminal(settings) => text.terminal(settings),
        RootStep::AnotherTerminal(settings) => text.another_terminal(settings),
        RootStep::PlaceStage(target) => text.place_stage(target),
        RootStep::DropStage => text.drop_stage(),
        RootStep::Bind(step) => text.bind(step),
        RootStep::Device(step) => text.device(step),
        RootStep::LookAtNames(_) => text.look_at_names(),
        RootStep::NameFile(file) => text.name_file(file),
        RootStep::OverlayMount(step) => text.overlay_mount(step),
        RootStep::MakeWorkingDirectory { path, owner } => text.make_working_directory(path, *owner),
        RootStep::ReadOnly => text.read_only(),
        RootStep::Enter => text.enter(),
        // No one has written such a step.
        _ if !cfg!(feature = "oci") => text.enter(),
        RootStep::EnterAs(how) => text.enter_as(*how),
        RootStep::Propagate { path, flags } => text.propagate(path, *flags),
        RootStep::Place(mount) => text.place(mount),
        RootStep::DeviceFiles(files) => text.device_files(files),
        RootStep::PlacedLinks(links) => text.placed_links(links),
        RootStep::Console(settings) => text.console(settings),
        RootStep::OwnNull => text.own_null(),
        RootStep::OwnPath(path) => text.own_path(path),
        RootStep::Freeze(path) => text.freeze(path),
        RootStep::RestrictFound(paths) => text.restrict_found(paths),
    }
}
