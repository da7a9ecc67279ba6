//! The filter of system calls that the specification asks for.

use crate::error::Error;
use crate::seccomp::{self, Host};
use crate::spec::security::{Filter, Security};
use crate::sys::seccomp::Instruction;
use crate::sys::{Errno, kernel};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Errors: a profile that cannot be read, or makes no sense.
pub fn filter(security: &Security) -> Result<Option<Cow<'static, [Instruction]>>, Error> {
    let bounding = security.capabilities.bounding;
    match &security.filter {
        Filter::None => Ok(None),
        Filter::Default => Ok(Some(seccomp::for_capabilities(bounding))),
        Filter::Profile(file) => {
            let host = Host {
                capabilities: bounding,
                // What cannot be understood is as old as can be.
                kernel: kernel::version().unwrap_or_default(),
            };
            profile(file, &host).map(|filter| Some(filter.into()))
        }
    }
}

#[cold]
#[inline(never)]
fn profile(file: &OsStr, host: &Host) -> Result<Vec<Instruction>, Error> {
    const OPTION: &str = "--security-opt seccomp:";
    let content = std::fs::read(file).map_err(|error| {
        let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
        Error::new(OPTION, file.as_bytes(), errno)
    })?;
    let text = String::from_utf8_lossy(&content);
    seccomp::compile_profile(&text, host).map_err(|what| {
        let object = [
            OPTION.as_bytes(),
            b" ",
            file.as_bytes(),
            b": ",
            what.as_bytes(),
        ]
        .concat();
        Error::refused(object, "a profile has docker's format")
    })
}
