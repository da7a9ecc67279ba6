//! `--ulimit` and `--oom-score-adj`: limits of each process by itself.

use super::named;
use crate::error::Error;
use crate::spec::OomScoreAdjustment;
use crate::spec::limits::{ResourceLimit, whole_number};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The limits of each process, a later one of a resource in the place of an earlier.
pub fn all(typed: &[OsString]) -> Result<Vec<ResourceLimit>, Error> {
    let mut limits: Vec<ResourceLimit> = Vec::new();
    for typed in typed {
        let limit = one(typed)?;
        limits.retain(|earlier| earlier.resource != limit.resource);
        limits.push(limit);
    }
    Ok(limits)
}

/// `NAME=SOFT[:HARD]`, with -1 or `unlimited` for none.
fn one(text: &OsStr) -> Result<ResourceLimit, Error> {
    let refused = |reason| Error::refused([b"--ulimit ", text.as_bytes()].concat(), reason);
    let mut parts = text.as_bytes().splitn(2, |byte| *byte == b'=');
    let (Some(name), Some(values)) = (parts.next(), parts.next()) else {
        return Err(refused("it takes NAME=SOFT[:HARD]"));
    };
    let resource = ResourceLimit::number(name).ok_or_else(|| {
        refused(
            "no such limit; there are as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, \
             nproc, rss, rtprio, rttime, sigpending and stack",
        )
    })?;
    let mut values = values.splitn(2, |byte| *byte == b':').map(value);
    let soft = values.next().flatten();
    let hard = values.next().unwrap_or(soft);
    let (Some(soft), Some(hard)) = (soft, hard) else {
        return Err(refused("a value is a whole number, or -1 for no limit"));
    };
    ResourceLimit::new(resource, soft, hard).ok_or_else(|| refused("SOFT is above HARD"))
}

fn value(text: &[u8]) -> Option<u64> {
    match text {
        b"-1" | b"unlimited" => Some(u64::MAX),
        text => whole_number(text),
    }
}

/// How soon the kernel ends it when the host is out of memory.
pub fn oom_score_adjustment(typed: Option<&OsString>) -> Result<Option<OomScoreAdjustment>, Error> {
    let Some(typed) = typed else {
        return Ok(None);
    };
    let number = typed.to_str().and_then(|text| text.parse().ok());
    number
        .and_then(OomScoreAdjustment::new)
        .map(Some)
        .ok_or_else(|| {
            let named = named("--oom-score-adj", typed);
            Error::refused(named, "it takes a number from -1000 to 1000")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_mistakes() {
        let limit = |text: &str| one(text.as_ref()).map_err(|error| error.to_string());
        let nofile = |soft, hard| {
            Ok(ResourceLimit {
                resource: 7,
                soft,
                hard,
            })
        };
        assert_eq!(limit("nofile=64"), nofile(64, 64));
        assert_eq!(limit("nofile=64:128"), nofile(64, 128));
        assert_eq!(limit("nofile=64:-1"), nofile(64, u64::MAX));
        assert_eq!(limit("nofile=unlimited"), nofile(u64::MAX, u64::MAX));
        for (text, message) in [
            ("nofile", "it takes NAME=SOFT[:HARD]"),
            ("files=1", "no such limit"),
            ("NOFILE=1", "no such limit"),
            ("nofile=2:1", "SOFT is above HARD"),
            ("nofile=-1:1", "SOFT is above HARD"),
            ("nofile=", "a whole number"),
            ("nofile=1:", "a whole number"),
            ("nofile=1:2:3", "a whole number"),
            ("nofile=1k", "a whole number"),
            ("nofile=-2", "a whole number"),
        ] {
            let error = limit(text).unwrap_err();
            assert!(error.contains(message), "{error}");
            assert!(error.starts_with(&format!("--ulimit {text}: ")), "{error}");
        }
    }

    #[test]
    fn scores() {
        let score = |text: &str| oom_score_adjustment(Some(&text.into())).ok().flatten();
        assert_eq!(score("-1000"), OomScoreAdjustment::new(-1000));
        assert_eq!(score("1001"), None);
        assert_eq!(score("x"), None);
    }
}
