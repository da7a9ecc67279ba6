//! What a container has of the process that starts it: of the caller without a box, of the pool with one. A box is for callers of
//! whom it would have had the same.
//!
//! All of this a client looks at before each hand-over, while the box wakes. So what a system call tells is asked by it.

use crate::docker::RunArgs;
use crate::spec::NamespaceChoice;
use crate::sys::{Errno, credentials, descriptor, facts, kernel, keyring, scheduler};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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

/// What else a child has of its parent by birth, as /proc tells it, if it does, and others may change of a process.
const BY_BIRTH: [&CStr; 2] = [c"oom_score_adj", c"coredump_filter"];

/// Whom the kernel's audit takes for who has done what a process does: for good, once it is known.
const AUDITED: &CStr = c"loginuid";

/// This process, which looks once at what no one else can change of it: a batch's worker has a box for each of its jobs, and may
/// be moved between two.
pub fn own() -> Result<Vec<u8>, Errno> {
    static FIXED: OnceLock<Vec<u8>> = OnceLock::new();
    let process = process()?;
    let process = process.as_fd();
    let mut own = Vec::with_capacity(1024);
    let mut buffer = [0; 4096];
    changeable(process, &mut own, &mut buffer)?;
    match FIXED.get() {
        Some(known) => own.extend(known),
        None => {
            let before = own.len();
            fixed(process, &mut own, &mut buffer)?;
            let _ = FIXED.set(own.get(before..).unwrap_or_default().to_vec());
        }
    }
    Ok(own)
}

/// As [`own`], with nothing of what was seen before.
pub fn look() -> Result<Vec<u8>, Errno> {
    let process = process()?;
    let mut own = Vec::with_capacity(1024);
    let mut buffer = [0; 4096];
    changeable(process.as_fd(), &mut own, &mut buffer)?;
    fixed(process.as_fd(), &mut own, &mut buffer)?;
    Ok(own)
}

/// One walk through /proc for all of it.
fn process() -> Result<OwnedFd, Errno> {
    descriptor::open(c"/proc/self", libc::O_PATH | libc::O_DIRECTORY, 0)
}

/// What others may change.
fn changeable(process: BorrowedFd<'_>, own: &mut Vec<u8>, buffer: &mut [u8]) -> Result<(), Errno> {
    own.extend(read(process, c"cgroup", buffer)?);
    own.push(0);
    for file in BY_BIRTH {
        own.extend(read(process, file, buffer).unwrap_or_default());
        own.push(0);
    }
    for number in scheduler::inherited() {
        own.extend(number.unwrap_or(usize::MAX).to_le_bytes());
    }
    // Where / is: a pivot_root(2) of another's moves it.
    add(own, facts::identity_in(process, c"/")?);
    // What a new UTS namespace has of its maker's; the host's name is replaced.
    own.extend(kernel::domain_name());
    own.push(0);
    Ok(())
}

fn add(own: &mut Vec<u8>, identity: (u64, u64)) {
    own.extend(identity.0.to_le_bytes());
    own.extend(identity.1.to_le_bytes());
}

/// What no one else can change.
fn fixed(process: BorrowedFd<'_>, own: &mut Vec<u8>, buffer: &mut [u8]) -> Result<(), Errno> {
    credentials::told()?
        .into_iter()
        .for_each(|number| own.extend(number.to_le_bytes()));
    if credentials::is_filtered() {
        // How many filters there are only /proc tells.
        let status = read(process, c"status", buffer)?;
        let lines = status.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| line.starts_with(b"Seccomp")) {
            own.extend(line);
        }
    }
    label(process, own, buffer);
    own.extend(read(process, AUDITED, buffer).unwrap_or_default());
    own.push(0);
    for view in VIEWS {
        add(own, facts::identity_in(process, view)?);
    }
    for beside in BESIDE {
        add(own, facts::identity_in(process, beside).unwrap_or_default());
    }
    Ok(())
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
