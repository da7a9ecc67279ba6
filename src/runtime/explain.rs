//! `--explain`: what a run would do, said and not done. Everything is looked at that a run looks at before it makes
//! anything, and what is refused there is refused here.

use super::story::{explained, network_and_namespaces, without_pool};
use super::{caller, logging, sealed_exe, security, standard};
use crate::docker::LogArgs;
use crate::docker::RunArgs;
use crate::error::{Error, ExitCode};
use crate::host::pid_file::PidFile;
use crate::host::{id_claim, limits, premounted, root};
use crate::log::{Level, Log};
use crate::plan::{self, explain::Start};
use crate::pool;
use crate::preview;
use crate::result_file::ResultFile;

use crate::standard_streams;
use crate::sys::{Errno, kernel, parent_watch, signal};
use crate::writable;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

/// Where errors go: to stderr, in the way in which a run says them. Its file is not touched.
fn quiet(log: &LogArgs) -> LogArgs {
    LogArgs {
        file: log.file.as_ref().map(|_| "/dev/null".into()),
        ..log.clone()
    }
}

#[cold]
#[inline(never)]
pub fn run(arguments: &RunArgs, log: &LogArgs) -> Result<ExitCode, Error> {
    first_files(arguments, log)?;
    logging::with_log(&quiet(log), Level::Warn, |log| explain(arguments, log))
}

fn explain(arguments: &RunArgs, said: &Log) -> Result<ExitCode, Error> {
    let in_sealed_copy = sealed_exe::is_exposed(arguments)?;
    let timing = arguments.timing.as_ref();
    if let Some(file) = timing {
        ResultFile::look("--timing", file)?;
    }
    let is_timed = timing.is_some() || arguments.report.is_some();
    let pool = match arguments.usable_pool() {
        Some(directory) => Some(pool::look(directory)?),
        None => None,
    };
    let mut spec = caller::specify(arguments, &id_claim::look)?;
    let kernel = kernel::version();
    let filter = security::filter(&spec.security, kernel)?;
    let ids = premounted::ids(&spec).cloned();
    if let Some(own) = &mut spec.root {
        root::look(own, ids.as_ref())?;
    }
    let standard = standard::look(&spec)?.standard;
    if let Some(file) = &arguments.pid_file {
        PidFile::look(file)?;
    }
    let cgroups = match &spec.limits {
        Some(limits) => limits::preview(limits, is_timed, spec.has_keeper())?,
        None => Vec::new(),
    };
    let joins = cgroups.iter().filter_map(|cgroup| cgroup.join.clone());
    let pooled = pool.map(|pool| pool.map_err(|why| without_pool(why, said)));
    let (network, namespaces) = network_and_namespaces(&spec, pooled == Some(Ok(())));
    let ignored = signal::ignored();
    let plan = plan::build(&spec, network, ignored, standard, joins.collect(), filter);
    if spec.root.is_some() {
        plan::check_options(&plan)?;
    }
    if let Some(root) = spec.root.as_ref().filter(|root| root.is_premounted) {
        premounted::look(root)?;
    }
    preview::look(&plan, &spec, namespaces, said)
        .map_err(|error| explained(error, arguments, None))?;
    caller::warn(arguments, said);
    let text = plan::explain::explain(
        &plan,
        &Start {
            spec: &spec,
            namespaces,
            cgroups: &cgroups,
            in_sealed_copy,
            can_share_memory: parent_watch::is_told_of_every_end(kernel),
        },
    );
    standard_streams::answer(text.as_bytes())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}

/// The files that a run opens before it can say anything elsewhere, in its order.
fn first_files(arguments: &RunArgs, log: &LogArgs) -> Result<(), Error> {
    if let Some(file) = &arguments.report {
        ResultFile::look("--report", file)?;
    }
    let Some(file) = &log.file else { return Ok(()) };
    let path = CString::new(file.as_bytes()).map_err(|_| Errno::EINVAL);
    path.and_then(|path| writable::existing_or_new(&path))
        .map_err(|errno| Error::new("open log", file.as_bytes(), errno))
}
