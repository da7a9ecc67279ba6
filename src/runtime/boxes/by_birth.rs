//! What a container has of the process that starts it: of the caller without a box, of the pool with one. A box is for callers of
//! whom it would have had the same.
//!
//! All of this a client looks at before each hand-over, while the box wakes. So what a system call tells is asked by it.

use crate::docker::RunArgs;
use crate::spec::NamespaceChoice;
use crate::sys::{Errno, credentials, descriptor, facts, kernel, keyring, scheduler};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

/// The namespaces in which the caller's view of the host is.
const VIEWS: [&CStr; 3] = [c"ns/mnt", c"ns/pid", c"ns/user"];

/// The namespaces that a container has of its caller, or that its own is made of or below. Old kernels do not have them
/// all.
const BESIDE: [&CStr; 4] = [
    c"ns/cgroup",
    // A new one has some settings of the one that its maker is in (`devconf_inherit_init_net`).
    c"ns/net",
    c"ns/pid_for_children",
    c"ns/time_for_children",
];

/// What else a child has of its parent by birth, as /proc tells it, if it does.
const BY_BIRTH: [&CStr; 2] = [c"oom_score_adj", c"coredump_filter"];

/// This process, which looks at itself once: a batch's worker has a box for each of its jobs.
pub fn own() -> Result<&'static [u8], Errno> {
    static OWN: OnceLock<Result<Vec<u8>, Errno>> = OnceLock::new();
    let own = OWN.get_or_init(look).as_ref();
    own.map(Vec::as_slice).map_err(|errno| *errno)
}

/// As [`own`], for who lives for long and may have been moved.
pub fn look() -> Result<Vec<u8>, Errno> {
    let mut own = Vec::with_capacity(768);
    let mut buffer = [0; 4096];
    // One walk through /proc for all of them.
    let process = descriptor::open(c"/proc/self", libc::O_PATH | libc::O_DIRECTORY, 0)?;
    let process = process.as_fd();
    credentials::told()?
        .into_iter()
        .for_each(|number| own.extend(number.to_le_bytes()));
    if credentials::is_filtered() {
        // How many filters there are only /proc tells.
        let status = read(process, c"status", &mut buffer)?;
        let lines = status.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| line.starts_with(b"Seccomp")) {
            own.extend(line);
        }
    }
    own.extend(read(process, c"cgroup", &mut buffer)?);
    label(process, &mut own, &mut buffer);
    for file in BY_BIRTH {
        own.extend(read(process, file, &mut buffer).unwrap_or_default());
        own.push(0);
    }
    for number in scheduler::inherited() {
        own.extend(number.unwrap_or(usize::MAX).to_le_bytes());
    }
    let mut add = |identity: (u64, u64)| {
        own.extend(identity.0.to_le_bytes());
        own.extend(identity.1.to_le_bytes());
    };
    for view in VIEWS {
        add(facts::identity_in(process, view)?);
    }
    add(facts::identity_in(process, c"/")?);
    for beside in BESIDE {
        add(facts::identity_in(process, beside).unwrap_or_default());
    }
    // What a new UTS namespace has of its maker's; the host's name is replaced.
    own.extend(kernel::domain_name());
    Ok(own)
}

/// What of a caller matters with some options alone.
#[derive(Hash)]
pub struct ByOption {
    /// The IPC and the UTS namespace that are the container's, too.
    joined: [(u64, u64); 2],
    /// The session keyring that it keeps.
    keyring: Option<usize>,
}

/// What these options have it be.
pub fn by_option(arguments: &RunArgs) -> Result<ByOption, Errno> {
    let of = |choice: &NamespaceChoice, link| match choice {
        NamespaceChoice::Host => facts::identity_of(link),
        _ => Ok((0, 0)),
    };
    let joined = [
        of(&arguments.ipc, c"/proc/self/ns/ipc")?,
        of(&arguments.uts, c"/proc/self/ns/uts")?,
    ];
    let keyring = arguments.no_new_keyring.then(keyring::session).flatten();
    Ok(ByOption { joined, keyring })
}

fn label(process: BorrowedFd<'_>, own: &mut Vec<u8>, buffer: &mut [u8]) {
    match credentials::security_labels(&mut [0; 64]) {
        Some(labels) => labels
            .iter()
            .for_each(|word| own.extend(word.to_le_bytes())),
        // A kernel without such a module has no such file, or none that can be read.
        None => own.extend(read(process, c"attr/current", buffer).unwrap_or_default()),
    }
    own.push(0);
}

/// All of a file, by one call.
///
/// Errors: EOVERFLOW if that is more than there is room for: what is not looked at could differ.
fn read<'b>(
    directory: BorrowedFd<'_>,
    name: &CStr,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Errno> {
    let file = descriptor::own(descriptor::open_in(directory, name)?);
    let count = descriptor::read(file.as_fd(), buffer)?;
    match buffer.get(..count) {
        Some(content) if count < buffer.len() => Ok(content),
        _ => Err(Errno::EOVERFLOW),
    }
}
