//! What v1 and v2 say in other numbers, as runc and systemd convert it.

use crate::error::Error;

/// cpu.shares (2 to 262144, usually 1024) as cpu.weight (1 to 10000, usually 100): 10 to the power of a quadratic function of
/// the shares' logarithm that meets all three.
pub fn weight_of_shares(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        262_144.. => 10_000,
        shares => {
            // As many bits as the mantissa has: they are fewer than 2^18.
            let logarithm = (shares as f64).log2();
            let exponent = (logarithm * logarithm + 125.0 * logarithm) / 612.0 - 7.0 / 34.0;
            10f64.powf(exponent).ceil() as u64
        }
    }
}

/// blkio.weight (10 to 1000) as io.weight (1 to 10000).
pub fn weight_of_block_io(weight: u16) -> u64 {
    1 + u64::from(weight).saturating_sub(10) * 9999 / 990
}

/// What swap alone may be, of memory and swap together. `None`: not asked for.
pub fn swap_alone(memory: i64, together: i64) -> Result<Option<i64>, Error> {
    match (memory, together) {
        (-1, 0) => Ok(Some(-1)),
        (_, 0) => Ok(None),
        (_, -1) => Ok(Some(-1)),
        (-1, swap) => Ok(Some(swap)),
        (0, _) => Err(Error::told("unable to set swap limit without memory limit")),
        (memory, _) if memory < 0 => Err(Error::told(&format!("invalid memory value: {memory}"))),
        (memory, together) if together < memory => {
            Err(Error::told("memory+swap limit should be >= memory limit"))
        }
        (memory, together) => Ok(Some(together - memory)),
    }
}

/// A limit of v2. -1 is none.
pub fn limit(number: i64) -> String {
    match number {
        -1 => "max".to_owned(),
        number => number.to_string(),
    }
}

/// pids.max. A container that may have no process is as one that may have one: systemd has no other way to write it, and runc
/// does so with either driver.
pub fn processes(number: i64) -> String {
    match number {
        0 => "1".to_owned(),
        1.. => number.to_string(),
        _ => "max".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_weights() {
        for (shares, weight) in [
            (0, 1),
            (2, 1),
            (3, 2),
            (100, 17),
            (512, 59),
            (1024, 100),
            (2048, 174),
            (4096, 303),
            (10_000, 627),
            (262_143, 10_000),
            (262_144, 10_000),
            (u64::MAX, 10_000),
        ] {
            assert_eq!(weight_of_shares(shares), weight, "{shares}");
        }
    }

    #[test]
    fn weights_of_disks() {
        for (old, new) in [(10, 1), (100, 910), (500, 4950), (1000, 10_000), (3, 1)] {
            assert_eq!(weight_of_block_io(old), new, "{old}");
        }
    }

    #[test]
    fn swap_is_what_memory_leaves() {
        for (memory, together, swap) in [
            (100, 0, None),
            (0, 0, None),
            (100, 100, Some(0)),
            (100, 300, Some(200)),
            (100, -1, Some(-1)),
            (0, -1, Some(-1)),
            (-1, 0, Some(-1)),
            (-1, 300, Some(300)),
        ] {
            assert_eq!(
                swap_alone(memory, together).unwrap(),
                swap,
                "{memory} {together}"
            );
        }
        for (memory, together) in [(0, 100), (100, 50), (-2, 100)] {
            assert!(swap_alone(memory, together).is_err(), "{memory} {together}");
        }
    }

    #[test]
    fn limits_of_processes() {
        for (number, text) in [(-1, "max"), (-7, "max"), (0, "1"), (1, "1"), (77, "77")] {
            assert_eq!(processes(number), text);
        }
        assert_eq!([limit(-1), limit(5)], ["max", "5"]);
    }
}
