//! What a container was asked for, by docker's names: `HostConfig`.

use super::value::{bytes, c_str, number, object, optional, string, strings, text};
use crate::commands::of_config::Known;
use crate::commands::ps::network;
use crate::docker::RunArgs;
use crate::field::Field;
use crate::json::Value;
use crate::spec::limits::{Limits, NumberSet, PERIOD, Quota, ResourceLimit, Swap};
use crate::spec::{ContainerSpec, NamespaceChoice};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

pub fn of(known: &Known, spec: Option<&ContainerSpec>) -> Value {
    let arguments = &known.arguments;
    let mut members = asked(arguments);
    let none = Limits::default();
    members.extend(limits(
        spec.and_then(|spec| spec.limits.as_ref()).unwrap_or(&none),
    ));
    let resources = spec.map(|spec| spec.process.resources.iter().map(resource).collect());
    members.push(("Ulimits", resources.map_or(Value::Null, Value::List)));
    object(members)
}

fn asked(arguments: &RunArgs) -> Vec<(&'static str, Value)> {
    let adjustment = arguments.oom_score_adjustment.as_ref();
    let adjustment = adjustment.and_then(|typed| typed.to_str()?.parse().ok());
    vec![
        ("Binds", strings(&arguments.volumes)),
        ("ContainerIDFile", optional(arguments.id_file.as_ref())),
        ("LogConfig", log(arguments)),
        ("NetworkMode", text(&network(&arguments.network))),
        ("RestartPolicy", restart(arguments)),
        ("AutoRemove", Value::Boolean(arguments.rm)),
        ("CapAdd", capabilities(&arguments.added_capabilities)),
        ("CapDrop", capabilities(&arguments.dropped_capabilities)),
        ("CgroupnsMode", mode(&arguments.cgroup, "private")),
        ("Devices", strings(&arguments.devices)),
        ("Dns", strings(&arguments.dns)),
        ("DnsOptions", strings(&arguments.dns_options)),
        ("DnsSearch", strings(&arguments.dns_searches)),
        ("ExtraHosts", strings(&arguments.hosts)),
        ("GroupAdd", strings(&arguments.groups)),
        ("Init", arguments.init.map_or(Value::Null, Value::Boolean)),
        ("IpcMode", mode(&arguments.ipc, "private")),
        ("OomScoreAdj", Value::Number(adjustment.unwrap_or(0))),
        ("PidMode", mode(&arguments.pid, "")),
        ("Privileged", Value::Boolean(arguments.privileged)),
        ("ReadonlyRootfs", Value::Boolean(arguments.read_only)),
        ("SecurityOpt", strings(&arguments.security_options)),
        ("StorageOpt", pairs(&arguments.storage_options, b'=')),
        ("Sysctls", pairs(&arguments.sysctls, b'=')),
        ("Tmpfs", pairs(&arguments.tmpfs, b':')),
        ("UTSMode", mode(&arguments.uts, "")),
        ("UsernsMode", optional(arguments.user_namespace.as_ref())),
    ]
}

/// Docker's default of its log is ours.
fn log(arguments: &RunArgs) -> Value {
    let driver = arguments
        .log_driver
        .as_deref()
        .unwrap_or(OsStr::new("json-file"));
    object(vec![
        ("Type", string(driver)),
        ("Config", pairs(&arguments.log_options, b'=')),
    ])
}

fn restart(arguments: &RunArgs) -> Value {
    let typed = arguments
        .restart
        .as_ref()
        .map_or("no".into(), |typed| typed.to_string_lossy());
    let (name, most) = typed.split_once(':').unwrap_or((&typed, ""));
    object(vec![
        ("Name", text(name)),
        (
            "MaximumRetryCount",
            Value::Number(most.parse().unwrap_or(0)),
        ),
    ])
}

fn mode(choice: &NamespaceChoice, new: &str) -> Value {
    match choice {
        NamespaceChoice::New => text(new),
        NamespaceChoice::Host => text("host"),
        NamespaceChoice::Join(target) => text(&format!("ns:{}", target.name().to_string_lossy())),
    }
}

/// As docker spells them.
fn capabilities(typed: &[OsString]) -> Value {
    let names = typed.iter().map(|name| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        match name == "ALL" || name.starts_with("CAP_") {
            true => Value::Text(name),
            false => Value::Text(format!("CAP_{name}")),
        }
    });
    Value::List(names.collect())
}

/// `NAME=VALUE` words as an object.
fn pairs(words: &[OsString], separator: u8) -> Value {
    let pairs = words.iter().map(|word| {
        let mut parts = word.as_bytes().splitn(2, |byte| *byte == separator);
        let name = String::from_utf8_lossy(parts.next().unwrap_or_default());
        (name.into_owned(), bytes(parts.next().unwrap_or_default()))
    });
    Value::Object(pairs.collect())
}

/// Docker's 0 is for what is not limited.
fn limits(limits: &Limits) -> Vec<(&'static str, Value)> {
    let or_0 = |limit: Option<u64>| number(limit.unwrap_or(0));
    let memory_and_swap = match (limits.swap, limits.memory) {
        (Swap::Unlimited, _) => -1,
        (Swap::Total(bytes), _) => i128::from(bytes),
        (Swap::AsMuchAsMemory, memory) => 2 * i128::from(memory.unwrap_or(0)),
    };
    let period = limits.period.unwrap_or(PERIOD);
    // Said as a number of processors, or as it is told the kernel.
    let (processors, quota) = match limits.quota {
        Some(Quota {
            field: Field::Cpus,
            time,
        }) => (
            1_000_000_000 * i128::from(time) / i128::from(period.max(1)),
            0,
        ),
        Some(Quota { time, .. }) => (0, i128::from(time)),
        None => (0, 0),
    };
    let set = |set: &Option<NumberSet>| match set {
        Some(set) => text(&set.to_string()),
        None => text(""),
    };
    let parent = limits.parent.as_ref().map(|parent| c_str(parent));
    vec![
        ("Memory", or_0(limits.memory)),
        ("MemorySwap", number(memory_and_swap)),
        ("MemoryReservation", or_0(limits.reservation)),
        ("NanoCpus", number(processors)),
        ("CpuShares", or_0(limits.shares)),
        ("CpuPeriod", or_0(limits.period)),
        ("CpuQuota", number(quota)),
        ("CpusetCpus", set(&limits.processors)),
        ("CpusetMems", set(&limits.nodes)),
        ("PidsLimit", limits.processes.map_or(Value::Null, number)),
        ("BlkioWeight", or_0(limits.weight)),
        ("CgroupParent", parent.unwrap_or(text(""))),
    ]
}

fn resource(limit: &ResourceLimit) -> Value {
    let of = |limit: u64| match limit {
        u64::MAX => number(-1),
        limit => number(limit),
    };
    object(vec![
        ("Name", text(ResourceLimit::name(limit.resource))),
        ("Hard", of(limit.hard)),
        ("Soft", of(limit.soft)),
    ])
}
