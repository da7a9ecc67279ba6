//! The way into the background. The process that was typed forks the container's monitor, waits until the monitor tells how
//! the start has gone, and leaves; the monitor stays, in a session of its own.
//!
//! ```text
//! typed ─ fork ─▶ between ─ setsid, fork ─▶ monitor ─ clone ─▶ the container
//!   │◀──────────────── exit code of the start, by a pipe ──┘
//! ```
//!
//! The one between makes the session and ends at once. So the monitor leads no session, and no terminal that it opens becomes
//! its controlling one (credentials(7)); and it is no child of the process that was typed, whose caller may wait for
//! all of its own.
//!
//! Until the command runs the monitor has the caller's 0, 1 and 2, so that what is said of a start is said in the same
//! way as in the foreground. Then it gives them up, and the working directory: it keeps no terminal, pipe or mount of the
//! caller's in use.

use crate::error::{Error, ExitCode};
use crate::sys::descriptor::{self, replace_standard};
use crate::sys::process::{self, Ended, Patience};
use crate::sys::{Errno, fork, inherited};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Tells the process that was typed how the start has gone. Dropped without a word, it tells that there is no monitor
/// any more.
pub struct Teller(OwnedFd);

impl Teller {
    /// The command runs: nothing of the caller's is kept from here on.
    pub fn running(self) -> Result<(), Error> {
        let null = descriptor::open(c"/dev/null", libc::O_RDWR, 0)
            .map_err(|errno| Error::new("open", "/dev/null", errno))?;
        replace_standard(null.as_fd()).map_err(|errno| Error::new("dup", "/dev/null", errno))?;
        self.tell(ExitCode::SUCCESS);
        Ok(())
    }

    /// There is nothing that runs.
    pub fn failed(self, exit: ExitCode) {
        self.tell(exit);
    }

    /// One who has been killed meanwhile does not hear it; the container is in the list.
    fn tell(self, exit: ExitCode) {
        let _ = descriptor::write_all(self.0.as_fd(), &[exit.0]);
    }
}

/// Runs `monitor` in the background, with none of the caller's descriptors but 0, 1, 2 and those of `kept`, and waits until
/// it has told how the start has gone.
pub fn start(
    kept: &[BorrowedFd<'_>],
    monitor: impl FnOnce(Teller) -> ExitCode,
) -> Result<ExitCode, Error> {
    let failed = |errno| Error::new("fork", "the monitor", errno);
    let (ours, teller) =
        descriptor::pipe().map_err(|errno| Error::new("pipe", "to the monitor", errno))?;
    let mut ours = Some(ours);
    let between = fork::fork_off(|| {
        let begun = process::new_session().and_then(|()| {
            fork::fork_off(|| {
                // The copy's own: the process that was typed has the other one.
                drop(ours.take());
                // Without a /proc they stay open, as far as the container is concerned for nothing: its own are closed.
                let _ = inherited::close_callers(kept);
                monitor(Teller(teller)).0
            })
        });
        match begun {
            Ok(_) => 0,
            Err(errno) => u8::try_from(errno.into_raw()).unwrap_or(u8::MAX),
        }
    });
    let between = between.map_err(failed)?;
    let ended = process::wait(Some(between), Patience::Wait).map_err(failed)?;
    match ended {
        Some((_, Ended::Exited(errno))) if errno != 0 => Err(failed(Errno::new(i32::from(errno)))),
        // Where it was killed there may be a monitor all the same, or there is none to be heard.
        _ => heard(ours),
    }
}

/// What the monitor tells.
fn heard(pipe: Option<OwnedFd>) -> Result<ExitCode, Error> {
    let mut told = [0];
    loop {
        let count = pipe
            .as_ref()
            .map_or(Ok(0), |pipe| descriptor::read(pipe.as_fd(), &mut told));
        return match count {
            Ok(0) => Err(Error::refused(
                "the monitor",
                "it was ended before the command ran",
            )),
            Ok(_) => Ok(ExitCode(told[0])),
            Err(Errno::EINTR) => continue,
            Err(errno) => Err(Error::new("read", "what the monitor tells", errno)),
        };
    }
}
