//! A service manager that waits until the container is ready: `NOTIFY_SOCKET`, sd_notify(3).
//!
//! As runc has it: the container has a socket of its own, /run/notify/notify.sock, in a directory of ours that is bound there,
//! and NOTIFY_SOCKET in its command's environment. Who runs or starts it waits for READY=1, and tells the manager that, and
//! which process is the main one. Nothing else is handed on.

use super::command_line::Globals;
use super::config::{Config, Mount};
use super::id::ContainerId;
use super::store::{Record, Store};
use crate::error::Error;
use crate::sys::descriptor::{self, Waiting};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, local_socket, process, process_start};
use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

/// The directory of it, of a container's in the store.
const DIRECTORY: &str = "notify";
const SOCKET: &str = "notify.sock";
/// Where the container has that directory.
const INSIDE: &CStr = c"/run/notify";
const OPTIONS: [&CStr; 5] = [c"bind", c"nosuid", c"noexec", c"nodev", c"ro"];

/// How long the manager may take to say that it has heard.
const PATIENCE: i32 = 30_000;
/// How often a process is looked at where it cannot be waited for.
const PAUSE: i32 = 100;

/// A manager that waits, and the directory for the container's socket.
pub struct Notify {
    manager: OsString,
    directory: PathBuf,
}

impl Notify {
    /// `None`: no one waits.
    ///
    /// Errors: those of the store.
    pub fn asked(globals: &Globals, id: &ContainerId) -> Result<Option<Self>, Error> {
        let manager = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let Some(manager) = manager else {
            return Ok(None);
        };
        let container = Store::open(globals)?.path().join(id.as_str());
        Ok(Some(Self {
            manager,
            directory: container.join(DIRECTORY),
        }))
    }

    /// Has the container see it.
    pub fn add_to(&self, config: &mut Config) {
        let source = CString::new(self.directory.as_os_str().as_bytes()).unwrap_or_default();
        config.mounts.push(Mount {
            destination: INSIDE.into(),
            source: Some(source),
            kind: None,
            options: OPTIONS.map(CString::from).into(),
            ..Mount::default()
        });
        if let Some(process) = &mut config.process {
            let variable = format!("NOTIFY_SOCKET={}/{SOCKET}", INSIDE.to_string_lossy());
            process.environment.extend(CString::new(variable));
        }
    }

    /// Makes the directory, before it is bound.
    pub fn make(&self) -> Result<(), Error> {
        let made = std::fs::create_dir(&self.directory);
        made.and_then(|()| give(&self.directory, 0o755))
            .map_err(|error| failed("make", &self.directory, &error))
    }

    /// The container's socket. `None`: it was made when no one waited.
    pub fn listen(&self) -> Result<Option<UnixDatagram>, Error> {
        let path = self.directory.join(SOCKET);
        let socket = match UnixDatagram::bind(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bound => bound.map_err(|error| failed("bind", &path, &error))?,
        };
        // Whoever is who in the container.
        give(&path, 0o777).map_err(|error| failed("change the mode of", &path, &error))?;
        Ok(Some(socket))
    }

    /// Waits until the container is ready, and tells the manager; or until it has ended, or a signal of these is there.
    ///
    /// Errors: the manager cannot be told.
    pub fn relay(
        &self,
        socket: &UnixDatagram,
        record: &Record,
        main: Pid,
        ending: SignalSet,
    ) -> Result<(), Error> {
        let path = Path::new(&self.manager);
        let manager = self
            .connect()
            .map_err(|error| failed("connect to", path, &error))?;
        let waited = wait(socket, record, ending);
        let ready = waited.map_err(|errno| Error::new("wait for", record.id.as_str(), errno))?;
        match ready {
            Some(line) => {
                tell(&manager, &line, main).map_err(|error| failed("notify", path, &error))
            }
            None => Ok(()),
        }
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        match self.manager.as_bytes() {
            [b'@', name @ ..] => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
            _ => socket.connect(&self.manager)?,
        }
        Ok(socket)
    }
}

fn give(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn failed(operation: &str, path: &Path, error: &io::Error) -> Error {
    // What is none of the kernel's is that the path is too long for a socket.
    let errno = Errno::new(error.raw_os_error().unwrap_or(libc::ENAMETOOLONG));
    Error::new(operation, path.as_os_str().as_bytes(), errno)
}

/// The line that says that it is ready.
fn wait(
    socket: &UnixDatagram,
    record: &Record,
    ending: SignalSet,
) -> Result<Option<Vec<u8>>, Errno> {
    let signals = signal::descriptor(ending)?;
    let first = process::open(record.pid).ok();
    let mut text = [0; 4096];
    loop {
        let file = |file: Option<BorrowedFd<'_>>| file.map_or(Waiting::none(), Waiting::to_read);
        let mut waiting = [
            Waiting::to_read(socket.as_fd()),
            Waiting::to_read(signals.as_fd()),
            file(first.as_ref().map(AsFd::as_fd)),
        ];
        descriptor::wait(&mut waiting, first.as_ref().map_or(PAUSE, |_| -1))?;
        let [said, told, _] = waiting.map(|one| one.happened());
        if said {
            let count = descriptor::read(socket.as_fd(), &mut text)?;
            let mut lines = text
                .get(..count)
                .unwrap_or_default()
                .split(|byte| *byte == b'\n');
            if let Some(line) = lines.find(|line| line.starts_with(b"READY=")) {
                return Ok(Some(line.to_vec()));
            }
        } else if told
            || process_start::state(record.pid, record.start_time)
                != Ok(process_start::State::Alive)
        {
            return Ok(None);
        }
    }
}

/// That it is ready, who it is, and a barrier: the manager closes what it gets when it has read what was before.
fn tell(manager: &UnixDatagram, ready: &[u8], main: Pid) -> io::Result<()> {
    manager.send(&[ready, b"\n"].concat())?;
    manager.send(format!("MAINPID={main}\n").as_bytes())?;
    let raw = |errno: Errno| io::Error::from_raw_os_error(errno.into_raw());
    let (reader, writer) = descriptor::pipe().map_err(raw)?;
    local_socket::send_named(manager.as_fd(), b"BARRIER=1", writer.as_fd()).map_err(raw)?;
    drop(writer);
    let mut waiting = [Waiting::to_read(reader.as_fd())];
    // One that knows no barriers has been told all the same.
    descriptor::wait(&mut waiting, PATIENCE).map_err(raw)?;
    Ok(())
}
