//! What is done from outside for a process in a new user namespace: there it has no rights over what is the kernel's own, as
//! whole as its capabilities are.

use crate::error::Error;
use crate::oci::config::Process;
use crate::sys::node::{self, HERE};
use crate::sys::{Errno, Pid, descriptor, facts, process};
use std::ffi::CString;

/// Done while the process `pid` waits for its ids (`Gate::IdsMapped`), by who has the rights.
pub fn prepare(process: &Process, pid: Pid) -> Result<(), Error> {
    for limit in &process.resource_limits {
        // To lower it takes none, and is the process's own to do. What cannot be raised it says itself.
        let _ = process::raise_hard_limit(pid, limit.resource, limit.hard);
    }
    let Some(number) = process.oom_score_adjustment else {
        return Ok(());
    };
    let path = format!("/proc/{pid}/oom_score_adj");
    write(&path, number.to_string().as_bytes()).map_err(|errno| {
        let hint = match errno {
            Errno::EACCES | Errno::EPERM => Some(
                "to lower it takes CAP_SYS_RESOURCE in the first user namespace, which mydocker does not have here",
            ),
            _ => None,
        };
        let operation = format!("process.oomScoreAdj: write {number} to");
        Error::new(operation, path.as_bytes(), errno).hint(hint)
    })
}

fn write(path: &str, content: &[u8]) -> Result<(), Errno> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    let file = descriptor::own(node::open(HERE, &path, libc::O_WRONLY, 0)?);
    let file = std::os::fd::AsFd::as_fd(&file);
    // What is mounted on /proc need not be one.
    if !facts::file_system(file)?.is_proc() {
        return Err(Errno::ENODEV);
    }
    match descriptor::write(file, content)? {
        whole if whole == content.len() => Ok(()),
        _ => Err(Errno::EIO),
    }
}
