//! What the command is kept from, and the switch of each part.

mod capabilities;
mod paths;

use crate::docker::RunArgs;
pub use capabilities::{Capabilities, DEFAULT as DEFAULT_CAPABILITIES};
pub use paths::{MASKED_IN_PROC, MASKED_IN_SYS, READ_ONLY_IN_PROC};

use crate::error::Error;
use crate::spec::NamespaceChoice;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The safe way is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    pub capabilities: Capabilities,
    /// Whether set-user-ID and the like are without effect.
    pub no_new_privileges: bool,
    pub filter: Filter,
    /// Whether parts of /proc and /sys are hidden or only to be read. (In a root of its own.)
    pub restricted_paths: bool,
    /// Below /sys, what else is hidden. The runtime knows.
    pub throttles: Vec<CString>,
    /// What /proc is mounted with, in a root of its own.
    pub proc_options: CString,
    /// Whether everything is to be as the caller has it.
    pub privileged: bool,
    /// Whether it has a session keyring of its own.
    pub new_keyring: bool,
}

/// Which filter of system calls there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    None,
    Default,
    /// A profile in docker's format, in this file of the caller's.
    Profile(OsString),
}

impl Security {
    /// For a command that is run by `user`, as the container sees them.
    ///
    /// Errors: what cannot be had, named with the option that asked.
    pub fn new(arguments: &RunArgs, user: u32) -> Result<Self, Error> {
        let capabilities = Capabilities::asked(arguments, user)?;
        let mut security = Self {
            capabilities,
            no_new_privileges: !arguments.privileged,
            filter: if arguments.privileged {
                Filter::None
            } else {
                Filter::Default
            },
            restricted_paths: !arguments.privileged,
            throttles: Vec::new(),
            proc_options: CString::default(),
            privileged: arguments.privileged,
            new_keyring: !arguments.no_new_keyring,
        };
        for option in &arguments.security_options {
            security.set(option.as_bytes())?;
        }
        if arguments.rootfs.is_empty() && !security.proc_options.is_empty() {
            return Err(Error::refused(
                "--security-opt proc-opts",
                "it needs --rootfs DIR",
            ));
        }
        if arguments.pid != NamespaceChoice::New && !security.proc_options.is_empty() {
            // Before Linux 5.8 all mounts of a PID namespace's proc have the same.
            return Err(Error::refused(
                "--security-opt proc-opts",
                "it cannot be given with --pid host: on some kernels the host's /proc would change with it",
            ));
        }
        Ok(security)
    }

    /// One `--security-opt`: `NAME=VALUE`, or `NAME:VALUE` as docker once had it, or a name alone.
    #[cold]
    #[inline(never)]
    fn set(&mut self, option: &[u8]) -> Result<(), Error> {
        let separator = option.iter().position(|byte| b"=:".contains(byte));
        let (name, value) = match separator.and_then(|at| option.split_at_checked(at)) {
            Some((name, rest)) => (name, rest.get(1..)),
            None => (option, None),
        };
        match (name, value) {
            (b"no-new-privileges", None | Some(b"true")) => self.no_new_privileges = true,
            (b"no-new-privileges", Some(b"false")) => self.no_new_privileges = false,
            (b"seccomp", Some(b"unconfined")) => self.filter = Filter::None,
            (b"seccomp", Some(b"builtin")) => self.filter = Filter::Default,
            (b"seccomp", Some(file)) if !file.is_empty() => {
                self.filter = Filter::Profile(OsString::from_vec(file.to_vec()));
            }
            (b"systempaths", Some(b"unconfined")) => self.restricted_paths = false,
            (b"proc-opts", Some(options)) => self.proc_options = paths::proc_options(options)?,
            // As it is.
            (b"apparmor", Some(b"unconfined")) | (b"label", Some(b"disable")) => {}
            (b"apparmor" | b"label", _) => {
                return Err(refused(
                    option,
                    "mydocker sets no AppArmor profile and no SELinux label",
                ));
            }
            _ => {
                return Err(refused(
                    option,
                    "it takes no-new-privileges=true or =false, seccomp=unconfined or seccomp=FILE, \
                     systempaths=unconfined, proc-opts=hidepid=2",
                ));
            }
        }
        Ok(())
    }
}

fn refused(option: &[u8], reason: &'static str) -> Error {
    Error::refused([b"--security-opt ", option].concat(), reason)
}
