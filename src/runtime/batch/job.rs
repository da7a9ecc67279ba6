//! A line of a batch: what is to be run, and what it reads and writes.

use super::values::{
    Fault, any_string, boolean, directory, environment, quantity, reason, string, strings,
};
use crate::docker::specify::{self, size};
use crate::docker::suggest;
use crate::docker::{OutputLimit, RunArgs};
use crate::error::Error;
use crate::json::{self, Value, base64};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// A job, understood.
#[derive(Debug)]
pub struct Job {
    pub id: Value,
    /// What holds for all of the batch, and what the line says of this one.
    pub arguments: RunArgs,
    pub input: Input,
    pub output: Output,
    pub error: Output,
}

/// What a job reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Input {
    #[default]
    Nothing,
    Bytes(Vec<u8>),
    File(OsString),
}

/// Where what a job writes goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Output {
    #[default]
    Nowhere,
    /// Into its result.
    Inline,
    File(OsString),
    /// Where its stdout goes.
    WithStdout,
}

impl Output {
    fn told(is_told: bool) -> Self {
        match is_told {
            true => Self::Inline,
            false => Self::Nowhere,
        }
    }
}

/// A line that is no job: its id, as far as it could be read, and why.
#[derive(Debug)]
pub struct Bad {
    pub id: Value,
    pub error: Error,
}

/// The most bytes that are told with its result, unless someone says how many it may write.
const INLINE: &str = "1m";

/// The most that its line may say.
pub const MOST_INLINE: u64 = 16 << 20;

const KEYS: [&str; 15] = [
    "id",
    "command",
    "env",
    "workdir",
    "stdin",
    "stdin_base64",
    "stdin_file",
    "stdout",
    "stdout_file",
    "stderr",
    "stderr_file",
    "timeout",
    "cpu_time",
    "output_limit",
    "stop_signal",
];

const IN_A_LIST: &str = "it is a list, and not a job: one object a line";

/// Reads a line, the number `number` of those that came this way. `run` holds for every job.
pub fn read(line: &[u8], number: u64, run: &RunArgs) -> Result<Job, Bad> {
    let bad = |id: Value, fault: Fault| Bad {
        id,
        error: Error::told(&format!("line {number}: {fault}")),
    };
    let value = match parsed(line) {
        Ok(value) => value,
        Err(fault) => return Err(bad(Value::Null, fault)),
    };
    let members = match value {
        Value::Object(members) => members,
        Value::List(_) => return Err(bad(Value::Null, IN_A_LIST.into())),
        _ => return Err(bad(Value::Null, "it must be an object".into())),
    };
    let id = id_among(&members);
    let mut job = Job {
        id: id.clone(),
        arguments: RunArgs {
            command: Vec::new(),
            ..run.clone()
        },
        input: Input::Nothing,
        output: Output::Nowhere,
        error: Output::Nowhere,
    };
    match job.take_all(members) {
        Ok(()) => Ok(job),
        Err(fault) => Err(bad(id, fault)),
    }
}

/// The id in a line that has been read by another, if it can be read.
pub fn id_of(line: &[u8]) -> Value {
    match parsed(line) {
        Ok(Value::Object(members)) => id_among(&members),
        _ => Value::Null,
    }
}

fn parsed(line: &[u8]) -> Result<Value, Fault> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.starts_with('\u{feff}') {
        return Err("a byte order mark, which is not seen, stands before it".to_owned());
    }
    json::parse_any_number(text).map_err(|fault| {
        // Of one that is spread over lines the first is seen to be one.
        match text.trim_ascii() {
            text if text.starts_with('[') => return IN_A_LIST.to_owned(),
            "{" => return "it must be all of an object: one object a line".to_owned(),
            _ => {}
        }
        // It is one line of the reader's, whatever number it has here.
        let inside = fault.strip_prefix("line 1: ");
        ["it is no JSON: ", inside.unwrap_or(&fault)].concat()
    })
}

/// A string or a number, as it stands there.
fn id_among(members: &[(String, Value)]) -> Value {
    let id = members.iter().find(|(name, _)| name == "id");
    let id = id.map(|(_, id)| id).filter(|id| is_id(id));
    id.cloned().unwrap_or(Value::Null)
}

fn is_id(value: &Value) -> bool {
    match value {
        Value::Text(_) | Value::Bytes(_) | Value::Number(_) | Value::OtherNumber(_) => true,
        Value::Null | Value::Boolean(_) | Value::List(_) | Value::Object(_) => false,
    }
}

impl Job {
    fn take_all(&mut self, members: Vec<(String, Value)>) -> Result<(), Fault> {
        let (mut seen, mut said) = ([false; KEYS.len()], [false; KEYS.len()]);
        for (name, value) in members {
            let Some(place) = KEYS.iter().position(|key| *key == name) else {
                return Err(unknown(&name));
            };
            if std::mem::replace(&mut seen[place], true) {
                return Err(format!("{name} stands there twice"));
            }
            if value != Value::Null {
                said[place] = true;
                self.take(KEYS[place], value)
                    .map_err(|fault| format!("{name}: {fault}"))?;
            }
        }
        if self.arguments.command.is_empty() {
            return Err("command is missing".into());
        }
        check_once(&said, &["stdin", "stdin_base64", "stdin_file"])?;
        check_once(&said, &["stdout", "stdout_file"])?;
        check_once(&said, &["stderr", "stderr_file"])?;
        self.arguments.interactive = self.input != Input::Nothing;
        self.bound()
    }

    /// What is told with the result has an end.
    fn bound(&mut self) -> Result<(), Fault> {
        let told = [&self.output, &self.error].map(|output| *output == Output::Inline);
        if told == [false; 2] {
            return Ok(());
        }
        // What goes elsewhere is bounded only where someone has said so.
        let limit = self.arguments.output_limit.get_or_insert(OutputLimit {
            size: INLINE.into(),
            counted: told,
        });
        match size::bytes(limit.size.as_bytes()) {
            Some(bytes) if bytes > MOST_INLINE => {
                Err("what is told with the result is at most 16m".into())
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, name: &str, value: Value) -> Result<(), Fault> {
        let run = &mut self.arguments;
        match name {
            "id" => {
                if !is_id(&value) {
                    return Err("it must be a string or a number".into());
                }
            }
            "command" => run.command = strings(value)?,
            "env" => run.environment.extend(environment(value)?),
            "workdir" => run.working_directory = Some(directory(value)?),
            "stdin" => self.input = Input::Bytes(any_string(value)?),
            "stdin_base64" => {
                let bytes = base64::decode(&any_string(value)?);
                self.input = Input::Bytes(bytes.ok_or("it is no base64")?);
            }
            "stdin_file" => self.input = Input::File(string(value)?),
            "stdout" => self.output = Output::told(boolean(&value)?),
            "stdout_file" => self.output = Output::File(string(value)?),
            "stderr" => {
                self.error = match value.text() {
                    Some("stdout") => Output::WithStdout,
                    _ => Output::told(boolean(&value).map_err(|fault| fault + ", or \"stdout\"")?),
                }
            }
            "stderr_file" => self.error = Output::File(string(value)?),
            "timeout" => {
                let time = quantity(value)?;
                reason(specify::timeout(Some(&time)))?;
                run.timeout = Some(time);
            }
            "cpu_time" => {
                let time = quantity(value)?;
                specify::of_processors(time.as_bytes())?;
                run.limits.retain(|(limit, _)| *limit != "cpu-time");
                run.limits.push(("cpu-time", time));
            }
            "output_limit" => {
                let limit = OutputLimit::of_all(quantity(value)?);
                reason(specify::output_limit(Some(&limit)))?;
                run.output_limit = Some(limit);
            }
            _ => {
                let signal = quantity(value)?;
                reason(specify::signal("stop-signal", &signal))?;
                run.stop_signal = Some(signal);
            }
        }
        Ok(())
    }
}

fn check_once(said: &[bool; KEYS.len()], keys: &[&str]) -> Result<(), Fault> {
    let given = KEYS.iter().zip(said);
    let given = given.filter(|(key, is_said)| **is_said && keys.contains(key));
    match given.map(|(key, _)| *key).collect::<Vec<_>>().as_slice() {
        [one, other, ..] => Err(format!("{one} and {other} are two answers to one question")),
        _ => Ok(()),
    }
}

fn unknown(name: &str) -> Fault {
    let mut fault = format!("{name:?} is no key of a job");
    if let Some(near) = suggest::nearest(name, &KEYS) {
        fault.push_str(&format!(", did you mean {near:?}?"));
    }
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(line: &str) -> Result<Job, String> {
        let run = RunArgs {
            environment: vec!["ALL=1".into()],
            timeout: Some("9".into()),
            ..RunArgs::default()
        };
        read(line.as_bytes(), 3, &run).map_err(|bad| bad.error.to_string())
    }

    #[test]
    fn all_keys() {
        let job = job(
            r#"{"id": "a", "command": ["x", "\udcff"], "env": {"A": "1", "B": ""}, "workdir": "/w",
            "stdin": "text", "stdout": true, "stderr": "stdout", "timeout": 0.5, "cpu_time": 2,
            "output_limit": "64k", "stop_signal": "INT"}"#,
        )
        .unwrap();
        assert_eq!(job.id, Value::Text("a".into()));
        let run = &job.arguments;
        assert_eq!(run.command[1].as_bytes(), b"\xff");
        assert_eq!(run.environment, ["ALL=1", "A=1", "B="]);
        assert_eq!(run.working_directory, Some("/w".into()));
        assert!(run.interactive);
        assert_eq!(run.timeout, Some("0.5".into()));
        assert_eq!(run.limits, [("cpu-time", "2".into())]);
        assert_eq!(run.output_limit, Some(OutputLimit::of_all("64k".into())));
        assert_eq!(job.input, Input::Bytes(b"text".to_vec()));
        assert_eq!(
            (&job.output, &job.error),
            (&Output::Inline, &Output::WithStdout)
        );
    }

    #[test]
    fn numbers_may_have_exponents() {
        let line = r#"{"command":["x"],"timeout":1e9,"cpu_time":25e-1,"output_limit":6.4E+4}"#;
        let run = job(line).unwrap().arguments;
        assert_eq!(run.timeout, Some("1000000000".into()));
        assert_eq!(run.limits, [("cpu-time", "2.5".into())]);
        assert_eq!(run.output_limit.unwrap().size, "64000");
        for (number, fault) in [
            ("1e11", "no more than 18446744073 seconds can be counted"),
            ("1e400", "1e400 is beyond what can be counted"),
            ("1e-10", "it takes a number of seconds above 0"),
        ] {
            let fault = format!("line 3: timeout: {fault}");
            let told = job(&format!(r#"{{"command":["x"],"timeout":{number}}}"#)).unwrap_err();
            assert!(told.starts_with(&fault), "{told}");
        }
    }

    #[test]
    fn what_is_not_said() {
        let job = job(r#"{"command":["x"],"id":null,"stdin_base64":"/w=="}"#).unwrap();
        assert_eq!(job.id, Value::Null);
        assert_eq!(job.input, Input::Bytes(vec![0xff]));
        assert_eq!(
            (&job.output, &job.error),
            (&Output::Nowhere, &Output::Nowhere)
        );
        assert_eq!(job.arguments.timeout, Some("9".into()));
        assert_eq!(job.arguments.output_limit, None);
        let line = r#"{"command":["x"],"stdin":null,"stdin_file":"in","stdin_base64":null}"#;
        assert_eq!(self::job(line).unwrap().input, Input::File("in".into()));
    }

    #[test]
    fn what_is_told_inline_has_an_end() {
        let inline = job(r#"{"command":["x"],"stderr":true}"#).unwrap();
        let limit = |counted| {
            let size = "1m".into();
            Some(OutputLimit { size, counted })
        };
        assert_eq!(inline.arguments.output_limit, limit([false, true]));
        let both = job(r#"{"command":["x"],"stdout":true,"stderr":"stdout"}"#).unwrap();
        assert_eq!(both.arguments.output_limit, limit([true, false]));
        let more = job(r#"{"command":["x"],"stderr":true,"output_limit":"17m"}"#).unwrap_err();
        assert!(more.contains("at most 16m"), "{more}");
        assert!(job(r#"{"command":["x"],"stdout_file":"x","output_limit":"17m"}"#).is_ok());
    }

    #[test]
    fn mistakes_are_named() {
        for (line, fault) in [
            ("", "it is no JSON: it ends where a value should be"),
            (" {", "it must be all of an object: one object a line"),
            ("5", "it must be an object"),
            (
                r#"[{"command":["x"]}]"#,
                "it is a list, and not a job: one object a line",
            ),
            ("[", "it is a list, and not a job: one object a line"),
            (
                "\u{feff}{\"command\":[\"x\"]}",
                "a byte order mark, which is not seen, stands before it",
            ),
            (r#"{"id":1}"#, "command is missing"),
            (r#"{"command":[]}"#, "command: it is empty"),
            (
                r#"{"command":"x"}"#,
                "command: it must be a list of strings",
            ),
            (
                r#"{"command":["x",1]}"#,
                "command: word 2: it must be a string",
            ),
            (
                r#"{"command":["x",1.5]}"#,
                "command: word 2: it must be a string",
            ),
            (
                r#"{"command":["x","a\u0000b"]}"#,
                "command: word 2: it has a byte 0 in it, which would end it",
            ),
            (
                r#"{"command":["x"],"env":{"A\u0000":""}}"#,
                r#"env: "A\0" is no name of a variable"#,
            ),
            (
                r#"{"command":["x"],"timeout":"\u0000"}"#,
                "timeout: it has a byte 0 in it, which would end it",
            ),
            (
                r#"{"command":["x"],"timeout":[]}"#,
                "timeout: it must be a number or a string",
            ),
            (
                r#"{"command":["x"],"stderr":"stdin"}"#,
                r#"stderr: it must be true or false, or "stdout""#,
            ),
            (
                r#"{"command":["x"],"timout":1}"#,
                r#""timout" is no key of a job, did you mean "timeout"?"#,
            ),
            (
                r#"{"command":["x"],"id":1,"id":1}"#,
                "id stands there twice",
            ),
            (
                r#"{"command":["x"],"id":[1]}"#,
                "id: it must be a string or a number",
            ),
            (
                r#"{"command":["x"],"stdin":"","stdin_file":"x"}"#,
                "stdin and stdin_file are two answers to one question",
            ),
            (
                r#"{"command":["x"],"stdin_base64":"?"}"#,
                "stdin_base64: it is no base64",
            ),
            (
                r#"{"command":["x"],"env":{"A=B":"1"}}"#,
                r#"env: "A=B" is no name of a variable"#,
            ),
            (
                r#"{"command":["x"],"env":{"A":1}}"#,
                "env: A: it must be a string",
            ),
            (
                r#"{"command":["x"],"stdout":1}"#,
                "stdout: it must be true or false",
            ),
            (
                r#"{"command":["x"],"timeout":0}"#,
                "timeout: it takes a number of seconds above 0, 2 or 0.5; behind a colon how long its end may take, 5:2",
            ),
            (
                r#"{"command":["x"],"cpu_time":"a: b"}"#,
                "cpu_time: it takes a number of seconds above 0, 2 or 0.5",
            ),
            (
                r#"{"command":["x"],"output_limit":"1x"}"#,
                "output_limit: it takes a size, 64k or 1.5m",
            ),
            (
                r#"{"command":["x"],"stop_signal":""}"#,
                "stop_signal: it takes the name of a signal, SIGTERM, INT or RTMIN+3, or a number from 1 to 64",
            ),
            (
                r#"{"command":["x"],"workdir":"rel"}"#,
                "workdir: it must be an absolute path, as the container sees it",
            ),
            (
                r#"{"command":["x"],"env":["=x"]}"#,
                r#"env: "=x": the variable has no name"#,
            ),
            (r#"{"command":["x"]} x"#, "it is no JSON: 'x' after the end"),
        ] {
            let expected = format!("line 3: {fault}");
            assert_eq!(job(line).unwrap_err(), expected, "{line}");
        }
        let bad = read(b"{\"command\":[\"\xff\"]}", 1, &RunArgs::default()).unwrap_err();
        assert_eq!(bad.error.to_string(), "line 1: it is not UTF-8");
    }

    #[test]
    fn a_bad_line_has_its_id() {
        let id = |line: &str| {
            read(line.as_bytes(), 1, &RunArgs::default())
                .unwrap_err()
                .id
        };
        assert_eq!(id(r#"{"x":1,"id":"a"}"#), Value::Text("a".into()));
        assert_eq!(id(r#"{"id":7}"#), Value::Number(7));
        assert_eq!(id(r#"{"id":1.50}"#), Value::OtherNumber("1.50".into()));
        assert_eq!(id(r#"{"id":7"#), Value::Null);
    }
}
