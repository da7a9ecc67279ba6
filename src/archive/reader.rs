//! Reads an archive, member by member.

use super::header::padding;
use super::{BLOCK, Kind, Member, Moment};
use crate::sys::Errno;

/// Longer than any right header that is no content; one must not use the memory up.
const LONGEST: u64 = 1024 * 1024;

/// Where bytes come from: as read(2), 0 at the end.
type Input<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<usize, Errno>;

pub struct Reader<'a> {
    input: Input<'a>,
    /// Bytes of the member's content that have not been read, and the zeros after it.
    left: u64,
    padding: usize,
    /// Nothing has been read yet.
    is_fresh: bool,
}

/// Why an archive cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Read(Errno),
    /// What is wrong with it.
    Wrong(&'static str),
}

/// What headers before a member say of it.
#[derive(Default)]
struct Before {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    user: Option<u32>,
    group: Option<u32>,
    modified: Option<Moment>,
}

const ENDS_EARLY: Fault = Fault::Wrong("it ends in the middle");

impl<'a> Reader<'a> {
    pub fn new(input: Input<'a>) -> Self {
        Self {
            input,
            left: 0,
            padding: 0,
            is_fresh: true,
        }
    }

    /// The next member; `None` at the end. What has not been read of the one before is passed over.
    ///
    /// Errors: what is no archive.
    pub fn next_member(&mut self) -> Result<Option<Member>, Fault> {
        let mut before = Before::default();
        let mut is_announced = false;
        loop {
            self.pass_over()?;
            let mut block = [0; BLOCK];
            let is_first = std::mem::replace(&mut self.is_fresh, false);
            match self.fill(&mut block)? {
                // Some writers forget the end.
                0 if !is_first && !is_announced => return Ok(None),
                BLOCK => {}
                _ if is_first => return Err(Fault::Wrong("it is no tar archive")),
                _ => return Err(ENDS_EARLY),
            }
            if block.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            if !has_its_sum(&block) {
                return Err(what_it_is(&block, is_first));
            }
            let size = number(&block, SIZE)?;
            is_announced = true;
            match block[TYPE] {
                b'x' => before.records(&self.text(size)?)?,
                // What it says of all members is who has made them.
                b'g' => drop(self.text(size)?),
                b'L' => before.path = Some(without_end(self.text(size)?)),
                b'K' => before.link = Some(without_end(self.text(size)?)),
                _ => return self.member(&block, size, before).map(Some),
            }
        }
    }

    /// Reads the content of the member: 0 at its end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let wanted = buffer.get_mut(..most).unwrap_or_default();
        if wanted.is_empty() {
            return Ok(0);
        }
        match self.read_once(wanted)? {
            0 => Err(ENDS_EARLY),
            count => {
                self.left = self.left.saturating_sub(count as u64);
                Ok(count)
            }
        }
    }

    fn member(&mut self, block: &[u8; BLOCK], size: u64, before: Before) -> Result<Member, Fault> {
        let path = before.path.unwrap_or_else(|| path(block));
        let link = before.link.unwrap_or_else(|| field(block, LINK).to_vec());
        let size = before.size.unwrap_or(size);
        let kind = match block[TYPE] {
            // As old ones have directories.
            0 | b'0' | b'7' if path.ends_with(b"/") => Kind::Directory,
            0 | b'0' | b'7' => Kind::Regular(size),
            b'1' => Kind::HardLink(link),
            b'2' => Kind::Link(link),
            b'3' | b'4' => Kind::Device,
            b'5' => Kind::Directory,
            b'6' => Kind::Pipe,
            b'S' => return Err(Fault::Wrong("it has a sparse file, which is not read")),
            _ => return Err(Fault::Wrong("it has a member of an unknown type")),
        };
        if let Kind::Regular(size) = kind {
            self.left = size;
            self.padding = padding(size);
        }
        let is_c = |text: &[u8]| !text.is_empty() && !text.contains(&0);
        let link_is_c = match &kind {
            Kind::Link(link) | Kind::HardLink(link) => is_c(link),
            _ => true,
        };
        if !is_c(&path) || !link_is_c {
            return Err(Fault::Wrong("it has a member without a name"));
        }
        let id = |before: Option<u32>, at| match before {
            Some(id) => Ok(id),
            None => u32::try_from(number(block, at)?).map_err(|_| BAD_NUMBER),
        };
        Ok(Member {
            path,
            kind,
            mode: (number(block, MODE)? & 0o7777) as u32,
            user: id(before.user, USER)?,
            group: id(before.group, GROUP)?,
            modified: match before.modified {
                Some(modified) => modified,
                None => Moment {
                    seconds: seconds(block)?,
                    nanoseconds: 0,
                },
            },
        })
    }

    /// The content of a header that is no member.
    fn text(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > LONGEST {
            return Err(Fault::Wrong("it has a header that is too long"));
        }
        let mut text = vec![0; size as usize];
        if self.fill(&mut text)? < text.len() {
            return Err(ENDS_EARLY);
        }
        self.padding = padding(size);
        Ok(text)
    }

    fn pass_over(&mut self) -> Result<(), Fault> {
        let mut buffer = [0; 4096];
        while self.read(&mut buffer)? > 0 {}
        let padding = std::mem::take(&mut self.padding);
        let zeros = buffer.get_mut(..padding).unwrap_or_default();
        // Nor do some writers fill the last block up.
        self.fill(zeros).map(drop)
    }

    /// Reads as much as there is room for, or is there.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_once(rest)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    fn read_once(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match (self.input)(buffer) {
                Ok(count) => return Ok(count.min(buffer.len())),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Fault::Read(errno)),
            }
        }
    }
}

/// A field of a header: where it begins, and its length.
type Field = (usize, usize);

const NAME: Field = (0, 100);
const MODE: Field = (100, 8);
const USER: Field = (108, 8);
const GROUP: Field = (116, 8);
const SIZE: Field = (124, 12);
const MODIFIED: Field = (136, 12);
const CHECKSUM: Field = (148, 8);
const TYPE: usize = 156;
const LINK: Field = (157, 100);
const MAGIC: Field = (257, 6);
const PREFIX: Field = (345, 155);

const BAD_NUMBER: Fault = Fault::Wrong("it has a number that is none");

fn bytes(block: &[u8; BLOCK], (start, length): Field) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// A text, up to its end.
fn field(block: &[u8; BLOCK], at: Field) -> &[u8] {
    let bytes = bytes(block, at);
    let end = bytes.iter().position(|byte| *byte == 0);
    bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default()
}

fn path(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = field(block, NAME);
    // GNU's old format has times there.
    let is_ustar = bytes(block, MAGIC) == b"ustar\0";
    match field(block, PREFIX) {
        prefix if is_ustar && !prefix.is_empty() => [prefix, b"/", name].concat(),
        _ => name.to_vec(),
    }
}

/// A number in octal digits, or, if its first bit is set, in bytes.
fn number(block: &[u8; BLOCK], at: Field) -> Result<u64, Fault> {
    let bytes = bytes(block, at);
    match bytes.split_first() {
        Some((first @ 0x80.., rest)) => rest
            .iter()
            .try_fold(u64::from(first & 0x7f), |number, byte| {
                number.checked_mul(256)?.checked_add(u64::from(*byte))
            })
            .ok_or(BAD_NUMBER),
        _ => {
            let is_filling = |byte: &u8| matches!(byte, b' ' | 0);
            let start = bytes.iter().position(|byte| *byte != b' ');
            let digits = bytes.get(start.unwrap_or(0)..).unwrap_or_default();
            let end = digits.iter().position(is_filling).unwrap_or(digits.len());
            let (digits, filling) = digits.split_at(end);
            let number = digits.iter().try_fold(0u64, |number, digit| {
                let digit = char::from(*digit).to_digit(8)?;
                number.checked_mul(8)?.checked_add(digit.into())
            });
            let number = number.filter(|_| filling.iter().all(is_filling));
            number.ok_or(BAD_NUMBER)
        }
    }
}

/// When a member was changed; what is before 1970 is 1970.
fn seconds(block: &[u8; BLOCK]) -> Result<i64, Fault> {
    if bytes(block, MODIFIED).first() == Some(&0xff) {
        return Ok(0);
    }
    i64::try_from(number(block, MODIFIED)?).map_err(|_| BAD_NUMBER)
}

/// Whether the header's sum is right, of bytes or, as old writers had it, of signed ones.
fn has_its_sum(block: &[u8; BLOCK]) -> bool {
    let (start, length) = CHECKSUM;
    let counted = |at: usize, byte: u8| match at.checked_sub(start) {
        Some(inside) if inside < length => b' ',
        _ => byte,
    };
    let bytes = || {
        block
            .iter()
            .enumerate()
            .map(|(at, byte)| counted(at, *byte))
    };
    let unsigned: u64 = bytes().map(u64::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte as i8)).sum();
    number(block, CHECKSUM).is_ok_and(|sum| sum == unsigned || i64::try_from(sum) == Ok(signed))
}

#[cold]
fn what_it_is(block: &[u8; BLOCK], is_first: bool) -> Fault {
    let packed: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];
    Fault::Wrong(if !is_first {
        "it is damaged: a header's checksum is wrong"
    } else if packed.iter().any(|magic| block.starts_with(magic)) {
        "it is compressed, and no tar archive yet: decompress it before"
    } else {
        "it is no tar archive"
    })
}

fn without_end(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().position(|byte| *byte == 0);
    text.truncate(end.unwrap_or(text.len()));
    text
}

impl Before {
    /// `LENGTH KEY=VALUE`, one after the other.
    fn records(&mut self, mut text: &[u8]) -> Result<(), Fault> {
        const BAD: Fault = Fault::Wrong("it has a pax header that is none");
        while !text.is_empty() {
            let space = text.iter().position(|byte| *byte == b' ').ok_or(BAD)?;
            let length = decimal(text.get(..space).unwrap_or_default()).ok_or(BAD)?;
            let length = usize::try_from(length).map_err(|_| BAD)?;
            let record = text.get(space + 1..length).ok_or(BAD)?;
            let record = record.strip_suffix(b"\n").ok_or(BAD)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(BAD)?;
            let (key, value) = record.split_at(equals);
            let value = value.get(1..).unwrap_or_default();
            self.record(key, value).ok_or(BAD)?;
            text = text.get(length..).unwrap_or_default();
        }
        match (&self.path, &self.link) {
            (Some(path), _) if path.is_empty() => self.path = None,
            (_, Some(link)) if link.is_empty() => self.link = None,
            _ => {}
        }
        Ok(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let id = |value| u32::try_from(decimal(value)?).ok();
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = Some(decimal(value)?),
            b"uid" => self.user = Some(id(value)?),
            b"gid" => self.group = Some(id(value)?),
            b"mtime" => self.modified = Some(moment(value)?),
            // Else the content would be taken for the file's.
            _ if key.starts_with(b"GNU.sparse") => return None,
            _ => {}
        }
        Some(())
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let number = digits.iter().try_fold(0u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    });
    number.filter(|_| !digits.is_empty())
}

/// `1350244992.023960108`; what is before 1970 is 1970.
fn moment(text: &[u8]) -> Option<Moment> {
    if text.starts_with(b"-") {
        return Some(Moment::default());
    }
    let point = text.iter().position(|byte| *byte == b'.');
    let (seconds, fraction) = text.split_at(point.unwrap_or(text.len()));
    let digits = fraction.iter().skip(1).chain(std::iter::repeat(&b'0'));
    let nanoseconds = digits.take(9).try_fold(0, |number, digit| {
        Some(number * 10 + char::from(*digit).to_digit(10)?)
    });
    Some(Moment {
        seconds: i64::try_from(decimal(seconds)?).ok()?,
        nanoseconds: nanoseconds?,
    })
}
