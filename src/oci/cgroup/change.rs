//! Other limits for a container that runs.

use super::open::Members;
use super::record::Records;
use super::resources;
use crate::error::Error;
use crate::oci::config::Resources;

impl Records {
    /// Has them limit something else. (Not devices: these may have been given more by others meanwhile, and stay.)
    ///
    /// Errors: a limit cannot be set; then all are as they were, as far as that can be.
    #[cold]
    #[inline(never)]
    pub fn change(&self, before: &Resources, after: &Resources) -> Result<(), Error> {
        let members = Members::open(self)?;
        resources::set(&members, after).inspect_err(|_| {
            // What has failed says more.
            let _ = resources::set(&members, before);
        })
    }
}
