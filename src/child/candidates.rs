//! The files by which a command may be found.

use crate::plan::ExecPlan;
use crate::pool::job::Texts;
use std::ffi::CStr;

/// The files to try, in this order.
#[derive(Clone, Copy)]
pub enum Candidates<'a> {
    /// Of a plan.
    Planned(&'a ExecPlan),
    /// Of a job that a box was handed.
    Handed(Texts<'a>),
}

impl<'a> Candidates<'a> {
    pub fn len(self) -> usize {
        match self {
            Self::Planned(plan) => plan.candidates.len(),
            Self::Handed(files) => files.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn get(self, index: usize) -> Option<&'a CStr> {
        match self {
            Self::Planned(plan) => plan.candidates.get(index).map(AsRef::as_ref),
            Self::Handed(files) => files.iter().nth(index),
        }
    }

    pub fn iter(self) -> impl Iterator<Item = &'a CStr> {
        (0..self.len()).map_while(move |index| self.get(index))
    }
}
