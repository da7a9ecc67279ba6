//! `mydocker logs`.

mod printer;

use crate::container_log::Reader;
use crate::docker::LogsArgs;
use crate::error::{Error, ExitCode};
use crate::log;
use crate::store::{self, Entry, Status};
use crate::sys::descriptor::{self, Waiting};
use crate::sys::{Errno, signal, watch};
use crate::time;
use printer::Printer;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How often it is looked whether a container has ended that writes nothing: who kills a monitor tells no one.
const NEXT_LOOK: Duration = Duration::from_secs(1);

/// How often it is looked for something to read where the kernel does not tell.
const UNTOLD: Duration = Duration::from_millis(100);

pub fn run(arguments: &LogsArgs) -> Result<ExitCode, Error> {
    let period = arguments.period(time::nanoseconds())?;
    let entry = store::find(arguments.state.as_deref(), &arguments.container)?;
    let directory = || {
        let opened = entry.directory();
        opened.map_err(|errno| Error::new("open", told(&entry, c""), errno))
    };
    let mut source = Source {
        reader: Reader::new(directory()?),
        watch: None,
        printer: Printer::new(period, arguments.timestamps),
        entry: &entry,
    };
    if !source.has_log()? {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(lines) = arguments.tail {
        let found = source
            .reader
            .skip_to_last(lines, *source.printer.period.end());
        found.map_err(|errno| unreadable(&entry, errno))?;
    }
    // A reader who has gone is no reason to end by a signal.
    signal::survive_writes();
    let printed = if arguments.follow {
        let directory = descriptor::name_in_proc(directory()?.as_fd());
        // Without one it is looked more often.
        source.watch = watch::of_writes(&directory).ok();
        source.follow()
    } else {
        source.print().map(|_| lost(&entry))
    };
    match printed {
        Ok(lost) => {
            tell_missing(lost, source.printer.unreadable);
            Ok(ExitCode::SUCCESS)
        }
        Err(End::ReaderIsGone | End::TimeIsUp) => Ok(ExitCode::SUCCESS),
        Err(End::Failed(error)) => Err(error),
    }
}

/// Why nothing more is printed before the log's end.
enum End {
    /// Who reads what we print has had enough.
    ReaderIsGone,
    /// What is to come is later than what is wanted.
    TimeIsUp,
    Failed(Error),
}

/// A log, and where it is printed.
struct Source<'a> {
    reader: Reader,
    /// Tells when the container's directory changes.
    watch: Option<OwnedFd>,
    printer: Printer,
    entry: &'a Entry,
}

impl Source<'_> {
    /// Whether there is a log; not yet, if the container has not run.
    ///
    /// Errors: there is none, and will be none.
    fn has_log(&self) -> Result<bool, Error> {
        let found = self.reader.finds_something();
        if found.map_err(|errno| unreadable(self.entry, errno))? {
            return Ok(true);
        }
        match self.entry.look()?.status {
            Status::Created => Ok(false),
            _ => Err(Error::failure(&format!(
                "container {} has no log: it was run in the foreground, or without a log driver",
                self.entry.word()
            ))),
        }
    }

    /// Prints what there is now, and tells whether that was anything.
    fn print(&mut self) -> Result<bool, End> {
        let mut any = false;
        let failed = |errno| End::Failed(unreadable(self.entry, errno));
        while let Some(lines) = self.reader.lines().map_err(failed)? {
            any = true;
            self.printer.print(lines).map_err(printing)?;
        }
        self.printer.flush().map_err(printing)?;
        Ok(any)
    }

    /// Prints until the container has ended, and gives the bytes that its log is known to lack.
    fn follow(&mut self) -> Result<u64, End> {
        loop {
            // First, or what it has written at last could be missed.
            let ended = self.ended().map_err(End::Failed)?;
            let any = self.print()?;
            match ended {
                Some(lost) if !any => return Ok(lost),
                None if !any => self.wait()?,
                _ => {}
            }
        }
    }

    /// The bytes that the log lacks, if the container has ended.
    fn ended(&self) -> Result<Option<u64>, Error> {
        Ok(match self.entry.look_if_there()? {
            Some(look) if look.is_live() => None,
            Some(look) => Some(look.state.lost_log_bytes),
            // It has been removed.
            None => Some(0),
        })
    }

    /// Waits until there may be something to do.
    fn wait(&self) -> Result<(), End> {
        let left = self
            .printer
            .period
            .end()
            .saturating_sub(time::nanoseconds());
        if left == 0 {
            return Err(End::TimeIsUp);
        }
        let wait = self.watch.as_ref().map_or(UNTOLD, |_| NEXT_LOOK);
        let wait = wait
            .min(Duration::from_nanos(left))
            .max(Duration::from_millis(1));
        let watched = self
            .watch
            .as_ref()
            .map(|watch| Waiting::to_read(watch.as_fd()));
        let mut waiting = [
            watched.unwrap_or(Waiting::none()),
            Waiting::until_closed(descriptor::standard(1)),
        ];
        let waited = descriptor::wait(&mut waiting, wait.as_millis() as i32);
        waited.map_err(|errno| End::Failed(Error::new("wait for", "the log", errno)))?;
        if let Some(watch) = &self.watch {
            watch::take(watch.as_fd());
        }
        let [_, output] = waiting;
        match output.happened() {
            true => Err(End::ReaderIsGone),
            false => Ok(()),
        }
    }
}

#[cold]
#[inline(never)]
fn printing((number, errno): (i32, Errno)) -> End {
    match errno {
        Errno::EPIPE | Errno::ECONNRESET => End::ReaderIsGone,
        _ => End::Failed(Error::new(
            "write",
            crate::standard_streams::name(number),
            errno,
        )),
    }
}

#[cold]
#[inline(never)]
fn unreadable(entry: &Entry, errno: Errno) -> Error {
    Error::new("read", told(entry, c"log.json"), errno)
}

fn told(entry: &Entry, name: &std::ffi::CStr) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    entry.path(name).into_os_string().into_vec()
}

fn lost(entry: &Entry) -> u64 {
    entry.state().map_or(0, |state| state.lost_log_bytes)
}

/// Says what is not in the log, when all that is in it has been printed.
fn tell_missing(lost: u64, unreadable: u64) {
    if lost > 0 {
        log::complain(&Error::told(&format!(
            "{lost} bytes of output are missing: they could not be written to the log"
        )));
    }
    if unreadable > 0 {
        log::complain(&Error::told(&format!(
            "{unreadable} lines of the log are missing: they are not what a log has"
        )));
    }
}
