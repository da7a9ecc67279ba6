//! config.json of the OCI runtime specification (1.2, with what 1.3 adds), as types: what a bundle asks for, read and checked
//! as far as that can be without looking at the machine.

mod linux;
mod mount;
mod process;
mod read;
mod resources;
mod seccomp;

pub use linux::*;
pub use mount::*;
pub use process::*;
pub use read::{HOOKS, LARGEST, NAMESPACES, keep_last, read, read_process, read_resources};
pub use resources::*;
pub use seccomp::*;

use std::ffi::CString;

/// What a bundle's config.json asks for.
#[derive(Debug, Default)]
pub struct Config {
    pub oci_version: String,
    /// `None`: a container without a command, which cannot be started.
    pub process: Option<Process>,
    pub root: Root,
    pub hostname: Option<Vec<u8>>,
    pub domain_name: Option<Vec<u8>>,
    /// In the order in which they are mounted.
    pub mounts: Vec<Mount>,
    pub hooks: Hooks,
    pub annotations: Vec<(String, String)>,
    pub linux: Linux,
}

/// The container's /.
#[derive(Debug, Default)]
pub struct Root {
    /// As written: absolute, or below the bundle.
    pub path: CString,
    pub read_only: bool,
}

/// The programs that are run at moments of the container's life, in their order.
#[derive(Debug, Default)]
pub struct Hooks {
    pub prestart: Vec<Hook>,
    pub create_runtime: Vec<Hook>,
    pub create_container: Vec<Hook>,
    pub start_container: Vec<Hook>,
    pub poststart: Vec<Hook>,
    pub poststop: Vec<Hook>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Absolute.
    pub path: CString,
    /// argv, with its first word, the name; of a hook without `args` its path.
    pub arguments: Vec<CString>,
    /// `NAME=value` each.
    pub environment: Vec<CString>,
    /// Seconds, at least one. `None`: as long as it takes.
    pub timeout: Option<u32>,
}
