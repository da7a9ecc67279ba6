//! The pool's side: boxes are made, and those that have a job are seen to their end.

use super::description::{self, Kind};
use super::kept::{Kept, Said};
use crate::child::job::Entrance;
use crate::docker::RunArgs;
use crate::error::Error;
use crate::guard::{Acquire, Preview};
use crate::host::limits::{CgroupEntry, fresh_digits};
use crate::host::premounted;
use crate::launch::{Attendant, Container, ForEngine, Launch, joined};
use crate::log::Log;
use crate::plan::{self, FilterLoads};
use crate::pool::Beside;
use crate::runtime::Setting;
use crate::runtime::asked::{self, Asked, Given, Lent};
use crate::runtime::caller::Asking;
use crate::runtime::origin::Origin;
use crate::runtime::standard::StreamsOf;
use crate::spec::{Filter, FirstProcess, Namespace};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::epoll::Epoll;
use crate::sys::process::{self, Patience};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Pid, counter, facts, local_socket, node};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// The boxes of a pool.
pub struct Boxes<'a> {
    arguments: RunArgs,
    log: &'a Log,
    size: usize,
    /// How old a box may become that has no job.
    oldest: Option<Duration>,
    kind: Kind,
    description: [u64; 2],
    /// The socket on which jobs come, when there is one.
    jobs: Option<Entry>,
    /// How many callers may wait on it.
    admitted: usize,
    /// What may have happened to a box.
    happened: Epoll,
    ended: OwnedFd,
    all: BTreeMap<Pid, Kept>,
    handed_out: i64,
    /// When it was last looked at whether the boxes are what they are to be.
    looked: Instant,
}

/// Where jobs come.
struct Entry {
    name: CString,
    /// Which file that is.
    identity: Option<(u64, u64)>,
    socket: OwnedFd,
}

impl Entry {
    fn open(name: CString) -> Result<Self, Errno> {
        Ok(Self {
            socket: local_socket::listen_to_wait(&name)?,
            identity: Self::identity(&name),
            name,
        })
    }

    fn identity(name: &CStr) -> Option<(u64, u64)> {
        let facts = facts::facts_of(node::HERE, name).ok();
        facts.map(|facts| facts.identity)
    }

    fn is_there(&self) -> bool {
        self.identity.is_some() && Self::identity(&self.name) == self.identity
    }
}

/// By what the end of a box is told of, among the lines, which are told of by their boxes' pids.
const ENDED: u64 = u64::MAX;

/// How often it is looked at whether boxes are still what they are to be, at most, while none is made.
const RELOOK: Duration = Duration::from_millis(100);

impl<'a> Boxes<'a> {
    /// `arguments` say what kind of box; how many, and how old one may become.
    ///
    /// Errors: no box can be what they ask for.
    pub fn new(
        arguments: &RunArgs,
        (size, oldest): (usize, Option<Duration>),
        log: &'a Log,
    ) -> Result<Self, Error> {
        description::is_fit(arguments)
            .map_err(|why| Error::refused_for("pool: it keeps no such containers", why.into()))?;
        let (kind, description) = describe(arguments).map_err(|error| {
            // What a run would say of it names what is missing.
            let looked = asked::look::<Preview>(&setting(arguments, "", log));
            looked.err().unwrap_or(error)
        })?;
        let failed = |errno| Error::new("wait for", "what happens to containers", errno);
        let happened = Epoll::new().map_err(failed)?;
        let ended = signal::descriptor(SignalSet::EMPTY.with(libc::SIGCHLD)).map_err(failed)?;
        happened.add(ended.as_fd(), ENDED).map_err(failed)?;
        Ok(Self {
            arguments: RunArgs {
                // What its cgroups count is told to the client, who may want it for a report.
                init: Some(arguments.has_reaper()),
                report: (!arguments.limits.is_empty()).then(OsString::new),
                ..arguments.clone()
            },
            log,
            size,
            oldest,
            kind,
            description,
            jobs: None,
            admitted: 0,
            happened,
            ended,
            all: BTreeMap::new(),
            handed_out: 0,
            looked: Instant::now(),
        })
    }

    fn make(&self) -> Result<Kept, Error> {
        let name = fresh_digits();
        let setting = setting(&self.arguments, &name, self.log);
        let (mut asked, mut lent) = asked::look::<Acquire>(&setting)?;
        let (line, ours) =
            local_socket::pair().map_err(|errno| Error::new("socketpair", "for a box", errno))?;
        let status = match asked.spec.first_process {
            FirstProcess::Reaper => Some(
                counter::new()
                    .map_err(|errno| Error::new("eventfd", "for the command's status", errno))?,
            ),
            FirstProcess::Command => None,
        };
        let failure = counter::new().map_err(|errno| Error::new("eventfd", "for a box", errno))?;
        let counters = (failure.as_fd(), status.as_ref().map(AsFd::as_fd));
        let container = self.launch(&mut asked, &mut lent, (&name, &line), counters)?;
        if let Some(limited) = &lent.limited {
            limited.sweep();
        }
        Ok(Kept {
            container,
            line: Some(ours),
            failure,
            status,
            lent,
            made: Instant::now(),
            is_taken: false,
            spared: None,
        })
    }

    fn launch(
        &self,
        asked: &mut Asked,
        lent: &mut Lent<Acquire>,
        (name, line): (&str, &OwnedFd),
        (failure, status): (BorrowedFd<'_>, Option<BorrowedFd<'_>>),
    ) -> Result<Container, Error> {
        let CgroupEntry { birthplace, joins } = match &lent.limited {
            Some(limited) => limited.entry()?,
            None => CgroupEntry::default(),
        };
        let paths = joins.iter().map(|join| join.path.clone()).collect();
        let loads = match asked.spec.process.filter {
            Filter::Profile(_) => FilterLoads::After,
            Filter::Default | Filter::None => FilterLoads::Before,
        };
        if loads == FilterLoads::After && !asked.spec.process.no_new_privileges {
            return Err(Error::refused(
                "pool: it keeps no such containers",
                "a filter of one's own is loaded after the rights are gone that it takes without no-new-privileges",
            ));
        }
        let mut plan = asked.plan(paths, lent.signals.ignored)?;
        plan.tells_status = status.is_some();
        let filter = plan::into_box(&mut plan, loads);
        let Given { opened, premounted } = asked.give::<Acquire>()?;
        let premounted = premounted.unwrap_or_default();
        let joined = std::mem::take(&mut asked.joined);
        let has_own_name =
            asked.spec.namespaces.is_new(Namespace::Uts) && self.arguments.hostname.is_none();
        let jobs = self.jobs.as_ref();
        let jobs = jobs.ok_or_else(|| Error::new("listen", "for jobs", Errno::EBADF))?;
        let children: Vec<_> = joined
            .iter()
            .map(|one| ChildDescriptor::of(one.file.as_fd()))
            .collect();
        let join_files: Vec<_> = joins
            .iter()
            .map(|join| ChildDescriptor::of(join.opened.as_fd()))
            .collect();
        let mounts: Vec<_> = premounted
            .iter()
            .map(|mount| ChildDescriptor::of(mount.as_fd()))
            .collect();
        Launch {
            plan: &plan,
            namespaces: asked.namespaces,
            choice: asked.spec.launch,
            kernel: asked.kernel,
            streams: opened.streams(),
            terminal: None,
            pool: None,
            status,
            cgroup: birthplace,
            joined: &children,
            pid_namespace: joined::pid_namespace(&joined),
            joins: &join_files,
            ids: premounted::ids(&asked.spec),
            premounted: &mounts,
            moments: &[],
            timeout: None,
            ending: SignalSet::EMPTY,
            log: self.log,
            engine: Some(ForEngine {
                attendant: &NoOne,
                start: Some(failure),
                hook_state: None,
                first_private: 3,
            }),
            entrance: Some(Entrance {
                jobs: ChildDescriptor::of(jobs.socket.as_fd()),
                line: ChildDescriptor::of(line.as_fd()),
                description: self.description,
                host_name: if has_own_name { name.as_bytes() } else { b"" },
                filter: filter.as_deref(),
            }),
        }
        .start()
    }

    /// What the line of a box has to tell that has not been waited for.
    fn hear(&mut self, pid: Pid) {
        let Some(kept) = self.all.get_mut(&pid) else {
            return;
        };
        let was_taken = kept.is_taken;
        while let Some(said) = kept.said() {
            match said {
                Said::Asked(request) => {
                    kept.spared = request.obey(kept.container).or(kept.spared);
                }
                Said::Gone => {
                    let _ = process::kill(pid, libc::SIGKILL);
                }
            }
        }
        self.handed_out += i64::from(kept.is_taken && !was_taken);
    }

    /// Takes leave of those that have ended.
    fn reap(&mut self) {
        let _ = signal::take(self.ended.as_fd());
        while let Ok(Some((pid, ended, used))) = process::ended(Patience::Look) {
            if let Some(kept) = self.all.remove(&pid) {
                self.handed_out += i64::from(kept.conclude(ended, used, self.log));
            }
        }
    }

    fn waiting(&self) -> usize {
        self.all.values().filter(|kept| !kept.is_taken).count()
    }

    /// Lets as many callers wait as there are boxes for them: where there is none, a caller is told so at once and does not
    /// wait in vain.
    fn admit(&mut self) {
        let waiting = self.waiting();
        if let Some(jobs) = &self.jobs
            && waiting != self.admitted
            && local_socket::admit(jobs.socket.as_fd(), waiting).is_ok()
        {
            self.admitted = waiting;
        }
    }

    /// Boxes are something else from now on. Those that wait are no one's any more, and end.
    fn become_others(&mut self, are: (Kind, [u64; 2])) {
        (self.kind, self.description) = are;
        self.retire(Duration::ZERO);
    }

    /// Ends boxes that are older without a job. (The one that has one by then is not killed for it: it is asked
    /// first.)
    fn retire(&mut self, oldest: Duration) {
        let old: Vec<Pid> = self
            .all
            .iter()
            .filter(|(_, kept)| !kept.is_taken && kept.made.elapsed() > oldest)
            .map(|(pid, _)| *pid)
            .collect();
        for pid in old {
            self.hear(pid);
            if let Some(kept) = self.all.get(&pid)
                && !kept.is_taken
            {
                let _ = process::kill(pid, libc::SIGKILL);
            }
        }
    }
}

fn setting<'s>(arguments: &'s RunArgs, host_name: &'s str, log: &'s Log) -> Setting<'s> {
    Setting {
        arguments,
        asking: Asking {
            origin: Origin::Caller,
            host_name: Some(host_name),
        },
        streams: StreamsOf::Nobody,
        keeps_streams: true,
        patience: None,
        log,
    }
}

/// Removes the sockets of boxes that this pool or one before it has kept here: the directory is locked.
#[cold]
#[inline(never)]
fn remove_sockets() {
    for entry in std::fs::read_dir(".").into_iter().flatten().flatten() {
        let name = entry.file_name().into_encoded_bytes();
        if description::is_socket(&name)
            && let Ok(name) = CString::new(name)
        {
            let _ = node::remove_file(node::HERE, &name);
        }
    }
}

fn describe(arguments: &RunArgs) -> Result<(Kind, [u64; 2]), Error> {
    let described = description::kind(arguments)
        .and_then(|kind| Ok((kind, description::describe_anew(kind, arguments)?)));
    described.map_err(|errno| {
        let what = "what the containers of the pool are to be";
        Error::new("look at", what, errno)
    })
}

impl Beside for Boxes<'_> {
    fn begin(&mut self) -> Result<(), Error> {
        // Until there is a new one no box is made, and this is tried again.
        self.jobs = None;
        remove_sockets();
        let name = CString::new(description::socket(self.kind)).unwrap_or_default();
        let opened = Entry::open(name);
        self.jobs = Some(opened.map_err(|errno| Error::new("listen", "for jobs", errno))?);
        self.admitted = usize::MAX;
        Ok(())
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.happened.as_fd()
    }

    fn look(&mut self) {
        for token in self.happened.happened().unwrap_or_default() {
            match token {
                ENDED => self.reap(),
                pid => self.hear(pid as Pid),
            }
        }
        if let Some(oldest) = self.oldest {
            self.retire(oldest);
        }
        self.admit();
    }

    fn next(&self) -> Option<Duration> {
        let oldest = self.oldest?;
        let waiting = self.all.values().filter(|kept| !kept.is_taken);
        let ages = waiting.map(|kept| kept.made.elapsed()).max()?;
        Some(oldest.saturating_sub(ages))
    }

    fn are_as_wanted(&mut self) -> bool {
        if self.looked.elapsed() < RELOOK {
            return true;
        }
        self.looked = Instant::now();
        // (What cannot be looked at now, a directory that is just being replaced, can be when the next one calls.)
        let now = description::kind(&self.arguments).unwrap_or(self.kind);
        if now != self.kind
            && let Ok(is) = describe(&self.arguments)
        {
            self.become_others(is);
            return false;
        }
        true
    }

    fn can_be_called(&mut self) -> bool {
        let can = self.jobs.as_ref().is_none_or(Entry::is_there);
        if !can {
            self.retire(Duration::ZERO);
        }
        can
    }

    fn is_short(&self) -> bool {
        self.waiting() < self.size
    }

    fn add(&mut self) -> Result<bool, Error> {
        let is = describe(&self.arguments)?;
        if is != (self.kind, self.description) {
            // By one of the names that the options have something else is called, or the pool has been moved.
            self.become_others(is);
            return Ok(false);
        }
        if self.jobs.is_none() {
            return Ok(false);
        }
        let kept = self.make()?;
        let pid = kept.container.pid;
        let line = kept.line.as_ref().map(AsFd::as_fd);
        let added = line.map_or(Ok(()), |line| self.happened.add(line, pid as u64));
        self.all.insert(pid, kept);
        self.admit();
        if !describe(&self.arguments).is_ok_and(|now| now == is) {
            // Which of the two it is, no one knows.
            let _ = process::kill(pid, libc::SIGKILL);
        }
        added.map_err(|errno| Error::new("wait for", "what happens to a box", errno))?;
        Ok(true)
    }

    fn end(&mut self) -> i64 {
        for pid in self.all.keys() {
            let _ = process::kill(*pid, libc::SIGKILL);
        }
        while !self.all.is_empty() {
            let Ok(Some((pid, ended, used))) = process::ended(Patience::Wait) else {
                break;
            };
            if let Some(kept) = self.all.remove(&pid) {
                self.handed_out += i64::from(kept.conclude(ended, used, self.log));
            }
        }
        if let Some(jobs) = self.jobs.take() {
            let _ = node::remove_file(node::HERE, &jobs.name);
        }
        self.handed_out
    }
}

/// A box has no engine, and nothing is done for it on the way.
struct NoOne;

impl Attendant for NoOne {
    fn record(&self, _: Pid) -> Result<(), Error> {
        Ok(())
    }

    fn make(&self, _: Pid, _: BorrowedFd<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn listen(&self, _: Pid, _: OwnedFd) -> Result<(), Error> {
        Ok(())
    }
}
