//! The default way: the child walks the plan in the memory it was cloned with.

use super::Launch;
use crate::child::{self, Channel, Descriptors, Gate};
use crate::plan::InitPlan;
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::in_child::InChild;
use crate::sys::{Errno, Pid};
use std::os::fd::BorrowedFd;

/// What the child is given.
pub(super) struct Birth<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors<'a>,
    cgroup: Option<BorrowedFd<'a>>,
}

impl<'a> Birth<'a> {
    pub fn new(
        launch: &'a Launch<'_>,
        channel: Channel<'a>,
        gate: Option<Gate<'a>>,
        reaper: Option<BorrowedFd<'a>>,
    ) -> Self {
        Self {
            plan: launch.plan,
            descriptors: launch.descriptors(channel, gate, reaper),
            cgroup: launch.cgroup,
        }
    }

    pub fn clone(&self, namespaces: NewNamespaces, memory: Memory) -> Result<Pid, Errno> {
        clone::spawn(namespaces, memory, self.cgroup, Self::run, self)
    }

    /// The child's side.
    fn run(child: InChild, birth: &Self) -> ! {
        child::begin(child, birth.plan, &birth.descriptors);
        child::run(child, birth.plan, &birth.descriptors)
    }
}
