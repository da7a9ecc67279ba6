//! Which signals are handed on to the container.

use crate::error::Error;
use crate::guard::Request;
use crate::sys::Errno;
use crate::sys::signal::{self, SignalSet, Taken};

/// What mydocker never hands on: what cannot be caught, what is about mydocker itself (its child,
/// its writes, its own faults), and what belongs to the caller's job control.
const OWN: SignalSet = SignalSet::EMPTY
    .with(libc::SIGKILL)
    .with(libc::SIGSTOP)
    .with(libc::SIGCHLD)
    .with(libc::SIGPIPE)
    .with(libc::SIGXFSZ)
    .with(libc::SIGURG)
    .with(libc::SIGSEGV)
    .with(libc::SIGBUS)
    .with(libc::SIGFPE)
    .with(libc::SIGILL)
    .with(libc::SIGTRAP)
    .with(libc::SIGABRT)
    .with(libc::SIGSYS)
    .with(libc::SIGTSTP)
    .with(libc::SIGTTIN)
    .with(libc::SIGTTOU)
    // The C library's own two.
    .with(32)
    .with(33);

/// The job control signals, which a relay must take itself: it has a terminal to hand back first.
pub const JOB_CONTROL: SignalSet = SignalSet::EMPTY
    .with(libc::SIGTSTP)
    .with(libc::SIGTTIN)
    .with(libc::SIGTTOU);

/// The signals of this process: what its caller ignores, and what it hands on.
#[derive(Clone, Copy, Debug)]
pub struct Signals {
    /// Ignored by the caller, and inherited.
    pub ignored: SignalSet,
    /// Blocked, waited for and handed on.
    pub forwarded: SignalSet,
    /// All that are blocked.
    pub blocked: SignalSet,
}

/// What mydocker relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relayed {
    Nothing,
    /// The pipes that the container has in the place of the caller's terminal.
    Pipes,
    /// A terminal of the container's own.
    Terminal,
}

/// What usually ends a program.
const ENDING: SignalSet = SignalSet::EMPTY
    .with(libc::SIGHUP)
    .with(libc::SIGINT)
    .with(libc::SIGQUIT)
    .with(libc::SIGTERM);

impl Signals {
    /// The signals that end a start that is held up, where we are awake to see it.
    ///
    /// In shared memory we are not, and they wait. (To leave them unblocked, with their default action, was tried: of
    /// those that were sent as soon as the command said that it was ready, on a busy machine one in seven came before we
    /// were awake again, and ended us and the command, which had a handler. SIGKILL ends both at any time.)
    pub fn ending(&self) -> SignalSet {
        SignalSet(self.forwarded.0 & ENDING.0)
    }
}

impl Request for Relayed {
    type Guard = Signals;
    /// What the caller ignores.
    type Preview = SignalSet;

    fn acquire(self) -> Result<Signals, Error> {
        take_over(self).map_err(|errno| Error::new("block", "signals", errno))
    }

    fn preview(self) -> Result<SignalSet, Error> {
        Ok(signal::ignored())
    }
}

/// Blocks what is to be waited for. No handler is ever installed, so none can run in the child.
fn take_over(relayed: Relayed) -> Result<Signals, Errno> {
    let ignored = signal::ignored();
    // A signal that the caller ignores (nohup, a shell's background) stays ignored: blocking it
    // would bring it back.
    let mut forwarded = SignalSet::FULL.without(OWN).without(ignored);
    if relayed == Relayed::Terminal {
        // Nothing for the container, but for its terminal: another size, another foreground.
        forwarded = forwarded.with(libc::SIGWINCH).with(libc::SIGCONT);
    }
    let job_control = match relayed {
        // The command's processes are stopped with us.
        Relayed::Nothing => SignalSet::EMPTY.with(libc::SIGTSTP),
        Relayed::Pipes | Relayed::Terminal => JOB_CONTROL,
    };
    let blocked = SignalSet(forwarded.0 | signal::OF_WRITES.0 | job_control.without(ignored).0)
        .with(libc::SIGCHLD);
    signal::set_blocked(blocked)?;
    if ignored.contains(libc::SIGCHLD) {
        // Or the kernel would reap our child itself, and its exit code would be lost.
        signal::set_default(libc::SIGCHLD)?;
    }
    Ok(Signals {
        ignored,
        forwarded,
        blocked,
    })
}

/// Whether `taken` is what a terminal sends to its foreground: a key, a hangup, a new size. (Others that no process has
/// sent are about mydocker alone, like the alarm that its caller has set.)
pub fn is_terminals(taken: Taken) -> bool {
    const FROM_TERMINAL: SignalSet = SignalSet::EMPTY
        .with(libc::SIGINT)
        .with(libc::SIGQUIT)
        .with(libc::SIGTSTP)
        .with(libc::SIGHUP)
        .with(libc::SIGCONT)
        .with(libc::SIGWINCH);
    taken.by_kernel && FROM_TERMINAL.contains(taken.number)
}

/// Whether who sends `signal` wants an end.
pub fn asks_to_end(signal: i32) -> bool {
    ENDING.contains(signal)
}

/// Whether the default disposition of `signal` ends a process; see signal(7).
pub fn ends_by_default(signal: i32) -> bool {
    !matches!(
        signal,
        libc::SIGCHLD
            | libc::SIGCONT
            | libc::SIGURG
            | libc::SIGWINCH
            | libc::SIGSTOP
            | libc::SIGTSTP
            | libc::SIGTTIN
            | libc::SIGTTOU
    )
}
