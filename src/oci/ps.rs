//! `oci ps`: the processes of a container, as the host's ps(1) shows them; as mydocker does where there is no ps.

use super::command_line::{Globals, ListFormat, PsArgs};
use super::store::Store;
use crate::commands::top;
use crate::error::{Error, ExitCode};
use crate::standard_streams;
use crate::sys::clone::{self, Memory, NewNamespaces};
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::in_child::InChild;
use crate::sys::process::{self, Ended, Patience, StringArray};
use crate::sys::{Errno, Pid, allocation, descriptor};
use std::ffi::{CString, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Lists the processes in a container's cgroups.
pub fn run(arguments: &PsArgs, globals: &Globals) -> Result<ExitCode, Error> {
    let entry = Store::open(globals)?.find(&arguments.id)?;
    let record = entry.record()?;
    let pids = match record.cgroups.is_empty() {
        // As an ordinary user's container: by its PID namespace, and who has come of whom.
        true => top::process::of_namespace(record.pid, &top::process::all()),
        false => record.cgroups.processes()?,
    };
    let text = match arguments.format {
        ListFormat::Json => {
            let numbers: Vec<String> = pids.iter().map(Pid::to_string).collect();
            format!("[{}]\n", numbers.join(",")).into_bytes()
        }
        ListFormat::Table => table(&arguments.options, &pids)?,
    };
    standard_streams::answer(&text)
        .map(|()| ExitCode::SUCCESS)
        .map_err(|errno| Error::new("write", standard_streams::name(1), errno))
}

fn table(options: &[OsString], pids: &[Pid]) -> Result<Vec<u8>, Error> {
    let usual = ["-ef".into()];
    let options = match options {
        [] => &usual,
        options => options,
    };
    match Program::ps(options).output()? {
        Some(all) => of_container(&all, pids),
        None => top::of_processes(options, pids),
    }
}

/// The heading, and the lines of these processes.
fn of_container(all: &[u8], pids: &[Pid]) -> Result<Vec<u8>, Error> {
    let words = |line: &[u8]| -> Vec<Vec<u8>> {
        let words = line.split(u8::is_ascii_whitespace);
        words
            .filter(|word| !word.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    let mut lines = all.split_inclusive(|byte| *byte == b'\n');
    let heading = lines.next().unwrap_or_default();
    let column = words(heading).iter().position(|word| word == b"PID");
    let column = column.ok_or_else(|| Error::told("couldn't find PID field in ps output"))?;
    let mut text = heading.to_vec();
    for line in lines {
        let pid = words(line).get(column).and_then(|word| number(word));
        if pid.is_some_and(|pid| pids.contains(&pid)) {
            text.extend_from_slice(line);
        }
    }
    Ok(text)
}

fn number(word: &[u8]) -> Option<Pid> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A program whose output is read, prepared for the child rule.
struct Program {
    candidates: Vec<CString>,
    arguments: StringArray,
    environment: StringArray,
}

/// What one that is nowhere leaves with, as a shell's.
const MISSING: u8 = 127;

impl Program {
    fn ps(options: &[OsString]) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let candidates = path.as_bytes().split(|byte| *byte == b':');
        // Not the working directory, which is anyone's.
        let candidates = candidates.filter(|directory| directory.starts_with(b"/"));
        let candidates =
            candidates.filter_map(|directory| CString::new([directory, b"/ps"].concat()).ok());
        let c_string = |word: Vec<u8>| CString::new(word).ok();
        let words = options.iter().map(|word| word.as_bytes().to_vec());
        let variables = std::env::vars_os()
            .map(|(name, value)| [&name.into_vec()[..], b"=", &value.into_vec()].concat());
        Self {
            candidates: candidates.collect(),
            arguments: StringArray::new(
                std::iter::once(b"ps".to_vec())
                    .chain(words)
                    .filter_map(c_string)
                    .collect(),
            ),
            environment: StringArray::new(variables.filter_map(c_string).collect()),
        }
    }

    /// What it writes. `None`: there is no such program.
    ///
    /// Errors: it cannot be run, or fails; then it has said why.
    fn output(&self) -> Result<Option<Vec<u8>>, Error> {
        let failed = |errno| Error::new("run", "ps", errno);
        let (reader, writer) = descriptor::pipe().map_err(failed)?;
        let argument = (self, ChildDescriptor::of(writer.as_fd()));
        let pid = clone::spawn(
            NewNamespaces::NONE,
            Memory::Shared,
            None,
            execute,
            &argument,
        );
        // It shared our memory until now.
        allocation::allow();
        let pid = pid.map_err(failed)?;
        drop(writer);
        let output = read_all(&reader);
        let ended = process::wait(Some(pid), Patience::Wait).map_err(failed)?;
        match ended {
            Some((_, Ended::Exited(0))) => output.map(Some).map_err(failed),
            Some((_, Ended::Exited(MISSING))) => Ok(None),
            Some((_, ended)) => {
                let reason = format!("it has failed, with code {}", ended.code());
                Err(Error::refused_for("ps", reason))
            }
            None => Err(failed(Errno::ECHILD)),
        }
    }
}

fn read_all(file: &impl AsFd) -> Result<Vec<u8>, Errno> {
    let mut content = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match descriptor::read(file.as_fd(), &mut buffer) {
            Ok(0) => return Ok(content),
            Ok(count) => content.extend(buffer.iter().take(count)),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn execute(child: InChild, (program, output): &(&Program, ChildDescriptor<'_>)) -> ! {
    allocation::forbid();
    if descriptor::duplicate_to(output.as_fd(), 1, child).is_ok() {
        for file in &program.candidates {
            let _ = process::execve(file, &program.arguments, &program.environment);
        }
    }
    process::exit(i32::from(MISSING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_container() {
        let all = b"UID          PID    PPID CMD\nroot           1       0 init\nroot 42 1 a 7\nx 7 1 b\n";
        let text = of_container(all, &[7, 99]).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "UID          PID    PPID CMD\nx 7 1 b\n"
        );
        assert!(of_container(b"UID TTY\n", &[]).is_err());
        assert!(of_container(b"", &[]).is_err());
    }
}
