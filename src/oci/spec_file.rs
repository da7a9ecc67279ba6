//! `oci spec`: a config.json to begin with, as runc's: a shell in the root `rootfs`.

use super::command_line::SpecArgs;
use crate::error::{Error, ExitCode};
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, descriptor, identity};
use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What is between the at signs is another for an ordinary user.
const TEMPLATE: &str = include_str!("spec_file.json");

/// A system group for terminals, which an ordinary user has no mapping for.
const TTY_GROUP: &str = ",\n        \"gid=5\"";

const SYSFS: &str = r#""type": "sysfs",
      "source": "sysfs",
      "options": ["nosuid", "noexec", "nodev", "ro"]"#;

/// A new sysfs takes a network namespace of one's own. What is mounted below the host's stays as it is: so the cgroups are
/// mounted over it, read-only, in either case.
const BOUND_SYSFS: &str = r#""type": "none",
      "source": "/sys",
      "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]"#;

const RESOURCES: &str = r#""resources": {
      "devices": [{ "allow": false, "access": "rwm" }]
    },"#;

const CGROUP_NAMESPACE: &str = r#",
      { "type": "cgroup" }"#;

/// Errors: there is one already; it cannot be written.
#[cold]
#[inline(never)]
pub fn run(arguments: &SpecArgs) -> Result<ExitCode, Error> {
    let path = Path::new(&arguments.bundle).join("config.json");
    let name = CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::new("write", path.as_os_str().as_bytes(), Errno::EINVAL))?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
    node::open(HERE, &name, flags, 0o666)
        .map(descriptor::own)
        .and_then(|file| descriptor::write_all(file.as_fd(), text(arguments.rootless).as_bytes()))
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| {
            let hint = (errno == Errno::EEXIST).then_some("remove it first");
            Error::new("write", path.as_os_str().as_bytes(), errno).hint(hint)
        })
}

/// Whether cgroups are of v2 alone. Where v1 is, a container without a cgroup namespace of its own is usual, and sees where it is.
fn is_v2_alone() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn text(is_rootless: bool) -> String {
    let mappings = || {
        let (user, group) = (identity::effective_user(), identity::effective_group());
        let one = |id| format!(r#"[{{ "containerID": 0, "hostID": {id}, "size": 1 }}]"#);
        format!(
            "\"uidMappings\": {},\n    \"gidMappings\": {},",
            one(user),
            one(group)
        )
    };
    let (group, sysfs, ids, namespace) = match is_rootless {
        false => (TTY_GROUP, SYSFS, RESOURCES.to_owned(), "network"),
        true => ("", BOUND_SYSFS, mappings(), "user"),
    };
    TEMPLATE
        .replace("@TTY_GROUP@", group)
        .replace("@SYSFS@", sysfs)
        .replace("@RESOURCES_OR_MAPPINGS@", &ids)
        .replace("@NAMESPACE@", namespace)
        .replace(
            "@CGROUP_NAMESPACE@",
            if is_v2_alone() { CGROUP_NAMESPACE } else { "" },
        )
        .replace("@VERSION@", super::version::SPECIFICATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_understood() {
        for is_rootless in [false, true] {
            let text = text(is_rootless);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["process"]["args"][0], "sh");
            let config = crate::oci::config::read(text.as_bytes()).unwrap();
            assert_eq!(config.linux.user_mappings.len(), usize::from(is_rootless));
        }
    }
}
