//! Hooks: programs of the engine's that are run at moments of a container's life, one after another, with the container's
//! state on their stdin.
//!
//! The runtime runs its own here. Those that are run in the container are steps of the plan ([`steps`]), which get the state
//! from a memory file ([`StateFile`]).

use super::config::Hook;
use super::state;
use super::store::{Record, Status};
use crate::error::Error;
use crate::log::{Level, Log};
use crate::plan::Step;
use crate::plan::hook::{HookMoment, HookPlan, MOST_TOLD};
use crate::plan::hook_ended as how;
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::descriptor::{self, ChildDescriptor, Waiting};
use crate::sys::in_child::InChild;
use crate::sys::process::{self, Ended, Patience, StringArray};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, close_range, memfd};
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// When the runtime runs hooks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Prestart,
    CreateRuntime,
    Poststart,
    Poststop,
}

impl Moment {
    const fn name(self) -> &'static str {
        match self {
            Self::Prestart => "prestart",
            Self::CreateRuntime => "createRuntime",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
        }
    }

    /// How the container is then.
    const fn status(self) -> Status {
        match self {
            Self::Prestart | Self::CreateRuntime => Status::Creating,
            Self::Poststart => Status::Running,
            Self::Poststop => Status::Stopped,
        }
    }
}

/// The state of a container, for hooks that it runs itself: a memory file, which is filled when there is a pid.
pub struct StateFile {
    file: OwnedFd,
    /// How long the state in it is. Behind that, a hook's last words are left if it fails.
    length: Cell<usize>,
}

impl StateFile {
    pub fn new() -> Result<Self, Error> {
        let file = memfd::empty(c"mydocker state").map_err(no_file)?;
        let length = Cell::new(0);
        Ok(Self { file, length })
    }

    /// To be handed to the launch.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Fills it, while the container waits.
    pub fn fill(&self, record: &Record) -> Result<(), Error> {
        let text = state::object(record, Status::Creating).finish();
        let written = descriptor::write_at(self.as_fd(), text.as_bytes(), 0).map_err(no_file)?;
        self.length.set(written);
        Ok(())
    }

    /// The error of a container that could not be made, with what a hook has said that it ran.
    #[cold]
    #[inline(never)]
    pub fn explain(&self, error: Error) -> Error {
        let mut said = [0; MOST_TOLD];
        let count = match self.length.get() {
            0 => 0,
            length => descriptor::read_at(self.as_fd(), &mut said, length).unwrap_or_default(),
        };
        error.with_words(said.get(..count).unwrap_or_default())
    }
}

fn no_file(errno: Errno) -> Error {
    Error::new("write", "the state for hooks", errno)
}

/// The steps that run these hooks in the container.
pub fn steps(hooks: &[Hook], moment: HookMoment) -> impl Iterator<Item = Step> {
    (0..).zip(hooks).map(move |(number, hook)| {
        let environment = match (moment, &hook.environment[..]) {
            // As in runc: it is a process beside the container's own.
            (HookMoment::StartContainer, []) => None,
            (_, own) => Some(StringArray::new(own.to_vec())),
        };
        Step::RunHook(Box::new(HookPlan {
            moment,
            number,
            path: hook.path.clone(),
            arguments: StringArray::new(hook.arguments.clone()),
            environment,
            timeout: hook.timeout,
        }))
    })
}

/// What ends a hook before its time.
#[derive(Default)]
pub struct Until<'a> {
    /// The pidfd of the container's first process: with its end there is nothing left to be made.
    first: Option<OwnedFd>,
    /// Readable when a signal has come that ends mydocker.
    signals: Option<BorrowedFd<'a>>,
}

impl<'a> Until<'a> {
    /// The end of a container that is being made, or a signal.
    pub fn made(first: Pid, signals: BorrowedFd<'a>) -> Self {
        Self {
            // Before Linux 5.3 there is none.
            first: process::open(first).ok(),
            signals: Some(signals),
        }
    }

    /// A signal; a container that runs may end by itself.
    pub fn signalled(signals: BorrowedFd<'a>) -> Self {
        Self {
            first: None,
            signals: Some(signals),
        }
    }

    /// Nothing: a signal has its default action.
    pub const NEVER: Self = Self {
        first: None,
        signals: None,
    };

    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [self.first.as_ref().map(AsFd::as_fd), self.signals]
    }
}

/// Runs hooks, in their order, up to the first that fails.
///
/// Errors: that one has failed, or was late or interrupted, and is killed.
pub fn run(
    hooks: &[Hook],
    moment: Moment,
    record: &Record,
    until: &Until<'_>,
) -> Result<(), Error> {
    let mut hooks = (0..).zip(hooks).peekable();
    if hooks.peek().is_none() {
        return Ok(());
    }
    let text = state::object(record, moment.status()).finish();
    hooks.try_for_each(|(number, hook)| {
        let place = (moment, number);
        one(hook, place, text.as_bytes(), &record.bundle, until)
    })
}

/// Runs all of them, whatever becomes of each; what has failed is told in the log.
pub fn run_all(hooks: &[Hook], moment: Moment, record: &Record, log: &Log) {
    if hooks.is_empty() {
        return;
    }
    let text = state::object(record, moment.status()).finish();
    for (number, hook) in (0..).zip(hooks) {
        let place = (moment, number);
        if let Err(error) = one(hook, place, text.as_bytes(), &record.bundle, &Until::NEVER) {
            log.write(Level::Warn, error.to_string().as_bytes(), &[]);
        }
    }
}

/// What a hook's process needs.
struct Birth<'a> {
    path: &'a CStr,
    arguments: StringArray,
    environment: StringArray,
    directory: &'a CStr,
    state: ChildDescriptor<'a>,
    output: ChildDescriptor<'a>,
    ignored: SignalSet,
    /// Why it could not be executed.
    errno: AtomicI32,
}

#[cold]
#[inline(never)]
fn one(
    hook: &Hook,
    (moment, number): (Moment, u32),
    state: &[u8],
    directory: &CString,
    until: &Until<'_>,
) -> Result<(), Error> {
    // Each has its own, for each reads it to its end.
    let state = memfd::sealed(c"mydocker state", state).map_err(no_file)?;
    descriptor::rewind(state.as_fd()).map_err(no_file)?;
    let output = memfd::empty(c"mydocker hook").map_err(no_file)?;
    let birth = Birth {
        path: &hook.path,
        arguments: StringArray::new(hook.arguments.clone()),
        environment: StringArray::new(hook.environment.clone()),
        directory,
        state: ChildDescriptor::of(state.as_fd()),
        output: ChildDescriptor::of(output.as_fd()),
        ignored: signal::ignored(),
        errno: AtomicI32::new(0),
    };
    let failed = |reason: String| {
        let named = format!("error running {} hook #{number}: ", moment.name());
        Error::refused_for([named.as_bytes(), hook.path.to_bytes()].concat(), reason)
    };
    let unable = |operation: &str, errno| {
        let operation = format!(
            "error running {} hook #{number}: {operation}",
            moment.name()
        );
        Error::new(operation, hook.path.to_bytes(), errno)
    };
    let pid = clone::spawn(NewNamespaces::NONE, Memory::Shared, None, execute, &birth)
        .map_err(|errno| unable("clone for", errno))?;
    let waited = wait(pid, hook.timeout, until).map_err(|errno| unable("wait for", errno))?;
    match (birth.errno.load(Ordering::Acquire), waited) {
        (0, Waited::Ended(Ended::Exited(0))) => Ok(()),
        (0, Waited::Ended(ended)) => {
            let words = last_words(output.as_fd());
            Err(failed(how(ended)).with_words(&words))
        }
        (0, Waited::Late) => Err(failed(format!(
            "it was killed, for it took longer than its timeout of {} s",
            hook.timeout.unwrap_or_default()
        ))),
        (0, Waited::Interrupted) => Err(failed(
            "it was killed, for the container has ended, or was to end".to_owned(),
        )),
        (errno, _) => Err(unable("execute", Errno::new(errno))),
    }
}

/// The end of what it has written.
fn last_words(output: BorrowedFd<'_>) -> Vec<u8> {
    let mut text = vec![0; MOST_TOLD];
    let size = crate::sys::facts::facts(output).map_or(0, |facts| facts.size);
    let from = usize::try_from(size)
        .unwrap_or_default()
        .saturating_sub(MOST_TOLD);
    let count = descriptor::read_at(output, &mut text, from).unwrap_or_default();
    text.truncate(count);
    text
}

/// In shared memory: nothing here may allocate.
fn execute(child: InChild, birth: &Birth<'_>) -> ! {
    let errno = match prepare(child, birth) {
        Ok(()) => process::execve(birth.path, &birth.arguments, &birth.environment),
        Err(errno) => errno,
    };
    birth.errno.store(errno.into_raw(), Ordering::Release);
    process::exit(127)
}

fn prepare(child: InChild, birth: &Birth<'_>) -> Result<(), Errno> {
    // So that it can be ended with all that it has started.
    process::new_group()?;
    // Nothing waits for it once we are gone.
    process::die_with_parent()?;
    descriptor::duplicate_to(birth.state.as_fd(), 0, child)?;
    descriptor::duplicate_to(birth.output.as_fd(), 1, child)?;
    descriptor::duplicate_to(birth.output.as_fd(), 2, child)?;
    // What the engine has lent is the container's.
    close_range::close_from(3, &[], child)?;
    // That of the bundle may be gone when the container has ended.
    let _ = process::change_directory(birth.directory);
    for number in birth.ignored.iter() {
        signal::set_default(number)?;
    }
    signal::set_blocked(SignalSet::EMPTY)
}

/// What a hook was waited for until.
enum Waited {
    Ended(Ended),
    /// Its time was up, and it is killed.
    Late,
    /// Something else has come ([`Until`]), and it is killed.
    Interrupted,
}

/// Waits for its end, and ends it if its time is up, or if there is no use for it any more.
fn wait(pid: Pid, timeout: Option<u32>, until: &Until<'_>) -> Result<Waited, Errno> {
    let ended = |patience| {
        process::wait(Some(pid), patience).map(|ended| ended.map(|(_, ended)| Waited::Ended(ended)))
    };
    let others: Vec<BorrowedFd<'_>> = until.files().into_iter().flatten().collect();
    if timeout.is_none() && others.is_empty() {
        return ended(Patience::Wait)?.ok_or(Errno::ECHILD);
    }
    let seconds = timeout.map(|seconds| Duration::from_secs(seconds.into()));
    let deadline = seconds.and_then(|seconds| Instant::now().checked_add(seconds));
    let pidfd = process::open(pid).ok();
    let why = loop {
        if let Some(ended) = ended(Patience::Look)? {
            return Ok(ended);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            break Waited::Late;
        }
        let milliseconds = left.map_or(-1, |left| {
            i32::try_from(left.as_millis()).unwrap_or(i32::MAX).max(1)
        });
        let mut waiting: Vec<Waiting> = others.iter().copied().map(Waiting::to_read).collect();
        match &pidfd {
            Some(pidfd) => {
                waiting.push(Waiting::to_read(pidfd.as_fd()));
                descriptor::wait(&mut waiting, milliseconds)?;
            }
            // Before Linux 5.3, or in a filter's way.
            None => descriptor::wait(&mut waiting, (milliseconds as u32).min(10) as i32)?,
        }
        if waiting.iter().take(others.len()).any(Waiting::happened) {
            // It may have been the last that it did.
            match ended(Patience::Look)? {
                Some(ended) => return Ok(ended),
                None => break Waited::Interrupted,
            }
        }
    };
    if process::kill(-pid, libc::SIGKILL).is_err() {
        process::kill(pid, libc::SIGKILL)?;
    }
    ended(Patience::Wait).map(|_| why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::hook::{CREATING, STATE_BEGINS};

    #[test]
    fn the_state_begins_with_its_status() {
        let record = Record {
            id: "a".into(),
            annotations: vec![("k\"".into(), "v".into())],
            ..Record::default()
        };
        let text = state::object(&record, Status::Creating).finish();
        assert!(
            text.starts_with(&[STATE_BEGINS, CREATING].concat()),
            "{text}"
        );
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["annotations"]["k\""], "v");
        let later = text.replacen(CREATING, crate::plan::hook::CREATED, 1);
        let parsed: serde_json::Value = serde_json::from_str(&later).unwrap();
        assert_eq!(parsed["status"], "created");
    }
}
