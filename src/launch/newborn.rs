//! The child's side of the clone.

use super::re_exec::Again;
use crate::child::{self, Descriptors};
use crate::lingering;
use crate::plan::InitPlan;
use crate::sys::clone::{self, NewNamespaces};
use crate::sys::in_child::InChild;

/// What the child is given.
pub struct Newborn<'a> {
    plan: &'a InitPlan,
    descriptors: Descriptors<'a>,
    /// By re-exec: how mydocker is executed anew.
    again: Option<&'a Again>,
    /// What the first process is born into, if it is born of a forerunner.
    namespaces: NewNamespaces,
}

impl<'a> Newborn<'a> {
    pub fn new(
        plan: &'a InitPlan,
        descriptors: Descriptors<'a>,
        again: Option<&'a Again>,
        namespaces: NewNamespaces,
    ) -> Self {
        Self {
            plan,
            descriptors,
            again,
            namespaces,
        }
    }

    /// The child rule holds.
    pub fn live(child: InChild, newborn: &Self) -> ! {
        let Self {
            plan, descriptors, ..
        } = newborn;
        child::begin(child, descriptors);
        if plan.forerunner.is_empty() {
            Self::be_born(child, newborn)
        }
        child::forerun(child, plan, descriptors);
        let bear = || clone::spawn_sibling(child, newborn.namespaces, Self::be_born, newborn);
        child::bear(lingering::outlast(bear), descriptors)
    }

    fn be_born(child: InChild, newborn: &Self) -> ! {
        let Self {
            plan,
            descriptors,
            again,
            namespaces: _,
        } = newborn;
        child::be_born(child, plan, descriptors);
        match again {
            None => child::run(child, plan, descriptors),
            Some(again) => again.execute(child, descriptors),
        }
    }
}
