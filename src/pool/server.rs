//! Keeping spares.

use super::{Beside, NONE, PoolArgs, SOCKET, SPARE};
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::hint::{Doing, hint};
use crate::lingering;
use crate::log::{Level, Log, Value};
use crate::sys::clone::NewNamespaces;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::directory::Share;
use crate::sys::node::{self, HERE};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{
    Errno, directory, facts, identity, local_socket, namespace, network, process, watch,
};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Milliseconds without a call, after which new spares are made. Making one takes the kernel's locks
/// that every start needs.
const QUIET: i32 = 5;

/// Milliseconds to leave the kernel alone when it would not make one.
const RECOVERY: i32 = 1000;

/// What ends a pool.
const ENDING: SignalSet = SignalSet::EMPTY
    .with(libc::SIGTERM)
    .with(libc::SIGINT)
    .with(libc::SIGHUP)
    .with(libc::SIGQUIT);

struct Pool<'a, 'b> {
    size: usize,
    /// The network namespace to be in between.
    home: OwnedFd,
    spares: Vec<OwnedFd>,
    handed_out: i64,
    log: &'a Log,
    /// Where the caller of the pool was, and the pool's directory, where it is.
    start: BorrowedFd<'a>,
    directory: BorrowedFd<'a>,
    boxes: Option<&'a mut (dyn Beside + 'b)>,
}

/// Keeps a pool until a signal ends it.
///
/// Errors: what keeps it from beginning. Later ones go to the log.
#[cold]
#[inline(never)]
pub fn serve(
    arguments: &PoolArgs,
    boxes: Option<&mut (dyn Beside + '_)>,
    log: &Log,
) -> Result<ExitCode, Error> {
    let named = |errno| Error::new("keep a pool in", arguments.directory.as_bytes(), errno);
    // First, so that no signal finds a socket that no one will take away.
    signal::set_blocked(SignalSet(ENDING.0 | signal::OF_WRITES.0).with(libc::SIGCHLD))
        .map_err(|errno| Error::new("block", "signals", errno))?;
    let signals = signal::descriptor(ENDING)
        .map_err(|errno| Error::new("make a descriptor for", "signals", errno))?;
    make_room(arguments.size)?;
    // Where a relative path is looked up.
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let start = descriptor::open(c".", flags, 0).map_err(named)?;
    let made = enter_directory(arguments, start.as_fd())?;
    let mut pool = Pool {
        // An ordinary user's containers have a user namespace each, and a network namespace belongs to one.
        size: if identity::effective_user() == 0 {
            arguments.size
        } else {
            0
        },
        home: namespace::own_network()
            .map_err(|errno| Error::new("open", "/proc/self/ns/net", errno))?,
        spares: Vec::with_capacity(arguments.size),
        handed_out: 0,
        log,
        start: start.as_fd(),
        directory: made.opened.as_fd(),
        boxes,
    };
    let outcome = pool.run(arguments, signals.as_fd(), named);
    let boxes = pool.boxes.take().map_or(0, Beside::end);
    let fields = [
        ("network_namespaces", Value::Number(pool.handed_out)),
        ("boxes", Value::Number(boxes)),
    ];
    log.write(Level::Info, b"the pool ends", &fields);
    outcome.map(|()| ExitCode::SUCCESS)
}

fn not_made(errno: Errno) -> Error {
    let doing = Doing::Clone {
        user_namespace: false,
    };
    Error::new("make", "a network namespace", errno).because(hint(doing, errno))
}

/// How [`Pool::keep`] says that no one can call any more.
const GONE: Errno = Errno::ENOENT;

/// Where callers find the socket.
struct Door<'a> {
    start: BorrowedFd<'a>,
    path: CString,
    /// Which file it is.
    identity: Option<(u64, u64)>,
    /// Tells that something has been removed.
    watch: Option<OwnedFd>,
}

impl<'a> Door<'a> {
    fn look(start: BorrowedFd<'a>, arguments: &PoolArgs, socket: &CStr, log: &Log) -> Self {
        let directory = arguments.directory.as_bytes();
        let path = [directory, b"/", socket.to_bytes()].concat();
        let path = CString::new(path).unwrap_or_default();
        let watch = watch::of_removals(c".");
        if let Err(errno) = watch {
            // A user has so many of them (fs.inotify). The pool is as good without, as long as all is well.
            log_errno(log, b"the pool's directory is not watched", errno);
        }
        Self {
            identity: facts::facts_of(HERE, socket)
                .ok()
                .map(|facts| facts.identity),
            start,
            path,
            watch: watch.ok(),
        }
    }

    fn is_there(&self) -> bool {
        let there = facts::facts_of(self.start, &self.path);
        there.is_ok_and(|there| Some(there.identity) == self.identity)
    }
}

/// Descriptors beside the spares: the standard ones, the log, our own few, and callers.
const OTHERS: usize = 16;

/// Lets this process have as many descriptors as `size` spares need.
///
/// Errors: it may not have as many.
fn make_room(size: usize) -> Result<(), Error> {
    // A spare, and a box: its line, why its command has not run, and how it has ended.
    let needed = 4 * size + OTHERS;
    let allowed = process::allow_descriptors(needed as u64)
        .map_err(|errno| Error::new("prlimit", "RLIMIT_NOFILE", errno))?;
    if allowed < needed as u64 {
        return Err(Error::refused(
            format!("{} {size}", Field::PoolSize),
            "this process may not have as many open files (ulimit -Hn)",
        ));
    }
    Ok(())
}

/// Whether a signal has come that ends the pool, or comes within so many milliseconds.
fn signalled(signals: BorrowedFd<'_>, patience: i32) -> Result<bool, Errno> {
    let mut waiting = [Waiting::to_read(signals)];
    descriptor::wait(&mut waiting, patience)?;
    Ok(waiting.iter().any(Waiting::happened))
}

/// The most bytes of a directory whose socket can be called: a socket's address has room for 107.
const LONGEST: usize = 107 - 1 - SOCKET.len();

/// Makes the pool's directory the working directory: what is named from there is in the directory
/// that was looked at, whatever its name means later.
///
/// Errors: it is not ours alone, or another pool has it.
fn enter_directory<'a>(
    arguments: &PoolArgs,
    start: BorrowedFd<'a>,
) -> Result<PoolDirectory<'a>, Error> {
    let bytes = arguments.directory.as_bytes();
    let named = |operation: &str| {
        let operation = operation.to_owned();
        move |errno| Error::new(operation, bytes, errno)
    };
    if bytes.len() > LONGEST {
        return Err(Error::refused(
            bytes,
            "the name is too long for a socket in it",
        ));
    }
    let path = CString::new(bytes).map_err(|_| named("open")(Errno::EINVAL))?;
    let is_made = match node::make_directory(HERE, &path, 0o700) {
        Ok(()) => true,
        Err(Errno::EEXIST) => false,
        Err(errno) => return Err(named("make directory")(errno)),
    };
    // Opened once and looked at through the descriptor: the name could mean another one by then.
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = descriptor::open(&path, flags, 0).map_err(named("open"))?;
    let access = facts::facts(opened.as_fd()).map_err(named("look at"))?;
    if access.owner != identity::effective_user() || access.mode & 0o077 != 0 {
        return Err(Error::refused(
            bytes,
            "a pool's directory must be its owner's and closed to all others (chmod 700)",
        ));
    }
    directory::lock(opened.as_fd(), Share::Alone).map_err(|errno| {
        let busy = (errno == Errno::EAGAIN).then_some("another pool is kept there");
        named("lock")(errno).hint(busy)
    })?;
    directory::enter(opened.as_fd()).map_err(named("change directory to"))?;
    Ok(PoolDirectory {
        opened,
        path,
        start,
        is_made,
    })
}

/// The pool's directory, locked for as long as it is open. One that was made for the pool goes with it.
struct PoolDirectory<'a> {
    opened: OwnedFd,
    /// As it is called from `start`.
    path: CString,
    start: BorrowedFd<'a>,
    is_made: bool,
}

impl Drop for PoolDirectory<'_> {
    fn drop(&mut self) {
        let named = facts::facts_of(self.start, &self.path);
        let ours = facts::facts(self.opened.as_fd());
        let is_ours =
            matches!((named, ours), (Ok(named), Ok(ours)) if named.identity == ours.identity);
        if self.is_made && is_ours {
            // What someone else has put into it stays, and it with that.
            let _ = node::remove_directory(self.start, &self.path);
        }
    }
}

impl Pool<'_, '_> {
    fn run(
        &mut self,
        arguments: &PoolArgs,
        signals: BorrowedFd<'_>,
        named: impl Fn(Errno) -> Error + Copy,
    ) -> Result<(), Error> {
        while self.spares.len() < self.size {
            if signalled(signals, 0).map_err(named)? {
                return Ok(());
            }
            lingering::outlast(|| self.add()).map_err(not_made)?;
        }
        if let Some(boxes) = &mut self.boxes {
            boxes.begin()?;
        }
        while self.boxes.as_ref().is_some_and(|boxes| boxes.is_short()) {
            if signalled(signals, 0).map_err(named)? {
                return Ok(());
            }
            self.where_called(|boxes| boxes.add())?;
        }
        // A socket that is there is a dead pool's: we hold the directory's lock.
        let name = CString::new(SOCKET).map_err(|_| named(Errno::EINVAL))?;
        let _ = node::remove_file(HERE, &name);
        let socket = local_socket::listen(&name).map_err(named)?;
        let door = Door::look(self.start, arguments, &name, self.log);
        self.log.write(
            Level::Info,
            b"the pool is ready",
            &[
                ("directory", Value::Text(arguments.directory.as_bytes())),
                ("size", Value::Number(arguments.size as i64)),
            ],
        );
        let outcome = self.keep(socket.as_fd(), &door, signals);
        if outcome != Err(GONE) {
            let _ = node::remove_file(HERE, &name);
        }
        let hint = "its directory or its socket has been removed or renamed, and no one can call it any more";
        outcome.map_err(|errno| named(errno).hint((errno == GONE).then_some(hint)))
    }

    /// Does something about the boxes for which what their options name is looked up from where the pool was called. `act`
    /// returns whether calls for them are taken; if not, they are from here on.
    fn where_called(
        &mut self,
        act: impl FnOnce(&mut dyn Beside) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let Some(boxes) = &mut self.boxes else {
            return Ok(());
        };
        let went = |errno| {
            Error::new(
                "change directory to",
                "where the pool was called, or its own",
                errno,
            )
        };
        directory::enter(self.start).map_err(went)?;
        let takes_calls = act(*boxes);
        directory::enter(self.directory).map_err(went)?;
        match takes_calls? {
            true => Ok(()),
            false => boxes.begin(),
        }
    }

    /// Boxes that no one can call any more are replaced by such as can be called.
    #[cold]
    #[inline(never)]
    fn open_boxes_again(&mut self) {
        if let Some(boxes) = &mut self.boxes
            && !boxes.can_be_called()
            && let Err(error) = boxes.begin()
        {
            let told = error.to_string();
            self.log.write(Level::Warn, told.as_bytes(), &[]);
        }
    }

    fn keep(
        &mut self,
        socket: BorrowedFd<'_>,
        door: &Door<'_>,
        signals: BorrowedFd<'_>,
    ) -> Result<(), Errno> {
        let mut pause = QUIET;
        if !door.is_there() {
            return Err(GONE);
        }
        loop {
            let removals = door.watch.as_ref().map_or(signals, AsFd::as_fd);
            let boxes = self
                .boxes
                .as_ref()
                .map_or(signals, |boxes| boxes.descriptor());
            let mut waiting = [signals, socket, removals, boxes].map(Waiting::to_read);
            let lacks_spares = self.spares.len() < self.size;
            let full = !lacks_spares && !self.boxes.as_ref().is_some_and(|boxes| boxes.is_short());
            let next = self.boxes.as_ref().and_then(|boxes| boxes.next());
            let most = next.map_or(-1, |next| next.as_millis().try_into().unwrap_or(i32::MAX));
            let pause_now = match (full, most) {
                (true, most) => most.saturating_add(i32::from(most >= 0)),
                (false, _) => pause,
            };
            descriptor::wait(&mut waiting, pause_now)?;
            let [ended, called, removed, happened] = waiting.map(|waiting| waiting.happened());
            let boxes = happened || next == Some(Duration::ZERO);
            if ended {
                return Ok(());
            }
            if removed {
                watch::take(removals);
                if !door.is_there() {
                    return Err(GONE);
                }
                self.open_boxes_again();
            }
            if boxes {
                pause = QUIET;
                if let Some(boxes) = &mut self.boxes {
                    boxes.look();
                }
            }
            if called {
                pause = QUIET;
                match local_socket::accept(socket) {
                    Ok(Some(caller)) => {
                        self.hand_out(caller.as_fd());
                        // No box was for it. Perhaps their socket is another file, which is no removal that is told of.
                        self.open_boxes_again();
                        // Or what the boxes' options name has been replaced.
                        if let Err(error) = self.where_called(|boxes| Ok(boxes.are_as_wanted())) {
                            self.log
                                .write(Level::Warn, error.to_string().as_bytes(), &[]);
                        }
                    }
                    Ok(None) => {}
                    Err(errno) => {
                        // Out of descriptors, or of memory. The callers go on without; to ask again at
                        // once would only burn a processor.
                        self.log_errno(b"a caller could not be answered", errno);
                        if signalled(signals, RECOVERY)? {
                            return Ok(());
                        }
                    }
                }
            } else if !full && !boxes && !lacks_spares {
                pause = match self.where_called(|boxes| boxes.add()) {
                    Ok(()) => 0,
                    Err(error) => {
                        self.log
                            .write(Level::Warn, error.to_string().as_bytes(), &[]);
                        RECOVERY
                    }
                };
            } else if !full && !boxes {
                // Nothing has started for a while. The next follows at once, if no one calls.
                pause = match self.add() {
                    Ok(()) => 0,
                    Err(errno) => {
                        self.log_errno(b"no network namespace could be made", errno);
                        RECOVERY
                    }
                };
            }
        }
    }

    /// Answers a caller. Whatever goes wrong is the caller's affair, who makes a namespace then.
    fn hand_out(&mut self, caller: BorrowedFd<'_>) {
        match local_socket::peer_user(caller) {
            Ok(user) if user == identity::effective_user() => {}
            Ok(user) => {
                let fields = [("user", Value::Number(user.into()))];
                self.log
                    .write(Level::Warn, b"another user was refused", &fields);
                return;
            }
            Err(errno) => return self.log_errno(b"a caller could not be looked at", errno),
        }
        let spare = self.spares.pop();
        let byte = if spare.is_some() { SPARE } else { NONE };
        let sent = local_socket::send(caller, byte, spare.as_ref().map(AsFd::as_fd));
        match (sent, spare) {
            // The caller has gone, and no one has entered it.
            (Err(_), Some(spare)) => self.spares.push(spare),
            // Closed here, it is the caller's alone.
            (Ok(()), Some(spare)) => {
                drop(spare);
                self.handed_out += 1;
            }
            (_, None) => {}
        }
        self.log.write(
            Level::Debug,
            if byte == SPARE {
                b"a spare was handed out".as_slice()
            } else {
                b"there was no spare to hand out"
            },
            &[("left", Value::Number(self.spares.len() as i64))],
        );
    }

    /// Makes one more.
    fn add(&mut self) -> Result<(), Errno> {
        namespace::new_network()?;
        let made = network::loopback_up().and_then(|socket| {
            descriptor::close(socket);
            // Root's containers have all groups.
            network::open_to_users(None, network::ALL_GROUPS.as_bytes())?;
            namespace::own_network()
        });
        // Home again, or it would live on by us being in it when its container is gone.
        namespace::join(self.home.as_fd(), NewNamespaces::NETWORK)?;
        self.spares.push(made?);
        Ok(())
    }

    fn log_errno(&self, message: &[u8], errno: Errno) {
        log_errno(self.log, message, errno);
    }
}

fn log_errno(log: &Log, message: &[u8], errno: Errno) {
    let name = errno.name().unwrap_or("unknown");
    let fields = [("errno", Value::Text(name.as_bytes()))];
    log.write(Level::Warn, message, &fields);
}
