//! Attacks and faults that got the better of mydocker once, a module for each kind. Every module runs its attack as
//! root and as an ordinary user, in both modes, and fails without the cure.

#[path = "../common/mod.rs"]
mod common;
mod open_descriptors;
mod standard_descriptors;
#[path = "../common/tree.rs"]
mod tree;

mod host_names;
mod many_options;
