//! docker's lists: what its default profile allows, by name. Of each list an architecture has what it has.

use super::architecture::Architecture;
use crate::sys::capability;

macro_rules! names {
    ($($name:ident)*) => {
        &[$(stringify!($name)),*]
    };
}

/// Allowed, whatever the arguments.
pub const ALLOWED: &[&str] = names![
    _llseek _newselect
    accept accept4 access adjtimex bind brk cachestat capget capset chdir chmod chown chown32
    clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
    epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve
    execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat
    fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr
    fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue
    futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list getcpu getcwd getdents
    getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
    getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid
    getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32
    getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
    io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioprio_get ioprio_set kill
    landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat
    listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise
    map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mlock mlock2 mlockall mmap
    mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
    mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
    name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
    pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64
    process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat
    readv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename
    renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
    sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
    sched_setparam sched_setscheduler sched_yield seccomp semctl semget semop semtimedop semtimedop_time64
    sendfile sendfile64 sendmmsg sendmsg sendto set_robust_list set_tid_address setfsgid setfsgid32 setfsuid
    setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32
    setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid
    setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
    sigprocmask sigreturn socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat
    sync sync_file_range syncfs sysinfo tee tgkill timer_create timer_delete timer_getoverrun timer_gettime
    timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
    timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat
    utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid write writev
];

/// Allowed as well, of what only some architectures have.
pub const fn allowed_only(architecture: Architecture) -> &'static [&'static str] {
    match architecture {
        Architecture::X86_64 | Architecture::X86 => names![
            alarm arch_prctl epoll_ctl_old epoll_wait_old fadvise64_64 get_thread_area ipc modify_ldt select
            set_thread_area time uretprobe utime waitpid
        ],
        Architecture::Aarch64 | Architecture::Arm => names![
            arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush recv send set_tls
        ],
        // What a C library asks for before main().
        Architecture::Riscv64 => names![riscv_flush_icache riscv_hwprobe],
    }
}

/// Allowed on kernels that ask the filter once a tracer has had its say (Linux 4.8): before, a tracer could change a
/// call that the filter had allowed into any other. And to who has CAP_SYS_PTRACE.
pub const TRACING: &[&str] = names![process_vm_readv process_vm_writev ptrace];

/// Allowed to who has the capability.
pub const BY_CAPABILITY: &[(u8, &[&str])] = &[
    (capability::BPF, names![bpf]),
    (capability::DAC_READ_SEARCH, names![open_by_handle_at]),
    (capability::PERFMON, names![perf_event_open]),
    (
        capability::SYS_ADMIN,
        names![
            bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
            lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount
            mount_setattr move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd
            setdomainname sethostname setns syslog umount umount2 unshare
        ],
    ),
    (capability::SYS_BOOT, names![reboot]),
    (capability::SYS_CHROOT, names![chroot]),
    (
        capability::SYS_MODULE,
        names![delete_module finit_module init_module],
    ),
    (
        capability::SYS_NICE,
        names![get_mempolicy mbind set_mempolicy set_mempolicy_home_node],
    ),
    (capability::SYS_PACCT, names![acct]),
    (
        capability::SYS_PTRACE,
        names![kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace],
    ),
    (
        capability::SYS_TIME,
        names![clock_settime clock_settime64 settimeofday stime],
    ),
    (capability::SYS_TTY_CONFIG, names![vhangup]),
    (capability::SYSLOG, names![syslog]),
    (capability::SYS_RAWIO, names![ioperm iopl]),
];

/// All that stand above.
#[cfg(test)]
pub fn every_name() -> impl Iterator<Item = &'static str> {
    use Architecture::{Aarch64, Riscv64, X86_64};
    let only = [X86_64, Aarch64, Riscv64].map(allowed_only);
    let by_capability = BY_CAPABILITY.iter().map(|(_, names)| *names);
    let lists = [ALLOWED, TRACING]
        .into_iter()
        .chain(only)
        .chain(by_capability);
    lists.flatten().copied()
}
