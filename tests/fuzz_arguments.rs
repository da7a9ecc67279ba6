//! Command lines of any kind: read, made a specification of and a plan, which is encoded and comes back. No panic, no
//! hang; what is refused is refused in one clear line that names the option.

mod common;
use common::fuzzing::*;
use fastrand::Rng;
use mydocker::docker::Caller;
use mydocker::docker::RunArgs;
use mydocker::docker::specify::{specify, staying};
use mydocker::docker::{self, Command};
use mydocker::plan::{
    self, InitPlan, NetworkSource, Outputs, OwnDevice, Source, Standard, Streams, wire,
};
use mydocker::report::Part;
use mydocker::spec::{ContainerSpec, HostName, IdsWanted, MountSource, Terminal};
use mydocker::sys::Errno;
use mydocker::sys::signal::SignalSet;
use mydocker::terminal_settings::TerminalSettings;
use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Options, and values that are made for them, right and wrong.
const VALUES: [(&str, &str); 19] = [
    (
        "restart log-driver log-opt stop-timeout tail time last signal",
        "no always on-failure on-failure:3 unless-stopped none json-file max-size=1m max-file=2 max-size=-1 -1 10 all HUP",
    ),
    (
        "name label detach-keys",
        "box .box a/b A=1 =x ctrl-p,ctrl-q ctrl- ctrl-@ , DEL",
    ),
    (
        "launch network pid ipc uts",
        "host none in-process re-exec auto",
    ),
    ("log-level log-format", "debug info json text auto"),
    ("env", "A=1 A = =x A=B=C HOSTNAME=x PATH HOME= TERM"),
    (
        "user",
        "bob bob:wheel 0:0 7 4294967295 4294967296 :5 5: wheel",
    ),
    (
        "rootfs overlay workdir",
        "/ /a . .. /a:b /a,b rel/ative /a\\ /.. ~",
    ),
    (
        "volume",
        "/a:/b /a:/b:ro /a:/b:ro,rslave /a:/b:rshared /a:/b:dev /a:/b:dev,nodev /a:/b/c:rshared a:/b ./a:/b:rw,noexec,nosuid,nodev \
     /a:/b:/c:/d /a:/ /a:/b/../c/. /a:/../.. /a://x//y/ /a:/proc /a:/etc/hosts /a:/etc",
    ),
    (
        "tmpfs",
        "/t /t:size=64m,mode=0700 /t:exec,ro,uid=0 /t:size= /a/../.. /a/../b /proc/self /t/. //t /run/x",
    ),
    (
        "mount",
        "type=bind,source=/a,target=/b type=bind,src=/a,dst=/b,readonly,bind-propagation=rslave \
     type=bind,src=/a,dst=/b/..,bind-recursive=disabled type=bind,src=/a,dst=/b,dev type=bind,src=/a,dst=/b,dev=0,nodev \
     type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 \
     type=overlay,source=/a,source=/b,target=/o,upper=/u type=overlay,source=/a,target=/o type=volume,target=/v \
     type=bind,\"source=/a,b\",target=/c type=bind,\"source=/a\"\"b\",target=/c type=tmpfs,dst=/a/../../d",
    ),
    (
        "device",
        "/dev/null /dev/null:/dev/x:rwm /dev/null:r /dev/null:rw /dev/../x",
    ),
    (
        "dns add-host",
        "8.8.8.8 ::1 host:127.0.0.1 a=[::1] a:::1 :1.2.3.4 a#:1.2.3.4",
    ),
    (
        "memory memory-swap memory-reservation",
        "64m 64MiB .5k 1.5g 16384p -1 0 1e3 128m",
    ),
    (
        "cpus timeout cpu-shares blkio-weight pids-limit oom-score-adj",
        "0.5 2 100 1000 -1 0 . 5. 0.0000000001 500",
    ),
    (
        "cpuset-cpus cpuset-mems",
        "0-3,7 1-0 0-65535 0,0,0 0- - 3,1,2",
    ),
    (
        "blkio-weight-device device-read-bps device-write-iops",
        "/dev/sda:1mb /dev/sda:100 :1 /dev/a:b:7 /dev/sda:0",
    ),
    (
        "ulimit",
        "nofile=64:128 core=-1 stack=2:1 nofile=unlimited as=1 x=1",
    ),
    (
        "cap-add cap-drop security-opt",
        "SYS_ADMIN cap_chown,ALL no-new-privileges=false seccomp=unconfined seccomp=/x systempaths=unconfined \
         proc-opts=hidepid=2 proc-opts=gid=5,subset=pid",
    ),
    (
        "userns",
        "auto host 1000:10 100000:65536 0:1 1:4294967295 5 :",
    ),
];

/// What is put into them.
const WORDS: [&[u8]; 24] = [
    b":",
    b",",
    b"=",
    b"/",
    b"..",
    b"\"",
    b"\xff\xfe",
    b"\n",
    b"\x1b[2J",
    b"\xc2\x9b",
    b"ro",
    b"rw",
    b"size=",
    b"target=",
    b"source=",
    b"CAP_",
    b"ALL",
    b"-1",
    b"/proc",
    b"rshared",
    b"[",
    b"]",
    b"kB",
    b"\xe2\x80\xae",
];

/// The long options of `mydocker run`, and some of other commands.
fn options() -> Vec<&'static str> {
    let names = docker::options::all(docker::options::RUN).map(|row| row.long);
    let others = [
        "tail", "since", "filter", "last", "format", "time", "signal",
    ];
    names.filter(|name| *name != "help").chain(others).collect()
}

/// A value, most likely one that is made for this option.
fn value(option: &str, random: &mut Rng) -> OsString {
    let mut value = match random.u8(..16) {
        0 => Vec::new(),
        1 => odd_number(random).into_bytes(),
        2 => {
            // Soup.
            let count = random.usize(..30);
            (0..count)
                .map(|_| *random.choice(b":::,,,==//..--aA19 \"\\\xff\t").unwrap())
                .collect()
        }
        _ => {
            let own = VALUES
                .iter()
                .find(|(options, _)| options.split(' ').any(|one| one == option));
            let any = random.choice(&VALUES);
            let (_, values) = own.filter(|_| random.u8(..8) > 0).or(any).unwrap();
            let values: Vec<&str> = values.split_ascii_whitespace().collect();
            random.choice(values).unwrap().as_bytes().to_vec()
        }
    };
    if random.u8(..6) == 0 {
        mutate(&mut value, &WORDS, random);
    }
    if random.u8(..200) == 0 && !value.is_empty() {
        // As long as one argument can be.
        value = value.repeat(random.usize(..131_072) / value.len());
    }
    value.retain(|byte| *byte != 0);
    OsString::from_vec(value)
}

fn option(options: &[&str], line: &mut Vec<OsString>, random: &mut Rng) {
    let known = *random.choice(options).unwrap();
    let mut name = known.as_bytes().to_vec();
    match random.u8(..24) {
        0 => mutate(&mut name, &WORDS, random),
        1 => name = name.repeat(random.usize(..4000)),
        _ => {}
    }
    name.retain(|byte| *byte != 0);
    let name = [b"--", &name[..]].concat();
    let value = value(known, random);
    match random.u8(..8) {
        0 => line.push(OsString::from_vec(name)),
        1 => {
            let letters = random.choice([
                "-i", "-t", "-ti", "-e", "-w", "-u", "-v", "-m", "-c", "-itu", "-x", "-",
            ]);
            line.push([OsStr::new(letters.unwrap()), &value].concat_os());
        }
        2..5 => line.push([OsStr::from_bytes(&name), OsStr::new("="), &value].concat_os()),
        _ => line.extend([OsString::from_vec(name), value]),
    }
}

trait Concat {
    fn concat_os(&self) -> OsString;
}

impl Concat for [&OsStr] {
    fn concat_os(&self) -> OsString {
        self.iter().copied().collect()
    }
}

/// `mydocker WORD…`, most of the time a run.
fn line(options: &[&str], random: &mut Rng) -> Vec<OsString> {
    let mut line: Vec<OsString> = Vec::new();
    let first = random.choice([
        "run",
        "run",
        "run",
        "run",
        "run",
        "run",
        "run",
        "run",
        "create",
        "exec",
        "logs",
        "ps",
        "update",
        "pool",
        "help",
        "rnu",
        "--version",
    ]);
    line.extend(first.map(OsString::from));
    if random.u8(..4) > 0 {
        // Most options need one.
        line.push("--rootfs=/root".into());
    }
    let most = if random.u16(..500) == 0 { 3000 } else { 6 };
    for _ in 0..random.usize(..most) {
        option(options, &mut line, random);
    }
    if random.u8(..8) > 0 {
        line.push("--".into());
        line.extend((0..random.usize(1..4)).map(|_| value("", random)));
    }
    line
}

#[test]
fn command_lines_of_any_kind() {
    let options = options();
    assert!(options.len() > 40, "{options:?}");
    let accepted = Cell::new(0);
    fuzz("command lines", |random| {
        let line = line(&options, random);
        let is_directory = random.bool();
        match docker::parse(line.clone(), &|_| is_directory) {
            Ok(Command::Run(arguments, _) | Command::Create(arguments, _)) => {
                specified(&arguments, &accepted, random)
            }
            Ok(_) => {}
            Err(error) => {
                let message = error.to_string();
                assert_clear(&message);
                // What is understood and cannot be had needs no help.
                let places = ["option '", "command", "word '", "missing ", "options '"];
                let is_placed = match error.help() {
                    Some(_) => places.iter().any(|place| message.contains(place)),
                    None => message.starts_with('-'),
                };
                assert!(is_placed, "{message}");
            }
        }
    });
    // Or it would test nothing but refusals.
    eprintln!("{} of them were accepted", accepted.get());
    assert!(accepted.get() > 0);
}

fn specified(arguments: &RunArgs, accepted: &Cell<u64>, random: &mut Rng) {
    let user = *random.choice(&[0, 7]).unwrap();
    let file = value("", random).into_vec();
    let caller = Caller {
        variable: &|name| (name.len() % 2 == 0).then(|| "x".into()),
        accounts: &|_, _| {
            Ok(b"root:x:0:0::/root:\nbob:x:5:6::/home/bob:\nwheel:x:10:bob\n".to_vec())
        },
        file: &|name| {
            Ok(match name {
                "/etc/passwd" => b"root:x:0:0::/root:\nann:x:7:7::/:\n".to_vec(),
                // What is listed for the caller, and then anything.
                "/etc/subuid" | "/etc/subgid" => {
                    [b"7:100000:65536\nroot:200000:65536\nann:", file.as_slice()].concat()
                }
                _ => file.clone(),
            })
        },
        directory: &|| Ok("/caller".into()),
        ids: &|wanted| match wanted {
            IdsWanted::Block(ranges) => Ok(ranges.first().map_or(1, |range| range.first)),
            IdsWanted::These(range) => Ok(range.first),
        },
        ..Caller::bare(user)
    };
    if let Err(error) = staying(arguments) {
        let message = error.to_string();
        assert_clear(&message);
        assert!(message.starts_with("--"), "{message}");
    }
    match specify(arguments, &caller) {
        Ok(spec) => {
            assert_sound(&spec);
            accepted.set(accepted.get() + 1);
            let plan = plan::build(
                &spec,
                NetworkSource::Clone,
                SignalSet::default(),
                standard(&spec, random),
                Vec::new(),
                None,
            );
            comes_back(&plan, random);
        }
        Err(error) => {
            let message = error.to_string();
            assert_clear(&message);
            assert!(message.starts_with("--"), "{message}");
        }
    }
}

/// What the caller's standard descriptors may turn out to be.
fn standard(spec: &ContainerSpec, random: &mut Rng) -> Standard {
    if spec.process.terminal == Terminal::Own {
        return Standard::Terminal(TerminalSettings::default());
    }
    let mut source = || match random.u8(..5) {
        4 => Source::CallersPipe,
        0 => Source::Callers,
        1 => Source::HostsNull,
        2 => Source::Own(OwnDevice::ALL[random.usize(..OwnDevice::ALL.len())]),
        _ => Source::Pipe,
    };
    let (input, output, error) = (source(), source(), source());
    let outputs = match random.bool() {
        true => Outputs::OnePipe,
        false => Outputs::Separate { output, error },
    };
    Standard::Streams(Streams {
        input,
        outputs,
        given_to: random.bool().then(|| random.u32(..)),
    })
}

/// What the rest relies upon.
fn assert_sound(spec: &ContainerSpec) {
    assert!(!spec.process.arguments.is_empty());
    let name = spec
        .hostname
        .as_ref()
        .map_or(1, |name: &HostName| name.bytes().len());
    assert!((1..=64).contains(&name), "{spec:?}");
    let names: Vec<&[u8]> = spec
        .process
        .environment
        .iter()
        .map(|variable| {
            let bytes = variable.to_bytes();
            &bytes[..bytes
                .iter()
                .position(|byte| *byte == b'=')
                .expect("a value")]
        })
        .collect();
    assert!(names.iter().all(|name| !name.is_empty()));
    assert_eq!(
        names.iter().collect::<HashSet<_>>().len(),
        names.len(),
        "{:?}",
        spec.process.environment
    );
    let Some(root) = &spec.root else { return };
    let mut targets = HashSet::new();
    for mount in &root.mounts {
        let target = mount.target.to_bytes();
        assert!(target.starts_with(b"/") && target != b"/", "{mount:?}");
        let names = target[1..].split(|byte| *byte == b'/');
        assert!(
            names
                .into_iter()
                .all(|name| !matches!(name, b"" | b"." | b"..")),
            "{mount:?}"
        );
        if mount.asked_by.is_some() {
            assert!(
                target != b"/proc" && !target.starts_with(b"/proc/"),
                "{mount:?}"
            );
            assert!(targets.insert(target), "{mount:?}");
        }
        if let MountSource::Bind(bind) = &mount.source {
            assert!(bind.path.to_bytes().starts_with(b"/"), "{mount:?}");
        }
    }
    for file in &root.name_files {
        assert!(
            file.content.is_empty() || file.content.ends_with(b"\n") || file.asked_by.is_none(),
            "{file:?}"
        );
    }
}

/// Encoded, the plan comes back; spoilt, it is another or none.
fn comes_back(plan: &InitPlan, random: &mut Rng) {
    let mut bytes = wire::encode(plan);
    assert_eq!(wire::decode(&bytes).as_ref(), Ok(plan));
    for step in plan.steps() {
        let parts = [
            Part::Whole,
            Part::Source,
            Part::Target,
            Part::Make,
            Part::Restrict,
        ];
        let failed = random
            .choice(parts)
            .unwrap()
            .failed(Errno::new(random.i32(..200)));
        assert_clear(&plan::describe_failure(plan, step, failed).to_string());
        assert_clear(&plan::name_step(step));
    }
    for _ in 0..4 {
        mutate(&mut bytes, &[&[0], &[0xff; 4], &[0, 0, 0, 0]], random);
        if let Ok(other) = wire::decode(&bytes) {
            assert_eq!(wire::decode(&wire::encode(&other)), Ok(other));
        }
    }
}
