//! A container's cgroups, exactly where `linux.cgroupsPath` says, in every hierarchy that there is: the engines read them
//! there. As runc's driver `cgroupfs` has it.
//!
//! ```text
//! hierarchies  where: the path in each hierarchy of v1 and in v2
//! make         one is made there, with those above it
//! placed       all are made, filled, entered, and removed if the start fails
//! resources    `linux.resources`, written to files
//! devices      which devices may be used: by files of v1, or by a program for v2
//! change       other limits, while it runs
//! merge        what is asked anew, with what was
//! stats        what they count
//! oom          when memory was short
//! open         those that are there, by their controllers
//! record       what state.json keeps of them; what other commands do with them
//! ```
//!
//! What they cost is the kernel's: to make one in each of ten hierarchies 280 us (memory 50, v2 40, the others 15 to 30), to
//! remove them 230, to join 5 to 15 each, for the first process writes a 0 to `tasks` by itself, which waits for no grace
//! period. (Its pid, written by mydocker to `tasks` or `cgroup.procs`, waits for one: 12 to 17 ms after a rest.) So a
//! hierarchy's top is opened once, what is made is used by its descriptor, and nothing is read that can be known. Where there
//! is more to do than there are processors, who comes into a new group of `cpu` waits for its turn, some milliseconds.
//!
//! docker's cgroups (`crate::cgroup`) have names of mydocker's own, are found again by a lock, and are only where something is
//! limited. These have their names from an engine, may be there before, and are kept when the runtime exits.

mod change;
mod devices;
mod hierarchies;
mod make;
mod merge;
mod oom;
mod open;
mod placed;
mod record;
mod resources;
mod stats;

pub use merge::{Merged, merge, to_json};
pub use oom::Lookout;
pub use placed::{Manager, Placed, Wanted, is_rootless};
pub use record::{Record, Records};
