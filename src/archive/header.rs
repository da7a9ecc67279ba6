//! The header of a member, written.

use super::{BLOCK, Kind, Member, Moment};

/// What ends an archive.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// How many zeros follow a content of this size.
pub fn padding(size: u64) -> usize {
    let over = (size % BLOCK as u64) as usize;
    (BLOCK - over) % BLOCK
}

/// How many bytes of an archive a member takes, if it needs no header of its own before it.
pub fn size(member: &Member) -> u64 {
    let content = match member.kind {
        Kind::Regular(size) => size,
        _ => 0,
    };
    BLOCK as u64 + content + padding(content) as u64
}

/// What comes before a member's content. What the old format has no room for comes in a header of its own before it.
pub fn header(member: &Member) -> Vec<u8> {
    let mut records = Vec::new();
    let path = fit(&mut records, "path", &member.path, PATH);
    let (letter, link, size): (u8, &[u8], u64) = match &member.kind {
        Kind::Regular(size) => (b'0', b"", *size),
        Kind::HardLink(link) => (b'1', link, 0),
        Kind::Link(link) => (b'2', link, 0),
        Kind::Device => (b'3', b"", 0),
        Kind::Directory => (b'5', b"", 0),
        Kind::Pipe => (b'6', b"", 0),
    };
    let link = fit(&mut records, "linkpath", link, LINK);
    let number = |records: &mut Vec<u8>, key, number: u64, most: u64| {
        if number > most {
            push_record(records, key, number.to_string().as_bytes());
        }
        number.min(most)
    };
    let size = number(&mut records, "size", size, MOST_OF_12);
    let user = number(&mut records, "uid", member.user.into(), MOST_OF_8);
    let group = number(&mut records, "gid", member.group.into(), MOST_OF_8);
    let Moment { nanoseconds, .. } = member.modified;
    let seconds = u64::try_from(member.modified.seconds).unwrap_or(0);
    if nanoseconds > 0 || seconds > MOST_OF_12 {
        push_record(
            &mut records,
            "mtime",
            format!("{seconds}.{nanoseconds:09}").as_bytes(),
        );
    }
    let fields = Fields {
        mode: (member.mode & 0o7777).into(),
        user,
        group,
        seconds: seconds.min(MOST_OF_12),
    };
    let mut header = Vec::new();
    if !records.is_empty() {
        let size = records.len() as u64;
        header.extend(block(b"PaxHeaders/x", b"", b'x', size, &fields));
        header.extend_from_slice(&records);
        header.resize(header.len() + padding(size), 0);
    }
    header.extend(block(path, link, letter, size, &fields));
    header
}

/// Bytes that the old format has for a path and for a link's content. (It has a prefix for more of a path, which no reader
/// of today needs.)
const PATH: usize = 100;
const LINK: usize = 100;

/// Eleven, and seven, octal digits.
const MOST_OF_12: u64 = (1 << 33) - 1;
const MOST_OF_8: u64 = (1 << 21) - 1;

/// As much of a text as the old format has room for; all of it becomes a record if that is not enough.
fn fit<'a>(records: &mut Vec<u8>, key: &str, text: &'a [u8], room: usize) -> &'a [u8] {
    match text.get(..room) {
        Some(start) if text.len() > room => {
            push_record(records, key, text);
            start
        }
        _ => text,
    }
}

/// `LENGTH KEY=VALUE`, where the length counts itself.
fn push_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    // The space, the sign and the end of the line.
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Numbers that a member and the header before it share.
struct Fields {
    mode: u64,
    user: u64,
    group: u64,
    seconds: u64,
}

fn block(path: &[u8], link: &[u8], letter: u8, size: u64, fields: &Fields) -> [u8; BLOCK] {
    let octal = |number: u64, digits: usize| format!("{number:0digits$o}\0").into_bytes();
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        for (to, from) in block.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    };
    put(0, path);
    put(100, &octal(fields.mode, 7));
    put(108, &octal(fields.user, 7));
    put(116, &octal(fields.group, 7));
    put(124, &octal(size, 11));
    put(136, &octal(fields.seconds, 11));
    // The checksum counts its own field as spaces.
    put(148, b"        ");
    put(156, &[letter]);
    put(157, link);
    put(257, b"ustar\x0000");
    put(329, &octal(0, 7));
    put(337, &octal(0, 7));
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    for (to, from) in block.iter_mut().skip(148).zip(sum.as_bytes()) {
        *to = *from;
    }
    block
}
