//! Who makes the container's network namespace: the clone, or a process beside it ([`network_maker`]).

use super::Launch;
use crate::report::Board;
use crate::spec::{Namespace, Namespaces};
use crate::sys::{affinity, network_maker, scheduler};
use std::os::fd::BorrowedFd;

impl Launch<'_> {
    /// While a process makes the container's network namespace, if that is to be, and a processor has nothing else to do: the
    /// process would take longer to have its turn than the clone takes to make one (measured among fourteen compilers: 1.4 to
    /// 1.8 of the time of a start). `bear` is given who makes it, and what is left for the clone.
    pub(super) fn beside<T>(
        &self,
        board: Board<'_>,
        bear: impl FnOnce(Option<BorrowedFd<'_>>, Namespaces) -> T,
    ) -> T {
        match board.network() {
            Some(word) if self.plan.has_network_beside() => {
                let bear = |maker: Option<BorrowedFd<'_>>| match maker {
                    Some(_) => bear(maker, self.namespaces),
                    None => {
                        network_maker::leave_to_clone(word);
                        bear(None, self.namespaces.with(Namespace::Network))
                    }
                };
                match a_processor_is_idle() {
                    true => network_maker::beside(word, bear),
                    false => bear(None),
                }
            }
            _ => bear(None, self.namespaces),
        }
    }
}

/// Whether fewer tasks run than there are processors for us, this one among them.
#[cold]
#[inline(never)]
fn a_processor_is_idle() -> bool {
    let running = scheduler::running_tasks();
    affinity::processors()
        .is_ok_and(|own| running.is_some_and(|running| own.numbers().nth(running).is_some()))
}
