//! Reads the part `linux`.

use super::super::{
    DeviceKind, DeviceNode, IdMapping, Linux, NamespaceKind, NamespaceOf, Personality, Propagation,
    TimeOffset,
};
use super::words::{
    absolute_if_given, at_least_one, choice, chosen, given, given_text, id, in_container, items,
    named, pairs, paths_in_container, refuse,
};
use super::{resources, seccomp};
use crate::json::{Fault, StrictReader};
use crate::sys::device::Device;

pub fn linux(reader: &mut StrictReader<'_>) -> Result<Linux, Fault> {
    let mut linux = Linux::default();
    reader.object(&mut |reader, name| {
        match name {
            "namespaces" => linux.namespaces = namespaces(reader)?,
            "uidMappings" => linux.user_mappings = items(reader, id_mapping)?,
            "gidMappings" => linux.group_mappings = items(reader, id_mapping)?,
            "timeOffsets" => linux.time_offsets = time_offsets(reader)?,
            "devices" => linux.devices = items(reader, device)?,
            "cgroupsPath" => linux.cgroups_path = given_text(reader)?,
            "resources" => linux.resources = resources::resources(reader)?,
            "rootfsPropagation" => linux.root_propagation = propagation(reader)?,
            "seccomp" => linux.seccomp = seccomp::seccomp(reader)?,
            "sysctl" => linux.sysctls = sysctls(reader)?,
            "maskedPaths" => linux.masked_paths = paths_in_container(reader)?,
            "readonlyPaths" => linux.read_only_paths = paths_in_container(reader)?,
            "mountLabel" => linux.mount_label = given(reader)?,
            "personality" => linux.personality = Some(personality(reader)?),
            "netDevices" => linux.network_devices = network_devices(reader)?,
            "intelRdt" | "memoryPolicy" => refuse(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(linux)
}

/// The kinds of namespaces.
pub const KINDS: &[(&str, NamespaceKind)] = &[
    ("user", NamespaceKind::User),
    ("mount", NamespaceKind::Mount),
    ("pid", NamespaceKind::Pid),
    ("uts", NamespaceKind::Uts),
    ("ipc", NamespaceKind::Ipc),
    ("network", NamespaceKind::Network),
    ("cgroup", NamespaceKind::Cgroup),
    ("time", NamespaceKind::Time),
];

fn namespaces(reader: &mut StrictReader<'_>) -> Result<Vec<NamespaceOf>, Fault> {
    let mut namespaces: Vec<NamespaceOf> = Vec::new();
    reader.list(&mut |reader| {
        let namespace = namespace(reader)?;
        if namespaces.iter().any(|other| other.kind == namespace.kind) {
            return Err(Fault::new("there is one of this type before it").inside("type"));
        }
        namespaces.push(namespace);
        Ok(())
    })?;
    Ok(namespaces)
}

fn namespace(reader: &mut StrictReader<'_>) -> Result<NamespaceOf, Fault> {
    let (mut kind, mut path) = (None, None);
    reader.object(&mut |reader, name| {
        match name {
            "type" => kind = Some(choice(reader, KINDS)?),
            "path" => path = absolute_if_given(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(NamespaceOf {
        kind: kind.ok_or_else(|| Fault::missing("type"))?,
        path,
    })
}

pub fn id_mapping(reader: &mut StrictReader<'_>) -> Result<IdMapping, Fault> {
    let (mut container, mut host, mut count) = (None, None, None);
    reader.object(&mut |reader, name| {
        match name {
            "containerID" => container = Some(id(reader)?),
            "hostID" => host = Some(id(reader)?),
            "size" => count = Some(at_least_one(reader)?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(IdMapping {
        container: container.unwrap_or(0),
        host: host.unwrap_or(0),
        count: count.ok_or_else(|| Fault::missing("size"))?,
    })
}

fn time_offsets(reader: &mut StrictReader<'_>) -> Result<Vec<TimeOffset>, Fault> {
    let mut offsets = Vec::new();
    reader.object(&mut |reader, clock| {
        chosen(clock, &[("monotonic", ()), ("boottime", ())])?;
        offsets.push(time_offset(reader, clock)?);
        Ok(())
    })?;
    Ok(offsets)
}

fn time_offset(reader: &mut StrictReader<'_>, clock: &str) -> Result<TimeOffset, Fault> {
    let (mut seconds, mut nanoseconds) = (0, 0);
    reader.object(&mut |reader, name| {
        match name {
            "secs" => seconds = reader.whole()?,
            "nanosecs" => nanoseconds = reader.between(0, 999_999_999)? as u32,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(TimeOffset {
        clock: clock.to_owned(),
        seconds,
        nanoseconds,
    })
}

const DEVICE_KINDS: &[(&str, DeviceKind)] = &[
    ("c", DeviceKind::Character),
    // Without a buffer, where a system had both.
    ("u", DeviceKind::Character),
    ("b", DeviceKind::Block),
    ("p", DeviceKind::Pipe),
];

fn device(reader: &mut StrictReader<'_>) -> Result<DeviceNode, Fault> {
    let (mut path, mut kind) = (None, None);
    let (mut major, mut minor) = (None, None);
    let (mut mode, mut user, mut group) = (0o666, 0, 0);
    reader.object(&mut |reader, name| {
        match name {
            "path" => path = Some(in_container(reader)?),
            "type" => kind = Some(choice(reader, DEVICE_KINDS)?),
            "major" => major = Some(reader.whole()?),
            "minor" => minor = Some(reader.whole()?),
            // Engines write what stat(2) has told them, and that has the type in it.
            "fileMode" => mode = reader.whole::<u32>()? & 0o7777,
            "uid" => user = id(reader)?,
            "gid" => group = id(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let kind = kind.ok_or_else(|| Fault::missing("type"))?;
    let device = match kind {
        DeviceKind::Pipe => Device { major: 0, minor: 0 },
        DeviceKind::Character | DeviceKind::Block => Device {
            major: major.ok_or_else(|| Fault::missing("major"))?,
            minor: minor.ok_or_else(|| Fault::missing("minor"))?,
        },
    };
    Ok(DeviceNode {
        path: path.ok_or_else(|| Fault::missing("path"))?,
        kind,
        device,
        mode,
        user,
        group,
    })
}

fn propagation(reader: &mut StrictReader<'_>) -> Result<Option<Propagation>, Fault> {
    let recursive = true;
    let choices = [
        ("", None),
        ("shared", Some(Propagation::Shared { recursive: false })),
        ("slave", Some(Propagation::Slave { recursive: false })),
        ("private", Some(Propagation::Private { recursive: false })),
        (
            "unbindable",
            Some(Propagation::Unbindable { recursive: false }),
        ),
        ("rshared", Some(Propagation::Shared { recursive })),
        ("rslave", Some(Propagation::Slave { recursive })),
        ("rprivate", Some(Propagation::Private { recursive })),
        ("runbindable", Some(Propagation::Unbindable { recursive })),
    ];
    choice(reader, &choices)
}

fn sysctls(reader: &mut StrictReader<'_>) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let pairs = pairs(reader)?.into_iter();
    Ok(pairs
        .map(|(key, value)| (key, value.into_bytes()))
        .collect())
}

fn personality(reader: &mut StrictReader<'_>) -> Result<Personality, Fault> {
    let mut domain = None;
    reader.object(&mut |reader, name| {
        match name {
            "domain" => {
                let choices = [
                    ("LINUX", Personality::Linux),
                    ("LINUX32", Personality::Linux32),
                ];
                domain = Some(choice(reader, &choices)?);
            }
            // The specification has none yet.
            "flags" => refuse(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    domain.ok_or_else(|| Fault::missing("domain"))
}

fn network_devices(reader: &mut StrictReader<'_>) -> Result<Vec<(String, Option<String>)>, Fault> {
    let mut devices = Vec::new();
    reader.object(&mut |reader, device| {
        let mut inside = None;
        reader.object(&mut |reader, name| {
            match name {
                "name" => inside = given_text(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        devices.push((named(device)?.to_owned(), inside));
        Ok(())
    })?;
    Ok(devices)
}
