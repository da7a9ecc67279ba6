//! What is wrong for every job, said before any is read.

use crate::docker::RunArgs;
use crate::error::Error;
use crate::host::{premounted, root};
use crate::runtime::caller::{self, Asking};
use crate::runtime::origin::Origin;
use crate::runtime::security;
use crate::spec::IdsWanted;
use crate::sys::kernel;
use std::ffi::OsString;

/// Reads the options as each job will, with a command that stands for those of jobs. Nothing is taken or made.
///
/// Errors: those that each job would have, in the words of a run. What others hold or limit, and may not later (ids, cgroups,
/// namespaces to join), is each job's.
pub fn check(run: &RunArgs) -> Result<(), Error> {
    let stand_in = RunArgs {
        command: vec!["true".into()],
        report: Some(OsString::new()),
        ..run.clone()
    };
    let asking = Asking {
        origin: Origin::Caller,
        host_name: Some("job"),
    };
    // Which of them are free is of no interest here.
    let ids = |wanted: IdsWanted<'_>| match wanted {
        IdsWanted::These(range) => Ok(range.first),
        IdsWanted::Block(ranges) => Ok(ranges.first().map_or(0, |range| range.first)),
    };
    let mut spec = caller::specify(&stand_in, &ids, &asking)?;
    security::filter(&spec.process, kernel::version(), &asking.origin)?;
    let ids = premounted::ids(&spec).cloned();
    if let Some(own) = &mut spec.root {
        root::Wanted::look(own, ids.as_ref())?;
    }
    Ok(())
}
