//! What is handed to a box: what to run there, and what of its caller the command is to have.
//!
//! A job is one record, the same bytes for who writes it and for who has it. Whoever takes it is a child between clone and
//! execve, so nothing of it is copied: a [`Job`] is a view of the record. The numbers are this machine's own, for both are on one
//! machine, and the same program: a box of another version has another name ([`PROTOCOL`]).

use crate::sys::affinity::Bits;
use crate::sys::pointers;
use std::ffi::CStr;

/// Changes with every change of the record, and of what a box does with it.
pub const PROTOCOL: u64 = 4;

/// The most bytes of a record, and the most strings of each of its lists. What is longer is started without a box.
pub const LONGEST: usize = 64 * 1024;
pub const MOST: usize = pointers::MOST;

/// How many resource limits there are (RLIM_NLIMITS).
pub const LIMITS: usize = 16;

/// Where one of 0, 1 and 2 comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// A descriptor that comes with the record.
    Sent,
    /// This device of the box's own /dev, by its number in the list of such.
    Own(u8),
}

/// Where 0, 1 and 2 come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    Each([Stream; 3]),
    /// One descriptor comes, a terminal, for all three.
    Terminal,
    /// One descriptor comes, a socket: the box makes a terminal on its own devpts and sends it over that.
    OwnTerminal,
}

/// What a job has beside its strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which box it is for.
    pub description: [u64; 2],
    pub streams: Streams,
    /// As getpriority(2) tells it: from 40, the most favourable, down to 1.
    pub nice: u32,
    /// Soft and hard, by the number of the resource. `None`: it is the box's own.
    pub limits: [Option<[u64; 2]>; LIMITS],
    /// The device and the inode of the directory that it starts in, if that is to be no other by the same name.
    pub place: Option<(u64, u64)>,
    /// Where in the environment the host name of the box is to stand, counted in bytes of that list.
    pub host_name_at: Option<u32>,
}

/// Words of a record's head.
const HEAD: usize = 2 + 1 + 1 + 1 + 3 + 2 * LIMITS + 2 + 2;
const WORD: usize = size_of::<u64>();

/// In the place of a soft limit: the box's own is to be kept.
const KEPT: u64 = u64::MAX - 1;

const TERMINAL: u64 = 1 << 63;
const OWN_TERMINAL: u64 = 1 << 62;
const SENT: u64 = 0xff;

/// What is to be run.
pub struct Order<'a> {
    pub directory: Option<&'a CStr>,
    pub candidates: &'a [&'a CStr],
    pub arguments: &'a [&'a CStr],
    pub environment: &'a [&'a CStr],
}

/// The record of a job. `None`: it is too long.
pub fn write(terms: &Terms, processors: &Bits, order: &Order<'_>) -> Option<Vec<u8>> {
    let lists = [order.candidates, order.arguments, order.environment];
    let processors = processors.bytes();
    let strings: usize = lists
        .into_iter()
        .flatten()
        .map(|string| string.count_bytes() + 1)
        .sum();
    let directory = order.directory.unwrap_or(c"");
    let length = HEAD * WORD + processors.len() + directory.count_bytes() + 1 + strings;
    if length > LONGEST || lists.iter().any(|list| list.len() > MOST) {
        return None;
    }
    let mut record = Vec::with_capacity(length);
    let mut word = |word: u64| record.extend(word.to_ne_bytes());
    terms.description.into_iter().for_each(&mut word);
    word(match terms.streams {
        Streams::Terminal => TERMINAL,
        Streams::OwnTerminal => OWN_TERMINAL,
        Streams::Each(streams) => (0..).zip(streams).fold(0, |all, (place, stream)| {
            let code = match stream {
                Stream::Sent => SENT,
                Stream::Own(device) => u64::from(device),
            };
            all | code << (8 * place)
        }),
    });
    word(terms.nice.into());
    word(terms.host_name_at.map_or(u64::MAX, u64::from));
    lists
        .map(|list| list.len() as u64)
        .into_iter()
        .for_each(&mut word);
    for limit in terms.limits {
        limit
            .unwrap_or([KEPT, KEPT])
            .into_iter()
            .for_each(&mut word);
    }
    let (device, inode) = terms.place.unwrap_or((u64::MAX, u64::MAX));
    [device, inode].into_iter().for_each(&mut word);
    word(processors.len() as u64);
    word(order.directory.is_some().into());
    record.extend(processors);
    record.extend(directory.to_bytes_with_nul());
    for string in lists.into_iter().flatten() {
        record.extend(string.to_bytes_with_nul());
    }
    Some(record)
}

/// Texts one behind the other, each with its terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Texts<'a> {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn iter(self) -> impl Iterator<Item = &'a CStr> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let string = CStr::from_bytes_until_nul(rest).ok()?;
            rest = rest.get(string.count_bytes().checked_add(1)?..)?;
            Some(string)
        })
        .take(self.count)
    }

    /// The first `count` strings of `bytes`, and what follows them.
    fn take(bytes: &'a [u8], count: usize) -> Option<(Self, &'a [u8])> {
        if count > MOST {
            return None;
        }
        let mut rest = bytes;
        for _ in 0..count {
            let string = CStr::from_bytes_until_nul(rest).ok()?;
            rest = rest.get(string.count_bytes().checked_add(1)?..)?;
        }
        let length = bytes.len().checked_sub(rest.len())?;
        let bytes = bytes.get(..length)?;
        Some((Self { bytes, count }, rest))
    }
}

/// A record that has come.
#[derive(Debug, PartialEq, Eq)]
pub struct Job<'a> {
    pub terms: Terms,
    /// The bits of the processors, as the kernel takes them.
    pub processors: &'a [u8],
    pub directory: Option<&'a CStr>,
    pub candidates: Texts<'a>,
    pub arguments: Texts<'a>,
    pub environment: Texts<'a>,
}

/// Words at the beginning of a record.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk::<WORD>()?;
        self.0 = rest;
        Some(u64::from_ne_bytes(*word))
    }
}

impl<'a> Job<'a> {
    /// `name` is the box's host name, which is put where the record has a place for it. `None`: it is no record.
    pub fn read(record: &'a mut [u8], name: &[u8]) -> Option<Self> {
        let place = host_name_place(record)?;
        if let Some(place) = place {
            let place = record.get_mut(place..place.checked_add(name.len())?)?;
            // A name has none, and would not end the string.
            if place.contains(&0) {
                return None;
            }
            place.copy_from_slice(name);
        }
        Self::view(record)
    }

    fn view(record: &'a [u8]) -> Option<Self> {
        let mut words = Words(record);
        let description = [words.next()?, words.next()?];
        let streams = words.next()?;
        let nice = u32::try_from(words.next()?).ok()?;
        let host_name_at = match words.next()? {
            u64::MAX => None,
            place => Some(u32::try_from(place).ok()?),
        };
        let counts = [words.next()?, words.next()?, words.next()?];
        let mut limits = [None; LIMITS];
        for limit in &mut limits {
            *limit = match [words.next()?, words.next()?] {
                [KEPT, _] => None,
                pair => Some(pair),
            };
        }
        let place = match (words.next()?, words.next()?) {
            (u64::MAX, u64::MAX) => None,
            place => Some(place),
        };
        let processors = usize::try_from(words.next()?).ok()?;
        let has_directory = words.next()? == 1;
        let (processors, rest) = words.0.split_at_checked(processors)?;
        let (directory, rest) = Texts::take(rest, 1)?;
        let directory = directory.iter().next()?;
        let [candidates, arguments, environment] = counts.map(usize::try_from);
        let (candidates, rest) = Texts::take(rest, candidates.ok()?)?;
        let (arguments, rest) = Texts::take(rest, arguments.ok()?)?;
        let (environment, rest) = Texts::take(rest, environment.ok()?)?;
        let stream = |place: u32| match streams >> (8 * place) & 0xff {
            SENT => Stream::Sent,
            code => Stream::Own(code as u8),
        };
        rest.is_empty().then_some(Self {
            terms: Terms {
                description,
                streams: match streams {
                    TERMINAL => Streams::Terminal,
                    OWN_TERMINAL => Streams::OwnTerminal,
                    _ => Streams::Each([stream(0), stream(1), stream(2)]),
                },
                nice,
                limits,
                place,
                host_name_at,
            },
            processors,
            directory: has_directory.then_some(directory),
            candidates,
            arguments,
            environment,
        })
    }
}

/// Where in a record the host name is to stand, if anywhere. `None`: it is no record.
fn host_name_place(record: &[u8]) -> Option<Option<usize>> {
    let job = Job::view(record)?;
    let Some(at) = job.terms.host_name_at else {
        return Some(None);
    };
    let at = usize::try_from(at).ok()?;
    let end = record.len().checked_sub(job.environment.bytes.len())?;
    Some(Some(end.checked_add(at)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        let mut limits = [None; LIMITS];
        limits[7] = Some([1024, u64::MAX]);
        Terms {
            description: [1, u64::MAX],
            streams: Streams::Each([Stream::Own(0), Stream::Sent, Stream::Own(2)]),
            nice: 20,
            limits,
            place: Some((7, u64::MAX)),
            host_name_at: Some(4 + 9),
        }
    }

    fn record(terms: &Terms) -> Vec<u8> {
        let order = Order {
            directory: Some(c"/tmp"),
            candidates: &[c"/bin/sh", c"/usr/bin/sh"],
            arguments: &[c"sh", c"-c", c""],
            environment: &[c"A=1", c"HOSTNAME=............", c"B="],
        };
        write(terms, &Bits::of(|number| number < 2), &order).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        for terms in [
            terms(),
            Terms {
                streams: Streams::OwnTerminal,
                place: None,
                host_name_at: None,
                ..terms()
            },
        ] {
            let mut record = record(&terms);
            let job = Job::read(&mut record, b"abcdefabcdef").unwrap();
            assert_eq!(job.terms, terms);
            let named = match terms.host_name_at {
                Some(_) => c"HOSTNAME=abcdefabcdef",
                None => c"HOSTNAME=............",
            };
            assert!(job.environment.iter().eq([c"A=1", named, c"B="]));
            assert!(job.candidates.iter().eq([c"/bin/sh", c"/usr/bin/sh"]));
            assert!(job.arguments.iter().eq([c"sh", c"-c", c""]));
            assert_eq!(job.directory, Some(c"/tmp"));
            assert_eq!(job.processors.first(), Some(&3));
        }
    }

    #[test]
    fn what_is_cut_or_longer_is_none() {
        let whole = record(&terms());
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            assert_eq!(Job::read(&mut cut, b"abcdefabcdef"), None, "{length}");
        }
        let mut longer = [whole.as_slice(), b"\0"].concat();
        assert_eq!(Job::read(&mut longer, b"x"), None);
    }

    #[test]
    fn a_host_name_never_ends_a_string_early_or_late() {
        let whole = record(&terms());
        for at in 0..64 {
            let mut record = record(&Terms {
                host_name_at: Some(at),
                ..terms()
            });
            if let Some(job) = Job::read(&mut record, b"abcdefabcdef") {
                assert_eq!(job.environment.len(), 3);
                assert_eq!(job.environment.iter().count(), 3);
            }
            assert_eq!(record.len(), whole.len());
        }
    }

    #[test]
    fn any_bytes_are_a_job_or_none() {
        let whole = record(&terms());
        for place in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[place] = byte;
                let _ = Job::read(&mut changed, b"abcdefabcdef");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let long = std::ffi::CString::new("x".repeat(LONGEST)).unwrap();
        let many = vec![c"x"; MOST + 1];
        for arguments in [&[long.as_c_str()][..], &many] {
            let order = Order {
                directory: None,
                candidates: &[],
                arguments,
                environment: &[],
            };
            assert_eq!(write(&terms(), &Bits::ALL, &order), None);
        }
    }
}
