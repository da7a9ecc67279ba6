//! `--explain`: what a run would do, said and not done. What a run acquires is previewed, in the run's own order, so what
//! is refused there is refused here.

use crate::docker::{LogArgs, RunArgs, specify};
use crate::error::{Error, ExitCode};
use crate::guard::{Preview, Request};
use crate::log::{Level, Log};
use crate::plan::explain::{Start, explain};
use crate::preview;
use crate::runtime::asked::{self, explained};
use crate::runtime::sealed_exe::OwnFile;
use crate::runtime::{Setting, caller, logging, reporting};
use crate::standard_streams;
use crate::store::Name;
use crate::sys::invocation::Invocation;

#[cold]
#[inline(never)]
pub fn run(arguments: &RunArgs, log: &LogArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    if let Some(file) = &arguments.report {
        reporting::Wanted::look(file)?.preview()?;
    }
    let stored = match arguments.is_stored() {
        true => Some(stored(arguments)?),
        false => None,
    };
    let arguments = stored.as_ref().unwrap_or(arguments);
    logging::with_log::<Preview>(log, Level::Warn, |log| tell(arguments, invocation, log))
}

/// A container that stays is in cgroups of its own, where there can be some.
fn stored(arguments: &RunArgs) -> Result<RunArgs, Error> {
    specify::staying(arguments)?;
    arguments.name.as_deref().map(Name::parse).transpose()?;
    Ok(RunArgs {
        stays: true,
        ..arguments.clone()
    })
}

fn tell(arguments: &RunArgs, invocation: &Invocation, log: &Log) -> Result<ExitCode, Error> {
    let in_sealed_copy = OwnFile::look(arguments, invocation)?.preview()?;
    let (mut asked, lent) = asked::look::<Preview>(&Setting::of_caller(arguments, log))?;
    let cgroups = lent.limited.unwrap_or_default();
    let joins = cgroups.iter().filter_map(|cgroup| cgroup.join.clone());
    let plan = asked.plan(joins.collect(), lent.signals)?;
    asked.give::<Preview>()?;
    preview::look(&plan, &asked.spec, asked.made(&plan), log)
        .map_err(|error| explained(error, arguments, None))?;
    caller::warn(arguments, log);
    let text = explain(
        &plan,
        &Start {
            spec: &asked.spec,
            namespaces: asked.namespaces,
            cgroups: &cgroups,
            in_sealed_copy,
            kernel: asked.kernel,
        },
    );
    standard_streams::answer(text.as_bytes())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}
