//! Making a container that stays: what was asked is understood, and then written down. Nothing of it runs.

use super::Stored;
use crate::docker::{RunArgs, specify};
use crate::error::Error;
use crate::field::Field;
use crate::guard::{Intent, Preview};
use crate::runtime::caller::{self, Asking};
use crate::runtime::origin::{Answers, Origin};
use crate::runtime::security;
use crate::store::{Config, Id, Name, Owned, Store};
use crate::sys::{Errno, kernel};
use crate::time;
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Makes a container of `arguments`, which were read from `words`.
///
/// Errors: what a start would refuse as far as the command line tells; a name that is taken.
#[cold]
#[inline(never)]
pub fn make(arguments: &RunArgs, words: Vec<OsString>) -> Result<Stored, Error> {
    let arguments = RunArgs {
        stays: true,
        ..arguments.clone()
    };
    specify::staying(&arguments)?;
    let name = arguments.name.as_deref().map(Name::parse).transpose()?;
    let answers = understand(&arguments)?;
    let id_file = arguments.id_file.as_deref().map(IdFile::make).transpose()?;
    let store = Store::open(arguments.state.as_deref())?;
    let config = Config {
        id: Id::fresh(),
        created: time::nanoseconds(),
        words,
        directory: answers.directory.clone(),
        variables: answers.variables.clone(),
        files: answers.files.clone(),
        directories: answers.directories.clone(),
        updates: Vec::new(),
    };
    let owned = store.make(&config, name.as_ref())?;
    if let Some(file) = id_file {
        if let Err(error) = file.write(&owned) {
            // No one would know what it is called.
            let _ = owned.remove();
            return Err(error);
        }
    }
    Ok(Stored {
        arguments,
        answers,
        owned,
    })
}

/// Reads what was typed as a start will, and writes down what that asks of the caller.
fn understand(arguments: &RunArgs) -> Result<Answers, Error> {
    let directory = Origin::Caller
        .directory()
        .map_err(|errno| Error::new("find", "the working directory", errno))?;
    let answers = RefCell::new(Answers {
        directory,
        directories: arguments.upper_directory().cloned().into_iter().collect(),
        ..Answers::default()
    });
    let origin = Origin::Recorded(&answers);
    let asking = Asking {
        origin,
        // It is called after its id, which has as many digits.
        host_name: Some("0123456789ab"),
    };
    let ids = |wanted: crate::spec::IdsWanted<'_>| Preview::take(wanted).map(Preview::common);
    let spec = caller::specify(arguments, &ids, &asking)?;
    security::filter(&spec.process, kernel::version(), &origin)?;
    Ok(answers.into_inner())
}

/// The file that the id is written to. One that is there is most likely that of a container that runs.
struct IdFile<'a> {
    path: &'a OsStr,
    file: File,
}

impl<'a> IdFile<'a> {
    /// Before there is a container, so that a place that cannot be written is an error with nothing begun.
    fn make(path: &'a OsStr) -> Result<Self, Error> {
        let opened = OpenOptions::new().write(true).create_new(true).open(path);
        let file = opened.map_err(|error| {
            let errno = errno(&error);
            let hint = (errno == Errno::EEXIST)
                .then_some("a container that was made with it may be there; remove it if not");
            Self::failed("make", path, errno).hint(hint)
        })?;
        Ok(Self { path, file })
    }

    fn write(mut self, owned: &Owned) -> Result<(), Error> {
        let written = self.file.write_all(owned.id.to_string().as_bytes());
        written.map_err(|error| {
            let _ = std::fs::remove_file(Path::new(self.path));
            Self::failed("write", self.path, errno(&error))
        })
    }

    fn failed(operation: &str, path: &OsStr, errno: Errno) -> Error {
        Error::new(
            format!("{}: {operation}", Field::IdFile),
            path.as_bytes(),
            errno,
        )
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EIO))
}
