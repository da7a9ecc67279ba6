//! The default filter: what docker allows.
//!
//! The rules are those of moby's profile, for 64-bit programs: what programs need, without what changes the host
//! (modules, clocks, mounts, other namespaces) unless the container has the capability for it, and without what has
//! been a way into the kernel too often (io_uring, userfaultfd, bpf, keyrings).

use super::compile::Program;
use super::{Check, Comparison, Condition, Fate, Host, Leaf, NUMBERS, Rule, Rules};
use crate::spec::security::DEFAULT_CAPABILITIES;
use crate::sys::capability::{self, CapabilitySet};
use crate::sys::seccomp::Instruction;
use std::borrow::Cow;
use syscalls::Sysno;

/// Allowed, whatever the arguments.
const ALLOWED: &[usize] = calls![
    accept accept4 adjtimex bind brk cachestat capget capset chdir clock_adjtime clock_getres
    clock_gettime clock_nanosleep close close_range connect copy_file_range dup dup3 epoll_create1
    epoll_ctl epoll_pwait epoll_pwait2 eventfd2 execve execveat exit exit_group faccessat faccessat2
    fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync
    fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue
    futex_wait futex_waitv futex_wake get_robust_list getcpu getcwd getdents64 getegid geteuid getgid
    getgroups getitimer getpeername getpgid getpid getppid getpriority getrandom getresgid getresuid
    getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat
    inotify_add_watch inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
    io_setup io_submit ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset
    landlock_restrict_self lgetxattr linkat listen listmount listxattr listxattrat llistxattr
    lremovexattr lseek lsetxattr madvise map_shadow_stack membarrier
    memfd_create memfd_secret mincore mkdirat mlock mlock2 mlockall mmap mprotect mq_getsetattr
    mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd
    msync munlock munlockall munmap name_to_handle_at nanosleep openat openat2 pidfd_open
    pidfd_send_signal pipe2 pkey_alloc pkey_free pkey_mprotect ppoll prctl pread64 preadv preadv2
    prlimit64 process_mrelease pselect6 pwrite64 pwritev
    pwritev2 read readahead readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr
    removexattrat renameat renameat2 restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask
    rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
    seccomp semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_robust_list
    set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid
    setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl shmdt shmget
    shutdown sigaltstack signalfd4 socketpair splice statfs statmount statx symlinkat sync
    sync_file_range syncfs sysinfo tee tgkill timer_create timer_delete timer_getoverrun timer_gettime
    timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname
    unlinkat utimensat vmsplice wait4 waitid write writev
];

/// The same, of what only this architecture has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[usize] = calls![
    access alarm arch_prctl chmod chown creat dup2 epoll_create epoll_ctl_old epoll_wait epoll_wait_old
    eventfd fork futimesat get_thread_area getdents getpgrp inotify_init lchown link lstat mkdir
    modify_ldt newfstatat open pause pipe poll readlink rename rmdir select set_thread_area signalfd
    stat symlink time unlink uretprobe utime utimes vfork
];
#[cfg(target_arch = "aarch64")]
const ALLOWED_HERE: &[usize] = calls![fstatat];

/// Allowed on kernels that ask the filter once a tracer has had its say (Linux 4.8): before, a tracer could change a
/// call that the filter had allowed into any other. And to who has CAP_SYS_PTRACE.
const TRACING: &[usize] = calls![process_vm_readv process_vm_writev ptrace];
const TRACERS_ARE_FILTERED: (u32, u32) = (4, 8);

/// Allowed to who has the capability.
const BY_CAPABILITY: &[(u8, &[usize])] = &[
    (capability::BPF, calls![bpf]),
    (capability::DAC_READ_SEARCH, calls![open_by_handle_at]),
    (capability::PERFMON, calls![perf_event_open]),
    (
        capability::SYS_ADMIN,
        calls![
            bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
            lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount
            mount_setattr move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd
            setdomainname sethostname setns syslog umount2 unshare
        ],
    ),
    (capability::SYS_BOOT, calls![reboot]),
    (capability::SYS_CHROOT, calls![chroot]),
    (
        capability::SYS_MODULE,
        calls![delete_module finit_module init_module],
    ),
    (
        capability::SYS_NICE,
        calls![get_mempolicy mbind set_mempolicy set_mempolicy_home_node],
    ),
    (capability::SYS_PACCT, calls![acct]),
    (
        capability::SYS_PTRACE,
        calls![kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace],
    ),
    #[cfg(target_arch = "x86_64")]
    (capability::SYS_RAWIO, calls![ioperm iopl]),
    (capability::SYS_TIME, calls![clock_settime settimeofday]),
    (capability::SYS_TTY_CONFIG, calls![vhangup]),
    (capability::SYSLOG, calls![syslog]),
];

/// The flags of clone that make namespaces. (CLONE_NEWTIME is clone3's alone: its bit belongs to the signal here.)
const NAMESPACES: u64 = 0x7e02_0000;

/// The sockets between a virtual machine and its host, which no network namespace keeps apart.
const AF_VSOCK: u64 = 40;
/// The kernel's cryptography, which programs have libraries for.
const AF_ALG: u64 = 38;

/// What the first argument must be, in one of these ways, or the call is not permitted.
macro_rules! allowed_if {
    ($($comparison:expr, $value:expr;)*) => {
        Check {
            rules: &[$(Rule {
                conditions: &[Condition { argument: 0, comparison: $comparison, value: $value }],
                fate: Fate::ALLOW,
            }),*],
            otherwise: Fate::EPERM,
        }
    };
}

const CLONE: u16 = 0;
const SOCKET: u16 = 1;
const PERSONALITY: u16 = 2;
const IOCTL: u16 = 3;
const MKNODAT: u16 = 4;
#[cfg(target_arch = "x86_64")]
const MKNOD: u16 = 5;

/// Types a character into a terminal as if its user had. Docker allows it; but it has served to leave a container
/// whose terminal is the caller's, and nothing that one should run needs it.
const TIOCSTI: u64 = 0x5412;
/// Has a console do the same: paste what was selected on it.
const TIOCLINUX: u64 = 0x541c;
/// What the kernel looks at of an int. A filter that compares all of the register is passed by with a bit above.
const INT: u64 = 0xffff_ffff;

/// What a node is, in the mode that mknod(2) takes.
const S_IFMT: u64 = libc::S_IFMT as u64;
const S_IFCHR: u64 = libc::S_IFCHR as u64;
const S_IFBLK: u64 = libc::S_IFBLK as u64;

/// What mknod(2) is allowed, if these arguments are its mode and its device: of devices, those that every container
/// has (but ptmx, which is the host's before Linux 4.7 where it lies beside no devpts), and 0:0, which is none
/// (overlayfs marks with it what is deleted). Docker allows all, and has a device cgroup that keeps them from being
/// opened; a container without a cgroup would read the disks.
macro_rules! nodes {
    ($mode:literal, $device:literal) => {
        Check {
            rules: &[
                refused(&masked($mode, S_IFMT, S_IFBLK)),
                allowed(&is($device, 0)),
                allowed(&is($device, device(1, 3))), // null
                allowed(&is($device, device(1, 5))), // zero
                allowed(&is($device, device(1, 7))), // full
                allowed(&is($device, device(1, 8))), // random
                allowed(&is($device, device(1, 9))), // urandom
                allowed(&is($device, device(5, 0))), // tty
                refused(&masked($mode, S_IFMT, S_IFCHR)),
            ],
            otherwise: Fate::ALLOW,
        }
    };
}

/// A device's number, as the kernel takes it: 32 bits, and these fit into the lower 16.
const fn device(major: u8, minor: u8) -> u64 {
    (major as u64) << 8 | minor as u64
}

const CHECKS: &[Check<'_>] = &[
    allowed_if! { Comparison::Masked(NAMESPACES), 0; },
    Check {
        rules: &[refused(&is(0, AF_VSOCK)), refused(&is(0, AF_ALG))],
        otherwise: Fate::ALLOW,
    },
    // The usual one, uname's of 32 bits, of Linux 2.6, of both, and to ask which it is. Others weaken what protects
    // programs (READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE).
    allowed_if! {
        Comparison::Equal, 0;
        Comparison::Equal, 0x8;
        Comparison::Equal, 0x2_0000;
        Comparison::Equal, 0x2_0008;
        Comparison::Equal, 0xffff_ffff;
    },
    Check {
        rules: &[refused(&is(1, TIOCSTI)), refused(&is(1, TIOCLINUX))],
        otherwise: Fate::ALLOW,
    },
    nodes!(2, 3),
    #[cfg(target_arch = "x86_64")]
    nodes!(1, 2),
];

/// That an argument of which the kernel takes 32 bits is this one.
const fn is(argument: u8, value: u64) -> [Condition; 1] {
    masked(argument, INT, value)
}

const fn masked(argument: u8, mask: u64, value: u64) -> [Condition; 1] {
    [Condition {
        argument,
        comparison: Comparison::Masked(mask),
        value,
    }]
}

const fn refused(conditions: &[Condition]) -> Rule<'_> {
    Rule {
        conditions,
        fate: Fate::EPERM,
    }
}

const fn allowed(conditions: &[Condition]) -> Rule<'_> {
    Rule {
        conditions,
        fate: Fate::ALLOW,
    }
}

const fn leaves(capabilities: CapabilitySet, tracing: bool) -> [Leaf; NUMBERS] {
    // What is newer than the rules is as if the kernel did not have it.
    let mut leaves = [Leaf::Fate(Fate::ENOSYS); NUMBERS];
    let mut number = 0;
    while number <= newest() {
        // (On 64-bit machines these numbers are no one's, though a list that was made from the kernel's has them.)
        let of_32_bits = number >= 403 && number <= 423;
        if Sysno::new(number).is_some() && !of_32_bits {
            leaves[number] = Leaf::Fate(Fate::EPERM);
        }
        number += 1;
    }
    // A filter cannot read clone3's flags, which lie in memory. Told that there is none, C libraries use clone.
    leaves[Sysno::clone3 as usize] = Leaf::Fate(Fate::ENOSYS);
    leaves[Sysno::clone as usize] = Leaf::Check(CLONE);
    leaves[Sysno::socket as usize] = Leaf::Check(SOCKET);
    leaves[Sysno::personality as usize] = Leaf::Check(PERSONALITY);
    leaves[Sysno::ioctl as usize] = Leaf::Check(IOCTL);
    leaves[Sysno::mknodat as usize] = Leaf::Check(MKNODAT);
    #[cfg(target_arch = "x86_64")]
    {
        leaves[Sysno::mknod as usize] = Leaf::Check(MKNOD);
    }
    allow(&mut leaves, ALLOWED);
    allow(&mut leaves, ALLOWED_HERE);
    if tracing {
        allow(&mut leaves, TRACING);
    }
    let mut index = 0;
    while index < BY_CAPABILITY.len() {
        let (capability, calls) = BY_CAPABILITY[index];
        if capabilities.contains(capability) {
            allow(&mut leaves, calls);
        }
        index += 1;
    }
    leaves
}

pub(super) const fn allow(leaves: &mut [Leaf; NUMBERS], calls: &[usize]) {
    let mut index = 0;
    while index < calls.len() {
        leaves[calls[index]] = Leaf::Fate(Fate::ALLOW);
        index += 1;
    }
}

/// The highest number that a rule names.
const fn newest() -> usize {
    let mut newest = highest(ALLOWED);
    let mut index = 0;
    while index < BY_CAPABILITY.len() {
        let of_these = highest(BY_CAPABILITY[index].1);
        if of_these > newest {
            newest = of_these;
        }
        index += 1;
    }
    newest
}

const fn highest(calls: &[usize]) -> usize {
    let mut highest = 0;
    let mut index = 0;
    while index < calls.len() {
        if calls[index] > highest {
            highest = calls[index];
        }
        index += 1;
    }
    highest
}

/// More instructions than any set of capabilities leads to.
const LENGTH: usize = 256;

const fn program(capabilities: CapabilitySet, tracing: bool) -> Program<LENGTH> {
    Program::new(Rules {
        leaves: &leaves(capabilities, tracing),
        checks: CHECKS,
    })
}

static DEFAULT: Program<LENGTH> = program(DEFAULT_CAPABILITIES, true);
const _: () = assert!(DEFAULT.length() <= LENGTH);
const _: () = assert!(program(CapabilitySet::ALL, true).length() <= LENGTH);
const _: () = assert!(program(CapabilitySet::NONE, false).length() <= LENGTH);

/// The filter for a container on this host.
pub fn default_filter(host: &Host) -> Cow<'static, [Instruction]> {
    let differs = |(capability, _): &(u8, _)| {
        host.capabilities.contains(*capability) != DEFAULT_CAPABILITIES.contains(*capability)
    };
    let tracing = host.kernel >= TRACERS_ARE_FILTERED;
    if !tracing || BY_CAPABILITY.iter().any(differs) {
        compiled(host.capabilities, tracing)
    } else {
        Cow::Borrowed(DEFAULT.instructions())
    }
}

#[cold]
#[inline(never)]
fn compiled(bounding: CapabilitySet, tracing: bool) -> Cow<'static, [Instruction]> {
    Cow::Owned(program(bounding, tracing).instructions().to_vec())
}
