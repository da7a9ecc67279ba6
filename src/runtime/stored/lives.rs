//! The lives of a container that stays, one after the other: the monitor's own story.

use super::Stored;
use super::background::Teller;
use super::chronicle::Chronicle;
use super::directory;
use crate::container_log::Writer;
use crate::control::{self, Patience};
use crate::docker::specify::{self, Staying};
use crate::error::{Error, ExitCode};
use crate::guard::Request;
use crate::log::Log;
use crate::monitor::desk::{Desk, Waited};
use crate::monitor::signals::Relayed;
use crate::result_file::ResultFile;
use crate::runtime::boxes::why::Why;
use crate::runtime::caller::Asking;
use crate::runtime::conclusion::Settled;
use crate::runtime::origin::Origin;
use crate::runtime::reporting::Reporting;
use crate::runtime::standard::StreamsOf;
use crate::runtime::told::{Stay, Told};
use crate::runtime::{Setting, reporting, story};
use crate::spec::RestartPolicy;
use crate::sys::{Errno, descriptor, node, process};
use std::borrow::Cow;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long to wait before the container is started anew, at first and at most: docker's.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// A container that has run for so long begins with the first pause again.
const RUNS_WELL: Duration = Duration::from_secs(10);

/// The report of the last life, in the container's directory.
const REPORT: &CStr = c"report.json";

/// How a container's last life has ended.
pub enum Last {
    Ended(Settled),
    Failed(Error),
}

/// Leads a container through its lives. Errors of the first start are for who waits for it; later ones are part of the
/// container's story. `early`: who is attached before the first one.
pub fn lead(
    stored: &Stored,
    streams: StreamsOf,
    (teller, early): (&mut Option<Teller>, Option<OwnedFd>),
    log: &Log,
) -> Result<Last, Error> {
    let staying = specify::staying(&stored.arguments)?;
    let keeps_streams = streams == StreamsOf::Monitor || staying.restart != RestartPolicy::No;
    let mut chronicle = Chronicle::new(&stored.owned, teller, log)?;
    let host_name = stored.owned.id.short();
    let mut arguments = Cow::Borrowed(&stored.arguments);
    let mut desk = desk(stored, streams, &staying)?;
    if let Some(early) = early {
        desk.welcome(early);
    }
    let mut pause = FIRST_PAUSE;
    let mut is_first = true;
    loop {
        let begun = Instant::now();
        let setting = Setting {
            arguments: &arguments,
            asking: Asking {
                origin: Origin::Maker(&stored.answers),
                host_name: Some(&host_name),
            },
            streams,
            keeps_streams,
            patience: None,
            log,
        };
        let last = match live(&setting, stored, (&mut chronicle, &mut desk))? {
            // There was nothing that could be started again.
            Last::Failed(error) if is_first && !chronicle.has_lived() => {
                chronicle.is_over()?;
                return Err(error);
            }
            last => last,
        };
        is_first = false;
        if begun.elapsed() >= RUNS_WELL {
            pause = FIRST_PAUSE;
        }
        let exit = match &last {
            Last::Ended(settled) => settled.end.exit,
            Last::Failed(error) => error.exit(),
        };
        chronicle.lost(desk.lost());
        arguments = Cow::Owned(stored.asked_by_now());
        let policy = match keeps_streams {
            true => specify::restart(arguments.restart.as_ref())?,
            // Whoever would read and write 0 and 1 has them no more.
            false => RestartPolicy::No,
        };
        let is_again = !desk.was_stopped() && is_again(policy, exit, &chronicle);
        if !is_again || waits(&mut chronicle, &mut desk, exit, pause)? == Waited::Stopped {
            chronicle.is_over()?;
            desk.dismiss(exit);
            return Ok(last);
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Where the monitor is asked for something, and what it keeps of what the container writes.
fn desk(stored: &Stored, streams: StreamsOf, staying: &Staying) -> Result<Desk, Error> {
    let directory = stored.owned.directory().try_clone_to_owned();
    let directory = directory.map_err(|error| {
        let errno = Errno::new(error.raw_os_error().unwrap_or(libc::EIO));
        Error::new("dup", stored.owned.told(c""), errno)
    })?;
    let limits = staying.log.filter(|_| streams == StreamsOf::Monitor);
    let log = limits.map(|limits| Writer::new(directory, limits));
    let patience = match staying.patience {
        Patience::Forever => None,
        Patience::Seconds(seconds) => Some(Duration::from_secs(seconds.into())),
    };
    let listener = control::listen(stored.owned.directory())
        .map_err(|errno| Error::new("listen at", stored.owned.told(control::SOCKET), errno))?;
    Ok(Desk::new(listener, log, patience))
}

/// The pause before the next life, and how it has ended.
fn waits(
    chronicle: &mut Chronicle<'_>,
    desk: &mut Desk,
    exit: ExitCode,
    pause: Duration,
) -> Result<Waited, Error> {
    chronicle.waits_for_restart()?;
    // The child of this life has had our memory, and left it as it has to be while there is a container: the next child
    // would be no owner of its own files in /proc, which an ordinary user's ids are mapped by.
    let _ = process::dumpable();
    // Who waited for the end of this life has seen it.
    desk.dismiss(exit);
    let signals = Relayed::Nothing.acquire()?;
    let waited = desk.wait(pause, &signals)?;
    if waited == Waited::Stopped {
        chronicle.is_stopped();
    }
    Ok(waited)
}

/// One life, written down from its beginning to its end.
///
/// Errors: it cannot be written down.
fn live(
    setting: &Setting<'_>,
    stored: &Stored,
    (chronicle, desk): (&mut Chronicle<'_>, &mut Desk),
) -> Result<Last, Error> {
    if setting.streams == StreamsOf::Monitor {
        // The last life has left it, or someone else starts it than the one who made it.
        directory::enter(stored)?;
    }
    let mut report = Reporting::new(|| reports(stored))?;
    let mut told = Told {
        without_box: setting.arguments.pool.as_ref().map(|_| Why::STAYS),
        timing: None,
        report: Some(&mut report),
        stay: Some(Stay { chronicle, desk }),
    };
    let ended = story::live(setting, None, &mut told);
    let ended = ended.and_then(|mut settled| {
        settled.tell(Some(&report), setting.arguments, setting.log)?;
        Ok(settled)
    });
    match ended {
        Ok(settled) => {
            chronicle.ended(&settled.end);
            Ok(Last::Ended(settled))
        }
        Err(error) => {
            report.write(error.exit(), Some(&error), Some(setting.log));
            chronicle.failed(&error);
            Ok(Last::Failed(error))
        }
    }
}

/// Where a life's report goes: into the store, and to the place that was asked for.
fn reports(stored: &Stored) -> Result<Vec<ResultFile>, Error> {
    let flags =
        libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let kept = node::open(stored.owned.directory(), REPORT, flags, 0o600);
    let kept = kept.map_err(|errno| Error::new("open", stored.owned.told(REPORT), errno))?;
    let mut files = vec![ResultFile::File(descriptor::own(kept))];
    if let Some(file) = &stored.arguments.report {
        files.push(reporting::Wanted::look(file)?.open()?);
    }
    Ok(files)
}

/// Whether the container is started anew.
fn is_again(policy: RestartPolicy, exit: ExitCode, chronicle: &Chronicle<'_>) -> bool {
    let state = chronicle.state();
    if state.stopped_by_hand {
        return false;
    }
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::OnFailure(most) => {
            exit != ExitCode::SUCCESS && most.is_none_or(|most| state.restarts < most)
        }
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
    }
}
