//! What confines the command by a security module: an AppArmor profile, an SELinux label.

use crate::error::Error;
use crate::oci::config::Process;
use crate::plan::Step;
use crate::plan::process::ProcessStep;
use crate::sys::{descriptor, facts};
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;
use std::path::Path;

/// Errors: what is asked for is not on here. A container that is to be confined does not run without.
pub fn steps(process: &Process) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let label = |attribute: &CStr, value: Vec<u8>| {
        Step::from(ProcessStep::Label {
            attribute: attribute.into(),
            value,
        })
    };
    if let Some(profile) = given(&process.apparmor_profile) {
        if !apparmor_is_on() {
            let subject = [b"process.apparmorProfile ", profile.to_bytes()].concat();
            return Err(Error::refused(
                subject,
                "apparmor: config provided but apparmor not supported (the kernel does not have it, or it is off)",
            ));
        }
        // Since Linux 5.8; the older one is whichever module's is the first.
        let is_named = Path::new("/proc/self/attr/apparmor/exec").exists();
        let attribute = if is_named { c"apparmor/exec" } else { c"exec" };
        steps.push(label(attribute, [b"exec ", profile.to_bytes()].concat()));
    }
    if let Some(given) = given(&process.selinux_label) {
        if !selinux_is_on() {
            let subject = [b"process.selinuxLabel ", given.to_bytes()].concat();
            return Err(Error::refused(
                subject,
                "selinux label is specified in config, but selinux is disabled or not supported",
            ));
        }
        steps.push(label(c"exec", given.to_bytes().to_vec()));
    }
    Ok(steps)
}

/// That of `linux.mountLabel`.
///
/// Errors: there is no SELinux that knows what it means.
pub fn check_mount_label(label: Option<&CStr>) -> Result<(), Error> {
    match label {
        Some(label) if !selinux_is_on() => Err(Error::refused(
            [b"linux.mountLabel ", label.to_bytes()].concat(),
            "selinux is disabled or not supported",
        )),
        _ => Ok(()),
    }
}

/// An empty one is none.
fn given(label: &Option<CString>) -> Option<&CString> {
    label.as_ref().filter(|label| !label.is_empty())
}

/// Whether profiles of AppArmor confine anyone here.
pub fn apparmor_is_on() -> bool {
    let enabled = std::fs::read("/sys/module/apparmor/parameters/enabled");
    enabled.is_ok_and(|enabled| enabled.starts_with(b"Y"))
        && Path::new("/sys/kernel/security/apparmor").exists()
}

/// Whether labels of SELinux confine anyone here: its file system is mounted.
pub fn selinux_is_on() -> bool {
    let directory = descriptor::open(c"/sys/fs/selinux", libc::O_PATH | libc::O_DIRECTORY, 0);
    directory.is_ok_and(|directory| {
        facts::file_system(directory.as_fd()).is_ok_and(facts::FileSystem::is_selinuxfs)
    })
}
