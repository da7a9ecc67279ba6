//! The frame of the reaper's code, which is written in assembly for each processor (`reaper.rs` beside this one's
//! modules): what it agrees on with [`crate::sys::reaper`], which makes a program of it, and the names that the lines use.

use std::ffi::c_char;
use std::os::fd::RawFd;

/// How the keeper hears of mydocker's death: a signal that mydocker never hands on.
pub const PARENT_DIED: i32 = libc::SIGURG;

/// How the keeper hears from mydocker that everything is to end. Queued, which what is handed on is not; and a real-time
/// signal, the last one, so that none of another's takes its place.
pub const END: i32 = 64;

/// Where the program finds what it inherits: a keeper its /proc, to list its children;
pub const PROC: RawFd = 0;
/// and the gate, at which the command's process waits for an errno, or 0, and then for its end.
pub const GATE: RawFd = 1;

/// and where it writes how the command has ended, if someone wants to know: a counter, which takes the status of wait(2) and
/// `ENDED`. Without one the write finds nothing.
pub const STATUS_COUNTER: RawFd = 2;

/// The bit by which a status of 0 is told from none.
pub const ENDED: u32 = 32;

/// What it leaves with when it cannot do its work.
pub const FAILURE: u8 = 125;

/// The highest number that a process can have (PID_MAX_LIMIT).
pub const HIGHEST_PID: i32 = 4 << 20;

/// `_LINUX_CAPABILITY_VERSION_3`.
pub const CAPABILITY_VERSION: u32 = crate::sys::capability::VERSION;

/// Bytes of the stack that the code uses, and what lies where in them: at 0 what belongs to the call at hand,
pub const ROOM: usize = 1024;
/// then a set of signals,
pub const SET: usize = size_of::<libc::siginfo_t>();
/// how a child has ended,
pub const STATUS: usize = SET + 8;
/// and a part of the list of children.
pub const BUFFER: usize = 256;

/// The fields of the kernel's `siginfo_t` that tell how a signal was sent, and by which process.
pub const SI_CODE: usize = 8;
pub const SI_PID: usize = 16;

/// Where each setting lies behind the code.
pub const FILTER_LENGTH: usize = 0;
pub const FILTER_IS_REQUIRED: usize = 2;
pub const IS_KEEPER: usize = 3;
pub const COMMAND: usize = 4;
pub const PARENT: usize = 8;
pub const FILTER: usize = 16;

/// Assembles the lines of code, which may use the names below, between the two labels that the program is copied by. It
/// is data of mydocker's: nothing executes it where it lies.
macro_rules! assembled {
    ($($line:literal,)*) => {
        core::arch::global_asm!(
            ".pushsection .rodata.mydocker_reaper, \"a\", %progbits",
            ".balign 8",
            ".globl mydocker_reaper_code",
            ".hidden mydocker_reaper_code",
            "mydocker_reaper_code:",
            $($line,)*
            ".Lreaper_name:",
            ".asciz \"mydocker\"",
            ".Lreaper_children:",
            ".asciz \"thread-self/children\"",
            ".balign 8",
            ".globl mydocker_reaper_settings",
            ".hidden mydocker_reaper_settings",
            "mydocker_reaper_settings:",
            ".Lreaper_settings:",
            ".popsection",
            room = const ROOM,
            set = const SET,
            status = const STATUS,
            buffer = const BUFFER,
            buffer_size = const ROOM - BUFFER,
            gate_descriptor = const GATE,
            proc_descriptor = const PROC,
            status_descriptor = const STATUS_COUNTER,
            ended = const ENDED,
            filter_length = const FILTER_LENGTH,
            filter_is_required = const FILTER_IS_REQUIRED,
            is_keeper = const IS_KEEPER,
            command = const COMMAND,
            parent = const PARENT,
            filter = const FILTER,
            failure = const FAILURE,
            end = const END,
            parent_died = const PARENT_DIED,
            highest_pid = const HIGHEST_PID,
            capability_version = const CAPABILITY_VERSION,
            si_code = const SI_CODE,
            si_pid = const SI_PID,
            si_queue = const libc::SI_QUEUE,
            sigchld = const libc::SIGCHLD,
            sigkill = const libc::SIGKILL,
            wnohang = const libc::WNOHANG,
            o_rdonly = const libc::O_RDONLY | libc::O_CLOEXEC,
            eintr = const libc::EINTR,
            einval = const libc::EINVAL,
            pr_set_dumpable = const libc::PR_SET_DUMPABLE,
            pr_set_name = const libc::PR_SET_NAME,
            pr_set_seccomp = const libc::PR_SET_SECCOMP,
            seccomp_mode_filter = const libc::SECCOMP_MODE_FILTER,
            capget = const libc::SYS_capget,
            capset = const libc::SYS_capset,
            close = const libc::SYS_close,
            exit_group = const libc::SYS_exit_group,
            getppid = const libc::SYS_getppid,
            kill = const libc::SYS_kill,
            openat = const libc::SYS_openat,
            prctl = const libc::SYS_prctl,
            read = const libc::SYS_read,
            rt_sigtimedwait = const libc::SYS_rt_sigtimedwait,
            wait4 = const libc::SYS_wait4,
            write = const libc::SYS_write,
        );
    };
}

pub(super) use assembled;

unsafe extern "C" {
    static mydocker_reaper_code: c_char;
    static mydocker_reaper_settings: c_char;
}

/// The code, from its first instruction to where the settings belong.
pub fn code() -> &'static [u8] {
    let start = &raw const mydocker_reaper_code;
    let length = (&raw const mydocker_reaper_settings).addr() - start.addr();
    // SAFETY: both labels are of one section of constants, assembled above, the second behind the first; nothing writes
    // there.
    unsafe { std::slice::from_raw_parts(start.cast(), length) }
}
