//! What a container's monitor and who asks something of it say to each other.
//!
//! The monitor listens on a socket of records in the container's directory. Who calls sends a [`Request`], and gets an
//! [`Answer`]; who has asked to be attached then sends what is typed ([`Typed`]) and gets what the container writes
//! ([`Shown`]). One message is one record: its first byte says what it is, and numbers are the machine's own. Both ends may
//! be of different versions of mydocker: a request that is not known is answered, and a message behind the answer that
//! is not known is passed over.
//!
//! The connection ends when the container has ended and its state is written: who waits for that waits for the end of the
//! connection ([`until_closed`]).

mod client;
mod message;
mod record;
mod server;

pub use client::{
    Caller, answer, ask, call, connect, is_answered_in, is_closed_in, send, until_closed,
};
pub use message::{Answer, Attached, Patience, Request, Shown, Typed};
pub use record::{LONGEST, MOST_BYTES};
pub use server::{accept, listen};

use std::ffi::CStr;

/// The socket's name in the container's directory.
pub const SOCKET: &CStr = c"socket";
