//! What keeps the capability that a step takes from the process that does the step.

use super::telling::Words;
use crate::field::Field;
use crate::hint::Hint;
use crate::hint::host::Host;
use crate::plan::InitPlan;
use crate::report::Failed;
use crate::sys::Errno;
use crate::sys::capability::{self, NET_ADMIN};
use std::borrow::Cow;

/// Why a step with these words was refused, if it is for want of a capability that is seen to be wanting.
#[cold]
#[inline(never)]
pub fn cause(plan: &InitPlan, words: &Words, failed: Failed) -> Option<Hint> {
    found(
        &Host::here(),
        plan.makes_user_namespace(),
        words,
        failed.errno,
    )
}

fn found(host: &Host, user_namespace: bool, words: &Words, errno: Errno) -> Option<Hint> {
    let capability = words.capability?;
    if user_namespace {
        if words.has_conditions_of_its_own {
            return None;
        }
        // In a new one the process has all of them, unless something takes them away.
        let refused = matches!(errno, Errno::EPERM | Errno::EACCES);
        let restriction = refused.then(|| host.apparmors_restriction()).flatten();
        return restriction.map(Cow::Borrowed);
    }
    if errno != Errno::EPERM || !host.lacks(capability) {
        return None;
    }
    let name = capability::name(capability)?;
    let otherwise = match capability {
        NET_ADMIN => Field::HostNetwork.between("; ", " does without"),
        _ => String::new(),
    };
    Some(Cow::Owned(format!(
        "it takes CAP_{name}, which mydocker does not have here{otherwise}"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::steps::words;
    use super::*;
    use crate::hint::host::tests::{APPARMOR, Fabricated, ORDINARY};
    use crate::plan::Step;

    #[test]
    fn a_cause_is_named_only_if_it_was_seen() {
        let root = ("proc/self/status", "CapEff:\t0000000000200000\n");
        let host = Fabricated::new("no-net-admin", 0, &[root]);
        let cause = |step: &Step, errno| found(&host.0, false, &words(step), errno);
        assert!(
            cause(&Step::LoopbackUp, Errno::EPERM)
                .unwrap()
                .contains("it takes CAP_NET_ADMIN")
        );
        // It has that one.
        assert_eq!(cause(&Step::MakeMountsPrivate, Errno::EPERM), None);
        assert_eq!(cause(&Step::LoopbackUp, Errno::ENODEV), None);
        assert_eq!(cause(&Step::NewSession, Errno::EPERM), None);

        let host = Fabricated::new("restricted", 7, &[ORDINARY, APPARMOR]);
        let free = Fabricated::new("free", 7, &[ORDINARY]);
        for step in [
            Step::DenySetgroups,
            Step::MapUser(vec![]),
            Step::MakeMountsPrivate,
            Step::LoopbackUp,
        ] {
            for errno in [Errno::EPERM, Errno::EACCES] {
                let cause = found(&host.0, true, &words(&step), errno).unwrap();
                assert!(cause.contains("AppArmor"), "{step:?}: {cause}");
                assert_eq!(found(&free.0, true, &words(&step), errno), None);
            }
            assert_eq!(found(&host.0, true, &words(&step), Errno::EINVAL), None);
        }
    }
}
