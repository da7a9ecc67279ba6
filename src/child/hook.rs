//! How a hook is run by the container's first process: by a child of its own, which is waited for.

use super::Descriptors;
use super::root::RootState;
use crate::plan::hook::{CREATED, HookMoment, HookPlan, MOST_TOLD, STATE_BEGINS};
use crate::plan::{ExecPlan, InitPlan};
use crate::report::{Failed, Part};
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::descriptor::{self, ChildDescriptor, Waiting};
use crate::sys::facts;
use crate::sys::in_child::InChild;
use crate::sys::process::{self, Ended, Patience};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, clock, close_range, directory};
use std::os::fd::{AsRawFd, BorrowedFd};

/// What a hook's process needs.
struct Birth<'a> {
    hook: &'a HookPlan,
    /// Where it is begun, if not where we are.
    directory: Option<BorrowedFd<'a>>,
    command: &'a ExecPlan,
    state: ChildDescriptor<'a>,
    /// What it writes is not its container's: the streams are the command's.
    output: ChildDescriptor<'static>,
    /// Where it says why it could not be executed.
    writer: ChildDescriptor<'static>,
}

/// Errors: of its part `Source` if it cannot be executed; ETIMEDOUT if it is late, and killed by then; [`Part::Item`] with
/// the code that it has ended with, and ECHILD, or with the signal, and EINTR.
pub fn run(
    hook: &HookPlan,
    plan: &InitPlan,
    descriptors: &Descriptors<'_>,
    root: &RootState,
) -> Result<(), Failed> {
    let child = root.child;
    let state = descriptors.hook_state.ok_or(Errno::EBADF)?;
    if hook.moment == HookMoment::StartContainer {
        descriptor::write_at(state.as_fd(), CREATED.as_bytes(), STATE_BEGINS.len())?;
    }
    descriptor::rewind(state.as_fd())?;
    let (reader, writer) = pipe()?;
    let (output, its_output) = pipe()?;
    let birth = Birth {
        hook,
        directory: match hook.moment {
            // As in runc. The path of its program is the host's all the same.
            HookMoment::CreateContainer => Some(root.root()?),
            HookMoment::StartContainer => None,
        },
        command: &plan.command,
        state,
        output: its_output,
        writer,
    };
    let born = clone::spawn(NewNamespaces::NONE, Memory::Copied, None, execute, &birth);
    its_output.close(child);
    writer.close(child);
    let mut words = LastWords {
        bytes: [0; MOST_TOLD],
        count: 0,
    };
    let ended = born.map_err(Failed::from).and_then(|pid| {
        let mut errno = [0];
        // It ends with the execve.
        let refused = descriptor::read(reader.as_fd(), &mut errno);
        let ended = attend(pid, hook.timeout, output, &mut words)?;
        match (refused, errno) {
            (Ok(1), [errno]) => Err(Part::Source.failed(Errno::new(errno.into()))),
            _ => Ok(ended),
        }
    });
    reader.close(child);
    output.close(child);
    let failed = match ended {
        Ok(Ended::Exited(0)) => return Ok(()),
        Ok(Ended::Exited(code)) => Part::Item(code).failed(Errno::ECHILD),
        Ok(Ended::Signaled(number)) => {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            Part::Item(number).failed(Errno::EINTR)
        }
        Err(failed) => failed,
    };
    words.leave(hook, state, descriptors);
    Err(failed)
}

fn pipe() -> Result<(ChildDescriptor<'static>, ChildDescriptor<'static>), Errno> {
    let (reader, writer) = descriptor::pipe_undropped()?;
    Ok((reader.keep(), writer.keep()))
}

fn execute(child: InChild, birth: &Birth<'_>) -> ! {
    let errno = match prepare(child, birth) {
        Ok(()) => {
            let hook = birth.hook;
            process::execve(
                &hook.path,
                &hook.arguments,
                hook.environment_before(birth.command),
            )
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
    if let Some(entered) = birth.directory {
        directory::enter(entered)?;
    }
    descriptor::duplicate_to(birth.state.as_fd(), 0, child)?;
    descriptor::duplicate_to(birth.output.as_fd(), 1, child)?;
    descriptor::duplicate_to(birth.output.as_fd(), 2, child)?;
    close_range::close_from(3, &[birth.writer.as_fd().as_raw_fd()], child)?;
    signal::set_blocked(SignalSet::EMPTY)
}

/// Waits for its end, reads what it writes meanwhile, and ends it when its time is up.
fn attend(
    pid: Pid,
    timeout: Option<u32>,
    output: ChildDescriptor<'_>,
    words: &mut LastWords,
) -> Result<Ended, Errno> {
    /// Before Linux 5.3, or where a filter is in the way, it is looked at step by step.
    const PAUSE: i32 = 10;
    let pidfd = process::open_undropped(pid).ok();
    let deadline = timeout.map(|seconds| {
        let nanoseconds = u64::from(seconds).saturating_mul(NANOSECONDS);
        clock::monotonic().saturating_add(nanoseconds)
    });
    let mut is_open = true;
    let ended = loop {
        if let Some((_, ended)) = process::wait(Some(pid), Patience::Look)? {
            break Ok(ended);
        }
        let left = match deadline.map(milliseconds_to) {
            Some(0) => break Err(Errno::ETIMEDOUT),
            Some(left) => left,
            None => -1,
        };
        let (end, left) = match &pidfd {
            Some(pidfd) => (Waiting::to_read(pidfd.as_fd()), left),
            None if left < 0 => (Waiting::none(), PAUSE),
            None => (Waiting::none(), left.min(PAUSE)),
        };
        let said = match is_open {
            true => Waiting::to_read(output.as_fd()),
            false => Waiting::none(),
        };
        // No signal has a handler here, and so none interrupts it.
        let mut waiting = [said, end];
        descriptor::wait(&mut waiting, left)?;
        if waiting.first().is_some_and(Waiting::happened) {
            is_open = words.read(output);
        }
    };
    if let Some(pidfd) = pidfd {
        descriptor::close(pidfd);
    }
    if ended.is_err() {
        // What it has started is in its group.
        if process::kill(0i32.saturating_sub(pid), libc::SIGKILL).is_err() {
            process::kill(pid, libc::SIGKILL)?;
        }
        process::wait(Some(pid), Patience::Wait)?;
    }
    words.read_rest(output);
    ended
}

const NANOSECONDS: u64 = 1_000_000_000;

/// From now until `deadline`, at least 1 before it.
fn milliseconds_to(deadline: u64) -> i32 {
    let left = deadline.saturating_sub(clock::monotonic());
    i32::try_from(left.div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

/// The end of what a hook has written.
struct LastWords {
    bytes: [u8; MOST_TOLD],
    /// How many there were.
    count: usize,
}

impl LastWords {
    /// False when nothing will follow.
    fn read(&mut self, output: ChildDescriptor<'_>) -> bool {
        let mut buffer = [0; 4096];
        let count = descriptor::read(output.as_fd(), &mut buffer).unwrap_or_default();
        for byte in buffer.iter().take(count) {
            if let Some(place) = self.bytes.get_mut(self.count % MOST_TOLD) {
                *place = *byte;
            }
            self.count = self.count.saturating_add(1);
        }
        count > 0
    }

    /// What is left in the pipe: what the hook has started may go on writing, and is not waited for.
    fn read_rest(&mut self, output: ChildDescriptor<'_>) {
        /// A pipe has that many pages.
        const MOST: usize = 16;
        for _ in 0..MOST {
            let mut waiting = [Waiting::to_read(output.as_fd())];
            let looked = descriptor::wait(&mut waiting, 0);
            let [output_now] = &waiting;
            if looked.is_err() || !output_now.happened() || !self.read(output) {
                break;
            }
        }
    }

    /// In their order.
    fn told(&mut self) -> &[u8] {
        if let Some(first) = self
            .count
            .checked_rem(MOST_TOLD)
            .filter(|_| self.count > MOST_TOLD)
        {
            self.bytes.rotate_left(first);
            self.count = MOST_TOLD;
        }
        self.bytes.get(..self.count).unwrap_or_default()
    }

    /// For whoever tells that the hook has failed: who starts the container has its FIFO, and who makes it the file of the
    /// state.
    fn leave(
        &mut self,
        hook: &HookPlan,
        state: ChildDescriptor<'_>,
        descriptors: &Descriptors<'_>,
    ) {
        let told = self.told();
        let _ = match (hook.moment, descriptors.start) {
            (HookMoment::StartContainer, Some(start)) => descriptor::write_all(start.as_fd(), told),
            _ => facts::facts(state.as_fd()).and_then(|facts| {
                let end = usize::try_from(facts.size).unwrap_or(usize::MAX);
                descriptor::write_at(state.as_fd(), told, end).map(drop)
            }),
        };
    }
}
