//! A network namespace that others have made meanwhile, entered by the container's first process.
//!
//! From the pool it takes one itself: the clone and the mounts have gone on while the pool woke up and answered, so no one
//! has waited for it. Without one, a process of ours makes it while the root is built ([`network_maker`]).

use super::{Channel, Descriptors};
use crate::lingering;
use crate::pool::{PATIENCE, SPARE};
use crate::report::Lack;
use crate::sys::clone::NewNamespaces;
use crate::sys::descriptor::{self, Undropped, Waiting};
use crate::sys::in_child::InChild;
use crate::sys::local_socket::{self, Record};
use crate::sys::network_maker::{self, Progress};
use crate::sys::node::{self, HERE};
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

/// Enters the namespace of the one who makes it, when it is made, or a new one if that has failed: then no one has it
/// but this process, either. Whether its loopback will be set up.
pub fn enter_beside(descriptors: &Descriptors<'_>, child: InChild) -> Result<bool, Errno> {
    let word = descriptors.channel.board.network();
    let progress = match word.filter(|word| !network_maker::take_back(word)) {
        Some(word) => network_maker::further_than(Progress::Making, word),
        None => Ok(Progress::Ended),
    };
    let is_entered = match (progress, descriptors.network_maker) {
        (Ok(Progress::Cloned), _) => return Ok(false),
        // It stays in its namespace from then on, to its end: then there is nothing to be joined by it.
        (Ok(Progress::Made | Progress::Up | Progress::Down), Some(maker)) => {
            namespace::join(maker.as_fd(), NewNamespaces::NETWORK).is_ok()
        }
        _ => false,
    };
    if let Some(maker) = descriptors.network_maker {
        maker.close(child);
    }
    match is_entered {
        true => Ok(true),
        false => make_at_once().map(|()| false),
    }
}

/// Whether the loopback of the namespace that was made meanwhile is up.
pub fn is_up(channel: &Channel<'_>) -> bool {
    let word = channel.board.network();
    word.map(|word| network_maker::further_than(Progress::Made, word)) == Some(Ok(Progress::Up))
}

/// Not after a while if there may be none at all.
#[cold]
#[inline(never)]
fn make_at_once() -> Result<(), Errno> {
    match namespace::new_network() {
        Err(Errno::ENOSPC) if may_be_none() => Err(Errno::ENOSPC),
        Err(Errno::ENOSPC) => lingering::outlast(namespace::new_network),
        made => made,
    }
}

fn may_be_none() -> bool {
    let mut limit = [0; 2];
    let file = node::open(
        HERE,
        c"/proc/sys/user/max_net_namespaces",
        libc::O_RDONLY,
        0,
    );
    let read = file.and_then(|file| {
        let read = descriptor::read(file.as_fd(), &mut limit);
        descriptor::close(file);
        read
    });
    read.is_ok() && limit == *b"0\n"
}
