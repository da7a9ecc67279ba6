//! What is said when a step has failed. The option that asked comes first.

#[cfg(feature = "oci")]
use super::hooks;
use super::steps::words;
use super::telling::Words;
use super::{bits, capability, root};
use crate::error::Error;
use crate::hint::host::{self, Host};
use crate::hint::{Hint, hint};
use crate::plan::root::RootStep;
use crate::plan::{InitPlan, Step};
use crate::report::{Failed, Part};
use crate::sys::{Errno, MountFlags};
use std::borrow::Cow;

/// `step` of `plan` failed.
#[cold]
#[inline(never)]
pub fn describe_failure(plan: &InitPlan, step: &Step, failed: Failed) -> Error {
    #[cfg(feature = "oci")]
    if let Step::RunHook(hook) = step
        && let Some(error) = hooks::ended(hook, failed)
    {
        return error;
    }
    let words = words(step);
    let cause = capability::cause(plan, &words, failed);
    describe(step, words, failed).because(cause)
}

fn describe(step: &Step, words: Words, failed: Failed) -> Error {
    let errno = failed.errno;
    if let Some((_, tells)) = words.found.filter(|(found, _)| *found == errno) {
        let subject = [words.operation.as_bytes(), b" ", &words.object].concat();
        return Error::refused(subject, tells);
    }
    let doing = words.doing(failed.part);
    let hinted = seen(step, failed).or_else(|| hint(doing?, errno));
    let (verb, option, object) = part(step, words, failed.part);
    let operation = match option {
        None => verb.into_owned(),
        Some(option) if verb.is_empty() => option + ":",
        Some(option) => option + ": " + &verb,
    };
    Error::new(operation, object, errno).because(hinted)
}

/// What was done, for which option, to what.
fn part(step: &Step, words: Words, part: Part) -> (Cow<'static, str>, Option<String>, Vec<u8>) {
    let Words {
        option,
        operation,
        object,
        source,
        ..
    } = words;
    let in_container = |object: &[u8]| [object, b" in the container"].concat();
    let (verb, object) = match part {
        Part::Whole => (operation, object),
        // What an option names itself need not be told again what it was wanted for.
        Part::Source if option.is_some() => ("".into(), source),
        Part::Source => (operation, source),
        Part::Target => ("find".into(), in_container(&object)),
        Part::Make => ("make".into(), in_container(&object)),
        Part::Restrict => (restricting(step), object),
        Part::Item(index) => {
            match root_step(step).and_then(|step| root::restricted_path(step, index)) {
                Some((verb, path)) => (verb.into(), path),
                None => (operation, object),
            }
        }
    };
    (verb, option, object)
}

/// How a mount is restricted.
fn restricting(step: &Step) -> Cow<'static, str> {
    match step {
        Step::MountKernelFs(step) if !step.in_root => {
            let flags = step
                .way
                .bound()
                .map_or(MountFlags::NONE, |hosts| hosts.flags);
            let flags = bits::flags(flags.and(MountFlags::NODEV));
            format!("set {flags} on").into()
        }
        _ => "set the mount's flags on".into(),
    }
}

fn root_step(step: &Step) -> Option<&RootStep> {
    match step {
        Step::Root(step) => Some(step),
        _ => None,
    }
}

/// The cause, where the step and the host show it.
fn seen(step: &Step, failed: Failed) -> Option<Hint> {
    match (root_step(step)?, failed.part, failed.errno) {
        (RootStep::FileSystem(step), Part::Whole, Errno::EINVAL) => {
            Host::here().unknown_id(&step.data).map(Hint::Owned)
        }
        (RootStep::Bind(step), _, Errno::EACCES) => host::closed(&step.path).map(Hint::Borrowed),
        (RootStep::Copy(step), _, Errno::EACCES) => host::closed(&step.path).map(Hint::Borrowed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::wire::samples::assert_told_apart;

    #[test]
    fn every_step_has_words_of_its_own() {
        assert_told_apart(|step| {
            let message = describe(step, words(step), Errno::EPERM.into()).to_string();
            assert!(message.contains("(EPERM)"), "{message}");
            message
        });
    }
}
