//! A container as docker's API shows it, and what there is only here under names of its own.

use super::host_config;
use super::value::{bytes, c_str, number, object, optional, string, strings, text};
use crate::commands::of_config::{self, Known};
use crate::docker::{OverlayChoice, RunArgs};
use crate::json::{self, Value};
use crate::spec::{ContainerSpec, HostName, MountSource, RootMount};
use crate::store::{Entry, Look, Process, Status};
use crate::sys::MountFlags;
use crate::time;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

/// Docker's date of what has not been.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub fn of(entry: &Entry, look: &Look, known: &Known) -> Value {
    let spec = of_config::specification(&entry.config, &known.arguments).ok();
    let arguments = &known.arguments;
    let environment = of_config::environment(&entry.config, arguments).unwrap_or_default();
    let state = &look.state;
    let (path, others) = match arguments.command.split_first() {
        Some((path, others)) => (path.as_os_str(), others),
        None => (OsStr::new(""), &[][..]),
    };
    let name = entry
        .name
        .as_ref()
        .map_or(String::new(), |name| format!("/{name}"));
    let overlay = match &arguments.overlay {
        OverlayChoice::None => Value::Null,
        OverlayChoice::ThrownAway => text(""),
        OverlayChoice::Kept(upper) => string(upper),
    };
    let cgroups = state.cgroups.iter().map(|record| c_str(&record.path()));
    object(vec![
        ("Id", text(&entry.id.to_string())),
        (
            "Created",
            text(&time::to_the_nanosecond(entry.config.created)),
        ),
        ("Path", string(path)),
        ("Args", strings(others)),
        ("State", state_of(look)),
        ("Image", bytes(&image(&arguments.rootfs))),
        ("LogPath", log_path(entry, arguments)),
        ("Name", text(&name)),
        ("RestartCount", number(state.restarts)),
        ("Platform", text("linux")),
        ("ExecIDs", Value::Null),
        ("HostConfig", host_config::of(known, spec.as_ref())),
        (
            "Mounts",
            Value::List(known.mounts.iter().map(mount).collect()),
        ),
        ("Config", config(known, &environment, spec.as_ref())),
        ("NetworkSettings", network_settings(look)),
        ("Rootfs", strings(&arguments.rootfs)),
        ("Overlay", overlay),
        ("Words", strings(&entry.config.words)),
        ("Directory", string(&entry.config.directory)),
        ("Monitor", number(pid(look, state.monitor))),
        ("Cgroups", Value::List(cgroups.collect())),
        ("Report", report(entry)),
        ("LostLogBytes", number(state.lost_log_bytes)),
    ])
}

fn state_of(look: &Look) -> Value {
    let state = &look.state;
    let is = |status| Value::Boolean(look.status == status);
    let date = |moment: Option<u64>| match moment {
        Some(moment) => text(&time::to_the_nanosecond(moment)),
        None => text(NEVER),
    };
    let reason = state.reason.map(|reason| reason.word());
    object(vec![
        ("Status", text(look.status.word())),
        ("Running", Value::Boolean(look.is_live())),
        ("Paused", is(Status::Paused)),
        ("Restarting", is(Status::Restarting)),
        ("OOMKilled", Value::Boolean(state.oom_killed)),
        ("Dead", is(Status::Dead)),
        ("Pid", number(pid(look, state.first))),
        ("ExitCode", number(state.exit.unwrap_or(0))),
        ("Error", text(state.error.as_deref().unwrap_or_default())),
        ("StartedAt", date(state.started)),
        ("FinishedAt", date(state.finished)),
        ("Reason", text(reason.unwrap_or_default())),
    ])
}

/// 0 of one that is not there.
fn pid(look: &Look, process: Option<Process>) -> u32 {
    let process = process.filter(|_| look.is_live());
    let pid = process.and_then(|process| u32::try_from(process.pid).ok());
    pid.unwrap_or(0)
}

fn config(known: &Known, environment: &[CString], spec: Option<&ContainerSpec>) -> Value {
    let arguments = &known.arguments;
    let name = |name: Option<&HostName>| bytes(name.map(HostName::bytes).unwrap_or_default());
    let environment = environment.iter().map(|variable| c_str(variable));
    let stop_timeout = arguments
        .stop_timeout
        .as_ref()
        .and_then(|typed| typed.to_str()?.parse().ok());
    object(vec![
        (
            "Hostname",
            name(spec.and_then(|spec| spec.hostname.as_ref())),
        ),
        (
            "Domainname",
            name(spec.and_then(|spec| spec.domain_name.as_ref())),
        ),
        ("User", optional(arguments.user.as_ref())),
        (
            "AttachStdin",
            Value::Boolean(arguments.interactive && !arguments.detach),
        ),
        ("AttachStdout", Value::Boolean(!arguments.detach)),
        ("AttachStderr", Value::Boolean(!arguments.detach)),
        ("Tty", Value::Boolean(arguments.tty)),
        ("OpenStdin", Value::Boolean(arguments.interactive)),
        ("StdinOnce", Value::Boolean(false)),
        ("Env", Value::List(environment.collect())),
        ("Cmd", strings(&arguments.command)),
        ("Image", bytes(&image(&arguments.rootfs))),
        ("Volumes", Value::Null),
        ("WorkingDir", optional(arguments.working_directory.as_ref())),
        ("Entrypoint", Value::Null),
        ("Labels", labels(&known.labels)),
        ("StopSignal", optional(arguments.stop_signal.as_ref())),
        (
            "StopTimeout",
            stop_timeout.map_or(Value::Null, Value::Number),
        ),
    ])
}

/// An object, sorted by name; of two of a name the last one counts.
fn labels(labels: &[OsString]) -> Value {
    let mut sorted: Vec<(String, Value)> = Vec::new();
    for label in labels {
        let mut parts = label.as_bytes().splitn(2, |byte| *byte == b'=');
        let name = String::from_utf8_lossy(parts.next().unwrap_or_default());
        sorted.retain(|(known, _)| *known != name);
        sorted.push((name.into_owned(), bytes(parts.next().unwrap_or_default())));
    }
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    Value::Object(sorted)
}

fn mount(mount: &RootMount) -> Value {
    let (kind, source, flags, options) = match &mount.source {
        MountSource::Bind(bind) => ("bind", bind.path.clone(), bind.flags, CString::default()),
        MountSource::FileSystem(new) => ("tmpfs", CString::default(), new.flags, new.data.clone()),
        MountSource::Overlay(_) => (
            "overlay",
            CString::default(),
            MountFlags::NONE,
            CString::default(),
        ),
    };
    let propagations = [(MountFlags::SHARED, "shared"), (MountFlags::SLAVE, "slave")];
    let propagation = propagations
        .into_iter()
        .find(|(flag, _)| flags.contains(*flag));
    object(vec![
        ("Type", text(kind)),
        ("Source", c_str(&source)),
        ("Destination", c_str(&mount.target)),
        ("Mode", c_str(&options)),
        ("RW", Value::Boolean(!flags.contains(MountFlags::READONLY))),
        (
            "Propagation",
            text(match (kind, propagation) {
                ("bind", Some((_, word))) => word,
                ("bind", None) => "rprivate",
                _ => "",
            }),
        ),
    ])
}

/// What scripts ask for: there are no addresses, but a namespace that can be entered.
fn network_settings(look: &Look) -> Value {
    let key = match pid(look, look.state.first) {
        0 => String::new(),
        pid => format!("/proc/{pid}/ns/net"),
    };
    object(vec![
        ("SandboxKey", text(&key)),
        ("Ports", object(vec![])),
        ("IPAddress", text("")),
        ("Networks", object(vec![])),
    ])
}

/// How its last run has ended, as `--report` tells it.
fn report(entry: &Entry) -> Value {
    let mut text = Vec::new();
    let file = entry.open(c"report.json").map(File::from);
    // What is not there, or not whole, is no report.
    let read = file.is_ok_and(|mut file| file.read_to_end(&mut text).is_ok());
    let parsed = json::parse(&String::from_utf8_lossy(&text));
    parsed.ok().filter(|_| read).unwrap_or(Value::Null)
}

/// Empty if no log is kept.
fn log_path(entry: &Entry, arguments: &RunArgs) -> Value {
    match arguments.log_driver.as_deref() {
        Some(driver) if driver == "none" => text(""),
        _ => string(entry.path(c"log.json").as_os_str()),
    }
}

fn image(rootfs: &[OsString]) -> Vec<u8> {
    let images: Vec<&[u8]> = rootfs.iter().map(|image| image.as_bytes()).collect();
    images.join(&b':')
}
