//! The reaper's program: the process that stays in a container as PID 1 (`--init`), or beside it as its keeper (`--pid
//! host`), executes it, so that nothing of mydocker is left of it: no memory, no arguments, no environment, no file.
//!
//! It is one page: an ELF header, two program headers, some 200 instructions and the filter of its own system calls. It has no
//! C library, no data and no loader, makes a dozen system calls and keeps everything in registers and on its stack. It is
//! written in assembly because nothing else is sure to come out as position independent code that calls nothing, in
//! every build of this crate and without a second linker.
//!
//! Both architectures' code does the same; [`x86_64`](self) has the comments. In the order of its work:
//!
//! 1. no one may look into it (execve has reset that), and ps(1) shows its name;
//! 2. of its capabilities none would survive another execve;
//! 3. the filter, after which execve is not possible any more, nor anything else but what follows;
//! 4. it opens the command's gate, and has no descriptor any more (the keeper has /proc; and for `--report` there is a
//!    counter, to which it writes how the command has ended);
//! 5. it waits for signals: hands them on, reaps, and leaves with the command's exit code. The keeper ends all that is
//!    left before it leaves.

use super::process::Ended;
use super::seccomp::Instruction;
use super::{Errno, Pid, counter, descriptor, memfd};
use std::ffi::c_char;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use syscalls::{Sysno, syscall};

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
const ENDED: u32 = 32;

/// What it leaves with when it cannot do its work.
const FAILURE: u8 = 125;

/// The highest number that a process can have (PID_MAX_LIMIT).
const HIGHEST_PID: i32 = 4 << 20;

/// `_LINUX_CAPABILITY_VERSION_3`.
const CAPABILITY_VERSION: u32 = super::capability::VERSION;

/// Bytes of the stack that the code uses, and what lies where in them: at 0 what belongs to the call at hand,
const ROOM: usize = 1024;
/// then a set of signals,
const SET: usize = size_of::<libc::siginfo_t>();
/// how a child has ended,
const STATUS: usize = SET + 8;
/// and a part of the list of children.
const BUFFER: usize = 256;

/// The fields of the kernel's `siginfo_t` that tell how a signal was sent, and by which process.
const SI_CODE: usize = 8;
const SI_PID: usize = 16;

/// Where each setting lies behind the code.
const FILTER_LENGTH: usize = 0;
const FILTER_IS_REQUIRED: usize = 2;
const IS_KEEPER: usize = 3;
const COMMAND: usize = 4;
const PARENT: usize = 8;
const FILTER: usize = 16;

/// What of the program differs from one run to another.
pub struct Settings<'a> {
    pub is_keeper: bool,
    pub filter: &'a [Instruction],
    /// Whether a kernel without filters is an error.
    pub filter_is_required: bool,
}

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

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

unsafe extern "C" {
    static mydocker_reaper_code: c_char;
    static mydocker_reaper_settings: c_char;
}

/// The code, from its first instruction to where the settings belong.
fn code() -> &'static [u8] {
    let start = &raw const mydocker_reaper_code;
    let length = (&raw const mydocker_reaper_settings).addr() - start.addr();
    // SAFETY: both labels are of one section of constants, assembled above, the second behind the first; nothing writes
    // there.
    unsafe { std::slice::from_raw_parts(start.cast(), length) }
}

/// The whole file, and the memory that it is mapped to.
const PAGE: usize = 4096;

/// Where it is mapped: where programs that are linked statically have always begun, above what vm.mmap_min_addr forbids
/// and on the boundary of a page of any size.
const ADDRESS: u64 = 0x40_0000;
const LARGEST_PAGE: u64 = 0x1_0000;

/// The sizes of the kernel's `Elf64_Ehdr` and `Elf64_Phdr`, of which there are two.
const ELF_HEADER: u16 = 64;
const PROGRAM_HEADER: u16 = 56;
const HEADERS: usize = ELF_HEADER as usize + 2 * PROGRAM_HEADER as usize;

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;

/// A file that is being written.
struct Page {
    bytes: [u8; PAGE],
    length: usize,
}

impl Page {
    /// Errors: E2BIG beyond the page.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let end = self.length + bytes.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(Errno::E2BIG)?;
        room.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    /// elf(5).
    fn headers(&mut self) -> Result<(), Errno> {
        let entry = ADDRESS + HEADERS as u64;
        // 64 bits, little-endian, of this version.
        self.put(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0")?;
        // ET_EXEC: it begins at a fixed address, and the kernel needs no one to relocate it.
        self.put(&2u16.to_le_bytes())?;
        self.put(&MACHINE.to_le_bytes())?;
        self.put(&1u32.to_le_bytes())?;
        self.put(&entry.to_le_bytes())?;
        // Program headers follow at once; there are no section headers and no flags.
        self.put(&u64::from(ELF_HEADER).to_le_bytes())?;
        self.put(&[0; 12])?;
        for half in [ELF_HEADER, PROGRAM_HEADER, 2, 0, 0, 0] {
            self.put(&half.to_le_bytes())?;
        }
        const READ_AND_EXECUTE: u32 = libc::PF_R | libc::PF_X;
        let size = PAGE as u64;
        self.program_header(
            libc::PT_LOAD,
            READ_AND_EXECUTE,
            [0, ADDRESS, size, LARGEST_PAGE],
        )?;
        // Without it older kernels would make the stack executable.
        self.program_header(libc::PT_GNU_STACK, libc::PF_R | libc::PF_W, [0, 0, 0, 16])
    }

    /// One that maps `size` bytes from `offset` to `address`.
    fn program_header(
        &mut self,
        kind: u32,
        flags: u32,
        [offset, address, size, alignment]: [u64; 4],
    ) -> Result<(), Errno> {
        self.put(&kind.to_le_bytes())?;
        self.put(&flags.to_le_bytes())?;
        // The address twice, for a physical one counts nowhere; the size in the file and in memory.
        for word in [offset, address, address, size, size, alignment] {
            self.put(&word.to_le_bytes())?;
        }
        Ok(())
    }

    fn settings(&mut self, settings: &Settings<'_>) -> Result<(), Errno> {
        let length = u16::try_from(settings.filter.len()).map_err(|_| Errno::E2BIG)?;
        let mut fixed = [0; FILTER];
        fixed[FILTER_LENGTH..FILTER_IS_REQUIRED].copy_from_slice(&length.to_le_bytes());
        fixed[FILTER_IS_REQUIRED] = settings.filter_is_required.into();
        fixed[IS_KEEPER] = settings.is_keeper.into();
        self.put(&fixed)?;
        for instruction in settings.filter {
            self.put(&instruction.code.to_le_bytes())?;
            self.put(&[instruction.jump_true, instruction.jump_false])?;
            self.put(&instruction.value.to_le_bytes())?;
        }
        Ok(())
    }
}

/// The program as a memory file, for [`charge`] and [`execute`].
///
/// Errors: EACCES where vm.memfd_noexec forbids it.
#[cold]
#[inline(never)]
pub fn program(settings: &Settings<'_>) -> Result<OwnedFd, Errno> {
    let mut page = Page {
        bytes: [0; PAGE],
        length: 0,
    };
    page.headers()?;
    page.put(code())?;
    page.settings(settings)?;
    // All of the page: what lies behind the settings is as empty in the file as it would be in memory.
    memfd::code(c"mydocker", &page.bytes)
}

/// Writes into the program whom it is to look after, and for a keeper who mydocker is. No one can change it any more then.
pub fn charge(program: BorrowedFd<'_>, command: Pid, parent: Pid) -> Result<(), Errno> {
    const { assert!(PARENT == COMMAND + size_of::<Pid>()) };
    let mut pids = [0; 2 * size_of::<Pid>()];
    let (first, second) = pids.split_at_mut(size_of::<Pid>());
    first.copy_from_slice(&command.to_ne_bytes());
    second.copy_from_slice(&parent.to_ne_bytes());
    let place = HEADERS.wrapping_add(code().len()).wrapping_add(COMMAND);
    if descriptor::write_at(program, &pids, place)? != pids.len() {
        return Err(Errno::EIO);
    }
    memfd::seal(program)
}

/// How the command has ended, as its reaper has told. `None`: it has not.
pub fn told_end(status: BorrowedFd<'_>) -> Option<Ended> {
    let told = counter::take(status)?;
    // Its lower half is the status.
    (told >> ENDED == 1).then(|| Ended::from_status(told as u32 as i32))
}

/// execveat(2) of the program: one argument, its name, and no environment. Returns only if it failed.
pub fn execute(program: BorrowedFd<'_>) -> Errno {
    let arguments = [c"mydocker".as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null::<c_char>()];
    // SAFETY: the path is an empty NUL-terminated string; both arrays end with a null pointer and hold strings that
    // outlive the call.
    let executed = unsafe {
        syscall!(
            Sysno::execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH
        )
    };
    executed.err().unwrap_or(Errno::EIO)
}
