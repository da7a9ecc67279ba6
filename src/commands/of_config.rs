//! What a container was asked for, by what was written down of its command line.

use crate::docker::specify::{self, specify};
use crate::docker::{Caller, RunArgs, root};
use crate::error::Error;
use crate::runtime::origin::Origin;
use crate::runtime::stored;
use crate::spec::{ContainerSpec, RootMount};
use crate::store::Config;
use crate::sys::{Errno, identity};
use std::ffi::{CString, OsString};

/// What was asked for, read again.
#[derive(Default)]
pub struct Known {
    pub arguments: RunArgs,
    /// `KEY=VALUE`, those of files as well.
    pub labels: Vec<OsString>,
    pub mounts: Vec<RootMount>,
}

impl Known {
    /// Errors: what was written down is not understood.
    pub fn of(config: &Config) -> Result<Self, Error> {
        let arguments = stored::arguments(config)?;
        let (labels, mounts) = with_caller(config, |caller| {
            Ok::<_, Error>((
                specify::labels(&arguments, caller)?,
                root::mounts(&arguments, caller)?,
            ))
        })?;
        Ok(Self {
            arguments,
            labels,
            mounts,
        })
    }
}

/// The variables that were asked for, `NAME=VALUE`.
///
/// Errors: what was written down is not understood.
pub fn environment(config: &Config, arguments: &RunArgs) -> Result<Vec<CString>, Error> {
    with_caller(config, |caller| {
        specify::asked_environment(arguments, caller)
    })
}

/// What was asked for, as a specification, but for what depends on the files of the root and on the ids of this host: who
/// runs the command.
///
/// Errors: what was written down is not understood.
pub fn specification(config: &Config, arguments: &RunArgs) -> Result<ContainerSpec, Error> {
    let arguments = RunArgs {
        user: None,
        groups: Vec::new(),
        user_namespace: None,
        ..arguments.clone()
    };
    with_caller(config, |caller| specify(&arguments, caller))
}

/// The one who has made the container, as far as it was written down.
fn with_caller<T>(config: &Config, make: impl FnOnce(&Caller<'_>) -> T) -> T {
    let answers = stored::answers(config.clone());
    let origin = Origin::Maker(&answers);
    let name = config.id.short();
    make(&Caller {
        variable: &|name| origin.variable(name),
        named_variables: &|names| origin.variables(names),
        named_file: &|name| origin.file(name),
        directory: &|| {
            let directory = origin.directory();
            directory.map_err(|errno: Errno| Error::new("find", "the working directory", errno))
        },
        fresh_name: &name,
        ..Caller::bare(identity::effective_user())
    })
}
