//! Reads config.json. What the specification does not name is passed over; what it names is to be as it says, and an error
//! tells the place. A string that may be left out is as good as left out if it is empty, as in the specification's own
//! types.

mod linux;
mod process;
mod resources;
mod seccomp;
mod words;

pub use process::keep_last;

pub use linux::KINDS as NAMESPACES;

use super::{Config, Hook, Hooks, Mount, Process, Resources, Root};
use crate::error::Error;
use crate::json::{Fault, StrictReader, shown};
use std::ffi::CString;
use words::{absolute, at_least_one, given, in_container, items, pairs, string, strings};

/// The largest text that is read, in bytes.
pub const LARGEST: usize = 10 << 20;

/// The text of a bundle's config.json.
///
/// Errors: what is wrong, and where.
pub fn read(bytes: &[u8]) -> Result<Config, Error> {
    whole(bytes, "config.json", config)
}

/// A process alone, as `exec --process` has it.
pub fn read_process(bytes: &[u8]) -> Result<Process, Error> {
    whole(bytes, "process", process::process)
}

/// Resources alone, as `update --resources` has them.
pub fn read_resources(bytes: &[u8]) -> Result<Resources, Error> {
    whole(bytes, "resources", resources::resources)
}

fn whole<T>(
    bytes: &[u8],
    name: &str,
    value: fn(&mut StrictReader<'_>) -> Result<T, Fault>,
) -> Result<T, Error> {
    if bytes.len() > LARGEST {
        return Err(Error::refused_for(
            name,
            format!("it is larger than {LARGEST} bytes"),
        ));
    }
    let read = StrictReader::new(bytes).and_then(|mut reader| {
        let value = value(&mut reader)?;
        reader.end()?;
        Ok(value)
    });
    read.map_err(|fault| Error::refused_for(name, fault.to_string()))
}

fn config(reader: &mut StrictReader<'_>) -> Result<Config, Fault> {
    let mut config = Config::default();
    let mut root = None;
    reader.object(&mut |reader, name| {
        match name {
            "ociVersion" => config.oci_version = version(reader)?,
            "process" => config.process = Some(process::process(reader)?),
            "root" => root = Some(read_root(reader)?),
            "hostname" => config.hostname = given(reader)?.map(CString::into_bytes),
            "domainname" => config.domain_name = given(reader)?.map(CString::into_bytes),
            "mounts" => config.mounts = items(reader, mount)?,
            "hooks" => config.hooks = hooks(reader)?,
            "annotations" => config.annotations = pairs(reader)?,
            "linux" => config.linux = linux::linux(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if config.oci_version.is_empty() {
        return Err(Fault::missing("ociVersion"));
    }
    config.root = root.ok_or_else(|| Fault::missing("root"))?;
    Ok(config)
}

/// A version as semver.org has it, of the specification's that mydocker knows: what a 2.0 will mean no one knows, and before
/// 1.0 the same words meant other things.
fn version(reader: &mut StrictReader<'_>) -> Result<String, Fault> {
    let version = reader.text()?;
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| {
        let is_padded = part.len() > 1 && part.starts_with('0');
        !part.is_empty() && !is_padded && part.bytes().all(|digit| digit.is_ascii_digit())
    };
    let rest = &version[numbers.len()..];
    let is_of_a_version = |letter: u8| letter.is_ascii_alphanumeric() || b"-+.".contains(&letter);
    if numbers.split('.').count() != 3
        || !numbers.split('.').all(is_number)
        || rest.len() == 1
        || !rest.bytes().all(is_of_a_version)
    {
        return Err(Fault::new(format!("{}: no version", shown(&version))));
    }
    match numbers.starts_with("1.") {
        true => Ok(version.into_owned()),
        false => Err(Fault::new(format!(
            "{}: mydocker knows the versions 1.x",
            shown(&version)
        ))),
    }
}

fn read_root(reader: &mut StrictReader<'_>) -> Result<Root, Fault> {
    let mut root = Root::default();
    reader.object(&mut |reader, name| {
        match name {
            "path" => root.path = string(reader)?,
            "readonly" => root.read_only = reader.boolean()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    match root.path.is_empty() {
        true => Err(Fault::missing("path")),
        false => Ok(root),
    }
}

fn mount(reader: &mut StrictReader<'_>) -> Result<Mount, Fault> {
    let mut mount = Mount::default();
    reader.object(&mut |reader, name| {
        match name {
            "destination" => mount.destination = in_container(reader)?,
            "type" => mount.kind = given(reader)?,
            "source" => mount.source = given(reader)?,
            "options" => mount.options = strings(reader)?,
            "uidMappings" => mount.user_mappings = items(reader, linux::id_mapping)?,
            "gidMappings" => mount.group_mappings = items(reader, linux::id_mapping)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    match mount.destination.is_empty() {
        true => Err(Fault::missing("destination")),
        false => Ok(mount),
    }
}

/// The hooks of a moment.
type Moment = fn(&mut Hooks) -> &mut Vec<Hook>;

/// The moments of a container's life at which there can be hooks, in their order.
pub const HOOKS: [(&str, Moment); 6] = [
    ("prestart", |hooks| &mut hooks.prestart),
    ("createRuntime", |hooks| &mut hooks.create_runtime),
    ("createContainer", |hooks| &mut hooks.create_container),
    ("startContainer", |hooks| &mut hooks.start_container),
    ("poststart", |hooks| &mut hooks.poststart),
    ("poststop", |hooks| &mut hooks.poststop),
];

fn hooks(reader: &mut StrictReader<'_>) -> Result<Hooks, Fault> {
    let mut hooks = Hooks::default();
    reader.object(&mut |reader, name| {
        match HOOKS.iter().find(|(known, _)| *known == name) {
            Some((_, moment)) => *moment(&mut hooks) = items(reader, hook)?,
            None => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(hooks)
}

fn hook(reader: &mut StrictReader<'_>) -> Result<Hook, Fault> {
    let mut hook = Hook {
        path: CString::default(),
        arguments: Vec::new(),
        environment: Vec::new(),
        timeout: None,
    };
    reader.object(&mut |reader, name| {
        match name {
            "path" => hook.path = absolute(reader)?,
            "args" => hook.arguments = strings(reader)?,
            "env" => hook.environment = strings(reader)?,
            "timeout" => hook.timeout = Some(at_least_one(reader)?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if hook.path.is_empty() {
        return Err(Fault::missing("path"));
    }
    if hook.arguments.is_empty() {
        hook.arguments.push(hook.path.clone());
    }
    Ok(hook)
}

#[cfg(test)]
mod tests;
