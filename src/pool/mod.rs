//! Spare network namespaces, made before they are needed.
//!
//! Of all that a container start has the kernel do, the network namespace takes the longest: more
//! than a third of the whole. It is also the one thing that does not depend on the container. So
//! `mydocker pool` makes some while nothing starts, and hands them out; `mydocker run --pool` takes
//! one, or makes its own if there is none to be had.
//!
//! A spare is as good as one's own: new, its loopback up and nothing else in it, entered by no process
//! but the one that made it, which left it at once; handed to one caller and then forgotten here. It
//! lives by the descriptors that refer to it, so whatever dies, nothing is left over.
//!
//! # The protocol
//!
//! A record socket in a directory that only its owner can enter. Who connects is answered once,
//! without having asked: [`SPARE`] with a namespace, or [`NONE`]. Each side makes sure that the other
//! is the same user: someone else's namespace could be one that they are in.

mod beside;
mod client;
pub mod job;
pub mod server;

pub use beside::Beside;
pub use client::{Call, knock};
pub use server::serve;

/// The name of the socket in the pool's directory.
const SOCKET: &str = "socket";

/// The answer that comes with a namespace.
pub const SPARE: u8 = b's';
/// The other one.
pub const NONE: u8 = b'n';

/// What a box answers that has taken a job, and what one that is not for it.
pub const TAKEN: u8 = b'y';
pub const REFUSED: u8 = b'n';

/// How long an answer is waited for, in milliseconds: longer than the pool takes to make the namespace
/// that it may be at, shorter than anyone would call a hang.
pub const PATIENCE: i32 = 50;

/// `mydocker pool`, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolArgs {
    /// How many spares to keep.
    pub size: usize,
    /// How old a box may become before another takes its place.
    pub oldest: Option<std::time::Duration>,
    pub directory: std::ffi::OsString,
}

impl PoolArgs {
    pub const DEFAULT_SIZE: usize = 16;
    pub const DEFAULT_DIRECTORY: &str = "/run/mydocker-pool";
}
