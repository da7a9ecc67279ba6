//! To whom the terminal and the pipes belong that a container has.

use crate::plan;
use crate::spec::{ContainerSpec, Identity};
use crate::sys::identity;

/// Who owns the container's terminal, as its maker names them.
pub fn terminal_owner(spec: &ContainerSpec) -> Option<u32> {
    let maker_is_inside = plan::makes_terminal(spec);
    match &spec.identity {
        Identity::Set { user, .. } => *user,
        // Mapped to the caller, who makes it.
        Identity::Mapped { .. } => None,
        Identity::Ranged { user, .. } if maker_is_inside => (*user != 0).then_some(*user),
        Identity::Ranged { user, ids, .. } if identity::effective_user() == 0 => ids.outside(*user),
        // The caller's, who may not give it away: the command has it open, and /dev/tty.
        Identity::Ranged { .. } => None,
    }
}

/// To whom the pipes belong that the container has for its 0, 1 and 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeOwner {
    /// Whoever made them; the command can open them by /proc/self/fd, for it is that user, or root.
    Maker,
    /// The user of this number outside, to whom mydocker gives them.
    Outside(u32),
    /// The user of this number inside, to whom the child gives them.
    Inside(u32),
}

pub fn pipe_owner(spec: &ContainerSpec) -> PipeOwner {
    let is_root = identity::effective_user() == 0;
    match &spec.identity {
        Identity::Set {
            user: Some(user @ 1..),
            ..
        } => PipeOwner::Outside(*user),
        // Mapped to the caller.
        Identity::Set { .. } | Identity::Mapped { .. } => PipeOwner::Maker,
        // The container's root is no one to files of the host's root.
        Identity::Ranged { user, ids, .. } if is_root => ids
            .outside(*user)
            .map_or(PipeOwner::Maker, PipeOwner::Outside),
        // The caller is root inside, and may give away there what it could not outside.
        Identity::Ranged { user: 0, .. } => PipeOwner::Maker,
        Identity::Ranged { user, .. } => PipeOwner::Inside(*user),
    }
}
