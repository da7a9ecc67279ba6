//! What a crash has left of a container is put right by whoever meets it: `ps`, `start`, `rm`, any command that looks.
//!
//! A monitor that is killed takes its container along, but for what is cleaned up at an end: cgroups, places in a root, the
//! state. And a first process that has changed its user (su, gosu) has shed the signal that would have come with the
//! monitor's death (prctl(2), PR_SET_PDEATHSIG): it lives on. So it is killed here, by its pid and the time at which it
//! started, before what it uses is taken away.

use super::stored;
use crate::cgroup::{self, Opened};
use crate::error::Error;
use crate::store::{self, Config, Entry, Look, Owned, Phase, Process, State, Status};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::process_start;
use crate::sys::{Errno, process};
use crate::time;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a process that has been killed may take to end, and how long someone else may take who puts a container right.
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait before looking again where no one tells.
const PAUSE: Duration = Duration::from_millis(2);

/// The exit code of what SIGKILL has ended.
const KILLED: u8 = 137;

/// How it is with a container, which is put right first if its monitor was killed. `None`: it is not there any more.
///
/// Errors: it cannot be read, or not be put right.
#[cold]
#[inline(never)]
pub fn look(entry: &Entry) -> Result<Option<Look>, Error> {
    let start = Instant::now();
    loop {
        let Some(look) = entry.look_if_there()? else {
            return Ok(None);
        };
        if look.status != Status::Dead {
            return Ok(Some(look));
        }
        match entry.try_take() {
            Ok(owned) => heal(owned, &entry.config)?,
            Err(Errno::ENOENT) => return Ok(None),
            // Someone else is at it.
            Err(Errno::EAGAIN) if start.elapsed() < LONGEST => std::thread::sleep(PAUSE),
            Err(Errno::EAGAIN) => return Ok(Some(look)),
            Err(errno) => return Err(Error::new("lock container", entry.word(), errno)),
        }
    }
}

/// The container that is meant, in the store at `wanted`, put right.
///
/// Errors: there is none; as [`look`].
#[cold]
#[inline(never)]
pub fn find(wanted: Option<&OsStr>, word: &OsStr) -> Result<(Entry, Look), Error> {
    let entry = store::find(wanted, word)?;
    match look(&entry)? {
        Some(look) => Ok((entry, look)),
        None => Err(store::no_such_container(word)),
    }
}

/// Puts right what the monitor of a container has left. Who calls has its lock, so there is none.
///
/// Errors: something of it lives on; or the state cannot be written.
#[cold]
#[inline(never)]
pub fn heal(owned: Owned, config: &Config) -> Result<(), Error> {
    let mut state = owned.state()?;
    if !state.needs_a_monitor() {
        // Someone was faster.
        return Ok(());
    }
    let is_of_this_boot = state.is_of_this_boot();
    if is_of_this_boot {
        end_what_lives(&owned, &state)?;
    }
    // Of what was there before a boot the directories are left.
    cgroup::clean_up(&state.cgroups)?;
    if let Some(root) = &state.root {
        root.clean_up()?;
    }
    if is_thrown_away(config) {
        return owned.remove();
    }
    settle(&mut state, is_of_this_boot);
    owned.write_state(&state)
}

/// Writes down that it is over.
fn settle(state: &mut State, is_of_this_boot: bool) {
    // A life that had not begun was none. What waited for its next life had ended.
    if matches!(state.phase, Phase::Running | Phase::Paused) {
        state.exit = Some(KILLED);
        state.finished = Some(time::nanoseconds());
    }
    if state.phase.is_live() {
        state.phase = Phase::Exited;
    }
    let why = match is_of_this_boot {
        true => "its monitor was killed, and the container with it",
        false => "the host has booted anew",
    };
    state.error = Some(why.to_owned());
    state.first = None;
    state.monitor = None;
    state.cgroups = Vec::new();
    state.root = None;
}

fn end_what_lives(owned: &Owned, state: &State) -> Result<(), Error> {
    let id = owned.id.short();
    if let Some(first) = state.first {
        kill(first).map_err(|errno| cannot_end(&id, first, errno))?;
    }
    // The others, where they are not in a PID namespace that ends with the first; and whom v1 has frozen does not die before
    // it is thawed, as it is here.
    Opened::what_is_left(&state.cgroups).kill()?;
    if let Some(first) = state.first {
        end(first).map_err(|errno| cannot_end(&id, first, errno))?;
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn cannot_end(id: &str, process: Process, errno: Errno) -> Error {
    let hint = (errno == Errno::ETIMEDOUT).then_some("it was killed, and is still there");
    let what = format!("process {} of container {id}", process.pid);
    Error::new("end", what, errno).hint(hint)
}

/// Kills a process, unless it is gone, and waits until it is.
///
/// Errors: ETIMEDOUT if it does not end; EPERM if it may not be killed; ENODEV where no /proc tells whether it is still the
/// one that is meant.
pub fn end(meant: Process) -> Result<(), Errno> {
    let gone = match kill(meant)? {
        Some(held) => wait_for(&held, meant, Some(LONGEST))?,
        None => true,
    };
    gone.then_some(()).ok_or(Errno::ETIMEDOUT)
}

/// Kills a process. `None`: it is gone.
fn kill(meant: Process) -> Result<Option<Held>, Errno> {
    let Some(held) = hold(meant)? else {
        return Ok(None);
    };
    let killed = match &held {
        Held::ByDescriptor(pidfd) => process::signal(pidfd.as_fd(), libc::SIGKILL),
        Held::ByNumber => process::kill(meant.pid, libc::SIGKILL),
    };
    match killed {
        Ok(()) => Ok(Some(held)),
        Err(Errno::ESRCH) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Waits until a process is gone.
///
/// Errors: as [`end`]'s, but for the first two.
pub fn wait_until_gone(meant: Process) -> Result<(), Errno> {
    match hold(meant)? {
        Some(held) => wait_for(&held, meant, None).map(drop),
        None => Ok(()),
    }
}

/// A process that is there.
enum Held {
    ByDescriptor(OwnedFd),
    /// Before Linux 5.3. It may be another's by the time that it is used.
    ByNumber,
}

/// `None`: it is gone.
fn hold(meant: Process) -> Result<Option<Held>, Errno> {
    let opened = match process::open(meant.pid) {
        Err(Errno::ESRCH) => return Ok(None),
        opened => opened.ok(),
    };
    // After it was opened: if the one who is meant is there now, it was there then.
    match meant.state() {
        Ok(process_start::State::Alive) => {
            Ok(Some(opened.map_or(Held::ByNumber, Held::ByDescriptor)))
        }
        Ok(process_start::State::Ended) | Err(Errno::ESRCH) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Whether it has ended in that time, or for ever if there is none. (One that no one has waited for yet has ended.)
fn wait_for(held: &Held, meant: Process, longest: Option<Duration>) -> Result<bool, Errno> {
    let start = Instant::now();
    loop {
        let rest = longest.map(|longest| longest.saturating_sub(start.elapsed()));
        match held {
            Held::ByDescriptor(pidfd) => {
                let timeout = rest.map_or(-1, |rest| i32::try_from(rest.as_millis()).unwrap_or(-1));
                let mut waiting = [Waiting::to_read(pidfd.as_fd())];
                descriptor::wait(&mut waiting, timeout)?;
                if waiting[0].happened() {
                    return Ok(true);
                }
            }
            Held::ByNumber => match meant.state() {
                Ok(process_start::State::Alive) => std::thread::sleep(10 * PAUSE),
                Ok(process_start::State::Ended) | Err(Errno::ESRCH) => return Ok(true),
                Err(errno) => return Err(errno),
            },
        }
        if rest == Some(Duration::ZERO) {
            return Ok(false);
        }
    }
}

/// `--rm`.
fn is_thrown_away(config: &Config) -> bool {
    stored::arguments(config).is_ok_and(|arguments| arguments.rm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Id, Store};
    use crate::sys::Pid;
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::process::Child;

    /// A store with one container, removed with its test.
    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// A container in this state whose monitor is gone.
    fn left(name: &str, words: &[&str], state: &State) -> (Scratch, Entry) {
        let name = format!("mydocker-heal-{name}-{}", std::process::id());
        let scratch = Scratch(std::env::temp_dir().join(name));
        let store = Store::open(Some(scratch.0.as_os_str())).unwrap();
        let config = Config {
            id: Id::fresh(),
            created: 1,
            words: words.iter().map(OsString::from).collect(),
            directory: "/".into(),
            variables: Vec::new(),
            files: Vec::new(),
            directories: Vec::new(),
            updates: Vec::new(),
        };
        store
            .make(&config, None)
            .unwrap()
            .write_state(state)
            .unwrap();
        let entry = store.all().unwrap().remove(0);
        (scratch, entry)
    }

    fn running(child: &Child) -> State {
        State {
            phase: Phase::Running,
            first: Some(Process::of(child.id() as Pid).unwrap()),
            started: Some(1),
            ..State::created()
        }
    }

    fn sleeper() -> Child {
        std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap()
    }

    #[test]
    fn what_lives_on_is_killed() {
        let mut child = sleeper();
        let (_scratch, entry) = left("kill", &["true"], &running(&child));
        let watch = entry.watch().unwrap();
        assert_eq!(
            (entry.look().unwrap().status, watch.exit()),
            (Status::Dead, None)
        );
        let look = look(&entry).unwrap().unwrap();
        assert_eq!((look.status, look.state.exit), (Status::Exited, Some(137)));
        let error = look.state.error.unwrap();
        assert!(error.contains("its monitor was killed"), "{error}");
        assert!(look.state.first.is_none() && look.state.finished.is_some());
        assert_eq!(watch.exit(), Some(137));
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }

    #[test]
    fn another_process_of_that_pid_is_left_alone() {
        let mut child = sleeper();
        let mut other_time = running(&child);
        if let Some(first) = &mut other_time.first {
            first.start_time += 1;
        }
        let other_boot = State {
            boot: Some("another".into()),
            ..running(&child)
        };
        for (state, why) in [(other_time, "killed"), (other_boot, "booted anew")] {
            let (_scratch, entry) = left("reuse", &["true"], &state);
            let look = look(&entry).unwrap().unwrap();
            assert_eq!(look.status, Status::Exited);
            let error = look.state.error.unwrap();
            assert!(error.contains(why), "{error}");
            assert!(child.try_wait().unwrap().is_none());
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn what_is_thrown_away_is_gone() {
        let state = State {
            phase: Phase::Paused,
            ..State::created()
        };
        let (_scratch, entry) = left("rm", &["--rm", "true"], &state);
        assert_eq!(look(&entry).unwrap(), None);
        assert!(entry.state().is_err());
    }

    #[test]
    fn what_had_ended_keeps_its_exit_code() {
        let state = State {
            phase: Phase::Restarting,
            exit: Some(3),
            finished: Some(7),
            ..State::created()
        };
        let (_scratch, entry) = left("restarting", &["true"], &state);
        let look = look(&entry).unwrap().unwrap();
        assert_eq!((look.status, look.state.exit), (Status::Exited, Some(3)));
        assert_eq!(look.state.finished, Some(7));
    }
}
