//! docker's profiles: `--security-opt seccomp=FILE`.
//!
//! What a profile says of a call without looking at its arguments wins over what it says with a look at them, as in
//! libseccomp; among several, the first one that holds. Calls that no entry names get the profile's default. Those of
//! other architectures ([`compile`](super::compile)) do not exist, and, unless the default lets calls through, those
//! that are newer than all that the profile names do not either, as with runc: programs have another way then, and
//! take EPERM for an answer.

use super::compile::Program;
use super::json::{self, Value};
use super::{Check, Comparison, Condition, Fate, Host, Leaf, NUMBERS, Rule, Rules};
use crate::sys::capability;
use crate::sys::seccomp::{Instruction, LONGEST};
use syscalls::Sysno;

/// docker's name for the architecture.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: &str = "amd64";
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: &str = "arm64";

/// What an entry says of the calls that it names.
struct Entry {
    numbers: Vec<usize>,
    /// Conditions that hold together; alternatives. One without any holds always.
    ways: Vec<Vec<Condition>>,
    fate: Fate,
}

/// The filter that `text`, a profile, describes for `host`.
///
/// Errors: what is wrong with the profile, and where.
pub fn compile(text: &str, host: &Host) -> Result<Vec<Instruction>, String> {
    let profile = json::parse(text)?;
    let otherwise = fate(
        profile
            .get("defaultAction")
            .ok_or("it has no defaultAction")?,
        profile.get("defaultErrnoRet"),
    )?;
    let names = Names::new();
    let mut entries = Vec::new();
    for (index, entry) in list(profile.get("syscalls"), "syscalls")?
        .iter()
        .enumerate()
    {
        let entry =
            read_entry(entry, host, &names).map_err(|what| format!("syscalls[{index}]: {what}"))?;
        entries.extend(entry);
    }
    program(&entries, otherwise)
}

fn program(entries: &[Entry], otherwise: Fate) -> Result<Vec<Instruction>, String> {
    let mut leaves = [Leaf::Fate(otherwise); NUMBERS];
    let newest = entries
        .iter()
        .filter_map(|entry| entry.numbers.last())
        .max();
    if let Some(newest) = newest.filter(|_| !otherwise.lets_through()) {
        leaves[newest + 1..].fill(Leaf::Fate(Fate::ENOSYS));
    }
    let mut looked_at = [true; NUMBERS];
    let counts = |entry: &&Entry| entry.fate != otherwise;
    for entry in entries.iter().filter(counts) {
        if !entry.ways.iter().any(Vec::is_empty) {
            continue;
        }
        for number in &entry.numbers {
            if std::mem::take(&mut looked_at[*number]) {
                leaves[*number] = Leaf::Fate(entry.fate);
            }
        }
    }
    let too_long = || format!("it takes more instructions than the kernel takes, {LONGEST}");
    let mut checked: Vec<Vec<Rule<'_>>> = vec![Vec::new(); NUMBERS];
    let mut rules = 0;
    for entry in entries.iter().filter(counts) {
        for number in entry.numbers.iter().filter(|number| looked_at[**number]) {
            // Each takes more than one instruction, and too many of them a lot of memory.
            rules += entry.ways.len();
            if rules > LONGEST {
                return Err(too_long());
            }
            checked[*number].extend(entry.ways.iter().map(|conditions| Rule {
                conditions,
                fate: entry.fate,
            }));
        }
    }
    let mut checks = Vec::new();
    for (leaf, rules) in leaves.iter_mut().zip(&checked) {
        if !rules.is_empty() {
            *leaf = Leaf::Check(checks.len() as u16);
            checks.push(Check { rules, otherwise });
        }
    }
    let program = Program::<LONGEST>::new(Rules {
        leaves: &leaves,
        checks: &checks,
    });
    if program.length() > LONGEST {
        return Err(too_long());
    }
    Ok(program.instructions().to_vec())
}

/// `None`: it does not count here.
fn read_entry(entry: &Value, host: &Host, known: &Names) -> Result<Option<Entry>, String> {
    let fate = fate(
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
    Ok((included && !excluded).then(|| Entry {
        numbers: known.numbers(&names),
        ways: ways(conditions),
        fate,
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

/// The calls of this architecture by name, a few to each of a number of places: a long profile asks often.
struct Names(Vec<Vec<(&'static str, usize)>>);

impl Names {
    fn new() -> Self {
        let mut names = Self(vec![Vec::new(); 64]);
        for number in 0..NUMBERS {
            // (On 64-bit machines 403 to 423 are no one's, though a list that was made from the kernel's has them.)
            let call = Sysno::new(number).filter(|_| !(403..=423).contains(&number));
            if let Some(call) = call {
                let name = match call.name() {
                    // As everyone else calls it.
                    "fstatat" => "newfstatat",
                    name => name,
                };
                let place = Self::place(name);
                names.0[place].push((name, number));
            }
        }
        names
    }

    fn place(name: &str) -> usize {
        name.bytes().map(usize::from).sum::<usize>() % 64
    }

    /// Each once. A name that we do not know belongs to another architecture, or to a newer kernel: no call has it
    /// here.
    fn numbers(&self, names: &[&str]) -> Vec<usize> {
        let mut named = [false; NUMBERS];
        for name in names {
            let there = self.0[Self::place(name)].iter();
            for (_, number) in there.filter(|(known, _)| known == name) {
                named[*number] = true;
            }
        }
        (0..NUMBERS).filter(|number| named[*number]).collect()
    }
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
        let here = Value::Text(ARCHITECTURE.into());
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

fn fate(action: &Value, errno: Option<&Value>) -> Result<Fate, String> {
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
        "SCMP_ACT_ALLOW" => Ok(Fate::ALLOW),
        "SCMP_ACT_ERRNO" => Ok(Fate::errno(errno)),
        "SCMP_ACT_LOG" => Ok(Fate::LOG),
        "SCMP_ACT_TRAP" => Ok(Fate::TRAP),
        "SCMP_ACT_TRACE" => Ok(Fate::trace(errno)),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Ok(Fate::KILL_THREAD),
        "SCMP_ACT_KILL_PROCESS" => Ok(Fate::KILL_PROCESS),
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
