//! What the child says to its parent: left in memory that both have, so that no filter and no full pipe can be in the way.
//!
//! The child leaves the *number* of the step that failed; the parent has the plan and says what that step was.
//! [`Report::Ready`] and nothing after it means that the command is running; `Ready` and then a failure means that
//! execve itself failed.

use crate::sys::{Errno, Pid};
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// The command's process could not be born into a container that runs.
    Birth(Errno),
    /// /proc/self/exe could not be executed.
    ReExecute(Errno),
    /// The re-executed init could not read or understand the plan.
    Plan(Errno),
    /// A box could not take this over of the job that it was handed.
    Job(Taking, Errno),
}

/// What a box takes over of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// The next caller.
    Caller,
    /// One of 0, 1 and 2.
    Stream(u8),
    Terminal,
    /// The resource limit with this number.
    Limit(u8),
    Nice,
    Processors,
    Descriptors,
    Filter,
    Command,
}

impl Taking {
    const ALONE: [Self; 7] = [
        Self::Caller,
        Self::Terminal,
        Self::Nice,
        Self::Processors,
        Self::Descriptors,
        Self::Filter,
        Self::Command,
    ];

    /// (The number of the variant, and which of several.)
    fn number(self) -> u16 {
        let several = |first: u16, which: u8| first.saturating_add(which.into());
        match self {
            Self::Stream(which) => several(0x100, which),
            Self::Limit(which) => several(0x200, which),
            alone => {
                let place = Self::ALONE.iter().position(|one| *one == alone);
                place.map_or(u16::MAX, |place| place as u16)
            }
        }
    }

    fn from_number(number: u16) -> Option<Self> {
        let [kind, which] = number.to_be_bytes();
        match kind {
            0 => Self::ALONE.get(usize::from(which)).copied(),
            1 => Some(Self::Stream(which)),
            2 => Some(Self::Limit(which)),
            _ => None,
        }
    }
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
    /// The mount of the file is noexec.
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
    /// The loader that it names may not be executed.
    RefusedLoader,
    /// What its `#!` line names is a program whose loader is missing.
    MissingLoaderOfInterpreter,
    /// What its `#!` line names is a script, and that is the one that cannot be executed.
    InterpreterIsScript,
    /// Scripts name one another.
    CircleOfInterpreters,
    /// What its `#!` line names is neither a script nor a program of this machine's.
    UnusableInterpreter,
    /// The file's `#!` line names nothing.
    NoInterpreter,
    /// The file's `#!` line is longer than the kernel reads.
    LongFirstLine,
    /// Something stands before its `#!`.
    LateFirstLine,
    /// The file is a text without a `#!` line.
    NoFirstLine,
    /// The file is empty.
    Empty,
    ForAnotherMachine,
    For32Bit,
    /// The file is for this machine, and still no program.
    Damaged,
}

impl Clue {
    pub const ALL: [Self; 24] = [
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
        Self::MissingLoaderOfInterpreter,
        Self::InterpreterIsScript,
        Self::CircleOfInterpreters,
        Self::UnusableInterpreter,
        Self::NoInterpreter,
        Self::LongFirstLine,
        Self::LateFirstLine,
        Self::NoFirstLine,
        Self::Empty,
        Self::ForAnotherMachine,
        Self::For32Bit,
        Self::Damaged,
    ];

    fn from_number(number: u16) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|clue| *clue as u16 == number)
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

    /// The place in a list of all.
    pub const fn index(self) -> usize {
        self as usize
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

    const FIRST_ITEM: u16 = 16;

    fn number(self) -> u16 {
        match self {
            Self::Whole => 0,
            Self::Source => 1,
            Self::Target => 2,
            Self::Make => 3,
            Self::Restrict => 4,
            Self::Item(index) => Self::FIRST_ITEM.saturating_add(index.into()),
        }
    }

    fn from_number(number: u16) -> Option<Self> {
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
    /// The child runs.
    Born,
    /// The child runs again, after the execve of re-exec.
    Entered,
    /// The command's process runs, the reaper's child.
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

    /// The place in a list of all.
    pub fn index(self) -> usize {
        usize::try_from(self.number()).unwrap_or(usize::MAX)
    }
}

impl Report {
    /// All of it in one word, which is there or not: never 0.
    fn word(self) -> u64 {
        let (kind, index, errno) = match self {
            Self::Ready => (1, 0, Errno::new(0)),
            Self::Step(index, _, errno) => (2, index, errno),
            Self::Execve(index, errno, _) => (3, index, errno),
            Self::Spawn(errno) => (4, 0, errno),
            Self::ReExecute(errno) => (5, 0, errno),
            Self::Plan(errno) => (6, 0, errno),
            Self::Reaper(errno) => (7, 0, errno),
            Self::Birth(errno) => (8, 0, errno),
            Self::Job(_, errno) => (9, 0, errno),
        };
        let rest = match self {
            Self::Step(_, part, _) => part.number(),
            Self::Execve(_, _, clue) => clue as u16,
            Self::Job(taking, _) => taking.number(),
            _ => 0,
        };
        // The kernel's errnos have 12 bits (MAX_ERRNO).
        let errno = errno.into_raw() as u64 & 0xfff;
        u64::from(index) << 32 | u64::from(rest) << 16 | errno << 4 | kind
    }

    /// For who has not the board.
    pub fn to_bytes(self) -> [u8; 8] {
        self.word().to_le_bytes()
    }

    /// Errors: EBADMSG if it is no report.
    pub fn of_bytes(bytes: [u8; 8]) -> Result<Self, Errno> {
        Self::of_word(u64::from_le_bytes(bytes)).ok_or(Errno::EBADMSG)
    }

    /// The report that a word holds, if it is one.
    fn of_word(word: u64) -> Option<Self> {
        let index = (word >> 32) as u32;
        let rest = (word >> 16) as u16;
        let errno = Errno::new((word >> 4 & 0xfff) as i32);
        match word & 0xf {
            1 => Some(Self::Ready),
            2 => Some(Self::Step(index, Part::from_number(rest)?, errno)),
            3 => Some(Self::Execve(index, errno, Clue::from_number(rest)?)),
            4 => Some(Self::Spawn(errno)),
            5 => Some(Self::ReExecute(errno)),
            6 => Some(Self::Plan(errno)),
            7 => Some(Self::Reaper(errno)),
            8 => Some(Self::Birth(errno)),
            9 => Some(Self::Job(Taking::from_number(rest)?, errno)),
            _ => None,
        }
    }
}

/// The memory that child and parent have: a word for the report, one for each lack, one for the command's process, one for
/// who makes the network namespace, and one for the time of each moment, if times are wanted.
#[derive(Clone, Copy)]
pub struct Board<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Board<'a> {
    const REPORT: usize = 0;
    /// In the place of a report: none is wanted any more. It is none itself.
    const CALLED_OFF: u64 = 0xf;
    const LACKS: usize = 1;
    const COMMAND: usize = Self::LACKS + Lack::ALL.len();
    const NETWORK: usize = Self::COMMAND + 1;
    const MOMENTS: usize = Self::NETWORK + 1;

    /// How many words it takes.
    pub const fn size(moments: usize) -> usize {
        Self::MOMENTS + moments
    }

    /// In these words, of which a child that is born later sees what is written here, and the other way round. They
    /// are 0 at first.
    pub fn new(words: &'a [AtomicU64]) -> Self {
        Self { words }
    }

    /// Leaves a report. The first failure stands, but for a clue to it: what fails after it fails because of it. Whether
    /// the start goes on, as far as the parent is concerned.
    pub fn leave(self, report: Report) -> bool {
        let Some(place) = self.words.get(Self::REPORT) else {
            return true;
        };
        let left = place.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
            let stands = match (Report::of_word(left), report) {
                _ if left == Self::CALLED_OFF => true,
                (None | Some(Report::Ready), _) => false,
                (Some(Report::Execve(..)), Report::Execve(..)) => false,
                (Some(_), _) => true,
            };
            (!stands).then_some(report.word())
        });
        left != Err(Self::CALLED_OFF)
    }

    /// The parent's: calls the start off, unless the child is on its way to execve already. Whether the command will never
    /// run.
    pub fn call_off(self) -> bool {
        let Some(place) = self.words.get(Self::REPORT) else {
            return false;
        };
        let left = place.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
            (left == 0).then_some(Self::CALLED_OFF)
        });
        left.err().and_then(Report::of_word) != Some(Report::Ready)
    }

    /// What has been left.
    ///
    /// Errors: EBADMSG if it is no report.
    pub fn report(self) -> Result<Option<Report>, Errno> {
        match self.get(Self::REPORT) {
            0 => Ok(None),
            word => Report::of_word(word).map(Some).ok_or(Errno::EBADMSG),
        }
    }

    /// Leaves what the container goes without, which is no failure.
    pub fn leave_lack(self, lack: Lack, why: Errno) {
        self.set(
            Self::LACKS.saturating_add(lack.index()),
            why.into_raw() as u64,
        );
    }

    /// Why the container goes without, for each lack.
    pub fn lacks(self) -> Lacks {
        Lack::ALL.map(
            |lack| match self.get(Self::LACKS.saturating_add(lack.index())) {
                0 => None,
                errno => Some(Errno::new(errno as i32)),
            },
        )
    }

    /// Leaves which process will execute the command, if it is another child of the parent's than the one that was cloned.
    pub fn leave_command(self, pid: Pid) {
        self.set(Self::COMMAND, pid as u64);
    }

    /// That process, if there is one.
    pub fn command(self) -> Option<Pid> {
        match self.get(Self::COMMAND) {
            0 => None,
            pid => Some(pid as Pid),
        }
    }

    /// Where it is told how far the network namespace is ([`crate::sys::network_maker`]).
    pub fn network(self) -> Option<&'a AtomicU64> {
        self.words.get(Self::NETWORK)
    }

    /// Whether times are wanted.
    pub fn is_timed(self) -> bool {
        self.words.len() > Self::MOMENTS
    }

    /// Leaves when the child was there, in nanoseconds of the monotonic clock.
    pub fn leave_time(self, moment: Moment, time: u64) {
        self.set(Self::MOMENTS.saturating_add(moment.index()), time);
    }

    /// The times that were left, by the moments' indices.
    pub fn times(self) -> impl Iterator<Item = u64> {
        let words = self.words.iter().skip(Self::MOMENTS);
        words.map(|word| word.load(Ordering::Acquire))
    }

    fn get(self, index: usize) -> u64 {
        self.words
            .get(index)
            .map_or(0, |word| word.load(Ordering::Acquire))
    }

    fn set(self, index: usize, value: u64) {
        if let Some(word) = self.words.get(index) {
            word.store(value, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests;
