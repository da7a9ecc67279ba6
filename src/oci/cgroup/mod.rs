//! A container's cgroups, exactly where `linux.cgroupsPath` says, in every hierarchy that there is: the engines read them
//! there. As runc's driver `cgroupfs` has it.
//!
//! ```text
//! place      where: the path in each hierarchy of v1 and in v2
//! placed     made, filled with `linux.resources`, entered, removed if the start fails
//! record     what state.json keeps of them; opened again by the other commands
//! ```
//!
//! docker's cgroups (`crate::cgroup`) have names of mydocker's own, are found again by a lock, and are only where something is
//! limited. These have their names from an engine, may be there before, and are kept when the runtime exits.

mod placed;
mod record;

pub use placed::{Manager, Placed, Wanted};
pub use record::{Record, Records};
