//! Reads the filter of system calls. Its words are looked at when it is compiled.

use super::super::{Seccomp, SeccompCondition, SeccompRule};
use super::words::{absolute_if_given, given_text, items, texts};
use crate::json::{Fault, StrictReader};

/// `None`: it says nothing.
pub fn seccomp(reader: &mut StrictReader<'_>) -> Result<Option<Seccomp>, Fault> {
    let mut seccomp = Seccomp::default();
    reader.object(&mut |reader, name| {
        match name {
            "defaultAction" => seccomp.default_action = reader.text()?.into_owned(),
            "defaultErrnoRet" => seccomp.default_errno = Some(reader.whole()?),
            "architectures" => seccomp.architectures = texts(reader)?,
            "flags" => seccomp.flags = Some(texts(reader)?),
            "listenerPath" => seccomp.listener_path = absolute_if_given(reader)?,
            "listenerMetadata" => seccomp.listener_metadata = given_text(reader)?,
            "syscalls" => seccomp.rules = items(reader, rule)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    match seccomp.default_action.is_empty() {
        // As engines write that there is none.
        true if seccomp.rules.is_empty() => Ok(None),
        true => Err(Fault::missing("defaultAction")),
        false => Ok(Some(seccomp)),
    }
}

fn rule(reader: &mut StrictReader<'_>) -> Result<SeccompRule, Fault> {
    let mut rule = SeccompRule::default();
    reader.object(&mut |reader, name| {
        match name {
            "names" => rule.names = texts(reader)?,
            "action" => rule.action = reader.text()?.into_owned(),
            "errnoRet" => rule.errno = Some(reader.whole()?),
            "args" => rule.conditions = items(reader, condition)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if rule.names.is_empty() {
        return Err(Fault::new("there is to be at least one").inside("names"));
    }
    match rule.action.is_empty() {
        true => Err(Fault::missing("action")),
        false => Ok(rule),
    }
}

fn condition(reader: &mut StrictReader<'_>) -> Result<SeccompCondition, Fault> {
    let mut condition = SeccompCondition::default();
    let mut index = None;
    reader.object(&mut |reader, name| {
        match name {
            "index" => index = Some(reader.between(0, 5)? as u32),
            "value" => condition.value = reader.whole()?,
            "valueTwo" => condition.second = reader.whole()?,
            "op" => condition.operator = reader.text()?.into_owned(),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    condition.index = index.ok_or_else(|| Fault::missing("index"))?;
    match condition.operator.is_empty() {
        true => Err(Fault::missing("op")),
        false => Ok(condition),
    }
}
