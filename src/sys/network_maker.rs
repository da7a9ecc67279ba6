//! A process that makes a network namespace beside us, while others of ours go on.
//!
//! The maker runs in our memory (CLONE_VM) and nobody sleeps for it: to copy the memory would take longer than what it does.
//! `clone.rs` promises that parent and child never run at once in one memory; this is an exception, as `clone_beside.rs` is. So nothing
//! can be chosen about it: what it does stands here, all of it: system calls, on a stack that is nobody else's, and one
//! atomic word. It allocates nothing, and knows no thread's variables.
//!
//! ```text
//! word: Asked ─▶ Making ─▶ Made ─▶ Up (or Down) ─▶ Ended, which the kernel writes, however it ends
//!         └─▶ Ended: who wants the namespace does not wait for a process that has not even begun
//! ```
//!
//! Who wants the namespace waits for the word (futex(2)), in this memory or in what shares the word's page, and joins it
//! by the pidfd: setns(2) takes one since Linux 5.8, close_range(2) is there since 5.9. A namespace can be joined from
//! [`Progress::Made`] on and at no other time: before, the maker is in its caller's.

use super::arch::raw_clone_beside;
use super::in_child::InChild;
use super::{Errno, Pid, close_range, descriptor, namespace, network, process};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use syscalls::{Sysno, syscall};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The maker has ended, or there is none.
    Ended = 0,
    /// The maker has not begun.
    Asked = 1,
    Making = 2,
    /// The maker is in the new namespace.
    Made = 3,
    /// And the loopback is up.
    Up = 4,
    /// And the loopback cannot be set up.
    Down = 5,
    /// There is none, and the clone has made the namespace.
    Cloned = 6,
}

/// Whether the kernel has what this takes.
pub fn is_possible(kernel: (u32, u32)) -> bool {
    kernel >= (5, 9)
}

const STACK: usize = 16 << 10;

#[repr(align(16))]
struct Stack(UnsafeCell<MaybeUninit<[u8; STACK]>>);

// SAFETY: no one but a maker uses it, and there is one at most: see `IS_TAKEN`.
unsafe impl Sync for Stack {}

static ITS_STACK: Stack = Stack(UnsafeCell::new(MaybeUninit::uninit()));

static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// What it is to know.
struct Order<'a> {
    word: &'a AtomicU64,
    parent: Pid,
}

/// A maker. It ends with this.
struct Maker {
    pid: Pid,
    pidfd: OwnedFd,
}

/// Calls `then` while a process makes a network namespace and stays in it, and tells `word` how far it is; `then` is given
/// its pidfd, or nothing if there can be no such process. When this returns, it has ended and has been waited for; it ends
/// with us, too, however we do. It is not in the way of who waits for children: its end is no SIGCHLD.
pub fn beside<T>(word: &AtomicU64, then: impl FnOnce(Option<BorrowedFd<'_>>) -> T) -> T {
    let order = Order {
        word,
        parent: process::id(),
    };
    let maker = start(&order);
    let done = then(maker.as_ref().map(|maker| maker.pidfd.as_fd()));
    // Here, where nothing can keep it from being dropped: `order` is its as well.
    drop(maker);
    done
}

fn start(order: &Order<'_>) -> Option<Maker> {
    if IS_TAKEN.swap(true, Ordering::AcqRel) {
        return None;
    }
    order.word.store(Progress::Asked as u64, Ordering::Release);
    let mut pidfd = -1;
    let flags = libc::CLONE_VM | libc::CLONE_PIDFD | libc::CLONE_CHILD_CLEARTID;
    // SAFETY: the stack is the new process's alone until `IS_TAKEN` is false again, when it has ended; its end is a multiple
    // of 16. `make` never returns, and reads `order`, which outlives the process: the one caller drops the `Maker` before
    // it. The kernel writes a zero into the word's lower half, where these little-endian processors have it first, when the
    // process ends: an atomic word may be written by another. No signal tells of its end (the lowest byte of the flags).
    let returned = unsafe {
        raw_clone_beside(
            flags as usize,
            ITS_STACK.0.get().wrapping_add(1).cast(),
            &raw mut pidfd,
            order.word.as_ptr().cast(),
            make,
            std::ptr::from_ref(order).cast(),
        )
    };
    match Errno::from_ret(returned) {
        Ok(pid) => Some(Maker {
            pid: pid as Pid,
            pidfd: descriptor::owned(pidfd),
        }),
        Err(_) => {
            order.word.store(Progress::Ended as u64, Ordering::Release);
            IS_TAKEN.store(false, Ordering::Release);
            None
        }
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        // It has not been waited for: the number is its own.
        let _ = process::kill(self.pid, libc::SIGKILL);
        // SAFETY: no pointers. A child without a signal is waited for by who asks for such.
        while unsafe { syscall!(Sysno::wait4, self.pid, 0, libc::__WALL, 0) } == Err(Errno::EINTR) {
        }
        IS_TAKEN.store(false, Ordering::Release);
    }
}

/// All that it does.
extern "C" fn make(order: *const c_void) -> ! {
    // SAFETY: it is `beside`'s, which does not return before this process has ended, and nobody changes it.
    let order = unsafe { &*order.cast::<Order<'_>>() };
    if make_namespace(order, InChild::new()).is_ok() {
        tell(order.word, Progress::Made);
        tell(
            order.word,
            match network::loopback_up() {
                Ok(_) => Progress::Up,
                Err(_) => Progress::Down,
            },
        );
        // Until it is killed.
        while descriptor::wait(&mut [], -1).is_ok() {}
    }
    process::exit(0)
}

fn make_namespace(order: &Order<'_>, child: InChild) -> Result<(), Errno> {
    process::die_with_parent()?;
    if process::parent_id() != order.parent {
        return Err(Errno::ESRCH);
    }
    // Pipes would not end, nor files be unlocked, before this process has.
    close_range::close_from(3, &[], child)?;
    match change(order.word, Progress::Asked, Progress::Making) {
        true => namespace::new_network(),
        false => Err(Errno::ECANCELED),
    }
}

fn change(word: &AtomicU64, from: Progress, to: Progress) -> bool {
    let changed =
        word.compare_exchange(from as u64, to as u64, Ordering::AcqRel, Ordering::Acquire);
    changed.is_ok()
}

/// Says that who is cloned next is in a new namespace by that.
pub fn leave_to_clone(word: &AtomicU64) {
    word.store(Progress::Cloned as u64, Ordering::Release);
}

/// Does without it if it has not begun: whether that is so.
pub fn take_back(word: &AtomicU64) -> bool {
    change(word, Progress::Asked, Progress::Ended)
}

fn tell(word: &AtomicU64, progress: Progress) {
    word.store(progress as u64, Ordering::Release);
    // SAFETY: the kernel looks for who waits at this address.
    let _ = unsafe { syscall!(Sysno::futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// Waits until it is further than that, and says how far.
///
/// Errors: as futex(2), where it is denied.
pub fn further_than(progress: Progress, word: &AtomicU64) -> Result<Progress, Errno> {
    loop {
        let told = match word.load(Ordering::Acquire) as u32 {
            1 => Progress::Asked,
            2 => Progress::Making,
            3 => Progress::Made,
            4 => Progress::Up,
            5 => Progress::Down,
            6 => Progress::Cloned,
            _ => Progress::Ended,
        };
        if told != progress {
            return Ok(told);
        }
        // SAFETY: the kernel compares the word's lower half, which comes first, and reads no time.
        let waited = unsafe {
            syscall!(
                Sysno::futex,
                word.as_ptr(),
                libc::FUTEX_WAIT,
                progress as u32,
                0
            )
        };
        match waited {
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
