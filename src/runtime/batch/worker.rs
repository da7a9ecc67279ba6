//! A worker: a process of mydocker's that runs one job after the other, each as `mydocker run` would, and is asked for them
//! and answers by a socket.
//!
//! Each message is its length in four bytes and then so much: of batch the number of a line and the line, of the worker a
//! result. A worker has one job at a time, and takes no other before it has answered.

use super::job::{self, Bad, Job};
use super::streams::Streams;
use crate::docker::{BatchArgs, RunArgs};
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::hint;
use crate::json::{Object, Value};
use crate::log::Log;
use crate::runtime::boxes;
use crate::runtime::caller::Asking;
use crate::runtime::conclusion::Settled;
use crate::runtime::origin::Origin;
use crate::runtime::reporting::Reporting;
use crate::runtime::standard::StreamsOf;
use crate::runtime::told::Told;
use crate::runtime::{Setting, story};
use crate::sys::descriptor;
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, allocation, process};
use crate::verdict::{Reason, Verdict};
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// How long a container may take to end when a signal has asked it to.
const PATIENCE: Duration = Duration::from_secs(1);

/// The signals that end a batch, and its containers with it.
pub const ENDING: SignalSet = SignalSet::EMPTY
    .with(libc::SIGHUP)
    .with(libc::SIGINT)
    .with(libc::SIGQUIT)
    .with(libc::SIGTERM);

/// Bytes of a message's length.
pub const HEAD: usize = size_of::<u32>();

/// Runs what comes, until nothing comes any more. `batch` is the process that asks.
pub fn work(socket: OwnedFd, arguments: &BatchArgs, batch: Pid, log: &Log) -> u8 {
    // A signal that the caller has ignored would not be heard; a container ends with the worker, too.
    let death = match signal::ignored().contains(libc::SIGTERM) {
        true => libc::SIGKILL,
        false => libc::SIGTERM,
    };
    // A key of the terminal's is for batch, which asks each worker.
    let begun = process::new_group()
        // If batch is killed: the container ends, and what was lent is given back.
        .and_then(|()| process::hear_of_parents_death(death))
        .map_err(|errno| Error::new("begin", "a worker", errno))
        .and_then(|()| {
            let log = log
                .apart()
                .map_err(|errno| Error::new("dup", "the log", errno))?;
            Ok((log, Streams::new()?))
        });
    let (log, streams) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            log.say(&error);
            return error.exit().0;
        }
    };
    let run = RunArgs {
        // Its reaper and its counts are those of a run that is reported.
        report: Some(OsString::new()),
        ..arguments.run.clone()
    };
    let worker = Worker { run, streams, log };
    loop {
        // The same again, in the same place: no memory is mapped and given back for each job.
        allocation::keep();
        let Ok(Some((number, line))) = receive(&socket) else {
            break;
        };
        // A signal that waits is for this job, however early it came: a worker that was sent one has no other after it.
        if process::parent_id() != batch {
            break;
        }
        let mut result = worker.answer(&line, number).finish();
        result.push('\n');
        if send(&socket, result.as_bytes()).is_err() {
            break;
        }
    }
    0
}

/// `None`: nothing comes any more.
fn receive(socket: &OwnedFd) -> Result<Option<(u64, Vec<u8>)>, Errno> {
    let mut head = [0; Head::SIZE];
    if !fill(socket, &mut head)? {
        return Ok(None);
    }
    let (length, number) = head.split_at(HEAD);
    let head = Head {
        length: u32::from_le_bytes(length.try_into().unwrap_or_default()),
        number: u64::from_le_bytes(number.try_into().unwrap_or_default()),
    };
    let mut line = vec![0; head.length as usize];
    Ok(fill(socket, &mut line)?.then_some((head.number, line)))
}

/// Whether so much has come.
fn fill(socket: &OwnedFd, buffer: &mut [u8]) -> Result<bool, Errno> {
    let mut had = 0;
    while let Some(rest) = buffer.get_mut(had..).filter(|rest| !rest.is_empty()) {
        match descriptor::read(socket.as_fd(), rest) {
            Ok(0) => return Ok(false),
            Ok(count) => had += count,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(true)
}

/// The beginning of a message to a worker: how long the line is, and which it is.
pub struct Head {
    length: u32,
    number: u64,
}

impl Head {
    pub const SIZE: usize = HEAD + size_of::<u64>();

    pub fn of(line: &[u8], number: u64) -> Self {
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        Self { length, number }
    }

    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let length = self.length.to_le_bytes();
        length.into_iter().chain(self.number.to_le_bytes())
    }
}

fn send(socket: &OwnedFd, result: &[u8]) -> Result<(), Errno> {
    let length = u32::try_from(result.len()).map_err(|_| Errno::EMSGSIZE)?;
    let message = [&length.to_le_bytes(), result].concat();
    descriptor::write_all(socket.as_fd(), &message)
}

/// The beginning of each result.
pub fn begin(id: &Value, number: u64) -> Object {
    let mut object = Object::new();
    object.value("id", id);
    object.number("line", i64::try_from(number).unwrap_or(i64::MAX));
    object
}

/// The result of what has not run.
pub fn not_run(id: &Value, number: u64, error: &Error) -> Object {
    let verdict = Verdict {
        reason: Some(Reason::NotStarted),
        status: error.exit(),
        ended: None,
        error: Some(error),
        wall: None,
        counted: None,
        resource_usage: None,
        output: None,
    };
    verdict.tell(begin(id, number))
}

/// Where a command was not found: no one has typed the name of an image into JSON before it.
fn without_images(error: Error, job: &Job) -> Error {
    if error.exit() != ExitCode::NOT_FOUND {
        return error;
    }
    let told = error.to_string();
    let of_images = [hint::not_in_path(), hint::no_images()];
    if !of_images.iter().any(|hint| told.ends_with(hint)) {
        return error;
    }
    let command = job.arguments.command.first();
    let is_path = command.is_some_and(|command| command.as_bytes().contains(&b'/'));
    error.hint_instead(match is_path {
        true => hint::NO_SUCH_FILE,
        false => hint::NOT_IN_PATH,
    })
}

struct Worker {
    /// What holds for every job.
    run: RunArgs,
    streams: Streams,
    log: Log,
}

impl Worker {
    fn answer(&self, line: &[u8], number: u64) -> Object {
        self.log
            .is_about_job(i64::try_from(number).unwrap_or(i64::MAX));
        let job = match job::read(line, number, &self.run) {
            Ok(job) => job,
            Err(Bad { id, error }) => return not_run(&id, number, &error),
        };
        let told = self.run(&job, number);
        match (told, self.streams.give_up(&job)) {
            (Ok(object), Ok(())) => object,
            (Err(error), _) | (_, Err(error)) => not_run(&job.id, number, &error),
        }
    }

    /// Errors: it has not run, or nothing is known of how.
    fn run(&self, job: &Job, number: u64) -> Result<Object, Error> {
        let taken = self.streams.take(job);
        taken.map_err(|error| error.behind(&format!("line {number}")))?;
        // The child of the last one has had our memory, and left it as it has to be while there is a container.
        let _ = process::dumpable();
        let mut report = Reporting::new(|| Ok(Vec::new()))?;
        let ended = self.live(job, &mut report);
        let (status, error) = match ended {
            Ok(Settled { end, lost, .. }) => match (lost, end.exit) {
                // What the command could not be told is not a success.
                (Some(lost), ExitCode::SUCCESS) => (lost.exit(), Some(lost)),
                (lost, exit) => (exit, lost),
            },
            Err(error) => {
                let error = self.by_key(without_images(error, job), job, number);
                (error.exit(), Some(error))
            }
        };
        let mut object = report.tell(begin(&job.id, number), status, error.as_ref());
        self.streams.tell(job, &mut object)?;
        Ok(object)
    }

    /// An error that names an option, by the key that its value came from.
    #[cold]
    #[inline(never)]
    fn by_key(&self, error: Error, job: &Job, number: u64) -> Error {
        let (own, all) = (&job.arguments, &self.run);
        let by_job = [
            (
                Field::WorkingDirectory,
                "workdir",
                own.working_directory != all.working_directory,
            ),
            (Field::CpuTime, "cpu_time", own.limits != all.limits),
        ];
        let told = error.to_string();
        let found = by_job.into_iter().find_map(|(field, key, is_jobs)| {
            let rest = told.strip_prefix(field.spelled())?;
            (is_jobs && rest.starts_with([':', ' '])).then(|| format!("line {number}: {key}{rest}"))
        });
        match found {
            Some(told) => Error::told(&told).exit_with(error.exit()),
            None => error,
        }
    }

    /// From nothing to nothing.
    fn live(&self, job: &Job, report: &mut Reporting) -> Result<Settled, Error> {
        let setting = Setting {
            arguments: &job.arguments,
            asking: Asking {
                origin: Origin::Caller,
                host_name: None,
            },
            streams: StreamsOf::Caller,
            keeps_streams: true,
            patience: Some(PATIENCE),
            log: &self.log,
        };
        let mut told = Told {
            timing: None,
            report: Some(report),
            stay: None,
            without_box: None,
        };
        match boxes::client::live(&setting, &mut told)? {
            Some(settled) => Ok(settled),
            None => story::live(&setting, None, &mut told),
        }
    }
}
