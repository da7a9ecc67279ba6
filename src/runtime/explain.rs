//! `--explain`: what a run would do, said and not done. Everything is looked at that a run looks at before it makes
//! anything, and what is refused there is refused here.

use super::{
    caller, handing, id_claim, limits, network_and_namespaces, root, security, shelter, standard,
};
use crate::cli::LogArgs;
use crate::error::{Error, ExitCode};
use crate::plan::{self, explain};
use crate::pool;
use crate::spec::RunArgs;
use crate::stream;
use crate::sys::{Errno, kernel, life, signal};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

/// Where errors go: to stderr, in the way in which a run says them. Its file is not touched.
pub fn log(log: &LogArgs) -> LogArgs {
    LogArgs {
        file: log.file.as_ref().map(|_| "/dev/null".into()),
        ..log.clone()
    }
}

#[cold]
#[inline(never)]
pub fn run(arguments: &RunArgs, log: &LogArgs) -> Result<ExitCode, Error> {
    check_file("open log", log.file.as_ref())?;
    let in_sealed_copy = shelter::is_exposed(arguments)?;
    let timing = arguments.timing.as_ref();
    for (operation, file) in [
        ("open for --timing", timing),
        ("open for --report", arguments.report.as_ref()),
    ] {
        let is_path = |file: &&OsString| *file != "-" && !file.as_bytes().starts_with(b"fd:");
        check_file(operation, file.filter(is_path))?;
    }
    let is_timed = timing.is_some() || arguments.report.is_some();
    let pooled = match arguments.usable_pool() {
        Some(directory) => pool::look(directory)?,
        None => false,
    };
    let mut spec = caller::specify(arguments, &id_claim::look)?;
    let kernel = kernel::version();
    let filter = security::filter(&spec.security, kernel)?;
    let ids = handing::ids(&spec).cloned();
    if let Some(own) = &mut spec.root {
        root::look(own, ids.as_ref())?;
    }
    let cgroups = match &spec.limits {
        Some(limits) => limits::outline(limits, is_timed, spec.has_keeper())?,
        None => Vec::new(),
    };
    let joins = cgroups.iter().filter_map(|cgroup| cgroup.join.clone());
    let (network, namespaces) = network_and_namespaces(&spec, pooled);
    let standard = standard::look(&spec)?.standard;
    let ignored = signal::ignored();
    let plan = plan::build(&spec, network, ignored, standard, joins.collect(), filter);
    if spec.root.is_some() {
        plan::check_options(&plan)?;
    }
    let text = explain::explain(
        &plan,
        &explain::Start {
            spec: &spec,
            namespaces,
            cgroups: &cgroups,
            in_sealed_copy,
            can_share_memory: life::is_told_of_every_end(kernel),
        },
    );
    stream::answer(text.as_bytes())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| Error::new("write", stream::name(1), errno))
}

fn check_file(operation: &str, file: Option<&OsString>) -> Result<(), Error> {
    let Some(file) = file else { return Ok(()) };
    let path = CString::new(file.as_bytes()).map_err(|_| Errno::EINVAL);
    path.and_then(|path| stream::check_file(&path))
        .map_err(|errno| Error::new(operation, file.as_bytes(), errno))
}
