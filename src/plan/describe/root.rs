//! What a step of the root is about. The option that asked comes first; what nobody asked for says what it
//! does.

use crate::error::{Error, printable};
use crate::field::Field;
use crate::hint::host::{self, Host};
use crate::hint::{Doing, Hint, hint};
use crate::plan::root::{BindMount, FileSystem, KernelFs, Layers, MountKernelFs, RootStep, Way};
use crate::report::{Failed, Part};
use crate::sys::{Errno, MountFlags};
use std::borrow::Cow;
use std::ffi::CStr;

/// What a step does, in a few words.
pub fn name(step: &RootStep) -> String {
    let Words {
        option,
        operation,
        object,
        ..
    } = words(step);
    let object = printable(&object);
    let separator = if object.is_empty() { "" } else { " " };
    match option {
        Some(option) => format!("{operation}{separator}{object} ({})", option),
        None => format!("{operation}{separator}{object}"),
    }
}

/// `step` failed.
#[cold]
#[inline(never)]
pub fn describe(step: &RootStep, failed: Failed) -> Error {
    let Words {
        option,
        operation,
        object,
        source,
    } = words(step);
    let hinted = seen(step, failed).or_else(|| hint(doing(step, failed.part), failed.errno));
    let in_container = |object: &[u8]| [object, b" in the container"].concat();
    // What an option names itself need not be told again what it was wanted for.
    let (verb, object): (Cow<'_, str>, Vec<u8>) = match failed.part {
        Part::Whole => (operation, object),
        Part::Source if option.is_some() => ("".into(), source),
        Part::Source => (operation, source),
        Part::Target => ("find".into(), in_container(&object)),
        Part::Make => ("make".into(), in_container(&object)),
        Part::Restrict => ("set the mount's flags on".into(), object),
        Part::Item(index) => match restricted(step, index) {
            Some((verb, path)) => (verb.into(), path),
            None => (operation, object),
        },
    };
    let operation = match option {
        None => verb.into_owned(),
        Some(option) => {
            let separator = if verb.is_empty() { "" } else { " " };
            format!("{}:{separator}{verb}", option)
        }
    };
    Error::new(operation, object, failed.errno).because(hinted)
}

/// The cause, where the step and the host show it.
fn seen(step: &RootStep, failed: Failed) -> Option<Hint> {
    match (step, failed.part, failed.errno) {
        (RootStep::FileSystem(step), Part::Whole, Errno::EINVAL) => {
            Host::here().unknown_id(&step.data).map(Hint::Owned)
        }
        (RootStep::Bind(step), _, Errno::EACCES) => host::closed(&step.path).map(Hint::Borrowed),
        (RootStep::Copy(step), _, Errno::EACCES) => host::closed(&step.path).map(Hint::Borrowed),
        _ => None,
    }
}

/// What was being done to which path.
fn restricted(step: &RootStep, index: u8) -> Option<(&'static str, Vec<u8>)> {
    let RootStep::Restrict(all) = step else {
        return None;
    };
    let paths = all.iter().flat_map(|restriction| {
        let masked = restriction.masked.iter().map(|name| ("hide", name));
        let read_only = restriction
            .read_only
            .iter()
            .map(|name| ("make read-only", name));
        let directory = restriction.kernel_fs.directory().to_bytes();
        let path = move |name: &CStr| [directory, b"/", name.to_bytes()].concat();
        masked
            .chain(read_only)
            .map(move |(verb, name)| (verb, path(name)))
    });
    paths.into_iter().nth(usize::from(index))
}

struct Words {
    /// The option that asked.
    option: Option<String>,
    operation: Cow<'static, str>,
    object: Vec<u8>,
    /// What is mounted, if it has a name.
    source: Vec<u8>,
}

fn words(step: &RootStep) -> Words {
    let plain = |operation: &'static str, object: &[u8], source: &[u8]| Words {
        option: None,
        operation: operation.into(),
        object: object.to_vec(),
        source: source.to_vec(),
    };
    let asked = |field: Field, operation, object: &[u8], source| Words {
        operation: field.between("", operation).into(),
        ..plain("", object, source)
    };
    match step {
        RootStep::Copy(copy) => Words {
            option: Some(text(&copy.option)),
            ..plain(
                "copy the mount of",
                copy.path.to_bytes(),
                copy.path.to_bytes(),
            )
        },
        RootStep::LeaveChroot => plain("enter the mount namespace's root (setns)", b"", b""),
        RootStep::Directory { path, .. } => {
            asked(Field::Root, ": bind", path.to_bytes(), path.to_bytes())
        }
        RootStep::Overlay(layers) => {
            // With several directories and --read-only nobody has asked for more than those.
            let field = if layers.flags.contains(MountFlags::READONLY) {
                Field::Root
            } else {
                Field::Overlay
            };
            let data = layers.data.to_bytes();
            asked(field, ": mount an overlay,", data, looked_up(layers))
        }
        RootStep::FileSystem(step) => file_system(step),
        RootStep::MountKernelFs(step) => show(step),
        RootStep::Stage => plain("mount a tmpfs aside, for /dev", b"", b""),
        RootStep::Devices => plain("make the device nodes of", b"/dev", b"the host's /dev"),
        RootStep::StandardDevices(own) => {
            let paths = own.map(|one| one.and_then(|device| device.path().to_str().ok()));
            let object = super::streams(paths);
            plain("make the container's", &object, b"")
        }
        RootStep::Restrict(all) => {
            let directories: Vec<&[u8]> = all
                .iter()
                .map(|restriction| restriction.kernel_fs.directory().to_bytes())
                .collect();
            plain(
                "restrict what is seen of",
                &directories.join(&b" and "[..]),
                b"",
            )
        }
        RootStep::Links => plain("make the links of", b"/dev", b""),
        RootStep::Staged(step) => {
            let words = file_system(step);
            let object = [b"/dev/", step.target.to_bytes()].concat();
            Words { object, ..words }
        }
        RootStep::Terminal(_) => plain("make a terminal on", b"/dev/pts", b""),
        RootStep::Device(step) => Words {
            operation: "make a device node on".into(),
            ..bind(&step.bind)
        },
        RootStep::LookAtNames(_) => plain("look at the files of names in", b"/etc", b""),
        RootStep::NameFile(file) => Words {
            option: file.option().map(text),
            ..plain("set up", file.target.to_bytes(), b"")
        },
        RootStep::PlaceDev => plain("move the tmpfs to", b"/dev", b""),
        RootStep::DropStage => plain("detach the tmpfs aside", b"", b""),
        RootStep::Bind(step) => bind(step),
        RootStep::OverlayMount(step) => Words {
            option: Some(text(&step.option)),
            ..plain(
                "mount an overlay on",
                step.target.to_bytes(),
                looked_up(&step.layers),
            )
        },
        RootStep::MakeWorkingDirectory { path, .. } => Words {
            option: Some(Field::WorkingDirectory.between("", " ") + &text(path)),
            ..plain("make", path.to_bytes(), b"")
        },
        RootStep::ReadOnly => asked(Field::ReadOnly, ": make read-only", b"/", b""),
        RootStep::Enter => plain("enter the root (pivot_root)", b"", b""),
    }
}

fn text(bytes: &CStr) -> String {
    printable(bytes.to_bytes())
}

/// What of an overlay is looked up before it is mounted.
fn looked_up(layers: &Layers) -> &[u8] {
    let work = layers.work.as_ref().map(|work| &work.path);
    let path = layers.like.as_ref().or(work);
    path.map_or(b"", |path| path.to_bytes())
}

fn file_system(step: &FileSystem) -> Words {
    let operation = match step.kind.to_bytes() {
        b"proc" => "mount proc on",
        b"sysfs" => "mount sysfs on",
        b"devpts" => "mount devpts on",
        b"mqueue" => "mount mqueue on",
        _ => "mount tmpfs on",
    };
    Words {
        option: step.option.as_deref().map(text),
        operation: operation.into(),
        object: step.target.to_bytes().to_vec(),
        source: Vec::new(),
    }
}

fn show(step: &MountKernelFs) -> Words {
    match &step.way {
        Way::Fresh(fresh) => file_system(fresh),
        Way::Bound(hosts) => bind(hosts),
        Way::FreshOrBound(fresh, hosts) => Words {
            source: hosts.path.to_bytes().to_vec(),
            ..file_system(fresh)
        },
    }
}

fn bind(step: &BindMount) -> Words {
    Words {
        option: step.option.as_deref().map(text),
        operation: "bind on".into(),
        object: step.target.to_bytes().to_vec(),
        source: step.path.to_bytes().to_vec(),
    }
}

/// What was being done, for errnos that mislead.
fn doing(step: &RootStep, part: Part) -> Doing {
    match (step, part) {
        (RootStep::MakeWorkingDirectory { .. }, Part::Target | Part::Make) => Doing::FindDirectory,
        (_, Part::Target | Part::Make) => Doing::FindTarget,
        (RootStep::Devices, Part::Source) => Doing::BindDevices,
        (RootStep::Copy(_), _) => Doing::CopyMount,
        (RootStep::Overlay(_) | RootStep::OverlayMount(_), Part::Whole) => Doing::MountOverlay,
        (RootStep::Overlay(_) | RootStep::OverlayMount(_), Part::Source) => Doing::EnterLayer,
        (RootStep::MountKernelFs(step), Part::Whole) if step.kernel_fs == KernelFs::Proc => {
            Doing::MountProc {
                user_namespace: true,
            }
        }
        (RootStep::FileSystem(step), Part::Whole) if step.kind.to_bytes() == b"tmpfs" => {
            Doing::MountTmpfs
        }
        (RootStep::Enter | RootStep::LeaveChroot, _) => Doing::PivotRoot,
        (RootStep::Device(_), Part::Source) => Doing::FindDevice,
        (RootStep::Bind(step), Part::Source) if step.is_device => Doing::FindDevice,
        (RootStep::Bind(_), Part::Source) => Doing::CopyMount,
        (RootStep::Terminal(_), _) => Doing::OpenTerminal,
        _ => Doing::OtherMount,
    }
}
