//! `--mount type=…,KEY=VALUE,…`, docker's syntax: fields of comma-separated values, so that a path with a
//! comma can be written in double quotes.

use super::bind::{propagation, set_devices, set_propagation, whole};
use super::overlay::kept;
use super::tmpfs::Tmpfs;
use super::{absolute, named, target};
use crate::docker::Caller;
use crate::docker::specify::size;
use crate::error::Error;
use crate::spec::{Bind, Devices, MountSource, Overlay, RootMount, Writes};
use crate::sys::MountFlags;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

pub fn parse(typed: &OsString, caller: &Caller<'_>) -> Result<RootMount, Error> {
    let option = named("--mount", typed);
    let refuse = |reason| Err(Error::refused(&option, reason));
    let Some(fields) = fields(typed.as_bytes()) else {
        return refuse("a quote in it is not closed, or stands in the middle of a field");
    };
    let pairs: Vec<(&[u8], Option<&[u8]>)> = fields.iter().map(|field| pair(field)).collect();
    let value = |wanted: &[&[u8]]| {
        let found = pairs.iter().rev().find(|(key, _)| wanted.contains(key));
        found.and_then(|(_, value)| *value)
    };
    let Some(destination) = value(&[b"target", b"dst", b"destination"]) else {
        return refuse("it has no target=");
    };
    let target = target(&option, destination)?;
    let mount = TypedMount {
        option: &option,
        pairs: &pairs,
        caller,
    };
    let source = match value(&[b"type"]) {
        Some(b"bind") => mount.bind()?,
        Some(b"tmpfs") => mount.tmpfs()?,
        Some(b"overlay") => mount.overlay()?,
        Some(b"volume") | None => {
            return refuse("its type= must be bind, tmpfs or overlay; there are no named volumes");
        }
        Some(_) => return refuse("its type= must be bind, tmpfs or overlay"),
    };
    Ok(RootMount {
        asked_by: Some(option),
        target,
        source,
    })
}

/// What a `--mount` names of the caller's, whether it makes sense or not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub sources: Vec<Vec<u8>>,
    /// Whether what is written there is kept in a directory of the caller's.
    pub keeps_writes: bool,
}

/// What a value of `--mount` names.
pub fn names(typed: &[u8]) -> Names {
    let mut names = Names::default();
    for field in fields(typed).unwrap_or_default() {
        match pair(&field) {
            (b"source" | b"src", Some(path)) => names.sources.push(path.to_vec()),
            (b"upper", _) => names.keeps_writes = true,
            _ => {}
        }
    }
    names
}

struct TypedMount<'a> {
    option: &'a str,
    pairs: &'a [(&'a [u8], Option<&'a [u8]>)],
    caller: &'a Caller<'a>,
}

impl TypedMount<'_> {
    fn refuse<T>(&self, reason: &'static str) -> Result<T, Error> {
        Err(Error::refused(self.option, reason))
    }

    /// The pairs that say more than what every type has.
    fn own(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let common: [&[u8]; 4] = [b"type", b"target", b"dst", b"destination"];
        let pairs = self.pairs.iter().copied();
        pairs.filter(move |(key, _)| !common.contains(key))
    }

    fn path(&self, value: Option<&[u8]>) -> Result<CString, Error> {
        absolute(
            self.option,
            OsStr::from_bytes(value.unwrap_or_default()),
            self.caller,
        )
    }

    fn bind(&self) -> Result<MountSource, Error> {
        let mut path = None;
        // What it says about the mounts below is about a read-only bind.
        let mut says_access = false;
        let mut bind = whole(CString::default());
        for (key, value) in self.own() {
            match (key, value) {
                (b"source" | b"src", value) => path = Some(self.path(value)?),
                (b"readonly" | b"ro", value) => {
                    if self.switch(value)? {
                        bind.flags = bind.flags.and(MountFlags::READONLY);
                    }
                }
                (b"noexec", value) if self.switch(value)? => {
                    bind.flags = bind.flags.and(MountFlags::NOEXEC);
                }
                (b"nosuid", value) if self.switch(value)? => {
                    bind.flags = bind.flags.and(MountFlags::NOSUID);
                }
                (b"nodev", value) if self.switch(value)? => {
                    bind.devices = set_devices(self.option, bind.devices, Devices::None)?;
                }
                (b"dev", value) if self.switch(value)? => {
                    bind.devices = set_devices(self.option, bind.devices, Devices::All)?;
                }
                (b"noexec" | b"nosuid" | b"nodev" | b"dev", _) => {}
                (b"bind-propagation", Some(word)) => match propagation(word) {
                    Some(propagation) => {
                        bind.flags = set_propagation(self.option, bind.flags, propagation)?;
                    }
                    None => return self.refuse("its bind-propagation= is no propagation"),
                },
                (b"bind-recursive", Some(b"enabled")) => {}
                (b"bind-recursive", Some(b"readonly")) => says_access = true,
                (b"bind-recursive", Some(b"writable")) => {
                    says_access = true;
                    bind.recursive_flags = false;
                }
                (b"consistency", Some(b"default" | b"consistent" | b"cached" | b"delegated")) => {}
                (b"bind-recursive", Some(b"disabled")) => bind.recursive = false,
                (b"bind-nonrecursive", value) => bind.recursive = !self.switch(value)?,
                _ => {
                    return self.refuse(
                        "a bind takes source=, target=, readonly, noexec, nosuid, nodev, dev, \
                         bind-propagation= and bind-recursive=",
                    );
                }
            }
        }
        if says_access && !bind.flags.contains(MountFlags::READONLY) {
            return self.refuse("its bind-recursive= takes readonly");
        }
        match path {
            Some(path) => Ok(MountSource::Bind(Bind { path, ..bind })),
            None => self.refuse("a bind needs source="),
        }
    }

    fn tmpfs(&self) -> Result<MountSource, Error> {
        let mut tmpfs = Tmpfs::default();
        for (key, value) in self.own() {
            let value = value.unwrap_or_default();
            match key {
                b"tmpfs-size" => {
                    // In docker's units, of which the kernel knows some.
                    let Some(bytes) = size::bytes(value) else {
                        return self.refuse("its tmpfs-size= takes a size, 64m or 1.5g");
                    };
                    tmpfs.word(self.option, format!("size={bytes}").as_bytes())?;
                }
                b"tmpfs-mode" => tmpfs.word(self.option, &[b"mode=", value].concat())?,
                b"readonly" | b"ro" => {
                    if self.switch(Some(value).filter(|value| !value.is_empty()))? {
                        tmpfs.word(self.option, b"ro")?;
                    }
                }
                _ => {
                    return self
                        .refuse("a tmpfs takes target=, tmpfs-size=, tmpfs-mode= and readonly");
                }
            }
        }
        tmpfs.source(self.option)
    }

    fn overlay(&self) -> Result<MountSource, Error> {
        let mut lower = Vec::new();
        let mut writes = Writes::ThrownAway { size: None };
        for (key, value) in self.own() {
            match key {
                // As with --rootfs, from the bottom up.
                b"source" | b"src" => lower.insert(0, self.path(value)?),
                b"upper" => {
                    let upper = OsStr::from_bytes(value.unwrap_or_default());
                    writes = kept(self.option, upper, self.caller)?;
                }
                b"readonly" | b"ro" => {
                    if self.switch(value)? {
                        writes = Writes::Refused;
                    }
                }
                _ => {
                    return self.refuse(
                        "an overlay takes source= (once for each layer, the lowest first), target=, upper= \
                         and readonly",
                    );
                }
            }
        }
        match (&lower[..], &writes) {
            ([], _) => self.refuse("an overlay needs source="),
            // The kernel wants two layers where there is no upper one.
            ([_], Writes::Refused) => self.refuse("one layer that is read-only is a bind"),
            _ => Ok(MountSource::Overlay(Overlay { lower, writes })),
        }
    }

    /// A key alone, or with a word for yes or no.
    fn switch(&self, value: Option<&[u8]>) -> Result<bool, Error> {
        match value {
            None | Some(b"true" | b"1") => Ok(true),
            Some(b"false" | b"0") => Ok(false),
            Some(_) => self.refuse("a switch in it is neither true nor false"),
        }
    }
}

fn pair(field: &[u8]) -> (&[u8], Option<&[u8]>) {
    match field.iter().position(|byte| *byte == b'=') {
        Some(at) => (&field[..at], Some(&field[at + 1..])),
        None => (field, None),
    }
}

/// The fields of one line of comma-separated values (RFC 4180): a field that begins with a quote ends with
/// one, and two quotes in it are one. `None`: the quotes do not fit.
fn fields(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let mut field = Vec::new();
        if let Some(mut quoted) = rest.strip_prefix(b"\"") {
            loop {
                let end = quoted.iter().position(|byte| *byte == b'"')?;
                field.extend(&quoted[..end]);
                quoted = &quoted[end + 1..];
                match quoted.strip_prefix(b"\"") {
                    Some(more) => {
                        field.push(b'"');
                        quoted = more;
                    }
                    None => break,
                }
            }
            rest = quoted;
        } else {
            let end = rest.iter().position(|byte| *byte == b',');
            let (plain, after) = rest.split_at(end.unwrap_or(rest.len()));
            if plain.contains(&b'"') {
                return None;
            }
            field.extend(plain);
            rest = after;
        }
        fields.push(field);
        match rest {
            [] => return Some(fields),
            [b',', after @ ..] => rest = after,
            _ => return None,
        }
    }
}
