//! The reaper's program: the process that stays in a container as PID 1 (`--init`), or beside it as its keeper (`--pid
//! host`), executes it, so that nothing of mydocker is left of it: no memory, no arguments, no environment, no file.
//!
//! The program is one page: an ELF header, two program headers, some 200 instructions and the filter of its own system calls. It has no
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

use super::arch::MACHINE;
use super::arch::reaper::{
    COMMAND, ENDED, FILTER, FILTER_IS_REQUIRED, FILTER_LENGTH, IS_KEEPER, PARENT, code,
};
pub use super::arch::reaper::{END, GATE, PARENT_DIED, PROC, STATUS_COUNTER};
use super::process::Ended;
use super::seccomp::Instruction;
use super::{Errno, Pid, counter, descriptor, memfd};
use std::ffi::c_char;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// What of the program differs from one run to another.
pub struct Settings<'a> {
    pub is_keeper: bool,
    pub filter: &'a [Instruction],
    /// Whether a kernel without filters is an error.
    pub filter_is_required: bool,
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
