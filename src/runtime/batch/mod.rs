//! `mydocker batch`: one process that is asked, and many runs.
//!
//! ```text
//! stdin, or a socket's callers ─ lines ─▶ batch ─ a line ─▶ worker ─ clone ─▶ the container
//! stdout, or the caller       ◀─ results ─┘  ◀─ its result ─┘  ◀──── its end ─┘
//! ```
//!
//! Batch itself runs nothing. For each job that runs at a time there is a worker, a copy of this process that was forked
//! when it was first needed, and that runs one job after the other by the story of `run` (`runtime::story`, or a box
//! of a pool's): what holds for one run holds for each of a batch. What is saved is what a run does before its story:
//! the execve, its pages and their end, the command line. A single process that supervised all of them by one loop was
//! not built: a clone that shares memory holds its caller up until the command runs, so starts would go one by one; and a
//! worker that dies takes one job with it.
//!
//! A worker does not do again what a run does once: it keeps its pages ([`Supervisor::wait`](crate::monitor::Supervisor::wait)
//! lets those of a run go), its memory ([`allocation::keep`](crate::sys::allocation::keep)), and what it knows of the signals and
//! of itself. Without these it had a sixth over `run`, with them it has three tenths (processor time of a start).
//!
//! Nothing is read that cannot be run: a connection is read from when it has no line left and a worker is free, and not
//! while its results are not taken. Where there are others, it is read from also while no worker is free: else the one whose
//! lines have been read would have the next worker, and the one after, until it has none left.
//!
//! A signal that ends batch is handed on to each container, which is killed if it has not ended a second later; each has its
//! result. If batch itself is killed, the workers are told so by the kernel, and do the same.

mod check;
mod connection;
mod door;
mod ending;
mod hand;
mod job;
mod streams;
mod values;
mod worker;

use super::logging;
use super::sealed_exe::OwnFile;
use crate::docker::BatchArgs;
use crate::error::{Error, ExitCode};
use crate::guard::{Acquire, Request};
use crate::json::Value as Json;
use crate::log::{Level, Log, Value};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::invocation::Invocation;
use crate::sys::process::Ended;
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, affinity, fork, inherited, process};
use connection::{Connection, LONGEST};
use door::Door;
use ending::Ending;
use hand::{Given, Hand};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use worker::ENDING;

/// How long batch waits for a reader when all has ended by a signal, and how long it asks no one after accept(2) has failed.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Where stdin and stdout stand among the connections.
const STANDARD: u64 = 0;

/// Runs a batch to its end.
pub fn run(arguments: &BatchArgs, invocation: &Invocation) -> Result<ExitCode, Error> {
    logging::with_log::<Acquire>(&arguments.log, Level::Warn, |log| {
        OwnFile::look(&arguments.run, invocation)?.acquire()?;
        let most = match arguments.jobs {
            Some(most) => most,
            None => affinity::processors()
                .map_err(|errno| Error::new("sched_getaffinity", "", errno))?
                .numbers()
                .count()
                .max(1),
        };
        // No job has what the caller has left open beside stdin, stdout and stderr.
        let _ = inherited::close_callers(&[]);
        check::check(&arguments.run)?;
        let wanted = ENDING.with(libc::SIGTSTP).without(signal::ignored());
        let blocked = SignalSet(wanted.0 | signal::OF_WRITES.0);
        signal::set_blocked(blocked).map_err(|errno| Error::new("block", "signals", errno))?;
        let signals = signal::descriptor(wanted)
            .map_err(|errno| Error::new("make a descriptor for", "signals", errno))?;
        let mut batch = Batch {
            arguments,
            log,
            most,
            signals: Some(signals),
            blocked,
            door: None,
            room: door::room(most),
            connections: Vec::new(),
            callers: STANDARD,
            last: STANDARD,
            hands: Vec::new(),
            buffer: vec![0; hand::AT_ONCE],
            ending: None,
            unreadable: None,
            deadline: None,
            deaf_until: None,
        };
        match &arguments.listen {
            Some(path) => batch.door = Some(Door::open(path)?),
            None => batch.connections.push((STANDARD, Connection::standard()?)),
        }
        let outcome = batch.serve();
        if let Some(door) = batch.door.take() {
            door.close();
        }
        for hand in batch.hands.drain(..) {
            hand.end();
        }
        outcome
    })
}

struct Batch<'a> {
    arguments: &'a BatchArgs,
    log: &'a Log,
    /// How many run at a time.
    most: usize,
    signals: Option<OwnedFd>,
    /// The signals that wait.
    blocked: SignalSet,
    door: Option<Door>,
    /// How many callers there may be at a time.
    room: usize,
    /// Who brings jobs, by a number that no other has; in order.
    connections: Connections,
    /// How many have called.
    callers: u64,
    /// The connection that had a job run last.
    last: u64,
    hands: Vec<Hand>,
    /// Where results are read to.
    buffer: Vec<u8>,
    ending: Option<Ending>,
    /// Why not all of stdin was read.
    unreadable: Option<Errno>,
    /// When it stops waiting for the readers of results.
    deadline: Option<Instant>,
    /// When it asks for callers again.
    deaf_until: Option<Instant>,
}

impl Batch<'_> {
    fn serve(&mut self) -> Result<ExitCode, Error> {
        loop {
            self.hand_out()?;
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            self.wait()
                .map_err(|errno| Error::new("wait for", "jobs and their ends", errno))?;
        }
    }

    /// Gives jobs to workers, as long as there are some of both.
    fn hand_out(&mut self) -> Result<(), Error> {
        while self.ending.is_none() && self.has_room() {
            let Some(key) = self.next_connection() else {
                return Ok(());
            };
            match self.idle() {
                Ok(place) => self.hand_to(place, key),
                Err(error) => self.make_do(key, error)?,
            }
        }
        Ok(())
    }

    /// Gives the next line of a connection to a worker, if it can be one that is to be run.
    fn hand_to(&mut self, place: usize, key: u64) {
        let Self {
            hands, connections, ..
        } = self;
        let (Some(hand), Some(connection)) = (hands.get_mut(place), found(connections, key)) else {
            return;
        };
        match connection.take() {
            None => {}
            Some((number, None)) => {
                let message = format!("line {number}: it has more than {LONGEST} bytes");
                let result = worker::not_run(&Json::Null, number, &Error::told(&message));
                connection.add((result.finish() + "\n").as_bytes());
            }
            Some((number, Some(line))) => {
                hand.give(
                    Given {
                        connection: key,
                        number,
                    },
                    line,
                );
                connection.running += 1;
                self.last = key;
            }
        }
    }

    /// One more worker was not to be had: as many jobs run from here on as there are workers.
    ///
    /// Errors: there is none at all.
    #[cold]
    #[inline(never)]
    fn make_do(&mut self, key: u64, error: Error) -> Result<(), Error> {
        if !self.hands.is_empty() {
            self.most = self.hands.len();
            self.log.say(&error);
            return Ok(());
        }
        if let Some(connection) = found(&mut self.connections, key)
            && let Some((number, line)) = connection.take()
        {
            let id = job::id_of(line.unwrap_or_default());
            let result = worker::not_run(&id, number, &error);
            connection.add((result.finish() + "\n").as_bytes());
        }
        Err(error)
    }

    /// Whether one more could run.
    fn has_room(&self) -> bool {
        self.hands.len() < self.most || self.hands.iter().any(|hand| hand.job.is_none())
    }

    /// Whose turn it is of those that have a line.
    fn next_connection(&mut self) -> Option<u64> {
        let last = self.last;
        let mut ready = self.connections.iter_mut().filter_map(|(key, connection)| {
            (connection.keeps_up() && connection.is_ready()).then_some(*key)
        });
        let first = ready.next()?;
        if first > last {
            return Some(first);
        }
        Some(ready.find(|key| *key > last).unwrap_or(first))
    }

    /// Where a worker without a job is, made if there is none.
    ///
    /// Errors: none can be made.
    fn idle(&mut self) -> Result<usize, Error> {
        let idle = self.hands.iter().position(|hand| hand.job.is_none());
        idle.map_or_else(|| self.employ(), Ok)
    }

    #[cold]
    #[inline(never)]
    fn employ(&mut self) -> Result<usize, Error> {
        let (ours, theirs) =
            hand::ends().map_err(|errno| Error::new("socketpair", "to a worker", errno))?;
        let mut ours = Some(ours);
        let batch = process::id();
        let (arguments, log) = (self.arguments, self.log);
        let pid = fork::fork_off(|| {
            // The copy's own. No container's end waits for one that is open here.
            drop(ours.take());
            self.hands.clear();
            self.connections.clear();
            drop((self.signals.take(), self.door.take()));
            worker::work(theirs, arguments, batch, log)
        })
        .map_err(|errno| Error::new("fork", "a worker", errno))?;
        self.hands.extend(ours.map(|ours| Hand::new(pid, ours)));
        Ok(self.hands.len() - 1)
    }

    /// Waits for whatever comes next, and does what it asks for.
    fn wait(&mut self) -> Result<(), Errno> {
        let now = Instant::now();
        self.deaf_until = self.deaf_until.filter(|until| *until > now);
        // Which line is next is known only where one of each connection that brings some has been read.
        let wanted = self.ending.is_none() && (self.has_room() || self.connections.len() > 1);
        let of_file = |file: Option<_>| file.map_or(Waiting::none(), Waiting::to_read);
        let is_open = self.ending.is_none()
            && self.connections.len() < self.room
            && self.deaf_until.is_none();
        let door = self.door.as_ref().filter(|_| is_open);
        let mut waiting = vec![
            of_file(self.signals.as_ref().map(AsFd::as_fd)),
            of_file(door.map(Door::as_fd)),
        ];

        for hand in &self.hands {
            waiting.extend(hand.waiting());
        }
        for (_, connection) in &self.connections {
            waiting.extend(connection.waiting(wanted && connection.keeps_up()));
        }
        let next = self.deadline.into_iter().chain(self.deaf_until).min();
        let timeout = next.map_or(-1, |next| {
            let left = next.saturating_duration_since(now).as_millis();
            i32::try_from(left).unwrap_or(i32::MAX).saturating_add(1)
        });
        let asks: Vec<bool> = waiting.iter().map(Waiting::asks).collect();
        // poll(2) takes no more of them than there may be open files (EINVAL), also where they ask for nothing.
        waiting.retain(Waiting::asks);
        descriptor::wait(&mut waiting, timeout)?;
        let mut answers = waiting.iter().map(Waiting::happened);
        let happened: Vec<bool> = asks
            .into_iter()
            .map(|asks| asks && answers.next() == Some(true))
            .collect();
        drop(waiting);
        let (own, others) = happened.split_at(2);
        let (hands, connections) = others.split_at(2 * self.hands.len());
        // From behind, for one may go.
        for (index, happened) in connections.chunks_exact(2).enumerate().rev() {
            self.attend(index, happened);
        }
        // One that has gone leaves its place to the last.
        for (index, happened) in hands.chunks_exact(2).enumerate().rev() {
            self.hear(index, happened);
        }
        if own.starts_with(&[true]) {
            self.take_signals()?;
        }
        if own.ends_with(&[true]) {
            self.accept();
        }
        Ok(())
    }

    /// `happened`: whether there is something to read, and whether something can be written.
    fn attend(&mut self, index: usize, happened: &[bool]) {
        let (Some((_, connection)), &[readable, writable]) =
            (self.connections.get_mut(index), happened)
        else {
            return;
        };
        let written = match (writable, connection.is_written()) {
            (false, _) => Ok(()),
            (true, false) => connection.write(),
            // It was asked whether it is closed.
            (true, true) => Err(Errno::EPIPE),
        };
        match written {
            Ok(()) if readable => {
                let read = connection.read();
                self.is_read(index, read);
            }
            Ok(()) => {}
            Err(errno) => self.lose(index, errno),
        }
    }

    /// A caller that has gone has no jobs any more; that stdin could not be read to its end is told when all has ended.
    fn is_read(&mut self, index: usize, read: Result<(), Errno>) {
        let of_stdin = self
            .connections
            .get(index)
            .is_some_and(|(key, _)| *key == STANDARD && self.door.is_none());
        if of_stdin && let Err(errno) = read {
            self.unreadable = Some(errno);
        }
    }

    fn hear(&mut self, index: usize, happened: &[bool]) {
        let Some(hand) = self.hands.get_mut(index) else {
            return;
        };
        if happened.ends_with(&[true]) {
            hand.send();
        }
        if !happened.starts_with(&[true]) {
            return;
        }
        match hand.receive(&mut self.buffer) {
            Ok(false) => {}
            Ok(true) => {
                if let Some(job) = hand.job.take() {
                    answer(&mut self.connections, &job, hand.result());
                }
                hand.free();
                if hand.is_signalled {
                    // The signal could have come too late, and would end the next job.
                    self.hands.swap_remove(index).end();
                }
            }
            Err(()) => self.bury(index),
        }
    }

    /// A worker has gone, with its container if it had one.
    #[cold]
    #[inline(never)]
    fn bury(&mut self, index: usize) {
        let mut hand = self.hands.swap_remove(index);
        let job = hand.job.take().map(|job| (job, job::id_of(hand.line())));
        let how = match hand.end() {
            Some(Ended::Signaled(signal)) => format!("was ended by signal {signal}"),
            Some(Ended::Exited(code)) => format!("has ended with exit code {code}"),
            None => "has ended".to_owned(),
        };
        let error = Error::told(&format!("the process that ran it {how}"));
        if let Some((job, id)) = job {
            let result = worker::not_run(&id, job.number, &error);
            answer(
                &mut self.connections,
                &job,
                (result.finish() + "\n").as_bytes(),
            );
        }
    }

    fn accept(&mut self) {
        let Some(door) = &self.door else { return };
        match door.accept() {
            Ok(None) => {}
            Ok(Some(Ok(caller))) => {
                self.callers += 1;
                let connection = Connection::caller(caller);
                self.connections.push((self.callers, connection));
            }
            Ok(Some(Err(user))) => {
                let fields = [("user", Value::Number(user.into()))];
                self.log
                    .write(Level::Warn, b"another user was refused", &fields);
            }
            Err(errno) => {
                // Out of descriptors, or of memory: to ask again at once would only burn a processor.
                self.deaf_until = Instant::now().checked_add(LONGEST_WAIT);
                let error = Error::new("accept", "a caller", errno).to_string();
                self.log.write(Level::Warn, error.as_bytes(), &[]);
            }
        }
    }
}

type Connections = Vec<(u64, Connection)>;

fn found(connections: &mut Connections, key: u64) -> Option<&mut Connection> {
    let found = connections.iter_mut().find(|(its, _)| *its == key);
    found.map(|(_, connection)| connection)
}

/// Gives a job's result to who has brought it. One that has gone needs none.
fn answer(connections: &mut Connections, job: &Given, result: &[u8]) {
    if let Some(connection) = found(connections, job.connection) {
        connection.running = connection.running.saturating_sub(1);
        connection.add(result);
    }
}
