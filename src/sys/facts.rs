//! What a file is: fstat(2) and fstatfs(2).

use super::arch::FSTATAT;
use super::device::Device;
use super::{Errno, MountFlags, descriptor};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};
use syscalls::{Sysno, syscall};

/// The types of file that make a difference here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Directory,
    Regular,
    Link,
    Socket,
    /// With or without a name.
    Pipe,
    Character(Device),
    Block(Device),
}

/// What fstat(2) tells.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub kind: Kind,
    /// Who may do what to it, set-id and sticky bits included.
    pub mode: u32,
    pub owner: u32,
    pub group: u32,
    /// The file system and the inode, which together are the file's identity.
    pub identity: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// The names that it has; of a directory, two and one for each directory in it, if its file system
    /// counts them.
    pub links: u64,
}

/// The owner of what belongs to no one in this user namespace, unless proc_sys_kernel(5), overflowuid, says another.
pub const OVERFLOW: u32 = 65_534;

/// Whether a program has file capabilities (capabilities(7)).
pub fn has_capabilities(path: &CStr) -> bool {
    // SAFETY: both strings are NUL-terminated and outlive the call, which only asks for the value's size and writes
    // nothing.
    unsafe {
        syscall!(
            Sysno::getxattr,
            path.as_ptr(),
            c"security.capability".as_ptr(),
            std::ptr::null_mut::<u8>(),
            0
        )
    }
    .is_ok_and(|size| size > 0)
}

/// Whether a file has an extended attribute of this name that this process can see. It is asked by the name that /proc has
/// for the descriptor, which may only name the file (O_PATH).
#[cold]
#[inline(never)]
pub fn has_attribute(file: BorrowedFd<'_>, name: &CStr) -> bool {
    let path = descriptor::name_in_proc(file);
    // SAFETY: both strings are NUL-terminated and outlive the call, which only asks for the value's size and writes
    // nothing.
    unsafe {
        syscall!(
            Sysno::getxattr,
            path.as_ptr(),
            name.as_ptr(),
            std::ptr::null_mut::<u8>(),
            0
        )
    }
    .is_ok_and(|size| size > 0)
}

/// fstat(2). Of a descriptor that only names a file, too.
pub fn facts(file: BorrowedFd<'_>) -> Result<Facts, Errno> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel writes one `struct stat`, which is libc's on x86_64 and arm64.
    unsafe { syscall!(Sysno::fstat, file.as_raw_fd(), stat.as_mut_ptr()) }?;
    // SAFETY: all-zero bytes were valid before, and the kernel has filled them in.
    Ok(told(&unsafe { stat.assume_init() }))
}

/// fstat(2): when a file was changed last, in seconds since 1970 and nanoseconds.
pub fn modified(file: BorrowedFd<'_>) -> Result<(i64, u32), Errno> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel writes one `struct stat`, as above.
    unsafe { syscall!(Sysno::fstat, file.as_raw_fd(), stat.as_mut_ptr()) }?;
    // SAFETY: all-zero bytes were valid before, and the kernel has filled them in.
    let stat = unsafe { stat.assume_init() };
    Ok((
        stat.st_mtime,
        u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
    ))
}

/// newfstatat(2) of what `name` is in `directory`, a link if it is one.
pub fn facts_of(directory: BorrowedFd<'_>, name: &CStr) -> Result<Facts, Errno> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the name is NUL-terminated and outlives the call; the kernel writes one `struct stat`, as above.
    unsafe {
        syscall!(
            FSTATAT,
            directory.as_raw_fd(),
            name.as_ptr(),
            stat.as_mut_ptr(),
            libc::AT_SYMLINK_NOFOLLOW
        )
    }?;
    // SAFETY: all-zero bytes were valid before, and the kernel has filled them in.
    Ok(told(&unsafe { stat.assume_init() }))
}

/// Which file a name is, its links followed: the file system and the inode.
///
/// Errors: as newfstatat(2).
pub fn identity_in(directory: BorrowedFd<'_>, name: &CStr) -> Result<(u64, u64), Errno> {
    identity(directory.as_raw_fd(), name)
}

/// As [`identity_in`], of a path.
pub fn identity_of(path: &CStr) -> Result<(u64, u64), Errno> {
    identity(libc::AT_FDCWD, path)
}

fn identity(directory: i32, name: &CStr) -> Result<(u64, u64), Errno> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the name is NUL-terminated and outlives the call; the kernel writes one `struct stat`, as above.
    unsafe { syscall!(FSTATAT, directory, name.as_ptr(), stat.as_mut_ptr(), 0) }?;
    // SAFETY: all-zero bytes were valid before, and the kernel has filled them in.
    Ok(told(&unsafe { stat.assume_init() }).identity)
}

/// What of the kernel's `struct statx` is asked for here.
#[repr(C)]
struct Told {
    mask: u32,
    before: [u32; 7],
    inode: u64,
    between: [u64; 12],
    device: [u32; 2],
    mount: u64,
    after: [u64; 13],
}

/// Which file a name leads to, and by which mount: statx(2) of what `name` is in `directory`. A mount is another one where the
/// same file is mounted twice.
///
/// Errors: ENOSYS also from a kernel that tells no mount (before 5.8).
pub fn place(directory: BorrowedFd<'_>, name: &CStr) -> Result<Place, Errno> {
    const INODE: u32 = 0x100;
    const MOUNT: u32 = 0x1000;
    const { assert!(size_of::<Told>() == 256) };
    const { assert!(std::mem::offset_of!(Told, mount) == 144) };
    let mut told = std::mem::MaybeUninit::<Told>::zeroed();
    // SAFETY: the name is NUL-terminated and outlives the call; the kernel writes one `struct statx`, which has that size.
    unsafe {
        syscall!(
            Sysno::statx,
            directory.as_raw_fd(),
            name.as_ptr(),
            libc::AT_SYMLINK_NOFOLLOW,
            INODE | MOUNT,
            told.as_mut_ptr()
        )
    }?;
    // SAFETY: all-zero bytes were valid before, and the kernel has filled them in.
    let told = unsafe { told.assume_init() };
    match told.mask & MOUNT {
        0 => Err(Errno::ENOSYS),
        _ => Ok(Place {
            mount: told.mount,
            device: told.device,
            inode: told.inode,
        }),
    }
}

/// A file by one of its mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    mount: u64,
    /// Of its file system, which may have many (btrfs).
    device: [u32; 2],
    inode: u64,
}

fn told(stat: &libc::stat) -> Facts {
    let device = Device {
        major: libc::major(stat.st_rdev),
        minor: libc::minor(stat.st_rdev),
    };
    let kind = match stat.st_mode & libc::S_IFMT {
        libc::S_IFDIR => Kind::Directory,
        libc::S_IFLNK => Kind::Link,
        libc::S_IFSOCK => Kind::Socket,
        libc::S_IFIFO => Kind::Pipe,
        libc::S_IFCHR => Kind::Character(device),
        libc::S_IFBLK => Kind::Block(device),
        _ => Kind::Regular,
    };
    Facts {
        kind,
        mode: stat.st_mode & !libc::S_IFMT,
        owner: stat.st_uid,
        group: stat.st_gid,
        identity: (stat.st_dev, stat.st_ino),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        #[allow(clippy::useless_conversion)] // Of another type on arm64.
        links: u64::from(stat.st_nlink),
    }
}

/// /dev/null, as the kernel's list of devices has it.
pub const NULL_DEVICE: Device = Device { major: 1, minor: 3 };

/// Whether it is /dev/null, by whatever name, and can be read.
pub fn reads_null_device(file: BorrowedFd<'_>) -> bool {
    let is_null = facts(file).is_ok_and(|facts| facts.kind == Kind::Character(NULL_DEVICE));
    // SAFETY: no pointers.
    let mode = || unsafe { syscall!(Sysno::fcntl, file.as_raw_fd(), libc::F_GETFL) };
    is_null
        && mode().is_ok_and(|flags| {
            let flags = flags as i32;
            flags & libc::O_ACCMODE != libc::O_WRONLY && flags & libc::O_PATH == 0
        })
}

/// The kernel's `struct statfs` of 64-bit machines; libc's keeps the flags to itself.
#[repr(C)]
#[derive(Default)]
struct Statfs {
    kind: i64,
    block_size: i64,
    blocks: [u64; 5],
    id: [i32; 2],
    longest_name: i64,
    fragment_size: i64,
    flags: u64,
    spare: [i64; 4],
}

/// A file system, and how the mount is restricted that leads to it.
#[derive(Clone, Copy, Debug)]
pub struct FileSystem {
    kind: i64,
    /// The flags of its mount: what they forbid.
    pub flags: MountFlags,
}

/// fstatfs(2).
pub fn file_system(file: BorrowedFd<'_>) -> Result<FileSystem, Errno> {
    let mut statfs = Statfs::default();
    // SAFETY: the kernel writes one `struct statfs`.
    unsafe { syscall!(Sysno::fstatfs, file.as_raw_fd(), &raw mut statfs) }?;
    // The kernel's ST_* bits for these four are the MS_* ones (statfs(2)), and so are its NOATIME's.
    let known = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    let mut flags = MountFlags(statfs.flags & known);
    for (bit, flag) in [
        (0x400, libc::MS_NOATIME),
        (0x800, libc::MS_NODIRATIME),
        (0x1000, libc::MS_RELATIME),
        (0x2000, MountFlags::NOSYMFOLLOW.0),
    ] {
        if statfs.flags & bit != 0 {
            flags = flags.and(MountFlags(flag));
        }
    }
    Ok(FileSystem {
        kind: statfs.kind,
        flags,
    })
}

impl FileSystem {
    /// Whether it is a hierarchy of cgroups, of v1 or of v2.
    pub fn is_cgroup(self) -> bool {
        self.is_cgroup_v1() || self.is_cgroup_v2()
    }

    pub fn is_cgroup_v1(self) -> bool {
        self.kind == 0x0027_e0eb
    }

    pub fn is_cgroup_v2(self) -> bool {
        self.kind == 0x6367_7270
    }

    /// Whether its files are namespaces (since Linux 3.19; before, they were proc's).
    pub fn is_nsfs(self) -> bool {
        self.kind == 0x6e73_6673
    }

    pub fn is_proc(self) -> bool {
        self.kind == 0x9fa0
    }

    pub fn is_selinuxfs(self) -> bool {
        self.kind == 0xf97c_ff8c
    }

    pub fn is_devpts(self) -> bool {
        self.kind == 0x1cd1
    }

    /// Whether its files stand for something in the kernel.
    pub fn is_kernels(self) -> bool {
        self.is_proc() || self.is_sysfs() || self.is_cgroup() || self.is_devpts()
    }

    pub fn is_fuse(self) -> bool {
        self.kind == 0x6573_5546
    }

    /// Whether it is where pipes without a name are.
    pub fn is_pipefs(self) -> bool {
        self.kind == 0x5049_5045
    }

    pub fn is_sysfs(self) -> bool {
        self.kind == 0x6265_6572
    }

    /// Whether it can be the initial ramfs: the kernel makes it a ramfs or a tmpfs.
    pub fn can_be_initramfs(self) -> bool {
        matches!(self.kind, 0x8584_58f6 | 0x0102_1994)
    }
}
