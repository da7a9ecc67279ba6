//! Lists of processors and of memory nodes, as cpuset(7) writes them: `0-3,7`.

use super::size::whole_number;

/// More than any machine has; the kernel's own limit is 8192 (NR_CPUS) at most.
const LARGEST: u64 = 65_535;

/// The list as the kernel prints it: in order, without overlaps, neighbours as one range. So two lists are
/// the same set if they are the same text. `None` if it is no list, or an empty one.
pub fn canonical(text: &[u8]) -> Option<String> {
    let mut ranges = Vec::new();
    for part in text.split(|byte| *byte == b',') {
        let mut ends = part.splitn(2, |byte| *byte == b'-');
        let first = whole_number(ends.next()?)?;
        let last = match ends.next() {
            Some(last) => whole_number(last)?,
            None => first,
        };
        if first > last || last > LARGEST {
            return None;
        }
        ranges.push((first, last));
    }
    ranges.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    let mut list = String::new();
    for (first, last) in merged {
        let separator = if list.is_empty() { "" } else { "," };
        list.push_str(separator);
        list.push_str(&first.to_string());
        if last != first {
            list.push('-');
            list.push_str(&last.to_string());
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::canonical;

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
            assert_eq!(canonical(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
