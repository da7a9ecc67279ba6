//! The end of everything that is in a container's cgroups.

use super::freezer::thaw_all;
use super::{Opened, Version};
use crate::cgroup::Controller;
use crate::error::Error;
use crate::sys::{Errno, process};
use std::time::{Duration, Instant};

/// How long to wait for processes that have been killed.
const LONGEST: Duration = Duration::from_secs(5);

impl Opened {
    /// Kills every process in it, frozen or not, and waits until there is none.
    ///
    /// Errors: some live on; or this process is one of them.
    #[cold]
    #[inline(never)]
    pub fn kill(&self) -> Result<(), Error> {
        if self.processes()?.contains(&process::id()) {
            return Err(Error::told(
                "this process is in the container's cgroup itself",
            ));
        }
        let start = Instant::now();
        let mut pause = Duration::from_micros(500);
        loop {
            let refused = self.kill_once()?;
            if self.processes()?.is_empty() {
                return Ok(());
            }
            if refused || start.elapsed() > LONGEST {
                let path = self.members.first().map(|one| one.directory.path.clone());
                let path = path.unwrap_or_default();
                let errno = if refused { Errno::EPERM } else { Errno::EBUSY };
                let hint = (!refused).then_some("a process that was killed is still there");
                return Err(Error::new("kill what is in", path.to_bytes(), errno).hint(hint));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Whether a process may not be killed by this user.
    fn kill_once(&self) -> Result<bool, Error> {
        let by_kernel = self.of_v2().map(|v2| v2.write(c"cgroup.kill", b"1"));
        let mut refused = false;
        // Since Linux 5.14.
        if by_kernel != Some(Ok(())) {
            // While they are frozen by v1 none of them ends, and no pid is another's by the time that it is killed.
            let freezer = self.of_v1(Controller::Freezer);
            if freezer.is_some() && !self.is_frozen() {
                let _ = self.freeze();
            }
            for pid in self.processes()? {
                refused |= process::kill(pid, libc::SIGKILL) == Err(Errno::EPERM);
            }
        }
        // After they have been killed: none goes on then.
        for member in &self.members {
            if member.version == Version::V2 || member.controllers.contains(&Controller::Freezer) {
                thaw_all(&member.directory, member.version);
            }
        }
        Ok(refused)
    }
}
