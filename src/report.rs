//! What the child says to its parent: left in the memory that they share, or, where they share none,
//! over a pipe that closes on exec.
//!
//! On the pipe it is one fixed-size record, written at once (24 bytes are far below PIPE_BUF, so they
//! arrive whole). The child sends the *number* of the step that failed; the parent has the plan and
//! says what that step was. [`Report::Ready`] and nothing after it means that the command is running;
//! `Ready` and then a failure means that execve itself failed.

use crate::sys::Errno;

/// Bytes of a record: magic, kind, index, errno, each 32 bits in the machine's own order, and a time
/// or a part of 64.
pub const SIZE: usize = 24;

/// What tells a record from stray bytes: "mydk".
const MAGIC: u32 = 0x6d79_646b;

/// One message of the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Every step is done; execve comes next.
    Ready,
    /// This part of the step with this number, counted through the whole plan, failed.
    Step(u32, Part, Errno),
    /// execve of this candidate failed, and of all the others. It may come twice, the second time with a clue.
    Execve(u32, Errno, Clue),
    /// The reaper could not start the command's process.
    Spawn(Errno),
    /// The reaper's program could not be executed.
    Reaper(Errno),
    /// /proc/self/exe could not be executed.
    ReExecute(Errno),
    /// The re-executed init could not read or understand the plan.
    Plan(Errno),
    /// The container goes without, and starts.
    Without(Lack, Errno),
    /// For `--timing`: when the child was where, in nanoseconds of the monotonic clock.
    Time(Moment, u64),
}

/// What the file tells of why its execve failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clue {
    /// Nothing.
    None,
    NotThere,
    /// A directory on the way may not be searched.
    Closed,
    Directory,
    /// Its mount is noexec.
    NoExec,
    /// No one may execute it.
    NoBit,
    /// Others may execute it.
    NotForUser,
    /// The path on its `#!` line ends in a carriage return.
    CarriageReturn,
    /// What its `#!` line names is missing.
    MissingInterpreter,
    /// What its `#!` line names may not be executed.
    RefusedInterpreter,
    /// The loader that it names, as a program that is linked dynamically does, is missing.
    MissingLoader,
    /// That loader may not be executed.
    RefusedLoader,
}

impl Clue {
    const ALL: [Self; 12] = [
        Self::None,
        Self::NotThere,
        Self::Closed,
        Self::Directory,
        Self::NoExec,
        Self::NoBit,
        Self::NotForUser,
        Self::CarriageReturn,
        Self::MissingInterpreter,
        Self::RefusedInterpreter,
        Self::MissingLoader,
        Self::RefusedLoader,
    ];

    fn from_number(number: u64) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|clue| *clue as u64 == number)
    }
}

/// What a container can go without, though nobody has asked it to: its parent tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The pool gave no network namespace; one is made.
    Spare,
    /// The caller's name servers, on the caller's network.
    NameServers,
}

/// Why the container goes without, for each [`Lack`].
pub type Lacks = [Option<Errno>; Lack::ALL.len()];

impl Lack {
    pub const ALL: [Self; 2] = [Self::Spare, Self::NameServers];

    /// Its place in a list of all.
    pub const fn index(self) -> usize {
        self as usize
    }

    fn from_number(number: u32) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|lack| *lack as u32 == number)
    }
}

/// What a step was at, where it is about more than one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// Finding what is to be mounted.
    Source,
    /// Finding where it is to be mounted.
    Target,
    /// Making that place.
    Make,
    /// Restricting the mount.
    Restrict,
    /// Which of several, from 0.
    Item(u8),
}

impl Part {
    const ALL: [Self; 5] = [
        Self::Whole,
        Self::Source,
        Self::Target,
        Self::Make,
        Self::Restrict,
    ];

    const FIRST_ITEM: u64 = 16;

    fn number(self) -> u64 {
        match self {
            Self::Whole => 0,
            Self::Source => 1,
            Self::Target => 2,
            Self::Make => 3,
            Self::Restrict => 4,
            Self::Item(index) => Self::FIRST_ITEM.saturating_add(index.into()),
        }
    }

    fn from_number(number: u64) -> Option<Self> {
        if let Some(index) = number.checked_sub(Self::FIRST_ITEM) {
            return u8::try_from(index).ok().map(Self::Item);
        }
        let mut all = Self::ALL.into_iter();
        all.find(|part| part.number() == number)
    }
}

/// Why a step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    pub part: Part,
    pub errno: Errno,
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Self {
        Part::Whole.failed(errno)
    }
}

impl Part {
    pub fn failed(self, errno: Errno) -> Failed {
        Failed { part: self, errno }
    }
}

/// A place on the child's way to execve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It runs.
    Born,
    /// It runs again, after the execve of re-exec.
    Entered,
    /// It is the reaper's child.
    Spawned,
    /// The step with this number is done.
    Done(u32),
}

impl Moment {
    const BEFORE_STEPS: u32 = 3;

    /// How many there are for a plan of that many steps.
    pub const fn count(steps: usize) -> usize {
        steps + Self::BEFORE_STEPS as usize
    }

    fn number(self) -> u32 {
        match self {
            Self::Born => 0,
            Self::Entered => 1,
            Self::Spawned => 2,
            Self::Done(step) => step.saturating_add(Self::BEFORE_STEPS),
        }
    }

    fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Born,
            1 => Self::Entered,
            2 => Self::Spawned,
            // The smaller ones are above.
            number => Self::Done(number.saturating_sub(Self::BEFORE_STEPS)),
        }
    }

    /// Its place in a list of all.
    pub fn index(self) -> usize {
        usize::try_from(self.number()).unwrap_or(usize::MAX)
    }
}

impl Report {
    pub fn to_bytes(self) -> [u8; SIZE] {
        let (kind, index, errno) = match self {
            Self::Ready => (0, 0, Errno::new(0)),
            Self::Step(index, _, errno) => (1, index, errno),
            Self::Execve(index, errno, _) => (2, index, errno),
            Self::Spawn(errno) => (3, 0, errno),
            Self::ReExecute(errno) => (4, 0, errno),
            Self::Plan(errno) => (5, 0, errno),
            Self::Without(lack, errno) => (7, lack as u32, errno),
            Self::Reaper(errno) => (8, 0, errno),
            Self::Time(moment, _) => (6, moment.number(), Errno::new(0)),
        };
        let rest = match self {
            Self::Time(_, time) => time,
            Self::Step(_, part, _) => part.number(),
            Self::Execve(_, _, clue) => clue as u64,
            _ => 0,
        };
        let mut bytes = [0; SIZE];
        let errno = errno.into_raw() as u32;
        // A half each: what is cut off is in the other.
        let words = [MAGIC, kind, index, errno, rest as u32, (rest >> 32) as u32];
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// The report that `bytes` hold, if they are one.
    pub fn from_bytes(bytes: &[u8; SIZE]) -> Option<Self> {
        let mut words = [0u32; SIZE / 4];
        for (word, from) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes(from.try_into().ok()?);
        }
        let [magic, kind, index, errno, low, high] = words;
        if magic != MAGIC {
            return None;
        }
        let errno = Errno::new(errno as i32);
        let rest = u64::from(high) << 32 | u64::from(low);
        match kind {
            0 => Some(Self::Ready),
            1 => Some(Self::Step(index, Part::from_number(rest)?, errno)),
            2 => Some(Self::Execve(index, errno, Clue::from_number(rest)?)),
            3 => Some(Self::Spawn(errno)),
            4 => Some(Self::ReExecute(errno)),
            5 => Some(Self::Plan(errno)),
            7 => Some(Self::Without(Lack::from_number(index)?, errno)),
            8 => Some(Self::Reaper(errno)),
            6 => Some(Self::Time(Moment::from_number(index), rest)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_comes_back() {
        for report in [
            Report::Ready,
            Report::Step(7, Part::Whole, Errno::EPERM),
            Report::Step(7, Part::Restrict, Errno::EPERM),
            Report::Step(7, Part::Item(0), Errno::EPERM),
            Report::Step(7, Part::Item(255), Errno::EPERM),
            Report::Execve(u32::MAX, Errno::ENOENT, Clue::None),
            Report::Execve(0, Errno::EACCES, Clue::RefusedLoader),
            Report::Spawn(Errno::EAGAIN),
            Report::Reaper(Errno::EACCES),
            Report::ReExecute(Errno::EACCES),
            Report::Plan(Errno::EBADMSG),
            Report::Without(Lack::Spare, Errno::EAGAIN),
            Report::Without(Lack::NameServers, Errno::ENOENT),
            Report::Time(Moment::Spawned, u64::MAX - 1),
            Report::Time(Moment::Done(4), 5_000_000_000),
        ] {
            assert_eq!(Report::from_bytes(&report.to_bytes()), Some(report));
        }
    }

    #[test]
    fn stray_bytes_are_no_report() {
        assert_eq!(Report::from_bytes(&[0; SIZE]), None);
        let mut bytes = Report::Ready.to_bytes();
        bytes[4] = 99;
        assert_eq!(Report::from_bytes(&bytes), None);
    }
}
