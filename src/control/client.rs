//! The side of who asks.

use super::message::{Answer, Request};
use super::record::LONGEST;
use super::server;
use crate::error::Error;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::{Errno, facts, local_socket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How long to wait before calling again where too many wait already, in milliseconds.
const BUSY: i32 = 20;

/// What came of a call to a monitor.
pub enum Caller {
    Connected(OwnedFd),
    /// No monitor listens there, or not any more.
    NoOne,
}

/// Calls the monitor whose socket lies in `directory`.
///
/// Errors: it is neither the directory's owner's nor root's.
pub fn connect(directory: BorrowedFd<'_>) -> Result<Caller, Error> {
    let failed = |errno| Error::new("connect to", "the container's monitor", errno);
    let path = server::path(directory).map_err(failed)?;
    let socket = loop {
        match local_socket::connect(&path) {
            Ok(socket) => break socket,
            Err(Errno::ENOENT | Errno::ECONNREFUSED) => return Ok(Caller::NoOne),
            Err(Errno::EAGAIN) => {
                descriptor::wait(&mut [], BUSY).map_err(failed)?;
            }
            Err(errno) => return Err(failed(errno)),
        }
    };
    let owner = facts::facts(directory).map_err(failed)?.owner;
    let user = local_socket::peer_user(socket.as_fd()).map_err(failed)?;
    match user == owner || user == 0 {
        true => Ok(Caller::Connected(socket)),
        false => Err(Error::refused(
            "the container's monitor",
            "another user answers in its place",
        )),
    }
}

/// Sends a request and waits for the answer. `None`: the connection has ended without one, and the monitor has, too.
pub fn call(socket: BorrowedFd<'_>, request: Request) -> Result<Option<Answer>, Error> {
    send(socket, request)?;
    answer(socket)
}

/// Sends a request. That the other end is closed is told by what is waited for then.
pub fn send(socket: BorrowedFd<'_>, request: Request) -> Result<(), Error> {
    match descriptor::send_without_waiting(socket, &request.encode()) {
        Ok(_) | Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(()),
        Err(errno) => Err(failed(errno)),
    }
}

/// Waits for the answer to a request that was sent.
pub fn answer(socket: BorrowedFd<'_>) -> Result<Option<Answer>, Error> {
    let mut buffer = vec![0; LONGEST];
    let count = match next(socket, &mut buffer)? {
        0 => return Ok(None),
        count => count,
    };
    let answer = buffer.get(..count).and_then(Answer::decode);
    let unknown = || failed(Errno::EBADMSG).hint(Some("it may be of another version of mydocker"));
    answer.map(Some).ok_or_else(unknown)
}

/// Has something done: as [`call`], where what is refused is an error.
pub fn ask(socket: BorrowedFd<'_>, request: Request) -> Result<(), Error> {
    match call(socket, request)? {
        Some(Answer::Refused(why)) => Err(Error::told(&why)),
        Some(Answer::Done | Answer::Attached(_)) => Ok(()),
        None => Err(failed(Errno::ECONNRESET).hint(Some("the container has just ended"))),
    }
}

/// Waits for the end of the connection, which comes when the container has ended and its state is written.
pub fn until_closed(socket: BorrowedFd<'_>) -> Result<(), Error> {
    let mut buffer = [0; 1];
    while next(socket, &mut buffer)? > 0 {}
    Ok(())
}

/// Whether a message, or the end, comes in so many milliseconds.
pub fn is_answered_in(socket: BorrowedFd<'_>, milliseconds: i32) -> Result<bool, Error> {
    let mut waiting = [Waiting::to_read(socket)];
    descriptor::wait(&mut waiting, milliseconds).map_err(failed)?;
    Ok(waiting[0].happened())
}

/// Whether the connection ends in so many milliseconds, or goes on for so long without a message.
pub fn is_closed_in(socket: BorrowedFd<'_>, milliseconds: i32) -> Result<bool, Error> {
    Ok(is_answered_in(socket, milliseconds)? && next(socket, &mut [0; 1])? == 0)
}

/// Waits for the next record. Zero is the end.
fn next(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Error> {
    loop {
        match local_socket::receive_bytes(socket, buffer) {
            Ok(count) => return Ok(count),
            Err(Errno::EAGAIN) => {
                descriptor::wait(&mut [Waiting::to_read(socket)], -1).map_err(failed)?;
            }
            // ECONNRESET: the other end has closed with something unread. What it has sent before comes yet.
            Err(Errno::EINTR | Errno::ECONNRESET) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
}

#[cold]
#[inline(never)]
fn failed(errno: Errno) -> Error {
    Error::new("ask", "the container's monitor", errno)
}

#[cfg(test)]
mod tests {
    use super::super::{accept, listen};
    use super::*;

    /// A directory with a name that no socket's address has room for.
    fn directory() -> (std::path::PathBuf, OwnedFd) {
        let name = format!(
            "mydocker-control-{}-{}",
            std::process::id(),
            "x".repeat(100)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        let opened = std::fs::File::open(&path).unwrap();
        (path, opened.into())
    }

    #[test]
    fn a_monitor_is_called_and_answers() {
        let (path, directory) = directory();
        assert!(matches!(connect(directory.as_fd()), Ok(Caller::NoOne)));
        let listener = listen(directory.as_fd()).unwrap();
        let monitor = std::thread::spawn(move || {
            for answer in [
                Some(Answer::Done),
                Some(Answer::Refused("not paused".to_owned())),
                None,
            ] {
                descriptor::wait(&mut [Waiting::to_read(listener.as_fd())], -1).unwrap();
                let caller = accept(listener.as_fd()).unwrap().unwrap();
                descriptor::wait(&mut [Waiting::to_read(caller.as_fd())], -1).unwrap();
                let mut buffer = [0; LONGEST];
                let count = local_socket::receive_bytes(caller.as_fd(), &mut buffer).unwrap();
                assert_eq!(Request::decode(&buffer[..count]), Some(Request::Unpause));
                if let Some(answer) = answer {
                    descriptor::send_without_waiting(caller.as_fd(), &answer.encode()).unwrap();
                }
            }
        });
        let asked = || {
            let Ok(Caller::Connected(socket)) = connect(directory.as_fd()) else {
                panic!("no monitor");
            };
            let asked = ask(socket.as_fd(), Request::Unpause);
            until_closed(socket.as_fd()).unwrap();
            asked
        };
        asked().unwrap();
        assert_eq!(asked().unwrap_err().to_string(), "not paused");
        let gone = asked().unwrap_err().to_string();
        assert!(gone.ends_with("the container has just ended"), "{gone}");
        monitor.join().unwrap();
        assert!(matches!(connect(directory.as_fd()), Ok(Caller::NoOne)));
        std::fs::remove_dir_all(&path).unwrap();
    }
}
