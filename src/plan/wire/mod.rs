//! The plan as bytes, for the re-executed init.
//!
//! Both sides are the same program, so there is no version to negotiate: a magic number, then each field in its order.
//! What a type looks like on the wire is a row of a table: `plan`, `root` and `types` are nothing else.

mod fields;
mod plan;
#[cfg(feature = "oci")]
mod process;
mod root;
#[cfg(test)]
pub mod samples;
mod table;
mod types;

use super::InitPlan;
pub use table::Malformed;
use table::{Unread, Wire};

const MAGIC: u32 = 0x6e61_6c70;

/// The plan as bytes.
#[cold]
#[inline(never)]
pub fn encode(plan: &InitPlan) -> Vec<u8> {
    let mut out = Vec::new();
    MAGIC.encode(&mut out);
    plan.encode(&mut out);
    out
}

/// The plan that `bytes` hold. Truncated or trailing bytes are refused.
#[cold]
#[inline(never)]
pub fn decode(bytes: &[u8]) -> Result<InitPlan, Malformed> {
    let mut input = Unread::new(bytes);
    if u32::decode(&mut input) != MAGIC {
        return Err(Malformed);
    }
    let plan = InitPlan::decode(&mut input);
    input.finish().map(|()| plan)
}

#[cfg(test)]
mod tests {
    use super::samples::{Seed, every_kind_of_step};
    use super::*;
    use crate::plan::Step;
    use std::ffi::CString;

    fn encoded<T: Wire>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        value.encode(&mut out);
        out
    }

    fn decoded<T: Wire>(bytes: &[u8]) -> Result<T, Malformed> {
        let mut input = Unread::new(bytes);
        let value = T::decode(&mut input);
        input.finish().map(|()| value)
    }

    /// One step of each kind, and all the rest of a plan.
    fn plans() -> Vec<InitPlan> {
        Wire::samples(&mut Seed::default())
    }

    /// A plan with few steps, for what is done to each of its bytes.
    fn small_plan() -> InitPlan {
        let mut plan = plans().remove(0);
        for steps in [
            &mut plan.forerunner,
            &mut plan.birth,
            &mut plan.container,
            &mut plan.process,
        ] {
            steps.truncate(3);
        }
        plan
    }

    #[test]
    fn a_plan_comes_back_as_it_was() {
        let plans = plans();
        assert!(plans.len() > 2 && plans[0].steps().count() > 300);
        for plan in plans {
            assert_eq!(decode(&encode(&plan)).as_ref(), Ok(&plan));
        }
        // By itself, so that no step takes the next one's bytes.
        for step in every_kind_of_step() {
            assert_eq!(decoded(&encoded(&step)).as_ref(), Ok(&step));
        }
        assert_eq!(
            decoded(&encoded(&CString::default())),
            Ok(CString::default())
        );
    }

    /// Two that are not the same are never the same bytes.
    #[test]
    fn every_field_is_carried_across() {
        let steps = every_kind_of_step();
        for (at, step) in steps.iter().enumerate() {
            for other in steps.iter().skip(at + 1).filter(|other| *other != step) {
                assert_ne!(encoded(step), encoded(other), "{step:?} {other:?}");
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for step in every_kind_of_step() {
            let bytes = encoded(&step);
            for end in 0..bytes.len() {
                assert_eq!(
                    decoded::<Step>(&bytes[..end]),
                    Err(Malformed),
                    "{step:?}, cut at {end}"
                );
            }
        }
        let bytes = encode(&small_plan());
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), Err(Malformed), "cut at {end}");
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat()), Err(Malformed));
        // A length that would want more memory than there is.
        assert_eq!(decode(&[&bytes[..4], &[0xff; 64]].concat()), Err(Malformed));
        // Numbers that no row has.
        let steps = every_kind_of_step();
        for number in u8::MIN..=u8::MAX {
            let known = steps.iter().any(|step| encoded(step)[0] == number);
            let bytes = [&[number], &[0; 400][..]].concat();
            assert!(
                known || decoded::<Step>(&bytes) == Err(Malformed),
                "{number}"
            );
        }
    }

    #[test]
    fn changed_bytes_never_panic() {
        let changed = |bytes: &[u8], at: usize, change: u8| {
            let mut changed = bytes.to_vec();
            changed[at] ^= change;
            changed
        };
        for change in [1, 0x80, 0xff] {
            for step in every_kind_of_step() {
                let bytes = encoded(&step);
                for at in 0..bytes.len() {
                    let _ = decoded::<Step>(&changed(&bytes, at, change));
                }
            }
            let bytes = encode(&small_plan());
            for at in 0..bytes.len() {
                let _ = decode(&changed(&bytes, at, change));
            }
        }
    }
}
