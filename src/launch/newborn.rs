//! The child's side of the clone.

use super::re_exec::Again;
use crate::child::{self, Descriptors};
use crate::plan::InitPlan;
use crate::sys::in_child::InChild;

/// What the child is given.
pub struct Newborn<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors<'a>,
    /// By re-exec: how mydocker is executed anew.
    again: Option<&'a Again>,
}

impl<'a> Newborn<'a> {
    pub fn new(plan: &'a InitPlan, descriptors: Descriptors<'a>, again: Option<&'a Again>) -> Self {
        Self {
            plan,
            descriptors,
            again,
        }
    }

    /// The child rule holds.
    pub fn live(child: InChild, newborn: &Self) -> ! {
        let Self {
            plan,
            descriptors,
            again,
        } = newborn;
        child::begin(child, plan, descriptors);
        match again {
            None => child::run(child, plan, descriptors),
            Some(again) => again.execute(child, descriptors),
        }
    }
}
