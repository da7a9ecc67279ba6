//! The caller's stdin, stdout and stderr: looked at, and what the container is given in their places.

use crate::error::Error;
use crate::plan::{Outputs, OwnDevice, Prepared, Source, Streams};
use crate::spec::{ContainerSpec, Input};
use crate::stream;
use crate::sys::facts::{self, Kind};
use crate::sys::{Errno, descriptor};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

/// Looks at what the caller has there, as far as a container without a terminal of its own would get it.
///
/// Errors: what leads out of a root, or can be neither read nor written.
pub fn look(spec: &ContainerSpec) -> Result<Streams, Error> {
    Ok(Streams {
        input: match spec.input {
            Input::Nothing => nothing(spec),
            Input::Caller => source(spec, 0)?,
        },
        outputs: Outputs::Separate {
            output: source(spec, 1)?,
            error: source(spec, 2)?,
        },
    })
}

/// End-of-file at once.
fn nothing(spec: &ContainerSpec) -> Source {
    if spec.has_own_dev() {
        Source::Own(OwnDevice::Null)
    } else if facts::reads_null_device(descriptor::borrowed(0)) {
        // What the caller has for it is nothing already: /dev/null need not be opened once more.
        Source::Callers
    } else {
        Source::HostsNull
    }
}

fn source(spec: &ContainerSpec, number: RawFd) -> Result<Source, Error> {
    let name = stream::name(number);
    let facts = facts::facts(descriptor::borrowed(number))
        .map_err(|errno| Error::new("look at", name, errno))?;
    match facts.kind {
        Kind::Directory => Err(Error::refused(
            name,
            match spec.root {
                Some(_) => "it is a directory, by which the container could leave its root",
                None => "it is a directory, which the container would have open",
            },
        )),
        // Where it sees the host's own nodes anyway, it gains nothing by one that is open.
        Kind::Character(device) if spec.has_own_dev() => {
            Ok(OwnDevice::of(device).map_or(Source::Callers, Source::Own))
        }
        _ => Ok(Source::Callers),
    }
}

/// What was opened for the container's 0, 1 and 2, by the number.
#[derive(Default)]
pub struct Opened([Option<OwnedFd>; 3]);

impl Opened {
    /// As the plan wants them.
    pub fn for_container(prepared: [Option<Prepared>; 3]) -> Result<Self, Error> {
        let mut opened = Self::default();
        for (place, wanted) in opened.0.iter_mut().zip(prepared) {
            *place = match wanted {
                None => None,
                Some(Prepared::HostsNull) => Some(
                    descriptor::open(c"/dev/null", libc::O_RDWR, 0)
                        .map_err(|errno| Error::new("open", "/dev/null", errno))?,
                ),
                Some(Prepared::Pipe) => return Err(Error::new("pipe", "", Errno::ENOSYS)),
            };
        }
        Ok(opened)
    }

    /// What the child is given.
    pub fn for_child(&self) -> [Option<BorrowedFd<'_>>; 3] {
        let [input, output, error] = &self.0;
        [input, output, error].map(|file| file.as_ref().map(AsFd::as_fd))
    }
}
