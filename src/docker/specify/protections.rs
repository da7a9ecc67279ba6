//! `--privileged` and `--security-opt`: which of the usual protections are off.

use crate::docker::RunArgs;
use crate::error::Error;
use crate::spec::Filter;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The safe way is the default.
pub struct Protections {
    /// Whether set-user-ID and the like are without effect.
    pub no_new_privileges: bool,
    pub filter: Filter,
    /// Whether parts of /proc and /sys are hidden or only to be read. (In a root of its own.)
    pub restricted_paths: bool,
    /// What /proc is mounted with, in a root of its own.
    pub proc_options: CString,
}

impl Protections {
    /// Errors: what cannot be had, named with the option that asked.
    pub fn new(arguments: &RunArgs) -> Result<Self, Error> {
        let is_on = !arguments.privileged;
        let mut protections = Self {
            no_new_privileges: is_on,
            filter: if is_on { Filter::Default } else { Filter::None },
            restricted_paths: is_on,
            proc_options: CString::default(),
        };
        for option in &arguments.security_options {
            protections.set(option.as_bytes())?;
        }
        if arguments.rootfs.is_empty() && !protections.proc_options.is_empty() {
            return Err(Error::refused(
                "--security-opt proc-opts",
                "it needs --rootfs DIR",
            ));
        }
        Ok(protections)
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
            (b"proc-opts", Some(options)) => self.proc_options = proc_options(options)?,
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

/// What proc can be mounted with, by podman's `proc-opts`.
///
/// Errors: an option that is none of proc's.
fn proc_options(typed: &[u8]) -> Result<CString, Error> {
    let known: [(&[u8], &[&[u8]]); 2] = [
        // Numbers before Linux 5.8, names or numbers since.
        (
            b"hidepid",
            &[
                b"0",
                b"1",
                b"2",
                b"4",
                b"off",
                b"noaccess",
                b"invisible",
                b"ptraceable",
            ],
        ),
        (b"subset", &[b"pid"]),
    ];
    for option in typed.split(|byte| *byte == b',') {
        let mut halves = option.splitn(2, |byte| *byte == b'=');
        let (name, value) = (halves.next(), halves.next());
        let is_known = |(known, values): &(&[u8], &[&[u8]])| {
            name == Some(known) && value.is_some_and(|value| values.contains(&value))
        };
        let is_group = name == Some(b"gid")
            && value.is_some_and(|value| !value.is_empty() && value.iter().all(u8::is_ascii_digit));
        if !is_group && !known.iter().any(is_known) {
            return Err(Error::refused(
                [b"--security-opt proc-opts=", typed].concat(),
                "proc takes hidepid=0, 1, 2 or 4, gid=N and subset=pid, see proc(5)",
            ));
        }
    }
    CString::new(typed).map_err(|_| Error::refused("--security-opt proc-opts", "it has a NUL"))
}

fn refused(option: &[u8], reason: &'static str) -> Error {
    Error::refused([b"--security-opt ", option].concat(), reason)
}
