//! Who asks for a container.

use crate::error::Error;
use crate::spec::{Credentials, IdsWanted, RootSpec};
use crate::sys::Errno;
use std::ffi::{OsStr, OsString};

/// Reads a file of accounts, by its name below /etc.
pub type AccountReader<'a> = dyn Fn(Option<&RootSpec>, &str) -> Result<Vec<u8>, Error> + 'a;

/// Finds ids, see [`Caller::ids`].
pub type IdFinder<'a> = dyn Fn(IdsWanted<'_>) -> Result<u32, Error> + 'a;

/// Finds variables, see [`Caller::named_variables`].
pub type VariableFinder<'a> = dyn Fn(&[&OsStr]) -> Vec<(OsString, OsString)> + 'a;

/// What the runtime knows about the process that called it.
pub struct Caller<'a> {
    /// Effective user and group.
    pub user: u32,
    pub group: u32,
    /// Supplementary groups, empty where the kernel forbids to change them: no step could.
    pub droppable_groups: &'a [u32],
    /// Looks a variable of the caller's environment up.
    pub variable: &'a dyn Fn(&OsStr) -> Option<OsString>,
    /// Looks several up at once: of those that are named, the ones that are set.
    pub named_variables: &'a VariableFinder<'a>,
    /// Reads /etc/passwd or /etc/group of a container with this root, or with the caller's.
    pub accounts: &'a AccountReader<'a>,
    /// Reads a file that was named.
    pub named_file: &'a dyn Fn(&OsStr) -> Result<Vec<u8>, Errno>,
    /// Reads a file of the caller's; empty if there is none.
    pub file: &'a dyn Fn(&str) -> Result<Vec<u8>, Error>,
    /// The working directory.
    pub directory: &'a dyn Fn() -> Result<OsString, Error>,
    /// The first of such ids, for a container of root's.
    pub ids: &'a IdFinder<'a>,
    /// A host name for a container that was given none.
    pub fresh_name: &'a str,
}

impl Caller<'_> {
    pub fn credentials(&self) -> Credentials<'_> {
        Credentials {
            user: self.user,
            group: self.group,
            droppable_groups: self.droppable_groups,
        }
    }

    /// A caller of whom only the user is known, who has a group of the same number: with no environment and no files, in /.
    /// Others begin with it (`..Caller::bare(0)`).
    pub fn bare(user: u32) -> Self {
        Self {
            user,
            group: user,
            droppable_groups: &[],
            variable: &|_| None,
            named_variables: &|_| Vec::new(),
            accounts: &|_, _| Ok(Vec::new()),
            named_file: &|_| Err(Errno::ENOENT),
            file: &|_| Ok(Vec::new()),
            directory: &|| Ok("/".into()),
            ids: &|_| Ok(0),
            fresh_name: "0123456789ab",
        }
    }
}
