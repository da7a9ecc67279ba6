//! How a client hands its job to a box: it calls, looks at itself while the box wakes, and sends the job; what a parent has to do it
//! does while the box takes that over.

use super::description::{self, Kind};
use super::why::Why;
use crate::docker::RunArgs;
use crate::error::Error;
use crate::field::Field;
use crate::guard::Request;
use crate::plan::{self, ExecPlan, Source, Standard, Streams};
use crate::pool::job::{self, LIMITS, Order, Stream, Streams as Handed, Terms};
use crate::pool::{Call as Pool, REFUSED, TAKEN, knock};
use crate::runtime::standard::{Opened, StandardPlan};
use crate::spec::{ContainerSpec, Identity, OwnDevice};
use crate::sys::descriptor::{Waiting, wait_briefly};
use crate::sys::{
    Errno, affinity, credentials, descriptor, facts, identity, local_socket, process, scheduler,
    sent_files,
};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

/// How long a box may take to accept a call: in a container of its own the command would run not much later.
const PATIENCE: Duration = Duration::from_micros(200);

/// What a run is to be that has called a box.
pub struct Asked {
    pub spec: ContainerSpec,
    pub look: StandardPlan,
    pub opened: Opened,
    pub command: ExecPlan,
    pub directory: Option<CString>,
    /// Which file that is, if it is the caller's own.
    pub place: Option<(u64, u64)>,
    pub host_name: String,
}

/// Where a box is called.
pub struct Place<'a> {
    pool: &'a OsStr,
    kind: Kind,
    socket: CString,
}

/// Where a box is called that is as these options want it, if such are kept.
///
/// Errors: as those of the pool's preview.
pub fn find<'a>(arguments: &RunArgs, pool: &'a OsStr) -> Result<Result<Place<'a>, Why>, Error> {
    if !Pool::is_possible()
        && let Err(errno) = Pool::to(pool).preview()?
    {
        return Ok(Err(Why::NoPool(errno)));
    }
    if let Err(why) = description::is_fit(arguments) {
        return Ok(Err(Why::Unfit(why)));
    }
    let Ok(kind) = description::kind(arguments) else {
        return Ok(Err(UNSEEN));
    };
    let name = description::socket(kind);
    let path = [pool.as_bytes(), b"/", name.as_bytes()].concat();
    let socket = CString::new(path).ok();
    let socket = socket.filter(|socket| facts::identity_of(socket).is_ok());
    let place = socket.map(|socket| Place { pool, kind, socket });
    if place.is_none() && !Pool::is_possible() {
        knock(pool);
    }
    Ok(place.ok_or(NONE_KEPT))
}

/// What is kept there was made outside of the Landlock domain that this process is in, which would end for its command.
const CONFINED: Why = Why::Unfit("this process may not look into the pool, as by Landlock");
const UNSEEN: Why = Why::Unfit("what it is to be like cannot be looked at");
const NONE_KEPT: Why = Why::Unfit("none like it is kept there");

/// A box that is called, and wakes.
pub struct Called {
    pub socket: OwnedFd,
    /// What it has to be.
    description: [u64; 2],
}

/// Calls a box, and looks at this process meanwhile: the one takes about as long as the other. (What can be done before is
/// done: a box that waits for its caller is kept from others.)
///
/// Errors: what answers is not this user's.
pub fn call(arguments: &RunArgs, place: Place<'_>) -> Result<Result<Called, Why>, Error> {
    let socket = match connect(&place)? {
        Ok(socket) => socket,
        Err(why) => return Ok(Err(why)),
    };
    let described = description::describe(place.kind, arguments).map_err(|_| UNSEEN);
    Ok(described.map(|description| Called {
        socket,
        description,
    }))
}

fn connect(place: &Place<'_>) -> Result<Result<OwnedFd, Why>, Error> {
    let socket = match local_socket::connect(&place.socket) {
        Ok(socket) => socket,
        Err(Errno::EAGAIN) => return Ok(Err(Why::Taken)),
        Err(_) => return Ok(Err(NONE_KEPT)),
    };
    match local_socket::peer(socket.as_fd()) {
        Ok((user, pool)) if user == identity::effective_user() => {
            Ok(match credentials::may_look_into(pool) {
                true => Ok(socket),
                false => Err(CONFINED),
            })
        }
        _ => {
            let named = [
                Field::Pool.spelled().as_bytes(),
                b" ",
                place.pool.as_bytes(),
            ]
            .concat();
            Err(Error::refused(named, "it is another user's"))
        }
    }
}

/// A path, and which file it has to lead to.
type Directory = (Option<CString>, Option<(u64, u64)>);

/// Where the command starts. `None`: there is none that would do.
pub fn directory(spec: &ContainerSpec) -> Option<Directory> {
    if spec.process.working_directory.is_some() || spec.root.is_some() {
        return Some((spec.process.working_directory.clone(), None));
    }
    // Without a box it need not be entered: it is the caller's. Another user may not be able to.
    if matches!(
        spec.identity,
        Identity::Set {
            user: Some(1..),
            ..
        }
    ) {
        return None;
    }
    let path = std::env::current_dir().ok()?;
    let path = CString::new(path.into_os_string().into_vec()).ok()?;
    let place = facts::identity_of(c".").ok()?;
    Some((Some(path), Some(place)))
}

/// Sends the job to whoever accepts the call.
///
/// Errors: why there is no box. The call is as if it had never been made then.
pub fn send(asked: &Asked, called: &Called) -> Result<(), &'static str> {
    let (streams, files) = streams(asked)?;
    let unknown = "what it has of its caller cannot be looked at";
    let mut limits = [None; LIMITS];
    for (number, limit) in (0u32..).zip(&mut limits) {
        let mut own = asked.spec.process.resources.iter();
        if !own.any(|own| own.resource == number) {
            *limit = Some(process::limits(number).map_err(|_| unknown)?);
        }
    }
    let environment = as_c_strings(asked.command.environment.strings());
    let terms = Terms {
        description: called.description,
        streams,
        nice: scheduler::nice().map_err(|_| unknown)?,
        limits,
        place: asked.place,
        host_name_at: host_name_at(&environment, asked.host_name.as_bytes()),
    };
    let order = Order {
        directory: asked.directory.as_deref(),
        candidates: &as_c_strings(&asked.command.candidates),
        arguments: &as_c_strings(asked.command.arguments.strings()),
        environment: &environment,
    };
    let processors = affinity::processors().map_err(|_| unknown)?;
    let record = job::write(&terms, &processors, &order).ok_or("its arguments are too long")?;
    sent_files::send_files(called.socket.as_fd(), &record, &files).map_err(|_| NOT_ANSWERED)
}

const NOT_ANSWERED: &str = "the call was not answered";

/// The line, if a box has taken the job.
///
/// Errors: why there is no box.
pub fn answer(called: &Called) -> Result<OwnedFd, &'static str> {
    let socket = called.socket.as_fd();
    let mut record = local_socket::receive(socket);
    if matches!(record, Err(Errno::EAGAIN)) {
        let _ = wait_briefly(&mut [Waiting::to_read(socket)], PATIENCE);
        record = local_socket::receive(socket);
    }
    if matches!(record, Err(Errno::EAGAIN)) {
        // From here on no box can take it; one may have done so just before.
        local_socket::hear_no_more(socket).map_err(|_| NOT_ANSWERED)?;
        record = local_socket::receive(socket);
    }
    let record = record.ok().flatten().ok_or(NOT_ANSWERED)?;
    match (record.byte, record.file.map(descriptor::own)) {
        (TAKEN, Some(line)) => Ok(line),
        (REFUSED, _) => Err("what is kept there is not for such a caller, or such a directory"),
        _ => Err(NOT_ANSWERED),
    }
}

type SentStreams<'a> = (Handed, Vec<BorrowedFd<'a>>);

/// What becomes 0, 1 and 2, and the descriptors that are sent for them.
fn streams(asked: &Asked) -> Result<SentStreams<'_>, &'static str> {
    let streams: Streams = match asked.look.standard {
        Standard::Terminal(_) => {
            let terminal = asked.opened.terminal().ok_or("it has no terminal")?;
            let kind = match plan::makes_terminal(&asked.spec) {
                true => Handed::OwnTerminal,
                false => Handed::Terminal,
            };
            return Ok((kind, vec![terminal]));
        }
        Standard::Streams(streams) => streams,
    };
    if streams.given_to.is_some() && streams.pipes() != [false; 3] {
        return Err("its pipes are to be its user's");
    }
    let mut files = Vec::with_capacity(3);
    let mut sent = [Stream::Sent; 3];
    let opened = asked.opened.streams();
    for ((number, source), (place, opened)) in (0..)
        .zip(streams.sources())
        .zip(sent.iter_mut().zip(opened))
    {
        match source {
            Source::Callers | Source::CallersPipe => files.push(descriptor::standard(number)),
            Source::HostsNull | Source::Pipe => files.push(opened.ok_or("it has no stream")?),
            Source::Own(device) => {
                let mut all = OwnDevice::ALL.iter();
                let index = all.position(|one| *one == device).unwrap_or_default();
                *place = Stream::Own(index as u8);
            }
        }
    }
    Ok((Handed::Each(sent), files))
}

fn as_c_strings(strings: &[CString]) -> Vec<&CStr> {
    strings.iter().map(CString::as_c_str).collect()
}

/// Where in the list the box's host name is to be put, counted in bytes.
fn host_name_at(environment: &[&CStr], name: &[u8]) -> Option<u32> {
    let mut before = 0;
    for variable in environment {
        let bytes = variable.to_bytes_with_nul();
        if variable.to_bytes().strip_prefix(b"HOSTNAME=") == Some(name) {
            return u32::try_from(before + bytes.len() - 1 - name.len()).ok();
        }
        before += bytes.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_name_has_a_place() {
        let place = |environment: &[&CStr]| host_name_at(environment, b"0123456789ab");
        assert_eq!(place(&[c"A=1", c"HOSTNAME=0123456789ab"]), Some(4 + 9));
        assert_eq!(place(&[c"A=1", c"HOSTNAME=x"]), None);
    }
}
