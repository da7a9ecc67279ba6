//! What was given more than once, among what may be tens of thousands: sorted, not searched for each.

/// For each name, whether it is the last of its kind.
pub fn last_of_each<T: Ord>(names: &[T]) -> Vec<bool> {
    let mut order: Vec<(&T, usize)> = names.iter().zip(0..).collect();
    order.sort_unstable();
    let mut last = vec![true; names.len()];
    for pair in order.windows(2) {
        if let [(name, index), (next, _)] = pair {
            last[*index] = name != next;
        }
    }
    last
}

/// For each name, whether it is the first of its kind.
pub fn first_of_each<T: Ord>(names: &[T]) -> Vec<bool> {
    let reversed: Vec<&T> = names.iter().rev().collect();
    let mut first = last_of_each(&reversed);
    first.reverse();
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last() {
        let names = ["a", "b", "a", "c", "a"];
        assert_eq!(last_of_each(&names), [false, true, false, true, true]);
        assert_eq!(first_of_each(&names), [true, true, false, true, false]);
        assert!(last_of_each::<u8>(&[]).is_empty());
    }

    /// A name that counts how often it is compared.
    #[derive(PartialEq, Eq)]
    struct Counted<'a>(u32, &'a std::cell::Cell<usize>);

    impl Ord for Counted<'_> {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.1.set(self.1.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted<'_> {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }

    #[test]
    fn many_variables_are_not_each_compared_with_all() {
        const MANY: u32 = 1 << 16;
        let count = std::cell::Cell::new(0);
        // Every name twice, far apart.
        let names: Vec<Counted<'_>> = (0..MANY)
            .map(|index| Counted(index.wrapping_mul(40_503) % (MANY / 2), &count))
            .collect();
        let last = last_of_each(&names);
        assert_eq!(last.iter().filter(|last| **last).count(), 1 << 15);
        assert!(last[1 << 15..].iter().all(|last| *last));
        assert!(count.get() < 40 << 16, "{}", count.get());
    }
}
