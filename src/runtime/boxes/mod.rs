//! Containers that are made before anyone asks for them: `mydocker pool` keeps them, `mydocker run --pool` has its command run
//! in one.
//!
//! A *box* is a container that lacks only what is to run. It is a child of the pool's; its root and its mounts are made, its
//! loopback is up, it has the rights of the command and its filter, and it waits in accept(2) (`child/job.rs`, which tells how
//! it gets its job). It is used once. What box a run needs is told by its options and by who the caller is
//! ([`description`]). The options are in the name of the socket, so that a run whose box is not kept here finds none; the
//! caller is in the job, and a box refuses those of others. Both are started as without a pool.
//!
//! The client does for the command what it does for a child of its own: it relays, supervises, tells. What only a parent can do it
//! asks the pool for ([`crate::monitor::line`]). So a container ends with its client or with its pool, whichever goes first.
//!
//! That it ends with its pool is the death signal's work (PR_SET_PDEATHSIG), which a command loses that changes its user.
//! CLONE_PIDFD_AUTOKILL (Linux 7.1) would be kept through that, and is not used: it takes CLONE_AUTOREAP, and a process that
//! the kernel reaps by itself has no wait4(2), whose rusage `--report` tells.

mod by_birth;
pub mod client;
pub mod description;
mod hand_over;
pub mod keep;
mod kept;
mod places;
pub mod why;
