//! The names of all calls, and where they stand in the tables of this build's architectures.
//!
//! They are kept as one text, names of one length beside each other, so that neither an index nor separators are
//! needed: two lists of strings would be the largest thing in mydocker. All of it is made at compile time.

use super::architecture::{Architecture, HERE, NUMBERS};

/// The places of a name in both tables: [`NUMBERS`] where the architecture has no such call.
#[derive(Clone, Copy)]
struct Places {
    native: u16,
    compat: u16,
}

impl Places {
    const fn of(self, architecture: Architecture) -> Option<usize> {
        let place = if architecture as u8 == HERE.native as u8 {
            self.native
        } else {
            self.compat
        };
        if place as usize == NUMBERS {
            None
        } else {
            Some(place as usize)
        }
    }
}

/// Names are shorter than this.
const LENGTHS: usize = 32;

const NATIVE: [&str; NUMBERS] = all(HERE.native);
const COMPAT: [&str; NUMBERS] = match HERE.compat {
    Some(architecture) => all(architecture),
    None => [""; NUMBERS],
};
/// For each native call, where the other architecture has it.
const IN_COMPAT: [u16; NUMBERS] = places(&NATIVE, &COMPAT);
const IN_NATIVE: [u16; NUMBERS] = places(&COMPAT, &NATIVE);

/// The names of an architecture's calls, each at its place, at compile time.
pub const fn all(architecture: Architecture) -> [&'static str; NUMBERS] {
    let mut names = [""; NUMBERS];
    let mut place = 0;
    while place < NUMBERS {
        names[place] = architecture.name(place);
        place += 1;
    }
    names
}

const fn places(of: &[&str; NUMBERS], among: &[&str; NUMBERS]) -> [u16; NUMBERS] {
    let mut places = [NUMBERS as u16; NUMBERS];
    let mut place = 0;
    while place < NUMBERS {
        if !of[place].is_empty() {
            places[place] = position(among, of[place]) as u16;
        }
        place += 1;
    }
    places
}

/// Where the name stands; [`NUMBERS`] if it does not.
pub const fn position(names: &[&str; NUMBERS], name: &str) -> usize {
    let mut place = 0;
    while place < NUMBERS && !same(names[place].as_bytes(), name.as_bytes()) {
        place += 1;
    }
    place
}

pub const fn same(one: &[u8], other: &[u8]) -> bool {
    // Most differ here.
    if one.len() != other.len() || (!one.is_empty() && one[0] != other[0]) {
        return false;
    }
    let mut index = one.len();
    while index > 0 {
        index -= 1;
        if one[index] != other[index] {
            return false;
        }
    }
    true
}

/// How many names there are, and the letters of all.
const SIZE: (usize, usize) = size();
static TABLE: Table = table();

struct Table {
    text: [u8; SIZE.1],
    places: [Places; SIZE.0],
    /// The first name of each length, or where it would be.
    first: [u16; LENGTHS + 1],
}

const fn size() -> (usize, usize) {
    let (mut names, mut letters) = (0, 0);
    let mut place = 0;
    while place < NUMBERS {
        let native = NATIVE[place].len();
        letters += native;
        names += (native > 0) as usize;
        if IN_NATIVE[place] as usize == NUMBERS {
            let compat = COMPAT[place].len();
            letters += compat;
            names += (compat > 0) as usize;
        }
        place += 1;
    }
    (names, letters)
}

impl Table {
    const fn write(
        &mut self,
        (mut names, mut letters): (usize, usize),
        name: &str,
    ) -> (usize, usize) {
        let mut index = 0;
        while index < name.len() {
            self.text[letters] = name.as_bytes()[index];
            letters += 1;
            index += 1;
        }
        names += 1;
        (names, letters)
    }
}

const fn table() -> Table {
    let none = NUMBERS as u16;
    let mut table = Table {
        text: [0; SIZE.1],
        places: [Places {
            native: none,
            compat: none,
        }; SIZE.0],
        first: [0; LENGTHS + 1],
    };
    let mut end = (0, 0);
    let mut length = 1;
    while length < LENGTHS {
        table.first[length] = end.0 as u16;
        let mut place = 0;
        while place < NUMBERS {
            if NATIVE[place].len() == length {
                table.places[end.0] = Places {
                    native: place as u16,
                    compat: IN_COMPAT[place],
                };
                end = table.write(end, NATIVE[place]);
            }
            if COMPAT[place].len() == length && IN_NATIVE[place] == none {
                table.places[end.0].compat = place as u16;
                end = table.write(end, COMPAT[place]);
            }
            place += 1;
        }
        length += 1;
    }
    table.first[LENGTHS] = end.0 as u16;
    // Each of them is shorter than that.
    assert!(end.0 == SIZE.0);
    table
}

/// The names of a length, one after the other, with their places.
fn names_of(length: usize) -> impl Iterator<Item = (&'static [u8], Places)> {
    let first = |length: usize| usize::from(TABLE.first[length]);
    let before: usize = (1..length)
        .map(|shorter| (first(shorter + 1) - first(shorter)) * shorter)
        .sum();
    let names = TABLE.text[before..].chunks_exact(length);
    names.zip(
        TABLE.places[first(length)..first(length + 1)]
            .iter()
            .copied(),
    )
}

/// Where a call of this name stands in the table of an architecture of this build's.
pub fn place(architecture: Architecture, name: &str) -> Option<usize> {
    if name.is_empty() || name.len() >= LENGTHS {
        return None;
    }
    let name = name.as_bytes();
    // Most differ in the last letter, and to compare all is a call: that was 3 % of a start with a profile of 370 names.
    let is_it = |known: &[u8]| known.last() == name.last() && known == name;
    let (_, places) = names_of(name.len()).find(|(known, _)| is_it(known))?;
    places.of(architecture)
}

/// The names of the calls of an architecture of this build's, each at its place; empty where there is none.
pub fn by_place(architecture: Architecture) -> [&'static str; NUMBERS] {
    let mut names = [""; NUMBERS];
    for (name, places) in (1..LENGTHS).flat_map(names_of) {
        if let Some(place) = places.of(architecture) {
            names[place] = std::str::from_utf8(name).unwrap_or_default();
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::allowed::every_name;
    use super::*;

    #[test]
    fn every_name_of_the_rules_is_a_calls() {
        use Architecture::{Aarch64, Arm, Riscv64, X86, X86_64};
        let tables = [X86_64, X86, Aarch64, Arm, Riscv64].map(all);
        for name in every_name() {
            let knows = |table: &[&str; NUMBERS]| position(table, name) < NUMBERS;
            assert!(tables.iter().any(knows), "{name}");
        }
    }

    #[test]
    fn every_call_is_found_by_its_name() {
        for architecture in [Some(HERE.native), HERE.compat].into_iter().flatten() {
            let names = by_place(architecture);
            let mut count = 0;
            for (at, name) in names.into_iter().enumerate() {
                assert_eq!(name, architecture.name(at), "{at}");
                if !name.is_empty() {
                    count += 1;
                    assert_eq!(place(architecture, name), Some(at), "{name}");
                }
            }
            assert!(count > 300, "{count}");
        }
        for unknown in [
            "",
            "rea",
            "reads",
            "x",
            &"x".repeat(LENGTHS),
            &"x".repeat(99),
        ] {
            assert_eq!(place(HERE.native, unknown), None, "{unknown}");
        }
    }
}
