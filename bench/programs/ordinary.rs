//! What mydocker does for its user with every protection switched off, with as few system calls as that
//! takes. Both equal floors stand on it.

use super::container::{self, NEWCGROUP, NEWIPC, NEWNET, NEWNS, NEWPID, NEWUTS};
use super::kernel::*;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

const AT_FDCWD: usize = -100isize as usize;
const O_WRONLY: usize = 1;
const O_CLOEXEC: usize = 0o2_000_000;
const AF_UNIX: usize = 1;
const SOCK_DGRAM: usize = 2;
const SIOCSIFFLAGS: usize = 0x8914;
const IFF_UP_RUNNING: u8 = 0x41;
const PR_SET_PDEATHSIG: usize = 1;
const SIG_SETMASK: usize = 2;
const SIG_IGN: usize = 1;
const SIGKILL: usize = 9;
const SIGCHLD: u64 = 17;
const SIGSTOP: usize = 19;

/// Not 0 while the parent lives: the kernel clears it when the parent ends (set_tid_address(2)).
static PARENT: AtomicU32 = AtomicU32::new(1);

/// The parent: starts `child(stack)`, and ends as the container did.
pub fn start(stack: *const usize, child: extern "C" fn(usize) -> !) -> ! {
    // What is sent to the parent waits for the container to hand it to.
    set_mask(u64::MAX);
    // SAFETY: the word lives as long as we do.
    unsafe {
        must(
            125,
            SET_TID_ADDRESS,
            [PARENT.as_ptr() as usize, 0, 0, 0, 0, 0],
        )
    };
    let namespaces = NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET | NEWCGROUP;
    let pid = container::start(namespaces, stack, child);
    let set = 1u64 << (SIGCHLD - 1);
    // SAFETY: the kernel reads one set. Another signal it would hand on here.
    unsafe {
        must(
            125,
            RT_SIGTIMEDWAIT,
            [&raw const set as usize, 0, 0, 8, 0, 0],
        )
    };
    container::wait(pid)
}

/// Gives the signals that the caller ignores their default back. The kernel tells of one at a time.
fn default_signals() {
    // Two cannot be ignored.
    for signal in (1..=64usize).filter(|signal| ![SIGKILL, SIGSTOP].contains(signal)) {
        // The handler comes first; the kernel's struct has four words.
        let mut action = [0usize; 4];
        let address = action.as_mut_ptr() as usize;
        // SAFETY: the kernel writes four words, or, for what is no signal, nothing.
        unsafe { call(RT_SIGACTION, [signal, 0, address, 8, 0, 0]) };
        if action[0] == SIG_IGN {
            let default = [0usize; 4];
            // SAFETY: the kernel reads four words.
            unsafe {
                must(
                    15,
                    RT_SIGACTION,
                    [signal, default.as_ptr() as usize, 0, 8, 0, 0],
                )
            };
        }
    }
}

/// The set-up, up to what takes privileges away.
pub fn set_up() {
    // First of all: what holds the rest up ends with the parent too.
    // SAFETY: no pointers.
    unsafe { must(7, PRCTL, [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0]) };
    // It may have ended before that.
    if PARENT.load(Ordering::SeqCst) == 0 {
        exit(125);
    }
    container::mount();
    open_network();
    host_name();
    loopback();
    // SAFETY: no pointers.
    unsafe { must(3, SETSID, [0; 6]) };
    no_input();
    // SAFETY: no pointers.
    unsafe { must(4, UMASK, [0o022, 0, 0, 0, 0, 0]) };
    // Linux' own, whatever the caller's is.
    // SAFETY: no pointers.
    unsafe { must(5, PERSONALITY, [0; 6]) };
}

/// What comes when they have gone.
pub fn last() {
    default_signals();
    set_mask(0);
    // SAFETY: no pointers.
    unsafe { must(6, CLOSE_RANGE, [3, u32::MAX as usize, 0, 0, 0, 0]) };
}

/// Lets every user of the new network bind every port and ping, by the proc that has just been mounted.
fn open_network() {
    let ports = c"/proc/sys/net/ipv4/ip_unprivileged_port_start";
    write(ports, b"0");
    write(c"/proc/sys/net/ipv4/ping_group_range", b"0 2147483647");
}

fn write(path: &CStr, text: &[u8]) {
    let (path, start) = (path.as_ptr() as usize, text.as_ptr() as usize);
    // SAFETY: the path is NUL-terminated.
    let file = unsafe { must(16, OPENAT, [AT_FDCWD, path, O_WRONLY, 0, 0, 0]) };
    // SAFETY: the kernel reads as many bytes as the text has.
    unsafe { must(17, WRITE, [file, start, text.len(), 0, 0, 0]) };
    // `last` closes it.
}

/// A name that no other container has.
fn host_name() {
    let mut bytes = [0u8; 6];
    // SAFETY: the kernel writes six bytes.
    unsafe {
        must(
            8,
            GETRANDOM,
            [bytes.as_mut_ptr() as usize, bytes.len(), 0, 0, 0, 0],
        )
    };
    let mut name = [0u8; 12];
    for (digits, byte) in name.chunks_exact_mut(2).zip(bytes) {
        digits.copy_from_slice(&[b'a' + (byte >> 4), b'a' + (byte & 15)]);
    }
    // SAFETY: the kernel reads twelve bytes.
    unsafe {
        must(
            9,
            SETHOSTNAME,
            [name.as_ptr() as usize, name.len(), 0, 0, 0, 0],
        )
    };
}

fn loopback() {
    let mut request = [0u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16] = IFF_UP_RUNNING;
    // SAFETY: no pointers.
    let socket = unsafe { must(10, SOCKET, [AF_UNIX, SOCK_DGRAM | O_CLOEXEC, 0, 0, 0, 0]) };
    // SAFETY: the kernel reads one ifreq, of 40 bytes.
    unsafe {
        must(
            11,
            IOCTL,
            [socket, SIOCSIFFLAGS, request.as_ptr() as usize, 0, 0, 0],
        )
    };
    // `last` closes it.
}

/// stdin is /dev/null.
fn no_input() {
    let path = c"/dev/null".as_ptr() as usize;
    // SAFETY: the path is NUL-terminated.
    let null = unsafe { must(12, OPENAT, [AT_FDCWD, path, O_CLOEXEC, 0, 0, 0]) };
    // SAFETY: no pointers.
    unsafe { must(13, DUP3, [null, 0, 0, 0, 0, 0]) };
}

fn set_mask(set: u64) {
    // SAFETY: the kernel reads one set.
    unsafe {
        must(
            14,
            RT_SIGPROCMASK,
            [SIG_SETMASK, &raw const set as usize, 0, 8, 0, 0],
        )
    };
}
