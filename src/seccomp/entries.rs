//! From what is said of calls by their names to a filter: what docker's profiles and config.json have in common.
//!
//! What is said of a call without looking at its arguments wins over what is said with a look at them, as in
//! libseccomp; among several, the first one that holds. Calls that no entry names get the default. Those of
//! an architecture that is not listed do not exist, and, unless the default lets calls through, those
//! that are newer than all that are named do not either, as with runc: programs have another way then, and
//! take EPERM for an answer.

use super::architecture::{Architecture, HERE, NUMBERS};
use super::multiplexer::{MULTIPLEXED, Said, combined, multiplexers};
use super::names;
use super::program::NOTHING;
use super::runs::Runs;
use super::{Action, Check, Comparison, Condition, Leaf, Rule, Rules, compile};
use crate::sys::seccomp::{Instruction, LONGEST};

/// What an entry says of the calls that it names.
pub struct SyscallEntry<'a> {
    names: Vec<&'a str>,
    /// Conditions that hold together; alternatives. One without any holds always.
    ways: Vec<Vec<Condition>>,
    action: Action,
}

impl<'a> SyscallEntry<'a> {
    /// What becomes of these calls under these conditions.
    pub fn new(names: Vec<&'a str>, conditions: Vec<Condition>, action: Action) -> Self {
        Self {
            names,
            ways: ways(conditions),
            action,
        }
    }

    /// Where the calls stand in an architecture's table, each once; after its end, those that can be made through
    /// another one. A name that we do not know belongs to another architecture, or to a newer kernel: no call has it
    /// here.
    fn places(&self, architecture: Architecture) -> Vec<usize> {
        let mut named = [false; NUMBERS + MULTIPLEXED.len()];
        for name in &self.names {
            if let Some(place) = names::place(architecture, name) {
                named[place] = true;
            }
            if !multiplexers(architecture).is_empty() {
                let index = MULTIPLEXED.iter().position(|call| call.name == *name);
                if let Some(index) = index {
                    named[NUMBERS + index] = true;
                }
            }
        }
        (0..named.len()).filter(|place| named[*place]).collect()
    }
}

/// The filter of `entries`, for native programs and, if they are listed, 32-bit ones.
///
/// Errors: it is too long.
pub fn assemble(
    entries: &[SyscallEntry<'_>],
    otherwise: Action,
    lists_compat: bool,
) -> Result<Vec<Instruction>, String> {
    let mut checked = Vec::new();
    let native = leaves(HERE.native, entries, otherwise, &mut checked)?;
    let compat = match HERE.compat.filter(|_| lists_compat) {
        Some(architecture) => Some(leaves(architecture, entries, otherwise, &mut checked)?),
        None => None,
    };
    let checks: Vec<Check<'_>> = checked
        .iter()
        .map(|(rules, otherwise)| Check {
            rules,
            otherwise: *otherwise,
        })
        .collect();
    let compat = compat.as_ref().map(Runs::of);
    let rules = Rules {
        native: &Runs::of(&native),
        compat: compat.as_ref(),
        checks: &checks,
    };
    // Most are short; and what is written to is memory that is new to the process.
    for room in [SHORT, LONGEST] {
        let mut kept = vec![NOTHING; room];
        let length = compile::write(&mut kept, HERE, rules);
        if length <= room {
            return Ok(kept.split_off(room - length));
        }
    }
    Err(too_long())
}

/// Whether 32-bit programs of this machine are listed.
pub fn lists_compat(names: &[&str]) -> bool {
    let lists = |architecture: Architecture| names.contains(&architecture.profile_name());
    HERE.compat.is_some_and(lists)
}

/// As many instructions as most profiles take.
const SHORT: usize = 512;

#[cold]
fn too_long() -> String {
    format!("it takes more instructions than the kernel takes, {LONGEST}")
}

/// What becomes of one architecture's calls. Checks are added to `checked`.
fn leaves<'a>(
    architecture: Architecture,
    entries: &'a [SyscallEntry<'_>],
    otherwise: Action,
    checked: &mut Vec<(Vec<Rule<'a>>, Action)>,
) -> Result<[Leaf; NUMBERS], String> {
    let places: Vec<Vec<usize>> = entries
        .iter()
        .map(|entry| entry.places(architecture))
        .collect();
    let counted: Vec<(&SyscallEntry<'_>, &[usize])> = entries
        .iter()
        .zip(places.iter().map(Vec::as_slice))
        .filter(|(entry, _)| entry.action != otherwise)
        .collect();
    let said = said(&counted)?;
    let mut leaves = unnamed(architecture, &places, otherwise);
    let mut check = |leaf: &mut Leaf, rules: Vec<Rule<'a>>, otherwise| {
        if !rules.is_empty() {
            *leaf = Leaf::Check(checked.len() as u16);
            checked.push((rules, otherwise));
        }
    };
    for (leaf, of_it) in leaves.iter_mut().zip(&said) {
        if let Some(action) = of_it.always {
            *leaf = Leaf::Action(action);
        } else {
            check(leaf, of_it.rules.clone(), otherwise);
        }
    }
    for name in multiplexers(architecture) {
        if let Some(place) = names::place(architecture, name) {
            let rules = combined(name, &said[place], &said[NUMBERS..], otherwise);
            let otherwise = match leaves[place] {
                Leaf::Action(action) => action,
                Leaf::Check(_) | Leaf::Listed(..) => otherwise,
            };
            check(&mut leaves[place], rules, otherwise);
        }
    }
    Ok(leaves)
}

/// What becomes of calls that no entry names.
fn unnamed(
    architecture: Architecture,
    places: &[Vec<usize>],
    otherwise: Action,
) -> [Leaf; NUMBERS] {
    let mut leaves = [Leaf::Action(otherwise); NUMBERS];
    let counts_on = |place: &usize| *place < NUMBERS && !architecture.is_arm_alone(*place);
    let newest = places.iter().flatten().copied().filter(counts_on).max();
    if let Some(newest) = newest.filter(|_| !otherwise.lets_through()) {
        for place in (newest + 1..NUMBERS).filter(counts_on) {
            leaves[place] = Leaf::Action(Action::ENOSYS);
        }
    }
    leaves
}

/// What is said of each call, in the order of [`SyscallEntry::places`].
fn said<'a>(entries: &[(&'a SyscallEntry<'_>, &[usize])]) -> Result<Vec<Said<'a>>, String> {
    let mut said = vec![Said::default(); NUMBERS + MULTIPLEXED.len()];
    for (entry, places) in entries {
        if entry.ways.iter().any(Vec::is_empty) {
            for place in *places {
                said[*place].always.get_or_insert(entry.action);
            }
        }
    }
    let mut rules = 0;
    for (entry, places) in entries {
        for place in *places {
            if said[*place].always.is_some() {
                continue;
            }
            // Each takes more than one instruction, and too many of them a lot of memory.
            rules += entry.ways.len();
            if rules > LONGEST {
                return Err(too_long());
            }
            let ways = entry.ways.iter().map(|conditions| Rule {
                conditions,
                action: entry.action,
            });
            said[*place].rules.extend(ways);
        }
    }
    Ok(said)
}

/// docker's rule, which it has from before conditions could be combined: they hold together, but where two look at
/// the same argument any of them will do.
fn ways(conditions: Vec<Condition>) -> Vec<Vec<Condition>> {
    let mut seen = [false; 6];
    let mut again =
        |condition: &Condition| std::mem::replace(&mut seen[usize::from(condition.argument)], true);
    let mut ways: Vec<Vec<Condition>> = if conditions.iter().any(&mut again) {
        conditions.into_iter().map(|one| vec![one]).collect()
    } else {
        vec![conditions]
    };
    // Of what is masked to nothing, nothing is looked at, to libseccomp neither.
    for way in &mut ways {
        way.retain(|condition| condition.comparison != Comparison::Masked(0));
    }
    ways
}
