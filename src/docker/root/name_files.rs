//! /etc/hostname, /etc/hosts and /etc/resolv.conf: what the container is called, and whom it knows.

use crate::docker::{Caller, RunArgs};
use crate::error::Error;
use crate::spec::{NameFile, Network, is_host_name};
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;

const LOCALHOST: &[u8] = b"127.0.0.1\tlocalhost\n\
    ::1\tlocalhost ip6-localhost ip6-loopback\n\
    ff02::1\tip6-allnodes\n\
    ff02::2\tip6-allrouters\n";

/// The longest name that a resolver asks for (RFC 1035).
const LONGEST_NAME: usize = 253;

pub fn all(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    hostname: Option<&[u8]>,
) -> Result<Vec<NameFile>, Error> {
    let asked_by = |option: &str, typed: &[OsString]| {
        let first = typed.first()?;
        Some(format!("{option} {}", first.to_string_lossy()))
    };
    // In the host's UTS namespace the name is the host's.
    let shared = match hostname {
        Some(_) => Vec::new(),
        None => (caller.file)("/proc/sys/kernel/hostname")?,
    };
    // The kernel lets the host's root call it anything; what is no host name goes into no file.
    let shared = shared
        .strip_suffix(b"\n")
        .filter(|name| is_host_name(name, LONGEST_NAME));
    let hostname = hostname.or(shared);
    let mut files = Vec::with_capacity(3);
    if let Some(name) = hostname {
        files.push(NameFile {
            name: "hostname",
            content: [name, b"\n"].concat(),
            asked_by: None,
            is_missed: false,
        });
    }
    files.push(NameFile {
        name: "hosts",
        content: hosts(arguments, caller, hostname)?,
        asked_by: asked_by("--add-host", &arguments.hosts),
        is_missed: false,
    });
    let content = resolv_conf(arguments, caller)?;
    files.push(NameFile {
        name: "resolv.conf",
        // Without a network there is no one to ask.
        is_missed: arguments.network != Network::Loopback && !content.is_empty(),
        content,
        asked_by: asked_by("--dns", &arguments.dns)
            .or_else(|| asked_by("--dns-search", &arguments.dns_searches))
            .or_else(|| asked_by("--dns-option", &arguments.dns_options)),
    });
    Ok(files)
}

fn hosts(
    arguments: &RunArgs,
    caller: &Caller<'_>,
    hostname: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    // As docker does it: on the caller's network the caller's names are right.
    let mut content = if arguments.network == Network::Host {
        (caller.file)("/etc/hosts")?
    } else {
        LOCALHOST.to_vec()
    };
    if !content.is_empty() && !content.ends_with(b"\n") {
        content.push(b'\n');
    }
    if let Some(name) = hostname {
        content.extend([b"127.0.1.1\t", name, b"\n"].concat());
    }
    for typed in &arguments.hosts {
        let refuse = || {
            let option = [b"--add-host ", typed.as_bytes()].concat();
            Error::refused(
                option,
                "it takes NAME:ADDRESS, a name of A-Z, a-z, 0-9, '_', '.' and '-', and an IPv4 or IPv6 address",
            )
        };
        // docker's two separators; an IPv6 address has colons of its own, and may stand in brackets.
        let text = typed.to_str().ok_or_else(refuse)?;
        let at = text.find(['=', ':']).ok_or_else(refuse)?;
        let (name, address) = (&text[..at], &text[at + 1..]);
        let bare = address
            .strip_prefix('[')
            .and_then(|address| address.strip_suffix(']'))
            .unwrap_or(address);
        let is_address = bare.parse::<IpAddr>().is_ok();
        if !is_host_name(name.as_bytes(), LONGEST_NAME) || !is_address {
            return Err(refuse());
        }
        content.extend(format!("{bare}\t{name}\n").into_bytes());
    }
    Ok(content)
}

fn resolv_conf(arguments: &RunArgs, caller: &Caller<'_>) -> Result<Vec<u8>, Error> {
    // Without a network no server can be reached, and the C library asks its own loopback then, which
    // refuses at once.
    let callers = if arguments.network != Network::Loopback {
        (caller.file)("/etc/resolv.conf")?
    } else {
        Vec::new()
    };
    let searches = lines_of_search(&arguments.dns_searches)?;
    let options = line_of_options(&arguments.dns_options)?;
    if arguments.dns.is_empty() && searches.is_none() && options.is_none() {
        return Ok(callers);
    }
    // As docker does it: each kind of line that was asked for comes in the place of the caller's.
    let mut content = Vec::new();
    for line in callers.split(|byte| *byte == b'\n') {
        let word = line
            .split(u8::is_ascii_whitespace)
            .next()
            .unwrap_or_default();
        let is_replaced = match word {
            b"nameserver" => !arguments.dns.is_empty(),
            b"search" | b"domain" => searches.is_some(),
            b"options" => options.is_some(),
            _ => true,
        };
        if !is_replaced {
            content.extend([line, b"\n"].concat());
        }
    }
    for typed in &arguments.dns {
        let address = typed.to_str().filter(|text| text.parse::<IpAddr>().is_ok());
        let Some(address) = address else {
            let option = [b"--dns ", typed.as_bytes()].concat();
            return Err(Error::refused(option, "it takes an IPv4 or IPv6 address"));
        };
        content.extend(format!("nameserver {address}\n").into_bytes());
    }
    content.extend(searches.unwrap_or_default());
    content.extend(options.unwrap_or_default());
    Ok(content)
}

/// The line of `--dns-search`, if it was given; empty for `.`, which stands for no domain.
fn lines_of_search(typed: &[OsString]) -> Result<Option<Vec<u8>>, Error> {
    if typed.is_empty() {
        return Ok(None);
    }
    let mut line = b"search".to_vec();
    for domain in typed
        .iter()
        .map(|domain| domain.as_bytes())
        .filter(|domain| *domain != b".")
    {
        if !is_host_name(domain, LONGEST_NAME) {
            return Err(Error::refused(
                [b"--dns-search ", domain].concat(),
                "it takes a domain of A-Z, a-z, 0-9, '_', '.' and '-', or . for none",
            ));
        }
        line.push(b' ');
        line.extend(domain);
    }
    line.push(b'\n');
    Ok(Some(if line == b"search\n" {
        Vec::new()
    } else {
        line
    }))
}

/// The line of `--dns-option`, if it was given.
fn line_of_options(typed: &[OsString]) -> Result<Option<Vec<u8>>, Error> {
    if typed.is_empty() {
        return Ok(None);
    }
    let mut line = b"options".to_vec();
    for option in typed.iter().map(|option| option.as_bytes()) {
        let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-".contains(byte);
        if option.is_empty() || !option.iter().all(is_usual) {
            return Err(Error::refused(
                [b"--dns-option ", option].concat(),
                "it takes an option of resolv.conf(5), as ndots:2",
            ));
        }
        line.push(b' ');
        line.extend(option);
    }
    line.push(b'\n');
    Ok(Some(line))
}
