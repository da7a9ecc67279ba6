//! Values for the tests: no two strings or numbers of them are the same, so what is mixed up on the way is seen.

use super::table::Wire;
use crate::plan::Step;
use std::collections::HashMap;
use std::mem::discriminant;
use std::vec::IntoIter;

/// What makes each value another one.
#[derive(Default)]
pub struct Seed(u32);

impl Seed {
    pub fn number(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

/// The samples of a field, one after the other, and new ones when they are used up: other fields may have more.
pub struct Round<T>(IntoIter<T>);

impl<T: Wire> Round<T> {
    pub fn new(seed: &mut Seed) -> Self {
        Self(T::samples(seed).into_iter())
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn next(&mut self, seed: &mut Seed) -> T {
        if self.count() == 0 {
            *self = Self::new(seed);
        }
        self.0.next().expect("no type is without samples")
    }
}

/// Each kind of step, in all its forms.
pub fn every_kind_of_step() -> Vec<Step> {
    Wire::samples(&mut Seed::default())
}

/// Sees that no two kinds of step have the same text.
pub fn assert_told_apart(text_of: impl Fn(&Step) -> String) {
    let mut seen = HashMap::new();
    for step in every_kind_of_step() {
        let inner = match &step {
            Step::Root(step) => Some(discriminant(&**step)),
            _ => None,
        };
        let kind = (discriminant(&step), inner);
        let text = text_of(&step);
        let other = *seen.entry(text.clone()).or_insert(kind);
        assert_eq!(other, kind, "{step:?} is told as another is: {text}");
    }
}
