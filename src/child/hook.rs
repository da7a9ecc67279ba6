//! How a hook is run by the container's first process: by a child of its own, which is waited for.

use super::Descriptors;
use crate::plan::hook::{CREATED, HookMoment, HookPlan, STATE_BEGINS};
use crate::report::{Failed, Part};
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::descriptor::{self, ChildDescriptor, Waiting};
use crate::sys::device::Device;
use crate::sys::facts::{self, Facts, Kind};
use crate::sys::in_child::InChild;
use crate::sys::process::{self, Ended, Patience};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, close_range};
use std::os::fd::AsRawFd;

const NULL: Device = Device { major: 1, minor: 3 };

/// What a hook's process needs.
struct Birth<'a> {
    hook: &'a HookPlan,
    state: ChildDescriptor<'a>,
    /// What it writes is no one's: the container's streams are its command's.
    null: Option<ChildDescriptor<'static>>,
    /// Where it says why it could not be executed.
    writer: ChildDescriptor<'static>,
}

/// Errors: of its part `Source` if it cannot be executed; ETIMEDOUT if it is late, and killed by then; [`Part::Item`] with
/// the code that it has ended with, and ECHILD, or with the signal, and EINTR.
pub fn run(hook: &HookPlan, descriptors: &Descriptors<'_>, child: InChild) -> Result<(), Failed> {
    let state = descriptors.hook_state.ok_or(Errno::EBADF)?;
    if hook.moment == HookMoment::StartContainer {
        descriptor::write_at(state.as_fd(), CREATED.as_bytes(), STATE_BEGINS.len())?;
    }
    descriptor::rewind(state.as_fd())?;
    let null = open_null();
    let (reader, writer) = descriptor::pipe_undropped()?;
    let (reader, writer) = (reader.keep(), writer.keep());
    let birth = Birth {
        hook,
        state,
        null,
        writer,
    };
    let born = clone::spawn(NewNamespaces::NONE, Memory::Copied, None, execute, &birth);
    if let Some(null) = null {
        null.close(child);
    }
    writer.close(child);
    let ended = born.map_err(Failed::from).and_then(|pid| {
        let mut errno = [0];
        // It ends with the execve.
        let refused = descriptor::read(reader.as_fd(), &mut errno);
        let ended = wait(pid, hook.timeout)?;
        match (refused, errno) {
            (Ok(1), [errno]) => Err(Part::Source.failed(Errno::new(errno.into()))),
            _ => Ok(ended),
        }
    });
    reader.close(child);
    match ended? {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(code) => Err(Part::Item(code).failed(Errno::ECHILD)),
        Ended::Signaled(number) => {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            Err(Part::Item(number).failed(Errno::EINTR))
        }
    }
}

/// The container's /dev/null, or that of the host while the root is not entered; `None` where there is none.
fn open_null() -> Option<ChildDescriptor<'static>> {
    let null = descriptor::open_undropped(c"/dev/null", libc::O_RDWR).ok()?;
    let is_null = |facts: Facts| facts.kind == Kind::Character(NULL);
    if facts::facts(null.as_fd()).is_ok_and(is_null) {
        return Some(null.keep());
    }
    descriptor::close(null);
    None
}

fn execute(child: InChild, birth: &Birth<'_>) -> ! {
    let errno = match prepare(child, birth) {
        Ok(()) => {
            let hook = birth.hook;
            process::execve(&hook.path, &hook.arguments, &hook.environment)
        }
        Err(errno) => errno,
    };
    let number = u8::try_from(errno.into_raw()).unwrap_or(u8::MAX);
    let _ = descriptor::write_all(birth.writer.as_fd(), &[number]);
    process::exit(127)
}

fn prepare(child: InChild, birth: &Birth<'_>) -> Result<(), Errno> {
    // So that it can be ended with all that it has started.
    process::new_group()?;
    process::die_with_parent()?;
    descriptor::duplicate_to(birth.state.as_fd(), 0, child)?;
    if let Some(null) = birth.null {
        descriptor::duplicate_to(null.as_fd(), 1, child)?;
        descriptor::duplicate_to(null.as_fd(), 2, child)?;
    }
    close_range::close_from(3, &[birth.writer.as_fd().as_raw_fd()], child)?;
    signal::set_blocked(SignalSet::EMPTY)
}

/// Waits for its end, and ends it when its time is up.
fn wait(pid: Pid, timeout: Option<u32>) -> Result<Ended, Errno> {
    if let Some(seconds) = timeout {
        if let Some(ended) = ended_within(pid, seconds)? {
            return Ok(ended);
        }
        // What it has started is in its group.
        if process::kill(0i32.saturating_sub(pid), libc::SIGKILL).is_err() {
            process::kill(pid, libc::SIGKILL)?;
        }
    }
    match process::wait(Some(pid), Patience::Wait)? {
        Some(_) if timeout.is_some() => Err(Errno::ETIMEDOUT),
        Some((_, ended)) => Ok(ended),
        None => Err(Errno::ECHILD),
    }
}

/// How it has ended, if it has in time.
fn ended_within(pid: Pid, seconds: u32) -> Result<Option<Ended>, Errno> {
    const PAUSE: i32 = 10;
    let mut left = i32::try_from(seconds.saturating_mul(1000)).unwrap_or(i32::MAX);
    if let Ok(pidfd) = process::open_undropped(pid) {
        // No signal has a handler here, and so none interrupts it.
        let waited = descriptor::wait(&mut [Waiting::to_read(pidfd.as_fd())], left);
        descriptor::close(pidfd);
        waited?;
        left = 0;
    }
    // Step by step before Linux 5.3, or where a filter is in the way.
    loop {
        if let Some((_, ended)) = process::wait(Some(pid), Patience::Look)? {
            return Ok(Some(ended));
        }
        if left <= 0 {
            return Ok(None);
        }
        descriptor::wait(&mut [], PAUSE)?;
        left = left.saturating_sub(PAUSE);
    }
}
