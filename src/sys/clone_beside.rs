//! A child that goes on beside its parent, in one memory: the command's process under `--init`.
//!
//! ```text
//! mydocker ─ clone, sleeps ─▶ PID 1 ─ spawn ─▶ the command's process ─ execve
//!                               └─ execve of the reaper's program, for which the other one waits
//! ```
//!
//! A copy of the memory takes a twentieth of a start, and its page faults as much. To suspend PID 1 until the command's
//! process has executed the command (CLONE_VFORK), as `clone.rs` does it, is not possible: the command may not run before
//! nothing of mydocker is left in PID 1, so each would wait for the other.
//!
//! So two processes run in this memory at once, and mydocker, whose memory it is, in neither of both ways:
//!
//! - It sleeps in clone(2) until PID 1 has executed its program, and then until the kernel has written that the other one has left
//!   the memory as well, by execve or by its end (`memory_guest.rs`). A page's half stays free for that below its frames
//!   (`arch::ROOM`), so that it touches none of PID 1's, which the other one may still borrow from.
//! - PID 1 never comes back from [`spawn`]: what it goes on with could be lent to another thread ([`Sync`]), so it shares
//!   nothing with the child that two threads could not share.
//! - The child has a stack that is nobody else's. Signal dispositions, the mask, descriptors and credentials are each
//!   process's own, as after fork(2); whether it is dumpable is the memory's, and both forbid that.
//!
//! The OOM killer ends all who use the memory of whom it chooses. It spares a child whose parent sleeps (`in_vfork`), but not this
//! one: so it is not for a container in a cgroup of its own, whose limit would choose it, nor for one that is to be chosen first
//! (`launch`).

use super::arch::raw_clone_beside;
use super::clone::{self, Memory, NewNamespaces};
use super::in_child::InChild;
use super::{Errno, Pid, memory_guest};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// More than the steps take in a debug build. Of it there is only what is touched.
const STACK: usize = 256 << 10;

#[repr(align(16))]
struct Stack(UnsafeCell<MaybeUninit<[u8; STACK]>>);

// SAFETY: no one but the child uses it, and there is one at most: see `memory_guest.rs`.
unsafe impl Sync for Stack {}

static ITS_STACK: Stack = Stack(UnsafeCell::new(MaybeUninit::uninit()));

/// What the child does.
type Run<T> = fn(InChild, &T) -> !;

/// What its parent does, who is told its pid.
type Then<U> = fn(Result<Pid, Errno>, &U) -> !;

/// What the child starts with.
struct Entry<'a, T> {
    run: Run<T>,
    argument: &'a T,
}

extern "C" fn enter<T>(entry: *const c_void) -> ! {
    // SAFETY: it is `spawn`'s own local, whose frame stays: `spawn` never returns, and when its process has executed
    // something else no one uses the memory below the room of who waits for the guest's end.
    let entry = unsafe { &*entry.cast::<Entry<'_, T>>() };
    (entry.run)(InChild::new(), entry.argument)
}

/// Starts a child that runs `run(argument)` in this memory, and goes on with `then`, which is told its pid. Where such a
/// clone is refused, the child gets a copy. Its end is told by SIGCHLD.
///
/// Only a child of [`clone::spawn`] in shared memory may call this: whose memory it is waits for both.
pub fn spawn<T, U: Sync>(
    _: InChild,
    (run, argument): (Run<T>, &T),
    (then, own): (Then<U>, &U),
) -> ! {
    let entry = Entry { run, argument };
    if let Some(word) = memory_guest::word() {
        let told = libc::CLONE_PARENT_SETTID | libc::CLONE_CHILD_CLEARTID;
        let flags = libc::CLONE_VM | told | libc::SIGCHLD;
        // SAFETY: the stack is the child's alone until the guest has left; its end is a multiple of 16. `enter::<T>`
        // never returns. It reads `entry`, which nobody changes. What `argument` leads to is the child's from here on: of this
        // process's there is `own` left, and what that has in common with it could be shared with a thread. The kernel
        // writes the pid and the zero to a word that is atomic.
        let returned = unsafe {
            raw_clone_beside(
                flags as usize,
                ITS_STACK.0.get().wrapping_add(1).cast(),
                word.cast(),
                word,
                enter::<T>,
                std::ptr::from_ref(&entry).cast(),
            )
        };
        if let Ok(pid) = Errno::from_ret(returned) {
            then(Ok(pid as Pid), own);
        }
    }
    let copied = clone::spawn(NewNamespaces::NONE, Memory::Copied, None, run, argument);
    then(copied, own)
}

#[cfg(test)]
mod tests {
    use super::super::process::{self, Ended, Patience};
    use super::super::{descriptor, shared_memory::SharedMemory};
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// What the two processes are to do, and what they have in common.
    struct Task<'a> {
        is_killed: bool,
        told: &'a AtomicU64,
    }

    fn first(child: InChild, task: &Task<'_>) -> ! {
        spawn(child, (second, task), (leave, task))
    }

    fn second(_: InChild, task: &Task<'_>) -> ! {
        // Long after its parent has left.
        let _ = descriptor::wait(&mut [], if task.is_killed { -1 } else { 50 });
        task.told.store(2, Ordering::SeqCst);
        process::exit(0)
    }

    fn leave(second: Result<Pid, Errno>, task: &Task<'_>) -> ! {
        match (second, task.is_killed) {
            (Err(_), _) => process::exit(1),
            (Ok(second), true) => {
                let killed = process::kill(second, libc::SIGKILL);
                process::exit(killed.is_err().into())
            }
            (Ok(_), false) => process::exit(0),
        }
    }

    /// Whose memory it is goes on when both have left it, and not before.
    #[test]
    fn it_is_waited_for_by_whose_memory_it_is() {
        let shared = SharedMemory::new(1).unwrap();
        let told = shared.words().first().unwrap();
        for (is_killed, expected) in [(false, 2), (true, 0), (false, 2)] {
            told.store(0, Ordering::SeqCst);
            let task = Task { is_killed, told };
            let first =
                clone::spawn(NewNamespaces::NONE, Memory::Shared, None, first, &task).unwrap();
            assert_eq!(told.load(Ordering::SeqCst), expected);
            assert!(!memory_guest::is_there());
            let ended = process::wait(Some(first), Patience::Wait).unwrap();
            assert_eq!(ended, Some((first, Ended::Exited(0))));
        }
    }

    /// Nor does it wait for one who was never started.
    #[test]
    fn who_ends_before_there_is_a_guest_is_not_waited_for() {
        let first = |_: InChild, _: &()| -> ! {
            let word = memory_guest::word();
            process::exit(word.is_none().into())
        };
        let first = clone::spawn(NewNamespaces::NONE, Memory::Shared, None, first, &()).unwrap();
        let ended = process::wait(Some(first), Patience::Wait).unwrap();
        assert!(matches!(ended, Some((_, Ended::Exited(_)))));
    }
}
