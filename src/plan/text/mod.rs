//! What there is to say of a step: what it is called, what its errors may mean, and why it is there.
//!
//! One text serves three: the message when the step fails, the log and the timing, which name it, and `--explain`, which
//! says all. The order of the steps is decided in `src/plan/build`, which has the same reasons in its comments.

pub mod bits;
mod capability;
mod command;
mod failure;
mod filter;
#[cfg(feature = "oci")]
mod hooks;
mod identity;
mod limits;
mod mounts;
mod namespaces;
#[cfg(feature = "oci")]
mod own;
pub mod page;
mod process;
mod rights;
mod root;
mod steps;
mod streams;
pub mod telling;

pub use command::describe_execve;
#[cfg(feature = "oci")]
pub use command::not_in_engines_path;
pub use failure::describe_failure;
#[cfg(feature = "oci")]
pub use hooks::how as hook_ended;

use super::Step;
use page::Page;
use telling::{Start, Telling};

/// What `step` does, in a few words.
pub fn name_step(step: &Step) -> String {
    steps::words(step).name()
}

/// Tells `step` on a page: its name, why it is there, and what it carries.
pub fn explain_step(step: &Step, page: &mut Page, start: &Start<'_>) {
    let mut telling = Telling::on(page, start);
    steps::tell(step, telling.begin());
}
