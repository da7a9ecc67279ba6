//! What overlayfs is told.

use super::c_string::c_string;
use crate::error::Error;
use crate::field::Field;
use crate::plan::root::{HANDED, Layers, RootStep, WorkDirectory};
use crate::plan::{InitPlan, Step};
use crate::spec::{Overlay, Writes, work_directory};
use crate::sys::MountFlags;
use std::ffi::{CStr, CString};

/// Files, directories and links that an overlay holds in memory, of however little.
const FEW_FILES: u64 = 1024;

/// Bytes of a mount's options that the kernel reads.
const LONGEST: usize = 4095;

/// Refuses what the kernel would cut: it reads one page of a mount's options, its terminator included, and
/// says nothing about the rest.
#[cold]
#[inline(never)]
pub fn check_options(plan: &InitPlan) -> Result<(), Error> {
    for step in plan.steps() {
        let Step::Root(step) = step else { continue };
        let (option, layers) = match &**step {
            RootStep::Overlay(layers) => (Field::Root.spelled().as_bytes(), layers),
            RootStep::OverlayMount(mount) => (mount.option.to_bytes(), &mount.layers),
            _ => continue,
        };
        if layers.data.count_bytes() > LONGEST {
            return Err(Error::refused(
                option,
                "the paths of its layers are longer together than the kernel reads, 4095 bytes",
            ));
        }
    }
    Ok(())
}

pub(super) fn layers(overlay: &Overlay, user_namespace: bool, is_premounted: bool) -> Layers {
    let mut data = b"lowerdir=".to_vec();
    for (index, directory) in overlay.lower.iter().enumerate() {
        if index > 0 {
            data.push(b':');
        }
        match HANDED.get(index) {
            Some(name) if is_premounted => data.extend(name.to_bytes()),
            _ => data.extend(escaped(directory, b":,\\")),
        }
    }
    let mut redirects = &b",redirect_dir=on"[..];
    let mut like = None;
    let mut work = None;
    let mut memory = self::memory(None);
    let mut flags = MountFlags::NONE;
    match &overlay.writes {
        Writes::Refused => {
            flags = MountFlags::READONLY;
            // Nothing is renamed, but a layer may be what an earlier overlay has written.
            redirects = b",redirect_dir=follow";
        }
        Writes::ThrownAway { size } => {
            memory = self::memory(*size);
            data.extend(b",upperdir=upper,workdir=work");
            like = overlay.lower.first().cloned();
        }
        Writes::Kept(upper) => {
            data.extend(b",upperdir=");
            data.extend(escaped(&upper.path, b",\\"));
            // Entered before: no one can put a link in its place then.
            data.extend(b",workdir=.");
            work = Some(WorkDirectory {
                path: work_directory(&upper.path).unwrap_or_default(),
                identity: upper.work.unwrap_or_default(),
            });
        }
    }
    if user_namespace {
        // Its attributes in a namespace of names that an ordinary user may write to (Linux 5.11).
        data.extend(b",userxattr");
    }
    // A directory of a lower layer can be renamed then; else that is EXDEV, which dpkg and others take for an error.
    // (In a user namespace the kernel does not allow it. Nor anything else that is kept in attributes: metacopy would
    // let who wrote the upper directory read files of the lower ones.)
    let redirected = [&data[..], redirects].concat();
    let redirected = (!user_namespace && redirected.len() <= LONGEST).then(|| c_string(redirected));
    Layers {
        data: c_string(data),
        redirected,
        flags,
        like,
        memory,
        work,
        premounted: 0,
    }
}

/// How a tmpfs is mounted that may take `size` bytes. A file takes memory of the kernel's too, however short it is: so as
/// many as there are KiB, and a few for who asks for little.
fn memory(size: Option<u64>) -> CString {
    let mode = "mode=0755";
    c_string(match size {
        None => mode.to_owned(),
        Some(bytes) => format!("{mode},size={bytes},nr_inodes={}", bytes / 1024 + FEW_FILES),
    })
}

/// A path as overlayfs reads it, which takes these bytes for its own.
fn escaped(path: &CStr, special: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.count_bytes());
    for byte in path.to_bytes() {
        if special.contains(byte) {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text
}
