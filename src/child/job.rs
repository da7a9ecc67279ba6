//! How a box gets its job: a container that is all made waits here until someone hands it what to run.
//!
//! The box itself accepts the call, so that no one else has to wake for it; of several that wait the kernel wakes one. What
//! it takes over is what a process would have had of its caller by birth. It does so with the rights of the command, which it
//! has by then, and under the command's filter, if that is mydocker's own.
//!
//! ```text
//! client ─▶ connect, a record with descriptors ─▶ box: is it for me? ─▶ `y`, with the line to the pool ─▶ execve
//!    │                                                  └─ no: `n`, and it waits on
//!    └──────────────── the line ◀─ how it ended ─ pool, the box's parent
//! ```
//!
//! The *line* is a pair of sockets that the pool has made for the box. Whoever has the job has the box's end of it, and when no
//! one has it any more, the pool ends the box. So the box lets go of it as soon as the client has it: a command can be held up
//! in execve for as long as a file server likes, and ends with its client even then. A failure after the `y` is left in a
//! counter of the pool's.

use super::candidates::Candidates;
use super::execute;
use super::{Descriptors, entry, fail};
use crate::pool::job::{Job, LIMITS, LONGEST, Stream, Streams, Terms};
use crate::pool::{REFUSED, TAKEN};
use crate::report::{Report, Taking};
use crate::spec::OwnDevice;
use crate::sys::descriptor::{ChildDescriptor, Undropped, Waiting};
use crate::sys::in_child::InChild;
use crate::sys::local_socket;
use crate::sys::pointers::{self, Pointers};
use crate::sys::seccomp::Instruction;
use crate::sys::sent_files::{self, Files, MOST_FILES};
use crate::sys::{
    Errno, affinity, close_range, descriptor, directory, facts, node, process, scheduler, seccomp,
    terminal,
};
use crate::terminal_settings::TerminalSettings;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

/// By what a box gets its job.
#[derive(Clone, Copy)]
pub struct Entrance<'a> {
    /// The socket that clients call.
    pub jobs: ChildDescriptor<'a>,
    /// The end of the line to the pool that is the client's.
    pub line: ChildDescriptor<'a>,
    /// What the box is, which a job has to be for.
    pub description: [u64; 2],
    /// Its host name, if it is one that the environment tells.
    pub host_name: &'a [u8],
    /// The filter, if it may deny what is done here: it is loaded as the last thing.
    pub filter: Option<&'a [Instruction]>,
}

/// How long a caller may take to say what it wants, in milliseconds. One that is stopped meanwhile loses the box, which
/// would be lost to all others else.
const PATIENCE: i32 = 50;

/// How often a box looks before it sleeps: for some 20 us. On a processor of its own that saves it from being woken twice; on its
/// caller's it is in the way, for a processor that is given away comes back at once (EEVDF has its own idea of whose turn it is).
const MOST_TURNS: u32 = 20;

/// The kernel's number of the first descriptor that is no standard one.
const FIRST_PRIVATE: i32 = 3;

/// Waits for a job and does it.
pub fn run(child: InChild, entrance: &Entrance<'_>, descriptors: &Descriptors<'_>) -> ! {
    loop {
        match local_socket::await_caller(entrance.jobs.as_fd()) {
            Ok(caller) => {
                serve(child, entrance, &caller, descriptors);
                descriptor::close(caller);
            }
            Err(errno) => fail(Report::Job(Taking::Caller, errno), descriptors),
        }
    }
}

/// Does a caller's job. Returns if that is not for this box, or the caller has gone.
///
/// (A frame of its own: its buffer is none of a box's that waits.)
#[inline(never)]
fn serve(
    child: InChild,
    entrance: &Entrance<'_>,
    caller: &Undropped,
    descriptors: &Descriptors<'_>,
) {
    let mut buffer = [const { MaybeUninit::uninit() }; LONGEST];
    let line = entrance.line;
    let Some(Files { bytes, files }) = receive(line, caller, &mut buffer) else {
        return;
    };
    let Some(job) = Job::read(bytes, entrance.host_name) else {
        return sent_files::close_all(files);
    };
    let Some(own) = Own::that_can_do(entrance, &job) else {
        let _ = local_socket::send(caller.as_fd(), REFUSED, None);
        go_back(descriptors);
        return sent_files::close_all(files);
    };
    // This is the one moment: a client that has given up hears nothing any more, and the send fails.
    if local_socket::send(caller.as_fd(), TAKEN, Some(line.as_fd())).is_err() {
        go_back(descriptors);
        return sent_files::close_all(files);
    }
    // So that the pool makes another one. If it is gone, so are we.
    let _ = descriptor::send_without_waiting(line.as_fd(), &[TAKEN]);
    line.close(child);
    if let Err((taking, errno)) =
        take_over(child, (entrance, &own), &job, (caller, &files), descriptors)
    {
        fail(Report::Job(taking, errno), descriptors);
    }
    execute(&job, descriptors)
}

/// No job's place is the next one's. A box that cannot leave it ends.
fn go_back(descriptors: &Descriptors<'_>) {
    if let Err(errno) = process::change_directory(c"/") {
        fail(Report::Job(Taking::Caller, errno), descriptors);
    }
}

fn receive<'b>(
    line: ChildDescriptor<'_>,
    caller: &Undropped,
    buffer: &'b mut [MaybeUninit<u8>],
) -> Option<Files<'b>> {
    // The pool's user alone. (Both are told as this user namespace has them, in which that user may have another number, or
    // none; then so has every stranger, but no stranger can come to the socket.)
    let pools = local_socket::peer_user(line.as_fd()).ok()?;
    if local_socket::peer_user(caller.as_fd()) != Ok(pools) {
        return None;
    }
    // A caller looks at itself meanwhile, which takes about as long as to wake.
    for _ in 0..MOST_TURNS {
        if is_there(caller, 0)? {
            return sent_files::receive_files(caller.as_fd(), buffer).ok();
        }
        scheduler::give_way();
    }
    is_there(caller, PATIENCE)?
        .then(|| sent_files::receive_files(caller.as_fd(), buffer).ok())
        .flatten()
}

/// Whether there is anything of the caller's, in so many milliseconds.
fn is_there(caller: &Undropped, longest: i32) -> Option<bool> {
    let mut waiting = [Waiting::to_read(caller.as_fd())];
    descriptor::wait(&mut waiting, longest).ok()?;
    Some(waiting.iter().any(Waiting::happened))
}

/// What this box has that a job may change.
struct Own {
    nice: u32,
    /// Of the resources that a job tells of.
    limits: [Option<[u64; 2]>; LIMITS],
}

impl Own {
    /// `None`: the job is for another box, or asks for what this one cannot have.
    fn that_can_do(entrance: &Entrance<'_>, job: &Job<'_>) -> Option<Self> {
        let terms = &job.terms;
        if terms.description != entrance.description {
            return None;
        }
        let nice = scheduler::nice().ok()?;
        if terms.nice > nice {
            // More favourable, which takes a capability.
            return None;
        }
        let mut limits = [None; LIMITS];
        for ((resource, wanted), own) in (0u32..).zip(&terms.limits).zip(&mut limits) {
            let Some([_, hard]) = wanted else { continue };
            let has = process::limits(resource).ok()?;
            // As well.
            if *hard > has[1] {
                return None;
            }
            *own = Some(has);
        }
        if let Some(directory) = job.directory {
            enter(directory, terms.place).ok()?;
        }
        Some(Self { nice, limits })
    }
}

/// Goes where the command is to run. A directory that is not there, or that only its caller or root may enter, is an affair of
/// a container of its own, which may make it, is in it by birth, or tells why not.
///
/// Errors: as openat2(2) and fchdir(2); no link of /proc is followed, for it would lead to what has come with the job.
fn enter(directory: &CStr, place: Option<(u64, u64)>) -> Result<(), Errno> {
    let opened = node::open_plain_directory(directory)?;
    let entered = match place {
        // What is mounted there is mounted later than the box was made, or somewhere else.
        Some(place) if facts::facts(opened.as_fd()).map(|is| is.identity) != Ok(place) => {
            Err(Errno::ESTALE)
        }
        _ => directory::enter(opened.as_fd()),
    };
    descriptor::close(opened);
    entered.and_then(|()| process::is_below_root())
}

/// What the process would have had of the client by birth.
fn take_over(
    child: InChild,
    (entrance, own): (&Entrance<'_>, &Own),
    job: &Job<'_>,
    (caller, files): (&Undropped, &[Option<Undropped>; MOST_FILES]),
    descriptors: &Descriptors<'_>,
) -> Result<(), (Taking, Errno)> {
    streams(child, job, caller, files)?;
    let terms = &job.terms;
    if own.nice != terms.nice {
        scheduler::set_nice(terms.nice).map_err(|errno| (Taking::Nice, errno))?;
    }
    if !affinity::processors().is_ok_and(|own| own.is(job.processors)) {
        affinity::set_processors_by(job.processors).map_err(|errno| (Taking::Processors, errno))?;
    }
    limits(terms, own)?;
    // Before the first path of the container's own is looked up, as without a box.
    let link = descriptors
        .channel
        .descriptor()
        .map_or(0, |link| link.as_raw_fd());
    let failure = descriptors.start.map_or(0, |file| file.as_fd().as_raw_fd());
    close_range::close_from(FIRST_PRIVATE, &[link, failure], child)
        .map_err(|errno| (Taking::Descriptors, errno))?;
    match entrance.filter {
        None => Ok(()),
        Some(filter) => seccomp::load(filter).map_err(|errno| (Taking::Filter, errno)),
    }
}

fn limits(terms: &Terms, own: &Own) -> Result<(), (Taking, Errno)> {
    let changed = (0u8..)
        .zip(terms.limits.iter().zip(&own.limits))
        .filter(|(_, (limit, own))| limit != own);
    for (number, (limit, _)) in changed {
        let Some([soft, hard]) = limit else { continue };
        if LIMITS_OF_STACK.contains(&u32::from(number)) && *soft < ANY_STACK {
            deepen_stack();
        }
        process::limit(number.into(), *soft, *hard)
            .map_err(|errno| (Taking::Limit(number), errno))?;
    }
    Ok(())
}

/// The limits by which a stack may not grow.
const LIMITS_OF_STACK: [u32; 2] = [process::STACK, process::ADDRESS_SPACE];

/// With so much neither keeps a box from growing.
const ANY_STACK: u64 = 1 << 30;

/// More than what is on the stack between here and execve.
const ROOM: usize = 128 << 10;

/// Has the stack grow now, for it may not be allowed to later: a fault would be the command's end. (A container of its own is
/// born on a stack that has been larger.)
#[cold]
#[inline(never)]
fn deepen_stack() {
    std::hint::black_box(&mut [0u8; ROOM]);
}

fn streams(
    child: InChild,
    job: &Job<'_>,
    caller: &Undropped,
    files: &[Option<Undropped>; MOST_FILES],
) -> Result<(), (Taking, Errno)> {
    let mut files = files.iter().flatten();
    let streams = match job.terms.streams {
        Streams::Each(streams) => streams,
        kind => {
            let of = |errno| (Taking::Terminal, errno);
            let file = files.next().ok_or(of(Errno::EBADF))?;
            if kind == Streams::OwnTerminal {
                own_terminal(child, caller, file).map_err(of)?;
            }
            terminal::make_controlling(file.as_fd()).map_err(of)?;
            for number in 0..FIRST_PRIVATE {
                descriptor::duplicate_to(file.as_fd(), number, child).map_err(of)?;
            }
            return Ok(());
        }
    };
    for (number, stream) in (0u8..).zip(streams) {
        let of = |errno| (Taking::Stream(number), errno);
        match stream {
            Stream::Sent => {
                let file = files.next().ok_or(of(Errno::EBADF))?;
                descriptor::duplicate_to(file.as_fd(), number.into(), child).map_err(of)?;
            }
            Stream::Own(device) => {
                let device = OwnDevice::ALL.get(usize::from(device)).copied();
                let device = device.ok_or(of(Errno::ENODEV))?;
                let mut own = [None; 3];
                if let Some(place) = own.get_mut(usize::from(number)) {
                    *place = Some(device);
                }
                entry::open_devices(&own, child).map_err(|failed| of(failed.errno))?;
            }
        }
    }
    Ok(())
}

/// Makes a terminal, sends it over `socket`, and puts it in the place of that. The client gives it its size and its modes
/// before it is anyone's.
#[cold]
#[inline(never)]
fn own_terminal(child: InChild, caller: &Undropped, socket: &Undropped) -> Result<(), Errno> {
    entry::make_terminal(&TerminalSettings::default(), socket.as_fd(), child)?;
    local_socket::send(caller.as_fd(), TAKEN, None)?;
    let mut waiting = [Waiting::to_read(caller.as_fd())];
    descriptor::wait(&mut waiting, -1)?;
    match descriptor::read(caller.as_fd(), &mut [0])? {
        0 => Err(Errno::ECANCELED),
        _ => Ok(()),
    }
}

fn execute(job: &Job<'_>, descriptors: &Descriptors<'_>) -> ! {
    let lists = (
        Pointers::new(job.arguments.iter()),
        Pointers::new(job.environment.iter()),
    );
    let (Some(arguments), Some(environment)) = lists else {
        fail(Report::Job(Taking::Command, Errno::E2BIG), descriptors)
    };
    execute::try_each(
        Candidates::Handed(job.candidates),
        |file| pointers::execve(file, &arguments, &environment),
        descriptors,
    )
}

const _: () = assert!(LIMITS <= u8::MAX as usize);
