//! Hooks that the container's first process runs.

use super::telling::{Blank, Told};
use crate::error::Error;
use crate::plan::hook::{HookMoment, HookPlan};
use crate::report::{Failed, Part};
use crate::sys::Errno;
use crate::sys::process::Ended;

impl<'p> Blank<'p> {
    pub fn run_hook(self, hook: &HookPlan) -> Told<'p> {
        self.says("run", &named(hook)).why(match hook.moment {
            HookMoment::CreateContainer => {
                "The engine asks for it, in the container's namespaces: everything is mounted, and the program is found by a path \
                 of the host's, for the root is not entered. It has the container's state on its stdin. Runtime \
                 specification, POSIX-platform hooks"
            }
            HookMoment::StartContainer => {
                "The engine asks for it, before the command is executed: a program of the container's, as the command's user. It \
                 has the container's state on its stdin. Runtime specification, POSIX-platform hooks"
            }
        })
    }
}

fn named(hook: &HookPlan) -> Vec<u8> {
    let before = format!("{} hook #{}, ", hook.moment.name(), hook.number);
    [before.as_bytes(), hook.path.to_bytes()].concat()
}

/// How a hook has ended that has failed.
#[cold]
#[inline(never)]
pub fn how(ended: Ended) -> String {
    match ended {
        Ended::Exited(code) => format!("exit status {code}"),
        Ended::Signaled(libc::SIGSYS) => {
            "it was killed by signal 31: bad system call, by a filter's verdict".to_owned()
        }
        Ended::Signaled(number) => format!("it was killed by signal {number}"),
    }
}

/// How a hook has ended. `None`: by an errno of ours.
#[cold]
#[inline(never)]
pub fn ended(hook: &HookPlan, failed: Failed) -> Option<Error> {
    let named = format!(
        "error running {} hook #{}: ",
        hook.moment.name(),
        hook.number
    );
    let reason = match (failed.part, failed.errno) {
        (Part::Source, errno) => {
            return Some(Error::new(named + "execute", hook.path.to_bytes(), errno));
        }
        (Part::Whole, Errno::ETIMEDOUT) => format!(
            "it was killed, for it took longer than its timeout of {} s",
            hook.timeout.unwrap_or_default()
        ),
        (Part::Item(code), Errno::ECHILD) => how(Ended::Exited(code)),
        (Part::Item(number), Errno::EINTR) => how(Ended::Signaled(number.into())),
        _ => return None,
    };
    let object = [named.as_bytes(), hook.path.to_bytes()].concat();
    Some(Error::refused_for(object, reason))
}
