//! `mydocker rename`: another name for a container, whether it runs or not.

use crate::docker::RenameArgs;
use crate::error::{Error, ExitCode};
use crate::runtime::heal;
use crate::store::Name;

/// Errors: there is no such container, or the name is another one's.
pub fn run(arguments: &RenameArgs) -> Result<ExitCode, Error> {
    let failed = |error: Error| error.exit_with(ExitCode::FAILURE);
    let name = Name::parse(&arguments.name).map_err(failed)?;
    let (entry, _) = heal::find(arguments.state.as_deref(), &arguments.container)?;
    if entry.name.as_ref() == Some(&name) {
        return Err(Error::failure(&format!(
            "container {name} has this name already"
        )));
    }
    entry.rename(&name).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
