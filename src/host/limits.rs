//! The container's cgroups, from before the clone until after the wait.

use crate::cgroup::{self, Group, Join, Layout, Preview, ProcessorTime, Record, Usage, usual};
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::guard::{self, Acquire, Intent, Request};
use crate::hint::{Doing, hint, too_few_processes};
use crate::log::{Level, Log};
use crate::spec::limits::Limits;
use crate::sys::process::Ended;
use crate::sys::{Errno, descriptor, namespace, random};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What the layout of hierarchies is told by.
#[derive(Default)]
struct Texts {
    mountinfo: Vec<u8>,
    own: Vec<u8>,
}

/// A container that is limited as a whole.
pub struct Limited {
    texts: Texts,
    group: Group,
    /// Bytes.
    memory: Option<u64>,
    cpu_time: Option<Duration>,
    has_pids_limit: bool,
}

/// Cgroups that are to be there for a container's limits; also those that count, if `is_counted`.
pub struct Wanted<'a> {
    pub limits: &'a Limits,
    pub is_counted: bool,
    /// The container's first process stays outside, and what it is kept for joins.
    pub has_keeper: bool,
    pub log: &'a Log,
}

type Taken<I> = <I as Intent>::Of<Group, Vec<Preview>>;

impl Wanted<'_> {
    /// Takes the cgroups by what is known of this host's hierarchies.
    fn take<I: Intent>(&self) -> Result<(Texts, Taken<I>), Error> {
        let limits = self.limits;
        let look = |layout: &Layout<'_>| {
            let digits = fresh_digits();
            cgroup::Wanted::look(layout, limits, self.is_counted, self.has_keeper, &digits)
                .and_then(I::take)
        };
        let own = lines(c"/proc/self/cgroup", |_| true)?;
        // Where one is named, or some only count, no file's name proves that it is the right hierarchy.
        let only_counts = self.is_counted || limits.cpu_time.is_some() || limits.is_kept;
        if !only_counts && limits.parent.is_none() && namespace::is_initial_cgroup() {
            let mountinfo = usual(&own);
            let taken = look(&Layout::assumed(&mountinfo, &own));
            if let Ok(taken) = taken {
                return Ok((Texts { mountinfo, own }, taken));
            }
            // What was made is gone again. What the error means is to be said of what is really there.
        }
        let mountinfo = cgroups_of_mountinfo()?;
        let taken = look(&Layout::new(&mountinfo, &own))?;
        Ok((Texts { mountinfo, own }, taken))
    }
}

impl Request for Wanted<'_> {
    type Guard = Limited;
    type Preview = Vec<Preview>;

    #[cold]
    #[inline(never)]
    fn acquire(self) -> Result<Limited, Error> {
        let limits = self.limits;
        let (texts, group) = match self.take::<Acquire>() {
            // A kernel without cgroups, or no /proc.
            Err(_) if limits.can_do_without() => Default::default(),
            taken => taken?,
        };
        let limited = Limited {
            texts,
            group,
            memory: limits.memory,
            cpu_time: limits.cpu_time,
            has_pids_limit: limits.processes.is_some(),
        };
        if limited.group.swap_is_unlimited() && host_has_swap() {
            let message = Field::Memory.between(
                "",
                ": this kernel does not limit swap, and the container may use all of the host's",
            );
            self.log.write(Level::Warn, message.as_bytes(), &[]);
        }
        Ok(limited)
    }

    #[cold]
    #[inline(never)]
    fn preview(self) -> Result<Vec<Preview>, Error> {
        match self.take::<guard::Preview>() {
            Err(_) if self.limits.can_do_without() => Ok(Vec::new()),
            taken => taken.map(|(_, previews)| previews),
        }
    }
}

/// Where it is to be born and what it has to join.
#[derive(Default)]
pub struct CgroupEntry<'a> {
    pub birthplace: Option<BorrowedFd<'a>>,
    pub joins: Vec<Join>,
}

impl Limited {
    /// Errors: a cgroup that cannot be joined.
    pub fn entry(&self) -> Result<CgroupEntry<'_>, Error> {
        let joins = self.group.joins().map_err(|(path, errno)| {
            Error::new("join the cgroup by", path.to_bytes(), errno)
                .because(hint(Doing::JoinCgroup, errno))
        })?;
        Ok(CgroupEntry {
            birthplace: self.group.birthplace(),
            joins,
        })
    }

    /// What it takes to find its cgroups again.
    pub fn records(&self) -> Vec<Record> {
        self.group.records()
    }

    /// Removes what killed ones have left, while the command runs.
    pub fn sweep(&self) {
        self.group
            .sweep(&Layout::new(&self.texts.mountinfo, &self.texts.own));
    }

    /// What counts the processor time, and the most of `--cpu-time`, if it was asked for. Before the start, for without
    /// what counts there is none.
    #[cold]
    #[inline(never)]
    pub fn cpu_time(&self) -> Result<Option<(ProcessorTime, Duration)>, Error> {
        let Some(most) = self.cpu_time else {
            return Ok(None);
        };
        Ok(Some((self.group.processor_time()?, most)))
    }

    pub fn usage(&self) -> Usage {
        self.group.usage()
    }

    /// The end: what the kernel has ended for want of memory is found out, the cgroups are removed, and what is
    /// to be said is said, with the container's own exit code in `exit`.
    #[cold]
    #[inline(never)]
    pub fn end(mut self, exit: ExitCode, log: &Log) {
        let usage = match self.memory {
            Some(_) => self.group.oom_usage(),
            None => Usage::default(),
        };
        let memory = self.memory;
        self.remove(log);
        say_out_of_memory(&usage, memory, exit, log);
    }

    /// The end of a container of which others tell.
    pub fn remove(&mut self, log: &Log) {
        if let Err(error) = self.group.remove() {
            log.say(&error);
        }
    }
}

/// Says what the kernel has ended for want of memory; `memory` is the limit on that, in bytes.
#[cold]
#[inline(never)]
pub fn say_out_of_memory(usage: &Usage, memory: Option<u64>, exit: ExitCode, log: &Log) {
    let kills = usage.oom_kills.unwrap_or(0);
    if kills == 0 {
        return;
    }
    let whole = exit.0 == Ended::Signaled(libc::SIGKILL).code();
    let who = match (whole, kills) {
        (true, _) => String::new(),
        // The command has lived on, and its exit code is its own.
        (false, 1) => "a process was ".to_owned(),
        (false, kills) => format!("{kills} processes were "),
    };
    let limit = memory.filter(|_| usage.own_limit_reached);
    let place = limit.map_or_else(
        // Of the host, or of the cgroup above.
        || "outside the container".to_owned(),
        |limit| format!("at {}", size(limit)),
    );
    let message = format!("{who}killed by the kernel: out of memory {place}");
    log.say(&Error::told(&message));
}

/// /proc/swaps has a line for each place of swap, below its heading.
fn host_has_swap() -> bool {
    lines(c"/proc/swaps", |line| line.starts_with(b"/")).is_ok_and(|places| !places.is_empty())
}

fn cgroups_of_mountinfo() -> Result<Vec<u8>, Error> {
    // Behind the fields that may be anything, and in which a space is escaped.
    lines(c"/proc/self/mountinfo", |line| {
        let mut fields = line.split(|byte| *byte == b' ');
        fields.any(|field| field == b"-")
            && fields
                .next()
                .is_some_and(|kind| kind.starts_with(b"cgroup"))
    })
}

fn too_little_for_set_up() -> String {
    Field::Memory.between("", " is too little for the container's own set-up")
}

/// What may have been the container's own limits.
#[cold]
#[inline(never)]
pub fn explained(error: Error, limited: Option<&Limited>) -> Error {
    let Some(limited) = limited else { return error };
    match (error.errno(), limited.memory) {
        // The words of calls that did not get their memory: of execve, of a tmpfs, of a descriptor.
        (
            Some(Errno::E2BIG | Errno::EFAULT | Errno::ENOMEM | Errno::ENOSPC | Errno::ENFILE),
            Some(_),
        ) if limited.group.memory_was_short() => match error.exit() == ExitCode::NOT_EXECUTABLE {
            true => Error::refused(
                Field::Memory.spelled(),
                "it is too little for the command to be loaded",
            ),
            false => error.hint(Some(too_little_for_set_up())),
        },
        (Some(Errno::ENOMEM), Some(_)) => error.hint(Some(too_little_for_set_up())),
        // Gone without a word: by re-exec all that it takes to say one is limited too.
        (None, Some(_)) if limited.group.oom_usage().oom_kills > Some(0) => Error::refused(
            Field::Memory.spelled(),
            "it is too little for the container's own set-up, which the kernel has ended: out of memory",
        ),
        (Some(Errno::EAGAIN), _) if limited.has_pids_limit => error.hint(Some(too_few_processes())),
        _ => error,
    }
}

/// Twelve hexadecimal digits that no other container has, as docker's ids are shown.
pub fn fresh_digits() -> String {
    let bytes = random::six_bytes().unwrap_or_else(|_| {
        // Early at boot, before the kernel has randomness: a name need only be another one.
        let [a, b, c, d] = std::process::id().to_le_bytes();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let [e, f, ..] = now.map_or(0, |now| now.subsec_micros()).to_le_bytes();
        [a, b, c, d, e, f]
    });
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// In the largest unit that it is a whole number of.
fn size(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes % unit == 0 {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

/// The lines of a file of /proc that `wanted` wants. Read through a small buffer: a host may have thousands of
/// mounts, and the first large allocation is what a start pays most for.
fn lines(path: &CStr, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, Error> {
    let failed = |errno| {
        let hint = (errno == Errno::ENOENT).then_some("limits need a proc mounted on /proc");
        Error::new("read", path.to_bytes(), errno).hint(hint)
    };
    let file = descriptor::open(path, libc::O_RDONLY, 0).map_err(failed)?;
    let mut lines = Vec::new();
    // As much as the kernel gives at a time.
    let mut buffer = [0; 4096];
    // The part of a line that has been read so far, unless it is too long for one that is wanted.
    let mut begun = 0;
    let mut too_long = false;
    loop {
        let free = buffer.get_mut(begun..).unwrap_or_default();
        let count = descriptor::read(file.as_fd(), free).map_err(failed)?;
        if count == 0 {
            return Ok(lines);
        }
        let mut rest = buffer.get(..begun + count).unwrap_or_default();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end + 1);
            if !std::mem::take(&mut too_long) && wanted(line) {
                lines.extend_from_slice(line);
            }
            rest = after;
        }
        let left = rest.len();
        let filled = begun + count;
        buffer.copy_within(filled - left..filled, 0);
        too_long |= left == buffer.len();
        begun = if too_long { 0 } else { left };
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_whole_numbers() {
        for (bytes, text) in [
            (64 << 20, "64 MiB"),
            (3 << 29, "1536 MiB"),
            (2 << 30, "2 GiB"),
            (512, "512 bytes"),
            (1 << 10, "1 KiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
