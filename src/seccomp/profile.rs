//! docker's profiles: `--security-opt seccomp=FILE`.
//!
//! What a profile says of a call without looking at its arguments wins over what it says with a look at them, as in
//! libseccomp; among several, the first one that holds. Calls that no entry names get the profile's default. Those of
//! an architecture that it does not list do not exist, and, unless the default lets calls through, those
//! that are newer than all that the profile names do not either, as with runc: programs have another way then, and
//! take EPERM for an answer.

use super::architecture::{Architecture, HERE, NUMBERS};
use super::compile::Program;
use super::multiplexer::{MULTIPLEXED, Said, combined, multiplexers};
use super::names;
use super::{Action, Check, Comparison, Condition, Host, Leaf, Rule, Rules};
use crate::json::{self, Value};
use crate::sys::capability;
use crate::sys::seccomp::{Instruction, LONGEST};

/// What an entry says of the calls that it names.
struct SyscallEntry<'a> {
    names: Vec<&'a str>,
    /// Conditions that hold together; alternatives. One without any holds always.
    ways: Vec<Vec<Condition>>,
    action: Action,
}

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
    let mut checked = Vec::new();
    let native = leaves(HERE.native, &entries, otherwise, &mut checked)?;
    let compat = match HERE.compat.filter(|_| lists_compat) {
        Some(architecture) => Some(leaves(architecture, &entries, otherwise, &mut checked)?),
        None => None,
    };
    let checks: Vec<Check<'_>> = checked
        .iter()
        .map(|(rules, otherwise)| Check {
            rules,
            otherwise: *otherwise,
        })
        .collect();
    let rules = Rules {
        leaves: &native,
        checks: &checks,
    };
    let program = Program::<LONGEST>::for_family(HERE, rules, compat.as_ref());
    if program.length() > LONGEST {
        return Err(too_long());
    }
    Ok(program.instructions().to_vec())
}

#[cold]
fn too_long() -> String {
    format!("it takes more instructions than the kernel takes, {LONGEST}")
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
    let lists = |architecture: Architecture| names.contains(&architecture.profile_name());
    Ok(HERE.compat.is_some_and(lists))
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

impl SyscallEntry<'_> {
    /// Where the calls stand in an architecture's table, each once; after its end, those that can be made through
    /// another one. A name that we do not know belongs to another architecture, or to a newer kernel: no call has it
    /// here.
    fn places(&self, architecture: Architecture) -> Vec<usize> {
        let mut named = [false; NUMBERS + MULTIPLEXED.len()];
        for name in &self.names {
            if let Some(place) = names::place(architecture, name) {
                named[place] = true;
            }
            if !multiplexers(architecture).is_empty() {
                let index = MULTIPLEXED.iter().position(|call| call.name == *name);
                if let Some(index) = index {
                    named[NUMBERS + index] = true;
                }
            }
        }
        (0..named.len()).filter(|place| named[*place]).collect()
    }
}

/// What becomes of one architecture's calls. Checks are added to `checked`.
fn leaves<'a>(
    architecture: Architecture,
    entries: &'a [SyscallEntry<'_>],
    otherwise: Action,
    checked: &mut Vec<(Vec<Rule<'a>>, Action)>,
) -> Result<[Leaf; NUMBERS], String> {
    let places: Vec<Vec<usize>> = entries
        .iter()
        .map(|entry| entry.places(architecture))
        .collect();
    let counted: Vec<(&SyscallEntry<'_>, &[usize])> = entries
        .iter()
        .zip(places.iter().map(Vec::as_slice))
        .filter(|(entry, _)| entry.action != otherwise)
        .collect();
    let said = said(&counted)?;
    let mut leaves = unnamed(architecture, &places, otherwise);
    let mut check = |leaf: &mut Leaf, rules: Vec<Rule<'a>>, otherwise| {
        if !rules.is_empty() {
            *leaf = Leaf::Check(checked.len() as u16);
            checked.push((rules, otherwise));
        }
    };
    for (leaf, of_it) in leaves.iter_mut().zip(&said) {
        if let Some(action) = of_it.always {
            *leaf = Leaf::Action(action);
        } else {
            check(leaf, of_it.rules.clone(), otherwise);
        }
    }
    for name in multiplexers(architecture) {
        if let Some(place) = names::place(architecture, name) {
            let rules = combined(name, &said[place], &said[NUMBERS..], otherwise);
            let otherwise = match leaves[place] {
                Leaf::Action(action) => action,
                Leaf::Check(_) => otherwise,
            };
            check(&mut leaves[place], rules, otherwise);
        }
    }
    Ok(leaves)
}

/// What becomes of calls that no entry names.
fn unnamed(
    architecture: Architecture,
    places: &[Vec<usize>],
    otherwise: Action,
) -> [Leaf; NUMBERS] {
    let mut leaves = [Leaf::Action(otherwise); NUMBERS];
    let counts_on = |place: &usize| *place < NUMBERS && !architecture.is_arm_alone(*place);
    let newest = places.iter().flatten().copied().filter(counts_on).max();
    if let Some(newest) = newest.filter(|_| !otherwise.lets_through()) {
        for place in (newest + 1..NUMBERS).filter(counts_on) {
            leaves[place] = Leaf::Action(Action::ENOSYS);
        }
    }
    leaves
}

/// What is said of each call, in the order of [`SyscallEntry::places`].
fn said<'a>(entries: &[(&'a SyscallEntry<'_>, &[usize])]) -> Result<Vec<Said<'a>>, String> {
    let mut said = vec![Said::default(); NUMBERS + MULTIPLEXED.len()];
    for (entry, places) in entries {
        if entry.ways.iter().any(Vec::is_empty) {
            for place in *places {
                said[*place].always.get_or_insert(entry.action);
            }
        }
    }
    let mut rules = 0;
    for (entry, places) in entries {
        for place in *places {
            if said[*place].always.is_some() {
                continue;
            }
            // Each takes more than one instruction, and too many of them a lot of memory.
            rules += entry.ways.len();
            if rules > LONGEST {
                return Err(too_long());
            }
            let ways = entry.ways.iter().map(|conditions| Rule {
                conditions,
                action: entry.action,
            });
            said[*place].rules.extend(ways);
        }
    }
    Ok(said)
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
    Ok((included && !excluded).then(|| SyscallEntry {
        names,
        ways: ways(conditions),
        action,
    }))
}

/// docker's rule, which it has from before conditions could be combined: they hold together, but where two look at
/// the same argument any of them will do.
fn ways(conditions: Vec<Condition>) -> Vec<Vec<Condition>> {
    let mut seen = [false; 6];
    let mut again =
        |condition: &Condition| std::mem::replace(&mut seen[usize::from(condition.argument)], true);
    let mut ways: Vec<Vec<Condition>> = if conditions.iter().any(&mut again) {
        conditions.into_iter().map(|one| vec![one]).collect()
    } else {
        vec![conditions]
    };
    // Of what is masked to nothing, nothing is looked at, to libseccomp neither.
    for way in &mut ways {
        way.retain(|condition| condition.comparison != Comparison::Masked(0));
    }
    ways
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
            // What is above is not told to the program (MAX_ERRNO).
            .filter(|errno| *errno <= 4095)
            .ok_or_else(|| format!("errnoRet {errno}: no errno"))?,
        Some(_) => return Err("errnoRet is no number".into()),
    };
    match action {
        "SCMP_ACT_ALLOW" => Ok(Action::ALLOW),
        "SCMP_ACT_ERRNO" => Ok(Action::errno(errno)),
        "SCMP_ACT_LOG" => Ok(Action::LOG),
        "SCMP_ACT_TRAP" => Ok(Action::TRAP),
        "SCMP_ACT_TRACE" => Ok(Action::trace(errno)),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Ok(Action::KILL_THREAD),
        "SCMP_ACT_KILL_PROCESS" => Ok(Action::KILL_PROCESS),
        "SCMP_ACT_NOTIFY" => Err(format!("{action}: there is no one to notify")),
        _ => Err(format!("{}: there is no such action", shown(action))),
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
    let (comparison, value) = match text(operation, "op")? {
        "SCMP_CMP_EQ" => (Comparison::Equal, value),
        "SCMP_CMP_NE" => (Comparison::NotEqual, value),
        "SCMP_CMP_LT" => (Comparison::Less, value),
        "SCMP_CMP_LE" => (Comparison::LessOrEqual, value),
        "SCMP_CMP_GT" => (Comparison::Greater, value),
        "SCMP_CMP_GE" => (Comparison::GreaterOrEqual, value),
        // What the mask takes away is taken from both.
        "SCMP_CMP_MASKED_EQ" => (Comparison::Masked(value), second & value),
        other => return Err(format!("args: {}: there is no such op", shown(other))),
    };
    Ok(Condition {
        argument: u8::try_from(index)
            .ok()
            .filter(|index| *index < 6)
            .ok_or_else(|| format!("args: index {index}: a call has arguments 0 to 5"))?,
        comparison,
        value,
    })
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
