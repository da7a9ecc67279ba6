//! The program that tests run inside (and around) containers. Its verbs do one thing each and
//! print plain facts, so that a test asserts facts and not another program's habits.
//!
//! ```text
//! arguments ARG...              prints each argument on a line, escaped
//! environment                   prints each variable on a line, escaped, in the order given
//! descriptors                   prints each open descriptor and what it is
//! identity                      prints user, group, supplementary groups, umask, directory
//! namespaces                    prints the links of /proc/self/ns
//! wait-signals READY SIGNAL...  blocks these signals, says READY, prints each that comes; ends at TERM
//! handle-hup                    catches SIGHUP by a handler, says ready, ends with 7 when it came
//! flood BYTES                   prints that many bytes
//! allocate BYTES                says ready, then has that much memory of its own, and says how much
//! processes                     starts children that wait until it cannot, says how many there are
//! compute SECONDS               computes for that long, by the clock; prints the processor time, in milliseconds
//! processors                    prints the processors that it may run on (sched_getaffinity)
//! first-thread-ends             ends its first thread, says ready from another, which sleeps
//! orphans COUNT                 starts that many children that sleep, says ready, sleeps
//! deny SYSCALL ERRNO [INDEX=VALUE[/MASK]]... -- COMMAND...
//!                               runs COMMAND with that system call failing when its arguments match
//! called NAME -- COMMAND...     runs COMMAND in a new UTS namespace in which the host is called that
//! lacking SYSCALL... -- COMMAND...
//!                               runs COMMAND as a kernel would that has none of these calls
//! inherit COUNT DIRECTORY -- COMMAND...
//!                               runs COMMAND with COUNT more descriptors, one a directory
//! inherit-all HIGHEST DIRECTORY -- COMMAND...
//!                               runs COMMAND with every descriptor from 3 to HIGHEST, each the directory
//! lease FILE                    keeps whoever opens FILE waiting (F_SETLEASE), says leased, and asked when someone does
//! without NUMBER... -- COMMAND  runs COMMAND with those descriptors closed
//! ignoring SIGNAL... -- COMMAND runs COMMAND with those signals ignored
//! blocking SIGNAL... -- COMMAND runs COMMAND with those signals blocked
//! ```

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::str::FromStr;

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (verb, rest) = arguments.split_first().expect("a verb");
    match verb.to_str().expect("a verb of letters") {
        "arguments" => rest
            .iter()
            .for_each(|argument| println!("{}", escaped(argument))),
        "environment" => std::env::vars_os()
            .for_each(|(name, value)| println!("{}={}", escaped(&name), escaped(&value))),
        "descriptors" => descriptors(),
        "identity" => identity(),
        "namespaces" => namespaces(),
        "wait-signals" => wait_signals(rest),
        "handle-hup" => handle_hup(),
        "flood" => flood(number(&rest[0])),
        "allocate" => allocate(number(&rest[0])),
        "processes" => processes(),
        "compute" => compute(number(&rest[0])),
        "processors" => processors(),
        "first-thread-ends" => first_thread_ends(),
        "orphans" => orphans(number(&rest[0])),
        "deny" => deny(rest),
        "called" => called(rest),
        "lacking" => lacking(rest),
        "inherit" => inherit(rest),
        "lease" => lease(&rest[0]),
        "inherit-all" => inherit_all(rest),
        "without" => without(rest),
        "ignoring" => ignoring(rest),
        "blocking" => blocking(rest),
        other => panic!("unknown verb {other}"),
    }
}

fn escaped(text: &OsStr) -> String {
    text.as_bytes().escape_ascii().to_string()
}

fn number<T: FromStr>(text: &OsStr) -> T
where
    T::Err: std::fmt::Debug,
{
    text.to_str().expect("digits").parse().expect("a number")
}

fn descriptors() {
    let listed = std::fs::read_dir("/proc/self/fd").expect("/proc/self/fd");
    let names = listed.map(|entry| entry.expect("an entry").file_name());
    let mut numbers: Vec<u32> = names.map(|name| number(&name)).collect();
    numbers.sort_unstable();
    for number in numbers {
        // The listing's own descriptor is closed by now.
        if let Ok(target) = std::fs::read_link(format!("/proc/self/fd/{number}")) {
            println!("{number} {}", escaped(target.as_os_str()));
        }
    }
}

fn identity() {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.expect("a field")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    println!("user {}", field("Uid:"));
    println!("group {}", field("Gid:"));
    println!("groups {}", field("Groups:"));
    println!("umask {}", field("Umask:"));
    println!(
        "directory {}",
        std::env::current_dir().expect("a directory").display()
    );
}

fn namespaces() {
    for name in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
        let link = std::fs::read_link(format!("/proc/self/ns/{name}")).expect("a namespace");
        println!("{}", link.display());
    }
}

fn first_thread_ends() {
    let state = format!("/proc/self/task/{}/stat", std::process::id());
    std::thread::spawn(move || {
        while !std::fs::read_to_string(&state).is_ok_and(|line| line.contains(") Z ")) {
            std::thread::yield_now();
        }
        say("ready");
        std::thread::sleep(std::time::Duration::from_secs(100));
    });
    // SAFETY: the call ends this thread alone. The other one has nothing of it.
    #[allow(unsafe_code)]
    unsafe {
        nix::libc::syscall(nix::libc::SYS_exit, 0)
    };
}

fn allocate(bytes: usize) {
    say("ready");
    let mut memory = vec![0u8; bytes];
    // Each page once.
    for byte in memory.iter_mut().step_by(4096) {
        *byte = 1;
    }
    println!("{}", std::hint::black_box(&memory).len());
}

fn processes() {
    let mut children = Vec::new();
    // More than any limit that is tested; not more, or a limit that fails would harm the host.
    while children.len() < 500 {
        match Command::new("/proc/self/exe")
            .arg("wait-signals")
            .args(["READY", "USR1"])
            .spawn()
        {
            Ok(child) => children.push(child),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::EAGAIN), "{error}");
                break;
            }
        }
    }
    println!("{}", children.len());
    for child in &mut children {
        child.kill().expect("kill");
        child.wait().expect("wait");
    }
}

fn compute(seconds: f64) {
    let start = std::time::Instant::now();
    let mut sum = 0u64;
    while start.elapsed().as_secs_f64() < seconds {
        for number in 0..10_000u64 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(number));
        }
    }
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF);
    let usage = usage.expect("getrusage");
    let times = [usage.user_time(), usage.system_time()];
    let milliseconds = times.map(|time| time.tv_sec() * 1000 + time.tv_usec() / 1000);
    println!("{}", milliseconds.iter().sum::<i64>());
}

fn processors() {
    let set = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).expect("affinity");
    for processor in 0..nix::sched::CpuSet::count() {
        if set.is_set(processor).expect("a number") {
            println!("{processor}");
        }
    }
}

fn signals(names: &[OsString]) -> SigSet {
    let mut set = SigSet::empty();
    for name in names {
        set.add(Signal::from_str(name.to_str().expect("a name")).expect("a signal"));
    }
    set
}

fn say(line: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}").expect("stdout");
    stdout.flush().expect("stdout");
}

fn wait_signals(rest: &[OsString]) {
    let mut set = signals(&rest[1..]);
    set.add(Signal::SIGTERM);
    set.thread_block().expect("block");
    say(rest[0].to_str().expect("a word"));
    loop {
        let signal = set.wait().expect("a signal");
        say(signal.as_str());
        if signal == Signal::SIGTERM {
            return;
        }
    }
}

fn handle_hup() {
    extern "C" fn leave(_: i32) {
        // SAFETY: _exit is async-signal-safe.
        #[allow(unsafe_code)]
        unsafe {
            libc::_exit(7)
        }
    }
    // SAFETY: the handler calls nothing but _exit.
    #[allow(unsafe_code)]
    unsafe { signal(Signal::SIGHUP, SigHandler::Handler(leave)) }.expect("a handler");
    say("ready");
    loop {
        nix::unistd::pause();
    }
}

fn flood(bytes: usize) {
    let line = [
        b"0123456789abcdef".repeat(63),
        b"0123456789abcde\n".to_vec(),
    ]
    .concat();
    let mut stdout = std::io::stdout().lock();
    let mut left = bytes;
    while left > 0 {
        let part = &line[line.len() - left.min(line.len())..];
        stdout.write_all(part).expect("stdout");
        left -= part.len();
    }
    stdout.flush().expect("stdout");
}

// Not waited for is what they are to be.
#[allow(clippy::zombie_processes)]
fn orphans(count: usize) {
    for _ in 0..count {
        Command::new("sleep").arg("1000").spawn().expect("sleep");
    }
    say("ready");
    loop {
        nix::unistd::pause();
    }
}

/// Splits at `--` and replaces this process by what follows.
fn split(rest: &[OsString]) -> (&[OsString], &[OsString]) {
    let at = rest.iter().position(|word| word == "--").expect("--");
    (&rest[..at], &rest[at + 1..])
}

fn become_command(command: &[OsString]) -> ! {
    let error = Command::new(&command[0]).args(&command[1..]).exec();
    panic!("exec {:?}: {error}", command[0]);
}

fn deny(rest: &[OsString]) {
    let (what, command) = split(rest);
    let syscall = syscalls::Sysno::from_str(what[0].to_str().expect("a name")).expect("a call");
    let errno: u32 = number(&what[1]);
    let conditions: Vec<SeccompCondition> = what[2..]
        .iter()
        .map(|condition| {
            let text = condition.to_str().expect("INDEX=VALUE");
            let (index, value) = text.split_once('=').expect("INDEX=VALUE");
            let parse = |digits: &str| -> u64 { digits.parse().expect("a number") };
            let (value, operator) = match value.split_once('/') {
                Some((value, mask)) => (parse(value), SeccompCmpOp::MaskedEq(parse(mask))),
                None => match value.strip_prefix('!') {
                    Some(value) => (parse(value), SeccompCmpOp::Ne),
                    None => (parse(value), SeccompCmpOp::Eq),
                },
            };
            SeccompCondition::new(
                index.parse().expect("an index"),
                SeccompCmpArgLen::Qword,
                operator,
                value,
            )
            .expect("a condition")
        })
        .collect();
    let rules = if conditions.is_empty() {
        Vec::new()
    } else {
        vec![SeccompRule::new(conditions).expect("a rule")]
    };
    apply([(syscall, rules)], errno);
    become_command(command)
}

/// Lets these calls fail.
fn apply(calls: impl IntoIterator<Item = (syscalls::Sysno, Vec<SeccompRule>)>, errno: u32) {
    let calls = calls
        .into_iter()
        .map(|(call, rules)| (call.id().into(), rules));
    let filter = SeccompFilter::new(
        calls.collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        std::env::consts::ARCH.try_into().expect("an architecture"),
    )
    .expect("a filter");
    let program: seccompiler::BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter(&program).expect("the filter applies");
}

fn called(rest: &[OsString]) {
    let (name, command) = split(rest);
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUTS).expect("a namespace");
    nix::unistd::sethostname(&name[0]).expect("a name");
    become_command(command)
}

fn lacking(rest: &[OsString]) {
    let (names, command) = split(rest);
    let calls = names.iter().map(|name| {
        let name = name.to_str().expect("a name");
        (syscalls::Sysno::from_str(name).expect("a call"), Vec::new())
    });
    apply(calls, libc::ENOSYS as u32);
    become_command(command)
}

fn inherit(rest: &[OsString]) {
    let (what, command) = split(rest);
    let count: usize = number(&what[0]);
    let directory = std::fs::File::open(&what[1]).expect("a directory");
    for _ in 0..count {
        // dup, unlike std's own, leaves close-on-exec off.
        nix::unistd::dup(&directory)
            .map(std::mem::forget)
            .expect("another descriptor");
    }
    become_command(command)
}

fn lease(file: &OsStr) {
    use std::os::fd::AsRawFd;
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGIO);
    signals.thread_block().expect("block");
    let file = std::fs::File::open(file).expect("a file");
    // SAFETY: no pointers.
    #[allow(unsafe_code)]
    let leased = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) };
    assert_eq!(leased, 0, "{}", std::io::Error::last_os_error());
    say("leased");
    loop {
        signals.wait().expect("a signal");
        say("asked");
    }
}

fn inherit_all(rest: &[OsString]) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (what, command) = split(rest);
    let highest: i32 = number(&what[0]);
    // And room for what COMMAND itself opens.
    let wanted = u64::try_from(highest).expect("a number") + 200;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(wanted.min(hard)), hard).expect("a limit");
    let directory = std::fs::File::open(&what[1]).expect("a directory");
    loop {
        // dup, unlike std's own, leaves close-on-exec off.
        let copy = nix::unistd::dup(&directory).expect("another descriptor");
        let number = std::os::fd::IntoRawFd::into_raw_fd(copy);
        if number >= highest {
            break;
        }
    }
    // Its own number is the one that is left.
    nix::fcntl::fcntl(
        &directory,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .expect("not to be closed");
    std::mem::forget(directory);
    become_command(command);
}

fn without(rest: &[OsString]) {
    let (numbers, command) = split(rest);
    let numbers: Vec<i32> = numbers.iter().map(|text| number(text)).collect();
    // The program must be found before stderr is gone.
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]);
    for number in numbers {
        nix::unistd::close(number).expect("close");
    }
    let error = child.exec();
    panic!("exec: {error}");
}

fn ignoring(rest: &[OsString]) {
    let (names, command) = split(rest);
    for ignored in &signals(names) {
        // SAFETY: no handler is installed.
        #[allow(unsafe_code)]
        unsafe { signal(ignored, SigHandler::SigIgn) }.expect("ignore");
    }
    become_command(command)
}

fn blocking(rest: &[OsString]) {
    let (names, command) = split(rest);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals(names)), None).expect("block");
    // Command would empty the mask again before it executes, so it is not asked.
    let arguments: Vec<std::ffi::CString> = command
        .iter()
        .map(|word| std::ffi::CString::new(word.as_bytes()).expect("no NUL"))
        .collect();
    let error = nix::unistd::execv(&arguments[0], &arguments).expect_err("exec returned");
    panic!("exec: {error}");
}
