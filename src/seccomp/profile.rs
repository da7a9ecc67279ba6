//! docker's profiles: `--security-opt seccomp=FILE`.

use super::architecture::HERE;
use super::entries::{self, SyscallEntry, assemble};
use super::words::HIGHEST_ERRNO;
use super::{Action, Condition, Host};
use crate::json::{self, Value};
use crate::sys::capability;
use crate::sys::seccomp::Instruction;

/// The filter that `text`, a profile, describes for `host`.
///
/// Errors: what is wrong with the profile, and where.
pub fn compile(text: &str, host: &Host) -> Result<Vec<Instruction>, String> {
    let profile = json::parse(text)?;
    let otherwise = action(
        profile
            .get("defaultAction")
            .ok_or("it has no defaultAction")?,
        profile.get("defaultErrnoRet"),
    )?;
    let lists_compat = lists_compat(&profile)?;
    let mut entries = Vec::new();
    for (index, entry) in list(profile.get("syscalls"), "syscalls")?
        .iter()
        .enumerate()
    {
        let entry = read_entry(entry, host).map_err(|what| format!("syscalls[{index}]: {what}"))?;
        entries.extend(entry);
    }
    assemble(&entries, otherwise, lists_compat)
}

/// Whether the profile is for 32-bit programs too: by its list of architectures, or by what it has beside this one.
fn lists_compat(profile: &Value) -> Result<bool, String> {
    let listed = list(profile.get("architectures"), "architectures")?;
    let map = list(profile.get("archMap"), "archMap")?;
    if !listed.is_empty() && !map.is_empty() {
        return Err("it has both architectures and archMap".into());
    }
    let mut names = Vec::new();
    for (index, name) in listed.iter().enumerate() {
        let name = architecture(Some(name));
        names.push(name.map_err(|what| format!("architectures[{index}]: {what}"))?);
    }
    for (index, entry) in map.iter().enumerate() {
        let of_ours = beside_ours(entry).map_err(|what| format!("archMap[{index}]: {what}"))?;
        names.extend(of_ours);
    }
    Ok(entries::lists_compat(&names))
}

/// The architectures beside this one, if an entry of the map is this one's.
fn beside_ours(entry: &Value) -> Result<Vec<&str>, String> {
    let main = architecture(entry.get("architecture"))?;
    let others = list(entry.get("subArchitectures"), "subArchitectures")?;
    let others = others.iter().map(|name| architecture(Some(name)));
    let mut others = others.collect::<Result<Vec<_>, _>>()?;
    if main != HERE.native.profile_name() {
        others.clear();
    }
    Ok(others)
}

/// The name of an architecture. One that no mydocker is built for is none of ours.
fn architecture(name: Option<&Value>) -> Result<&str, String> {
    let name = text(name.unwrap_or(&Value::Null), "an architecture")?;
    match name.starts_with("SCMP_ARCH_") {
        true => Ok(name),
        false => Err(format!("{}: there is no such architecture", shown(name))),
    }
}

/// `None`: it does not count here.
fn read_entry<'a>(entry: &'a Value, host: &Host) -> Result<Option<SyscallEntry<'a>>, String> {
    let action = action(
        entry.get("action").ok_or("it has no action")?,
        entry.get("errnoRet"),
    )?;
    let conditions = list(entry.get("args"), "args")?
        .iter()
        .map(condition)
        .collect::<Result<Vec<_>, _>>()?;
    let mut names = list(entry.get("names"), "names")?
        .iter()
        .map(|name| text(name, "a name"))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(name) = entry.get("name") {
        names.push(text(name, "the name")?);
    }
    if names.is_empty() {
        return Err("it names no system call".into());
    }
    // That others are read all the same shows their mistakes.
    let included = match entry.get("includes") {
        Some(wanted) => holds(wanted, host, true)?,
        None => true,
    };
    let excluded = match entry.get("excludes") {
        Some(unwanted) => holds(unwanted, host, false)?,
        None => false,
    };
    Ok((included && !excluded).then(|| SyscallEntry::new(names, conditions, action)))
}

/// Whether all (`every`), or any, of what the object says is so here.
fn holds(object: &Value, host: &Host, every: bool) -> Result<bool, String> {
    let mut facts = Vec::new();
    for name in list(object.get("caps"), "caps")? {
        let name = text(name, "a capability")?;
        let known = capability::number(name.trim_start_matches("CAP_").as_bytes());
        facts.push(known.is_some_and(|number| host.capabilities.contains(number)));
    }
    let architectures = list(object.get("arches"), "arches")?;
    if !architectures.is_empty() {
        // It can only be one of them.
        let here = Value::Text(HERE.native.docker_name().into());
        facts.push(architectures.contains(&here));
    }
    if let Some(kernel) = object.get("minKernel") {
        let kernel = text(kernel, "minKernel")?;
        let version = kernel.split_once('.').and_then(|(major, minor)| {
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        });
        let version = version.ok_or_else(|| format!("minKernel {}: no version", shown(kernel)))?;
        facts.push(host.kernel >= version);
    }
    let mut facts = facts.into_iter();
    Ok(if every {
        facts.all(|fact| fact)
    } else {
        facts.any(|fact| fact)
    })
}

fn action(action: &Value, errno: Option<&Value>) -> Result<Action, String> {
    let action = text(action, "an action")?;
    let errno = match errno {
        None => libc::EPERM as u16,
        Some(Value::Number(errno)) => u16::try_from(*errno)
            .ok()
            .filter(|errno| *errno <= HIGHEST_ERRNO)
            .ok_or_else(|| format!("errnoRet {errno}: no errno"))?,
        Some(_) => return Err("errnoRet is no number".into()),
    };
    match Action::named(action, errno) {
        Some(Action::NOTIFY) => Err(format!("{action}: there is no one to notify")),
        Some(action) => Ok(action),
        None => Err(format!("{}: there is no such action", shown(action))),
    }
}

fn condition(argument: &Value) -> Result<Condition, String> {
    let number = |name: &str| match argument.get(name) {
        None => Ok(0),
        Some(Value::Number(number)) => {
            // libseccomp's bindings write what is negative as they find it.
            u64::try_from(*number)
                .or_else(|_| i64::try_from(*number).map(|number| number as u64))
                .map_err(|_| format!("args: {name} {number}: too large"))
        }
        Some(_) => Err(format!("args: {name} is no number")),
    };
    let index = number("index")?;
    let (value, second) = (number("value")?, number("valueTwo")?);
    let operation = argument.get("op").ok_or("args: there is no op")?;
    let operation = text(operation, "op")?;
    let argument = u8::try_from(index)
        .ok()
        .filter(|index| *index < 6)
        .ok_or_else(|| format!("args: index {index}: a call has arguments 0 to 5"))?;
    Condition::new(argument, operation, value, second)
        .ok_or_else(|| format!("args: {}: there is no such op", shown(operation)))
}

/// As much of a wrong word as a message needs.
fn shown(word: &str) -> String {
    word.chars().take(40).collect()
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, String> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(format!("{what} is no string")),
    }
}

fn list<'a>(value: Option<&'a Value>, what: &str) -> Result<&'a [Value], String> {
    match value {
        None => Ok(&[]),
        Some(Value::List(items)) => Ok(items),
        Some(_) => Err(format!("{what} is no list")),
    }
}
