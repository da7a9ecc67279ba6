//! From `linux.seccomp` of config.json to the step that loads the filter, and what becomes of its listener.
//!
//! The words mean what they mean to libseccomp and runc: a call that is named without conditions has its action whatever else
//! is said of it; conditions hold together, and where two look at the same argument any of them will do; names that no
//! call has are passed over. Calls of architectures that are not listed do not exist, and neither do those that are newer
//! than all that are named, if the default lets nothing through (`seccomp/entries.rs`).
//!
//! The child hands the listener over itself, by sendmsg(2) and write(2), and what it would have to ask the listener for it
//! could not do before someone has it: so a filter with a listener has to let both pass. What follows (close, read, and
//! where the filter is loaded first all that makes a process) the listener may be asked about. With no_new_privs the filter
//! belongs before startContainer hooks and the gate `start`, as runc has it: the hooks are under it.

use super::config::{Seccomp, SeccompRule};
use super::{console, version};
use crate::error::Error;
use crate::json::{Array, Fault, Object, shown};
use crate::plan::{FilterWith, Step};
use crate::seccomp::{Action, Condition, HIGHEST_ERRNO, SyscallEntry, assemble};
use crate::seccomp::{lets_pass, lists_compat};
use crate::sys::Pid;
use crate::sys::seccomp::{self as kernel, FilterFlags};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// By what the child hands the listener over.
const HANDED_OVER_BY: [&str; 2] = ["sendmsg", "write"];

/// The architectures that the specification has, but for the prefix. What is not this machine's counts for nothing.
const ARCHITECTURES: [&str; 23] = [
    "AARCH64",
    "ARM",
    "LOONGARCH64",
    "M68K",
    "MIPS",
    "MIPS64",
    "MIPS64N32",
    "MIPSEL",
    "MIPSEL64",
    "MIPSEL64N32",
    "PARISC",
    "PARISC64",
    "PPC",
    "PPC64",
    "PPC64LE",
    "RISCV64",
    "S390",
    "S390X",
    "SH",
    "SHEB",
    "X32",
    "X86",
    "X86_64",
];

/// The flags that config.json may ask for.
const FLAGS: [(&str, FilterFlags); 4] = [
    // There is one thread, and execve leaves no other.
    ("SECCOMP_FILTER_FLAG_TSYNC", FilterFlags(0)),
    ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", FilterFlags::SPEC_ALLOW),
    ("SECCOMP_FILTER_FLAG_LOG", FilterFlags::LOG),
    (
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
        FilterFlags::WAIT_KILLABLE_RECV,
    ),
];

/// The step that loads the filter.
///
/// Errors: what is wrong with it, and where.
pub fn step(seccomp: &Seccomp) -> Result<Step, Error> {
    compile(seccomp).map_err(|fault| {
        let fault = fault.inside("seccomp").inside("linux");
        Error::refused_for("config.json", fault.to_string())
    })
}

/// Whether it has a listener.
pub fn listens(seccomp: &Seccomp) -> bool {
    let mut rules = seccomp.rules.iter();
    rules.any(|rule| rule.action == "SCMP_ACT_NOTIFY")
}

/// The number of the flags that a step loads its filter with, for who wants to log it; `None`: it loads none.
pub fn flags(step: &Step) -> Option<u32> {
    match step {
        Step::Filter(_) => Some(FilterFlags::SPEC_ALLOW.0),
        Step::FilterWith(filter) if filter.listens => {
            Some(filter.flags.and(FilterFlags::NEW_LISTENER).0)
        }
        Step::FilterWith(filter) => Some(filter.flags.0),
        _ => None,
    }
}

/// Sends the listener of the filter of process `pid` to where it is to be. `state` is the container's, as the
/// specification has it.
pub fn send_listener<'a>(
    seccomp: Option<&'a Seccomp>,
    listener: OwnedFd,
    pid: Pid,
    state: Object,
) -> Result<(), Error> {
    let path = |seccomp: &'a Seccomp| Some((seccomp, seccomp.listener_path.as_deref()?));
    let Some((seccomp, path)) = seccomp.and_then(path) else {
        return Err(Error::refused(
            "config.json",
            "linux.seccomp.listenerPath: it is missing",
        ));
    };
    let mut object = Object::new();
    object.text("ociVersion", version::SPECIFICATION.as_bytes());
    let mut names = Array::default();
    names.bytes(b"seccompFd");
    object.array("fds", names);
    object.number("pid", pid.into());
    if let Some(metadata) = &seccomp.listener_metadata {
        object.text("metadata", metadata.as_bytes());
    }
    object.object("state", state);
    let path = OsStr::from_bytes(path.to_bytes());
    console::send(path, &object.finish(), listener.as_fd())
        .map_err(|error| error.behind("failed to connect with seccomp agent"))
}

/// The names of the actions, operators, architectures and flags that a filter can have, for `features`.
pub struct Known {
    pub actions: Vec<&'static str>,
    pub operators: Vec<&'static str>,
    pub architectures: Vec<String>,
    pub flags: Vec<&'static str>,
    /// The flags that this kernel knows, too.
    pub supported_flags: Vec<&'static str>,
}

#[cold]
#[inline(never)]
pub fn known() -> Known {
    let is_supported = |flag: FilterFlags| {
        // It makes no sense without a listener, and the kernel says so.
        let with = match flag {
            FilterFlags::WAIT_KILLABLE_RECV => FilterFlags::NEW_LISTENER,
            _ => FilterFlags::default(),
        };
        kernel::knows(flag.and(with))
    };
    let supported = FLAGS.into_iter().filter(|(_, flag)| is_supported(*flag));
    let architectures = ARCHITECTURES.into_iter();
    Known {
        actions: Action::names().collect(),
        operators: Condition::operators().collect(),
        architectures: architectures
            .map(|name| format!("SCMP_ARCH_{name}"))
            .collect(),
        flags: FLAGS.map(|(name, _)| name).to_vec(),
        supported_flags: supported.map(|(name, _)| name).collect(),
    }
}

fn compile(seccomp: &Seccomp) -> Result<Step, Fault> {
    let otherwise = action(&seccomp.default_action, seccomp.default_errno, DEFAULTS)?;
    if otherwise == Action::NOTIFY {
        let what = "SCMP_ACT_NOTIFY: it cannot be the default action";
        return Err(Fault::new(what).inside("defaultAction"));
    }
    let mut architectures = Vec::new();
    for (index, name) in seccomp.architectures.iter().enumerate() {
        architecture(name).map_err(|fault| fault.inside_item(index).inside("architectures"))?;
        architectures.push(name.as_str());
    }
    let mut entries = Vec::new();
    for (index, rule) in seccomp.rules.iter().enumerate() {
        let entry = entry(rule).map_err(|fault| fault.inside_item(index).inside("syscalls"))?;
        entries.push(entry);
    }
    let instructions = assemble(&entries, otherwise, lists_compat(&architectures));
    let instructions = instructions.map_err(|what| Fault::new(what).inside("syscalls"))?;
    let listens = listens(seccomp);
    let flags = flags_of(seccomp, listens)?;
    if listens {
        if seccomp.listener_path.is_none() {
            return Err(Fault::missing("listenerPath"));
        }
        let held_up = HANDED_OVER_BY
            .iter()
            .find(|name| !lets_pass(&instructions, name));
        if let Some(name) = held_up {
            let what = format!(
                "SCMP_ACT_NOTIFY takes a filter that lets {name} pass: the listener is handed over by it"
            );
            return Err(Fault::new(what).inside("syscalls"));
        }
    }
    Ok(match flags {
        None if !listens => Step::Filter(Cow::Owned(instructions)),
        flags => Step::FilterWith(Box::new(FilterWith {
            instructions,
            flags: flags.unwrap_or(FilterFlags::SPEC_ALLOW),
            listens,
        })),
    })
}

/// `None`: those of the kernel's that are usual.
fn flags_of(seccomp: &Seccomp, listens: bool) -> Result<Option<FilterFlags>, Fault> {
    let Some(names) = &seccomp.flags else {
        return Ok(None);
    };
    let mut all = FilterFlags::default();
    for (index, name) in names.iter().enumerate() {
        let fault = |what: String| Fault::new(what).inside_item(index).inside("flags");
        let known = FLAGS.iter().find(|(known, _)| known == name);
        let (_, flag) =
            known.ok_or_else(|| fault(format!("{}: there is no such flag", shown(name))))?;
        if *flag == FilterFlags::WAIT_KILLABLE_RECV && !listens {
            return Err(fault(format!("{name}: no call is notified of")));
        }
        all = all.and(*flag);
    }
    Ok(Some(all))
}

/// The names of the members that an action is made of.
const DEFAULTS: [&str; 2] = ["defaultAction", "defaultErrnoRet"];
const OWN: [&str; 2] = ["action", "errnoRet"];

fn action(word: &str, errno: Option<u32>, names: [&str; 2]) -> Result<Action, Fault> {
    let [action_name, errno_name] = names;
    let has_errno = word == "SCMP_ACT_ERRNO";
    let highest = match has_errno {
        true => HIGHEST_ERRNO,
        false => u16::MAX,
    };
    let number = match errno {
        None => libc::EPERM as u16,
        Some(errno) => u16::try_from(errno)
            .ok()
            .filter(|errno| *errno <= highest)
            .ok_or_else(|| Fault::new(format!("{errno}: no errno")).inside(errno_name))?,
    };
    let action = Action::named(word, number).ok_or_else(|| {
        Fault::new(format!("{}: there is no such action", shown(word))).inside(action_name)
    })?;
    // The specification wants it said.
    if errno.is_some() && !has_errno && word != "SCMP_ACT_TRACE" {
        return Err(Fault::new(format!("{word} has no errno")).inside(errno_name));
    }
    Ok(action)
}

fn architecture(name: &str) -> Result<(), Fault> {
    let known = name.strip_prefix("SCMP_ARCH_");
    match known.is_some_and(|name| ARCHITECTURES.contains(&name)) {
        true => Ok(()),
        false => Err(Fault::new(format!(
            "{}: there is no such architecture",
            shown(name)
        ))),
    }
}

fn entry(rule: &SeccompRule) -> Result<SyscallEntry<'_>, Fault> {
    let action = action(&rule.action, rule.errno, OWN)?;
    let names: Vec<&str> = rule.names.iter().map(String::as_str).collect();
    for (index, name) in names.iter().enumerate() {
        let fault = |what: &str| Fault::new(what).inside_item(index).inside("names");
        if name.is_empty() {
            return Err(fault("it is empty"));
        }
        if action == Action::NOTIFY && *name == "write" {
            return Err(fault(
                "SCMP_ACT_NOTIFY cannot be used for the write syscall",
            ));
        }
    }
    let mut conditions = Vec::new();
    for (index, asked) in rule.conditions.iter().enumerate() {
        let operator = &asked.operator;
        let argument = asked.index as u8;
        let condition = Condition::new(argument, operator, asked.value, asked.second);
        conditions.push(condition.ok_or_else(|| {
            let what = format!("{}: there is no such operator", shown(operator));
            let fault = Fault::new(what).inside("op");
            fault.inside_item(index).inside("args")
        })?);
    }
    Ok(SyscallEntry::new(names, conditions, action))
}

#[cfg(test)]
mod tests;
