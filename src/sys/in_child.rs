//! What only a child may do, in the type of who does it.

/// Says that this code runs in a child: its table of descriptors is its own, and nothing in it is anyone's own, for what
/// was the parent's is closed by the parent's destructors, in the parent. Calls that close or replace descriptors by their
/// number want it.
///
/// [`clone::spawn`](super::clone::spawn) makes one for its child, and
/// [`memfd::in_executed_child`](super::memfd::in_executed_child) for a child that has executed a program since.
#[derive(Clone, Copy, Debug)]
pub struct InChild(());

impl InChild {
    /// Only for code that runs in one.
    pub(super) const fn new() -> Self {
        Self(())
    }
}
