//! The default way: the child walks the plan in the memory it was cloned with.

use super::{Launch, Pipe};
use crate::init::{self, Descriptors};
use crate::plan::InitPlan;
use crate::sys::clone::{self, Memory};
use crate::sys::stack::ChildStack;
use crate::sys::{Errno, Pid};

/// What the child is given.
pub(super) struct Birth<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors,
}

impl<'a> Birth<'a> {
    pub fn new(launch: &'a Launch<'_>, pipe: &Pipe) -> Self {
        Self {
            plan: launch.plan,
            descriptors: launch.descriptors(pipe),
        }
    }

    pub fn clone(&self, flags: u32, stack: &mut ChildStack) -> Result<Pid, Errno> {
        // A reaper stays for good: in shared memory we would sleep until it ends, and the container
        // could reach us through it.
        let memory = match self.plan.reaper {
            None => Memory::Shared,
            Some(_) => Memory::Copied,
        };
        clone::spawn(flags, memory, stack, Self::run, self)
    }

    /// The child's side.
    fn run(&self) -> ! {
        init::begin(self.plan, &self.descriptors);
        init::run(self.plan, &self.descriptors)
    }
}
