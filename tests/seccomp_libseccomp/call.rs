//! One call, and what both filters answer it.

use super::*;

/// A call, and the rules that name it.
pub struct Call {
    pub architecture: u32,
    pub name: Option<&'static str>,
    pub number: u32,
    pub rules: Vec<Value>,
    pub default: u32,
    pub is_newer: bool,
}

impl Call {
    pub fn compare(
        &self,
        ours: &[Instruction],
        theirs: &[Instruction],
        random: &mut fastrand::Rng,
        count: &mut Count,
    ) {
        let is_mixed_up = self.is_mixed_up();
        let constants: [Vec<u64>; 6] = std::array::from_fn(|index| constants(&self.rules, index));
        let total: usize = constants.iter().map(Vec::len).sum();
        let around = (0..(total * 8).min(400))
            .map(|_| std::array::from_fn(|index| near(&constants[index], random)));
        for arguments in around.chain([[0; 6], [u64::MAX; 6]]).collect::<Vec<_>>() {
            // The kernel does not look at more.
            let seen = match self.architecture {
                COMPAT_ARCHITECTURE => arguments.map(|argument: u64| argument & 0xffff_ffff),
                _ => arguments,
            };
            let meant = match self.name {
                Some(name) => meaning(&self.rules, name, &seen),
                None => Vec::new(),
            };
            let one = simulate(ours, self.architecture, self.number, arguments).0;
            let other = match self.is_newer {
                true => ENOSYS,
                false => simulate(theirs, self.architecture, self.number, arguments).0,
            };
            let context = || {
                format!(
                    "{:?} ({:#x}) {arguments:#x?}: {:#?}",
                    self.name, self.number, self.rules
                )
            };
            // (Numbers without a name are x32's, and others that no rule can name.)
            if self.name.is_some() {
                let meant = meant.first().copied().unwrap_or(self.default);
                assert_eq!(
                    one,
                    meant,
                    "what we answer is not what it says: {}",
                    context()
                );
            }
            count.asked += 1;
            if is_mixed_up {
                count.mixed_up += 1;
            } else if meant.iter().any(|fate| *fate != meant[0]) {
                count.contradictions += 1;
                assert!(
                    meant.contains(&other),
                    "{other:#x}, not one of {meant:x?}: {}",
                    context()
                );
            } else {
                assert_eq!(
                    one,
                    other,
                    "we answer otherwise than libseccomp: {}",
                    context()
                );
            }
        }
    }

    /// Whether the rules are of those that libseccomp mixes up.
    fn is_mixed_up(&self) -> bool {
        let all: Vec<Value> = self.rules.iter().flat_map(ways).flatten().collect();
        let is_equality = |condition: &&Value| {
            ["SCMP_CMP_EQ", "SCMP_CMP_MASKED_EQ"].contains(&condition["op"].as_str().unwrap())
        };
        // Halves that it drops.
        let is_cut = |condition: &Value| {
            let values = [&condition["value"], &condition["valueTwo"]];
            let mut values = values.into_iter().filter_map(Value::as_u64);
            self.architecture == COMPAT_ARCHITECTURE && values.any(|value| value >> 32 != 0)
        };
        (0..6).any(|index| {
            let mine: Vec<&Value> = all
                .iter()
                .filter(|condition| condition["index"] == index)
                .collect();
            mine.len() > 1 && !mine.iter().all(is_equality)
        }) || all.iter().any(is_cut)
    }
}

/// What the rules compare this argument with.
fn constants(rules: &[Value], index: usize) -> Vec<u64> {
    let all = rules
        .iter()
        .filter_map(|rule| rule["args"].as_array())
        .flatten();
    let mine = all.filter(|condition| condition["index"] == index);
    mine.flat_map(|condition| [&condition["value"], &condition["valueTwo"]])
        .filter_map(Value::as_u64)
        .collect()
}

/// One of the constants, or something that is nearly one.
fn near(constants: &[u64], random: &mut fastrand::Rng) -> u64 {
    let Some(constant) = random.choice(constants) else {
        return [0, random.u64(..)][random.usize(..2)];
    };
    match random.u8(..10) {
        0..3 => *constant,
        3 => constant.wrapping_add(1),
        4 => constant.wrapping_sub(1),
        5 => constant ^ 1 << random.u8(..64),
        // Only one half of it right.
        6 => constant & 0xffff_ffff | random.u64(..) << 32,
        7 => constant & !0xffff_ffff | u64::from(random.u32(..)),
        8 => constant.rotate_left(32),
        _ => random.u64(..),
    }
}
