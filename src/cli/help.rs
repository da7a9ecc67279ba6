//! The help texts.

/// A thing to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Mydocker,
    Run,
    Pool,
    Init,
}

pub const USAGE: &str = "usage: mydocker run [OPTIONS] COMMAND [ARG...]
       mydocker pool [OPTIONS] [DIR]
       mydocker help [COMMAND]";

pub const RUN_USAGE: &str = "usage: mydocker run [OPTIONS] COMMAND [ARG...]    (mydocker help run)";

pub const POOL_USAGE: &str = "usage: mydocker pool [OPTIONS] [DIR]    (mydocker help pool)";

impl Topic {
    pub fn text(self) -> &'static str {
        match self {
            Self::Mydocker => MYDOCKER,
            Self::Run => RUN,
            Self::Pool => POOL,
            Self::Init => INIT,
        }
    }
}

const MYDOCKER: &str = "mydocker runs a command in a container of its own.

usage: mydocker run [OPTIONS] COMMAND [ARG...]
       mydocker pool [OPTIONS] [DIR]
       mydocker help [COMMAND]

commands:
  run      run a command in a new container
  pool     keep network namespaces ready, for runs that start faster
  help     explain a command
  init     the container's own entry; not to be called by hand

options:
  -h, --help     this text
      --version  the version

Try: mydocker run -ti /bin/sh
";

const RUN: &str = "usage: mydocker run [OPTIONS] COMMAND [ARG...]

Runs COMMAND in new PID, mount, network, IPC, UTS and cgroup namespaces, and
in a user namespace unless the caller is root. It sees the caller's files,
or with --rootfs those of a directory. Options end at COMMAND.

input and terminal:
  -i, --interactive        keep stdin; without it the container reads nothing
  -t, --tty                a terminal of its own for the container

the process:
  -e, --env NAME=VALUE     set a variable; NAME alone takes the caller's value
  -w, --workdir DIR        start in DIR (default: where the caller is, or / with
                           --rootfs, where a missing DIR is made)
  -u, --user USER[:GROUP]  run as this user, names or numbers
      --init               a small reaper as PID 1, the command as PID 2

files:
      --rootfs DIR         DIR is the container's /, with a /proc, /sys and /dev of
                           its own; given twice, the second lies above the first
      --overlay[=UPPER]    leave DIR alone: writes go to memory and are gone at the
                           end, or go to the directory UPPER and are kept
      --read-only          nothing of / can be written
  -v, --volume SRC:DST[:ro,rw,noexec,nosuid,nodev,dev,rprivate,rslave,rshared]
                           SRC of the caller's is DST in the container; devices
                           in it open only with dev
      --tmpfs DST[:size=,mode=,...]
                           an empty directory in memory
      --mount type=bind|tmpfs|overlay,target=DST,...
                           the same in docker's long form
      --device PATH[:DST]  a device of the caller's
      --dns ADDRESS        a name server for /etc/resolv.conf
      --add-host NAME:ADDRESS
                           a line for /etc/hosts
                           (all of these need --rootfs)

limits (sizes: 512k, 64m, 1.5g; -1 for none; an error where they cannot be set):
  -m, --memory SIZE        memory; who wants more is ended (exit code 137)
      --memory-swap SIZE   memory and swap together (default: twice the memory)
      --memory-reservation SIZE
                           memory that is taken away last
      --cpus N             processors' worth of time, 0.5 or 2
  -c, --cpu-shares N       a share where processors are short (others have 1024)
      --cpuset-cpus LIST   only these processors, 0-3,7
      --cpuset-mems LIST   only these memory nodes
      --pids-limit N       processes and threads
      --blkio-weight N     a share of the disks, 10 to 1000
      --blkio-weight-device DEVICE:N
      --device-read-bps DEVICE:SIZE   --device-write-bps DEVICE:SIZE
      --device-read-iops DEVICE:N     --device-write-iops DEVICE:N
                           the same for a device; bytes or operations a second
      --cgroup-parent PATH the cgroup below which to be, from the hierarchy's top
      --ulimit NAME=SOFT[:HARD]
                           a limit of each process, setrlimit(2)
      --oom-score-adj N    how soon to be ended when the host is out of memory
      --timeout SECONDS    end it after that time (exit code 124)

what it may do:
      --cap-add NAME       a capability that is not among docker's 14, or ALL
      --cap-drop NAME      one of them less, or ALL; names with or without CAP_
      --security-opt no-new-privileges=false
                           let set-user-ID programs have their effect
      --security-opt seccomp=unconfined|FILE
                           no filter of system calls, or that of a profile in
                           docker's format (default: what docker allows)
      --security-opt systempaths=unconfined
                           hide nothing of /proc and /sys (with --rootfs)
      --security-opt proc-opts=hidepid=2
                           mount /proc with these options (with --rootfs)
      --no-new-keyring     keep the caller's session keyring
      --userns auto|host|UID:COUNT
                           ids of its own, so that root inside is not root
                           outside (default of root: host)
      --privileged         nothing of the host is kept from it: all capabilities,
                           no filter, nothing hidden, the host's devices

namespaces:
      --hostname NAME      the container's host name (default: a fresh one)
      --network none|host  none (default): only a loopback of its own
      --pid host           share the caller's process ids
      --ipc host           share the caller's IPC objects
      --uts host           share the caller's host name

how it is done:
      --launch in-process|re-exec|auto
                           how the first process is born (default: auto)
      --log FILE           write the log to FILE (default: stderr)
      --log-level error|warn|info|debug
                           (default: warn, or what MYDOCKER_LOG says)
      --log-format auto|json|text
                           auto (default): text on a terminal, else JSON
      --pool DIR           take the network namespace from the pool in DIR, if it
                           has one (mydocker help pool)
      --timing FILE|-      write how long each phase took to FILE, or to stdout:
                           one JSON object when the command runs, one at the end
      --explain            say on stdout what would be done, each step and why it
                           is there, and do not do it
      --rm                 accepted; containers never leave anything behind
  -h, --help               this text

exit codes: the command's own; 128+n if signal n ended it; 127 not found;
124 after --timeout; 126 found but not executable; 125 mydocker itself failed.
";

const POOL: &str = "usage: mydocker pool [OPTIONS] [DIR]

Keeps network namespaces ready in DIR (default: /run/mydocker-pool), a directory
that only its owner, root, can enter. `mydocker run --pool DIR` takes one, which
is most of the way of a start, and makes its own if there is none. Each is new
and used once. Runs in the foreground until a signal ends it.

      --size N             how many (default: 16)
      --log FILE           write the log to FILE (default: stderr)
      --log-level error|warn|info|debug
                           (default: info, or what MYDOCKER_LOG says)
      --log-format auto|json|text
                           auto (default): text on a terminal, else JSON
  -h, --help               this text
";

const INIT: &str = "usage: none

`mydocker init` is where a container's first process enters when it is born by
re-executing mydocker (run --launch re-exec). It expects its plan on an open
descriptor. Do not call it by hand.
";
