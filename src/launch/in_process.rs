//! The default way: the child walks the plan in the memory it was cloned with.

use super::{Launch, Pipe};
use crate::init::{self, Descriptors};
use crate::plan::InitPlan;
use crate::sys::clone::{self, Memory};
use crate::sys::stack::ChildStack;
use crate::sys::{Errno, Pid, allocation};

struct Birth<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors,
}

pub(super) fn clone(launch: &Launch<'_>, pipe: &Pipe, flags: u32) -> Result<Pid, Errno> {
    let birth = Birth {
        plan: launch.plan,
        descriptors: launch.descriptors(pipe),
    };
    // A reaper stays PID 1 for good: in shared memory we would sleep until it ends, and the
    // container could reach us through it.
    let memory = match launch.plan.reaper {
        None => Memory::Shared,
        Some(_) => Memory::Copied,
    };
    let mut stack = ChildStack::new()?;
    let pid = clone::spawn(
        flags,
        memory,
        &mut stack,
        |birth: &Birth<'_>| {
            init::begin(birth.plan, &birth.descriptors);
            init::run(birth.plan, &birth.descriptors)
        },
        &birth,
    );
    allocation::allow();
    pid
}
