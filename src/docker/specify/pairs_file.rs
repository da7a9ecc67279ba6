//! `--env-file` and `--label-file`: names and values in a file, a line each, as docker reads it.

use crate::docker::Caller;
use crate::error::Error;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What is in `files`, which this option names, as it would be typed, and behind it what was typed, which wins.
#[cold]
#[inline(never)]
pub fn before(
    option: &'static str,
    typed: &[OsString],
    files: &[OsString],
    caller: &Caller<'_>,
) -> Result<Vec<OsString>, Error> {
    let mut found = Vec::new();
    for file in files {
        let content = (caller.named_file)(file)
            .map_err(|errno| Error::new(format!("{option}: read"), file.as_bytes(), errno))?;
        found.extend(pairs(option, file, &content)?);
    }
    found.extend_from_slice(typed);
    Ok(found)
}

/// What would be typed for the lines of a file: `NAME=VALUE` as it stands, without quotes or escapes that would
/// mean anything, or `NAME` alone. Blanks before a name are no part of it; empty lines and those that begin with `#` say
/// nothing.
///
/// Errors: a line whose name is empty, or has a blank in it.
fn pairs(option: &str, file: &OsStr, content: &[u8]) -> Result<Vec<OsString>, Error> {
    // What Windows' editors put before the first letter.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut found = Vec::new();
    for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let name = line.split(|byte| *byte == b'=').next().unwrap_or_default();
        let has_value = name.len() < line.len();
        // After a name that stands alone a blank does no harm.
        let name = if has_value {
            name
        } else {
            name.trim_ascii_end()
        };
        let refused = |reason| {
            let place = format!(", line {number}");
            let place = [option.as_bytes(), b" ", file.as_bytes(), place.as_bytes()].concat();
            Err(Error::refused(place, reason))
        };
        if name.is_empty() {
            return refused("there is no name");
        }
        if name.iter().any(u8::is_ascii_whitespace) {
            return refused("there is a blank in the name");
        }
        if line.contains(&0) {
            return refused("there is a NUL in it");
        }
        let pair = if has_value { line } else { name };
        found.push(OsString::from_vec(pair.to_vec()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<OsString>, String> {
        pairs("--env-file", OsStr::new("FILE"), content.as_bytes())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_dockers() {
        let content = "\u{feff}A=1\n# no\n\n  B=\"x y\" # z \nTOKEN \nC=\nD=a=b\r\n";
        let expected = ["A=1", "B=\"x y\" # z ", "TOKEN", "C=", "D=a=b"];
        assert_eq!(read(content).unwrap(), expected);
        assert_eq!(read("").unwrap(), Vec::<OsString>::new());
    }

    #[test]
    fn what_is_typed_comes_last() {
        let caller = Caller {
            named_file: &|file| match file.to_str() {
                Some("one") => Ok(b"A=1".to_vec()),
                Some("two") => Ok(b"B=2".to_vec()),
                _ => Err(crate::sys::Errno::ENOENT),
            },
            ..Caller::bare(0)
        };
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let found = before("--x", &words(&["A=3"]), &words(&["one", "two"]), &caller);
        assert_eq!(found.unwrap(), ["A=1", "B=2", "A=3"]);
        let error = before("--env-file", &[], &words(&["none"]), &caller).unwrap_err();
        let message = "--env-file: read none: no such file or directory (ENOENT)";
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn mistakes_have_a_place() {
        for (content, message) in [
            ("A=1\n=x", "--env-file FILE, line 2: there is no name"),
            ("A B=1", "--env-file FILE, line 1: there is a blank"),
            ("A =1", "there is a blank"),
            ("A=\0", "there is a NUL"),
        ] {
            let error = read(content).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
