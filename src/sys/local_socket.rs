//! Unix sockets of records (SOCK_SEQPACKET), and descriptors sent over them.

use super::descriptor::{Undropped, owned};
use super::{Errno, Pid};
use std::ffi::CStr;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use syscalls::{Sysno, syscall};

/// How many callers may wait to be answered.
const BACKLOG: i32 = 512;

fn socket() -> Result<OwnedFd, Errno> {
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no pointers; a new descriptor or an errno comes back.
    unsafe { syscall!(Sysno::socket, libc::AF_UNIX, kind, 0) }.map(|number| owned(number as i32))
}

/// The address of a path, and its length.
///
/// Errors: ENAMETOOLONG for what `sun_path` has no room for.
fn address(path: &CStr) -> Result<(libc::sockaddr_un, usize), Errno> {
    // SAFETY: all-zero bytes are a valid `sockaddr_un`, which is integers.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.to_bytes_with_nul();
    if bytes.len() > address.sun_path.len() {
        return Err(Errno::ENAMETOOLONG);
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    Ok((address, size_of::<libc::sa_family_t>() + bytes.len()))
}

/// A socket at `path` that waits for callers. It never makes its owner wait.
pub fn listen(path: &CStr) -> Result<OwnedFd, Errno> {
    listen_by(socket()?, path)
}

/// As [`listen`], for streams of bytes, with a socket file of this mode.
pub fn listen_for_streams(path: &CStr, mode: u32) -> Result<OwnedFd, Errno> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no pointers; a new descriptor or an errno comes back.
    let number = unsafe { syscall!(Sysno::socket, libc::AF_UNIX, kind, 0) }?;
    let socket = owned(number as i32);
    // Before it has a name: bind(2) gives the file the socket's own mode, as far as the umask leaves it (`unix_bind`).
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::fchmod, socket.as_raw_fd(), mode) }?;
    listen_by(socket, path)
}

fn listen_by(socket: OwnedFd, path: &CStr) -> Result<OwnedFd, Errno> {
    let (address, length) = address(path)?;
    // SAFETY: the kernel reads `length` bytes of the address.
    unsafe { syscall!(Sysno::bind, socket.as_raw_fd(), &raw const address, length) }?;
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::listen, socket.as_raw_fd(), BACKLOG) }?;
    Ok(socket)
}

/// Calls at `path`.
///
/// Errors: as connect(2); EAGAIN if too many wait there already.
pub fn connect(path: &CStr) -> Result<OwnedFd, Errno> {
    let socket = socket()?;
    connect_to(&socket, path)?;
    Ok(socket)
}

/// Calls at `path`, where someone listens for streams of bytes. Neither this nor what is sent then waits for longer than
/// `patience`.
///
/// Errors: as connect(2); EAGAIN if who listens has not taken others' calls, and has not in that time.
pub fn connect_stream(path: &CStr, patience: Duration) -> Result<OwnedFd, Errno> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers; a new descriptor or an errno comes back.
    let number = unsafe { syscall!(Sysno::socket, libc::AF_UNIX, kind, 0) }?;
    let socket = owned(number as i32);
    // The kernel's own `struct timeval` of 64-bit machines: seconds and microseconds.
    let time = [patience.as_secs(), u64::from(patience.subsec_micros())];
    // SAFETY: the kernel reads both words, which live until the call is over.
    unsafe {
        syscall!(
            Sysno::setsockopt,
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_SNDTIMEO,
            time.as_ptr(),
            size_of_val(&time)
        )
    }?;
    connect_to(&socket, path)?;
    Ok(socket)
}

fn connect_to(socket: &OwnedFd, path: &CStr) -> Result<(), Errno> {
    let (address, length) = address(path)?;
    // SAFETY: the kernel reads `length` bytes of the address.
    unsafe {
        syscall!(
            Sysno::connect,
            socket.as_raw_fd(),
            &raw const address,
            length
        )
    }
    .map(drop)
}

/// The next caller, if one waits.
pub fn accept(socket: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Errno> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: the caller's address is not asked for.
    match unsafe { syscall!(Sysno::accept4, socket.as_raw_fd(), 0, 0, flags) } {
        Ok(number) => Ok(Some(owned(number as i32))),
        // The second: it has gone again.
        Err(Errno::EAGAIN | Errno::ECONNABORTED | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The effective user at the other end: of connect for who has accepted, of listen for who has
/// connected.
pub fn peer_user(socket: BorrowedFd<'_>) -> Result<u32, Errno> {
    peer(socket).map(|(user, _)| user)
}

/// The user at the other end, and the process: 0 if that has no number here.
///
/// Errors: as getsockopt(2).
pub fn peer(socket: BorrowedFd<'_>) -> Result<(u32, Pid), Errno> {
    let mut credentials = libc::ucred {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes of credentials, and the length.
    unsafe {
        syscall!(
            Sysno::getsockopt,
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            &raw mut credentials,
            &raw mut length
        )
    }?;
    Ok((credentials.uid, credentials.pid))
}

/// The kernel's own `struct cmsghdr`, which is not every C library's, with one descriptor behind it.
#[repr(C)]
pub(super) struct Control {
    length: usize,
    level: i32,
    kind: i32,
    number: i32,
    padding: i32,
}

impl Control {
    /// The length that the header tells: without the padding (CMSG_LEN).
    const LENGTH: usize = size_of::<Self>() - size_of::<i32>();

    fn new(number: i32) -> Self {
        Self {
            length: Self::LENGTH,
            level: libc::SOL_SOCKET,
            kind: libc::SCM_RIGHTS,
            number,
            padding: 0,
        }
    }
}

/// The kernel's own `struct user_msghdr`.
#[repr(C)]
pub(super) struct Message {
    name: usize,
    name_length: i32,
    parts: *mut libc::iovec,
    count: usize,
    pub(super) control: *mut Control,
    pub(super) control_length: usize,
    pub(super) flags: u32,
}

impl Message {
    pub(super) fn new(part: &mut libc::iovec, control: Option<&mut Control>) -> Self {
        let control_length = control.as_ref().map_or(0, |_| size_of::<Control>());
        Self {
            name: 0,
            name_length: 0,
            parts: part,
            count: 1,
            control: control.map_or(std::ptr::null_mut(), std::ptr::from_mut),
            control_length,
            flags: 0,
        }
    }
}

/// socketpair(2): two ends of one connection of records, close-on-exec.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    pair_of(libc::SOCK_SEQPACKET)
}

/// socketpair(2): two ends of one stream of bytes each way, close-on-exec.
pub fn stream_pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    pair_of(libc::SOCK_STREAM)
}

fn pair_of(kind: i32) -> Result<(OwnedFd, OwnedFd), Errno> {
    let mut ends: [i32; 2] = [-1; 2];
    // SAFETY: the kernel writes two integers into the array.
    unsafe {
        syscall!(
            Sysno::socketpair,
            libc::AF_UNIX,
            kind | libc::SOCK_CLOEXEC,
            0,
            ends.as_mut_ptr()
        )
    }?;
    Ok((owned(ends[0]), owned(ends[1])))
}

/// Sends one record of one byte, and with it a descriptor, if one is given. Never waits.
pub fn send(socket: BorrowedFd<'_>, byte: u8, file: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
    send_message(socket, &[byte], file, libc::MSG_DONTWAIT).map(drop)
}

/// Sends a descriptor and what there is to say of it, which is not empty. Waits until all is sent.
pub fn send_named(socket: BorrowedFd<'_>, name: &[u8], file: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut rest = name;
    let mut file = Some(file);
    while !rest.is_empty() {
        match send_message(socket, rest, file, 0) {
            // It goes with the first bytes.
            Ok(count) => (rest, file) = (rest.get(count..).unwrap_or_default(), None),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn send_message(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    file: Option<BorrowedFd<'_>>,
    flags: i32,
) -> Result<usize, Errno> {
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let mut control = file.map(|file| Control::new(file.as_raw_fd()));
    let message = Message::new(&mut part, control.as_mut());
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: the kernel reads the message, the bytes, which it does not change, and the control message; all live as
    // long as the call.
    unsafe {
        syscall!(
            Sysno::sendmsg,
            socket.as_raw_fd(),
            &raw const message,
            flags
        )
    }
}

/// What was received.
#[derive(Debug)]
pub struct Record {
    pub byte: u8,
    /// The descriptor that came with it, close-on-exec, for the receiver to close by hand: it is a
    /// child, where nothing is dropped.
    pub file: Option<Undropped>,
}

/// Receives one record, if one is there. `None` at the end.
pub fn receive(socket: BorrowedFd<'_>) -> Result<Option<Record>, Errno> {
    let mut byte = 0u8;
    let mut part = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let mut control = Control::new(-1);
    control.length = 0;
    let mut message = Message::new(&mut part, Some(&mut control));
    // Without the padding, where a second descriptor would fit.
    message.control_length = Control::LENGTH;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the kernel writes the byte, the control message and the message's lengths, which live
    // as long as the call.
    let count = unsafe { syscall!(Sysno::recvmsg, socket.as_raw_fd(), &raw mut message, flags) }?;
    // There is room for one alone; of more than that the kernel would have closed the rest.
    let came = message.control_length >= Control::LENGTH
        && control.length == Control::LENGTH
        && control.level == libc::SOL_SOCKET
        && control.kind == libc::SCM_RIGHTS;
    let file = came.then(|| Undropped::new(control.number));
    Ok((count == 1).then_some(Record { byte, file }))
}

/// Receives one record of bytes, if one is there: how many it had, which is more than the buffer has room for if the rest
/// of it was thrown away. Zero is the end of the connection. Never waits.
pub fn receive_bytes(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    // SAFETY: the kernel writes at most `len` bytes into the buffer; the sender's address is not asked for.
    unsafe {
        syscall!(
            Sysno::recvfrom,
            socket.as_raw_fd(),
            buffer.as_mut_ptr(),
            buffer.len(),
            flags,
            0,
            0
        )
    }
}

/// A socket at `path` whose owner is made to wait for callers.
pub fn listen_to_wait(path: &CStr) -> Result<OwnedFd, Errno> {
    let socket = listen(path)?;
    // SAFETY: no pointers. No flag but O_NONBLOCK was set.
    unsafe { syscall!(Sysno::fcntl, socket.as_raw_fd(), libc::F_SETFL, 0) }?;
    Ok(socket)
}

/// Has at most one caller more than `number` wait on a socket that is listened to; others are told EAGAIN.
pub fn admit(socket: BorrowedFd<'_>, number: usize) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::listen, socket.as_raw_fd(), number) }.map(drop)
}

/// Waits for a caller, on a socket of [`listen_to_wait`]. For who is a child, where nothing is dropped.
pub fn await_caller(socket: BorrowedFd<'_>) -> Result<Undropped, Errno> {
    loop {
        // SAFETY: the caller's address is not asked for.
        match unsafe { syscall!(Sysno::accept4, socket.as_raw_fd(), 0, 0, libc::SOCK_CLOEXEC) } {
            Ok(number) => return Ok(Undropped::new(number as i32)),
            Err(Errno::ECONNABORTED | Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Hears nothing more: what is sent from now on fails, and what was sent before can be received.
pub fn hear_no_more(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { syscall!(Sysno::shutdown, socket.as_raw_fd(), libc::SHUT_RD) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::{own, send_without_waiting, standard};
    use super::*;
    use std::os::fd::AsFd;

    fn pair() -> (OwnedFd, OwnedFd) {
        let path = std::env::temp_dir().join(format!("mydocker-socket-{}", std::process::id()));
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let listener = listen(&path).unwrap();
        let client = connect(&path).unwrap();
        std::fs::remove_file(path.to_str().unwrap()).unwrap();
        let server = accept(listener.as_fd()).unwrap().unwrap();
        assert!(accept(listener.as_fd()).unwrap().is_none());
        (client, server)
    }

    #[test]
    fn who_takes_no_calls_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("mydocker-full-{}", std::process::id()));
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers.
        let number = unsafe { syscall!(Sysno::socket, libc::AF_UNIX, kind, 0) }.unwrap();
        let listener = owned(number as i32);
        let (address, length) = address(&path).unwrap();
        let raw = listener.as_raw_fd();
        // SAFETY: the kernel reads `length` bytes of the address.
        unsafe { syscall!(Sysno::bind, raw, &raw const address, length) }.unwrap();
        // SAFETY: no pointers.
        unsafe { syscall!(Sysno::listen, raw, 0) }.unwrap();
        let patience = Duration::from_millis(20);
        let called: Vec<_> = (0..3).map(|_| connect_stream(&path, patience)).collect();
        std::fs::remove_file(path.to_str().unwrap()).unwrap();
        assert!(called[0].is_ok());
        assert_eq!(called[2].as_ref().unwrap_err(), &Errno::EAGAIN);
    }

    #[test]
    fn bytes_and_descriptors_arrive() {
        let (client, server) = pair();
        assert_eq!(receive(client.as_fd()).unwrap_err(), Errno::EAGAIN);
        send(server.as_fd(), 7, None).unwrap();
        let Record { byte, file } = receive(client.as_fd()).unwrap().unwrap();
        assert_eq!((byte, file.is_none()), (7, true));
        send(server.as_fd(), 8, Some(standard(2))).unwrap();
        let Record { byte, file } = receive(client.as_fd()).unwrap().unwrap();
        assert_eq!(byte, 8);
        assert!(own(file.unwrap()).as_raw_fd() > 2);
        let own = crate::sys::identity::effective_user();
        assert_eq!(peer_user(client.as_fd()), Ok(own));
        assert_eq!(peer_user(server.as_fd()), Ok(own));
        drop(server);
        assert!(receive(client.as_fd()).unwrap().is_none());
    }

    #[test]
    fn records_of_bytes_stay_apart() {
        let (client, server) = super::pair().unwrap();
        for record in [b"one".as_slice(), b"and another"] {
            send_without_waiting(server.as_fd(), record).unwrap();
        }
        let mut buffer = [0; 5];
        let mut receive = || receive_bytes(client.as_fd(), &mut buffer);
        assert_eq!(receive(), Ok(3));
        assert_eq!(receive(), Ok(11), "and six of them are gone");
        assert_eq!(receive(), Err(Errno::EAGAIN));
        drop(server);
        assert_eq!(receive_bytes(client.as_fd(), &mut buffer), Ok(0));
        assert_eq!(&buffer, b"and a");
    }

    #[test]
    fn long_paths_are_refused() {
        let path = std::ffi::CString::new("x".repeat(108)).unwrap();
        assert_eq!(connect(&path).unwrap_err(), Errno::ENAMETOOLONG);
    }
}
