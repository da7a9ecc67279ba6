//! The network namespace from the pool, taken by the container's first process itself: the clone and
//! the mounts have gone on while the pool woke up and answered, so no one has waited for it.

use super::Channel;
use crate::lingering;
use crate::pool::{PATIENCE, SPARE};
use crate::report::Lack;
use crate::sys::clone::NewNamespaces;
use crate::sys::descriptor::{self, Undropped, Waiting};
use crate::sys::local_socket::{self, Record};
use crate::sys::{Errno, namespace, network};
use std::os::fd::BorrowedFd;

/// Enters the namespace that the pool sends over `socket`, or a new one if it sends none: whether it is the pool's.
pub fn enter(socket: BorrowedFd<'_>, channel: &Channel<'_>) -> Result<bool, Errno> {
    match answer(socket) {
        Ok(spare) => {
            let entered = namespace::join(spare.as_fd(), NewNamespaces::NETWORK);
            descriptor::close(spare);
            entered.map(|()| true)
        }
        Err(why) => {
            channel.board.leave_lack(Lack::Spare, why);
            make_own().map(|()| false)
        }
    }
}

/// The answer: a spare, or why there is none. Usually it is there, and need not be waited for.
fn answer(socket: BorrowedFd<'_>) -> Result<Undropped, Errno> {
    let mut record = local_socket::receive(socket);
    if matches!(record, Err(Errno::EAGAIN)) {
        descriptor::wait(&mut [Waiting::to_read(socket)], PATIENCE)?;
        record = local_socket::receive(socket);
    }
    match record? {
        Some(Record {
            byte: SPARE,
            file: Some(spare),
        }) => Ok(spare),
        Some(_) => Err(Errno::ENOENT),
        // It has died.
        None => Err(Errno::ECONNRESET),
    }
}

fn make_own() -> Result<(), Errno> {
    lingering::outlast(namespace::new_network)?;
    network::loopback_up().map(drop)
}
