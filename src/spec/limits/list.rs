//! Sets of processors and of memory nodes, as cpuset(7) writes them: `0-3,7`.

use std::fmt;

/// More than any machine has; the kernel's own limit is 8192 (NR_CPUS) at most.
const LARGEST: u32 = 65_535;

/// Numbers of processors, or of memory nodes. Two sets are the same if they are equal: their ranges are in order,
/// and neighbours are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NumberSet {
    /// First and last.
    ranges: Vec<(u32, u32)>,
}

impl NumberSet {
    /// The set that `text` lists. `None` if it is no list, or an empty one.
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut listed = Vec::new();
        for part in text.split(|byte| *byte == b',') {
            let number = |end| u32::try_from(whole_number(end)?).ok();
            let mut ends = part.splitn(2, |byte| *byte == b'-');
            let first = number(ends.next()?)?;
            let last = match ends.next() {
                Some(last) => number(last)?,
                None => first,
            };
            if first > last || last > LARGEST {
                return None;
            }
            listed.push((first, last));
        }
        listed.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::with_capacity(listed.len());
        for (first, last) in listed {
            match ranges.last_mut() {
                Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
                _ => ranges.push((first, last)),
            }
        }
        Some(Self { ranges })
    }

    /// The set of this number alone.
    pub fn of(number: u32) -> Self {
        Self {
            ranges: vec![(number, number)],
        }
    }

    pub fn count(&self) -> u32 {
        let sizes = self.ranges.iter().map(|(first, last)| last - first + 1);
        sizes.sum()
    }

    /// What both have, if there is something.
    pub fn common(&self, other: &Self) -> Option<Self> {
        let mut ranges = Vec::new();
        for (first, last) in &self.ranges {
            for (other_first, other_last) in &other.ranges {
                let (first, last) = (*first.max(other_first), *last.min(other_last));
                if first <= last {
                    ranges.push((first, last));
                }
            }
        }
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    pub fn contains(&self, number: u32) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&number))
    }
}

impl fmt::Display for NumberSet {
    /// As the kernel prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (first, last) in &self.ranges {
            write!(f, "{separator}{first}")?;
            if last != first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

/// Digits and nothing else.
pub fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::NumberSet;

    #[test]
    fn lists_are_the_kernels() {
        for (text, expected) in [
            ("0", Some("0")),
            ("0,1", Some("0-1")),
            ("3,0-1", Some("0-1,3")),
            ("0-3,2-5,9", Some("0-5,9")),
            ("1,1", Some("1")),
            ("", None),
            ("1-0", None),
            ("a", None),
            ("0,", None),
            ("0-", None),
            ("-1", None),
            ("0-1-2", None),
            ("0-99999999", None),
        ] {
            let found = NumberSet::new(text.as_bytes()).map(|set| set.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_listed_is_in_it() {
        let set = NumberSet::new(b"64-66,3").unwrap();
        let inside: Vec<u32> = (0..200).filter(|number| set.contains(*number)).collect();
        assert_eq!(inside, [3, 64, 65, 66]);
        assert_eq!(set.count(), 4);
    }
}
