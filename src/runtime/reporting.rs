//! `--report`, from before anything is done until all is over.

use crate::cgroup::Usage;
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::guard::Request;
use crate::json::Object;
use crate::log::{Level, Log};
use crate::monitor::End;
use crate::monitor::signals::Relayed;
use crate::result_file::{ResultFile, Typed};
use crate::sys::clock;
use crate::verdict::{Reason, Verdict};
use std::ffi::OsStr;

/// A report that has been asked for, and what is known for it.
pub struct Reporting {
    /// Where it goes: to whoever asked for it, and into the directory of a container that stays.
    files: Vec<ResultFile>,
    /// When the clone was about to be made.
    begun: Option<u64>,
    is_running: bool,
    /// How it ended, and what its cgroups have counted.
    end: Option<(End, Option<Usage>)>,
}

/// A report that is asked for.
pub struct Wanted(Typed);

impl Wanted {
    pub fn look(file: &OsStr) -> Result<Self, Error> {
        Typed::look(Field::Report, file).map(Self)
    }

    /// The place that was named, open.
    pub fn open(self) -> Result<ResultFile, Error> {
        self.0.acquire()
    }
}

impl Request for Wanted {
    type Guard = Reporting;
    type Preview = ();

    #[cold]
    #[inline(never)]
    fn acquire(self) -> Result<Reporting, Error> {
        Reporting::new(|| Ok(vec![self.0.acquire()?]))
    }

    fn preview(self) -> Result<(), Error> {
        self.0.preview()
    }
}

impl Reporting {
    /// A report that goes to the files that `open` opens.
    #[cold]
    #[inline(never)]
    pub fn new(open: impl FnOnce() -> Result<Vec<ResultFile>, Error>) -> Result<Self, Error> {
        // From here on a signal waits until it can be told of, and no file of ours is there without a report. (What else
        // is to be waited for is not known yet.)
        Relayed::Nothing.acquire()?;
        Ok(Self {
            files: open()?,
            begun: None,
            is_running: false,
            end: None,
        })
    }

    /// Whether stdout is to stay open until the end.
    pub fn needs_stdout(&self) -> bool {
        self.files.iter().any(ResultFile::needs_stdout)
    }

    /// The clone comes next.
    pub fn begin(&mut self) {
        self.begun = Some(clock::monotonic());
    }

    /// The command is running.
    pub fn is_running(&mut self) {
        self.is_running = true;
    }

    /// What ran was not the command.
    pub fn never_ran(&mut self) {
        self.is_running = false;
        self.end = None;
    }

    /// The container has ended.
    #[cold]
    #[inline(never)]
    pub fn ended(&mut self, end: End, usage: Option<Usage>) {
        self.end = Some((end, usage));
    }

    /// Writes the report: mydocker exits with `status`, because of `error` if there is one.
    #[cold]
    #[inline(never)]
    pub fn write(&self, status: ExitCode, error: Option<&Error>, log: Option<&Log>) {
        for file in &self.files {
            let object = self.tell(Object::new(), status, error);
            if let (Err(errno), Some(log)) = (file.write(object), log) {
                // What has been is not to be undone for a report.
                let error = Error::new("write", Field::Report.spelled(), errno).to_string();
                log.write(Level::Error, error.as_bytes(), &[]);
            }
        }
    }

    /// The report, behind what is in an object already.
    #[cold]
    #[inline(never)]
    pub fn tell(&self, object: Object, status: ExitCode, error: Option<&Error>) -> Object {
        let end = self.end.as_ref().map(|(end, _)| end);
        let reason = match end {
            Some(end) => Some(end.reason),
            None if self.is_running => None,
            // The start itself took too long.
            None if status == ExitCode::TIME_IS_UP => Some(Reason::TimedOut),
            None => Some(Reason::NotStarted),
        };
        Verdict {
            reason,
            status,
            ended: end.and_then(|end| end.ended),
            error,
            wall: end.and_then(|end| end.at?.checked_sub(self.begun?)),
            counted: self.end.as_ref().and_then(|(_, usage)| usage.as_ref()),
            resource_usage: end.and_then(|end| end.used),
            output: end.and_then(|end| end.output),
        }
        .tell(object)
    }
}
