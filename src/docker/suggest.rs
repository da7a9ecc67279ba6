//! "Did you mean …?"

/// The known name that `typed` most likely stands for: one that starts with it, or one that is at
/// most a third of its length away in single-letter edits. Fingers seldom miss the first letter, and a short
/// name with another one is most likely another name (`--gpus` is not `--cpus`).
pub fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    if let Some(longer) = known
        .iter()
        .find(|name| typed.len() >= 2 && name.starts_with(typed))
    {
        return Some(longer);
    }
    let farthest = |name: &str| (name.len() / 3).max(1);
    known
        .iter()
        // Any other is too far away by its length alone, and a long word takes long to compare.
        .filter(|name| typed.len() <= name.len() + farthest(name))
        .map(|name| (distance(typed.as_bytes(), name.as_bytes()), *name))
        .filter(|(distance, name)| *distance <= farthest(name) && begins_alike(typed, name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Whether the first letter is the same, perhaps swapped with the second one, left out or typed twice over.
fn begins_alike(typed: &str, name: &str) -> bool {
    let (typed, name) = (typed.as_bytes(), name.as_bytes());
    let first = |word: &[u8]| word.first().copied();
    let second = |word: &[u8]| word.get(1).copied();
    first(typed) == first(name)
        || first(typed) == second(name)
            && (second(typed) == first(name) || second(typed) == name.get(2).copied())
        || second(typed) == first(name) && name.len() > 4
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour
/// (the optimal string alignment distance).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let mut best = (last[column] + usize::from(letter != other))
                .min(last[column + 1] + 1)
                .min(current[column] + 1);
            if row > 0 && column > 0 && *letter == b[column - 1] && a[row - 1] == *other {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("rnu", "run", 1),
            ("kitten", "sitting", 3),
            ("network", "network", 0),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["network", "hostname", "workdir", "log", "log-level", "user"];
        assert_eq!(nearest("netwrok", &known), Some("network"));
        assert_eq!(nearest("net", &known), Some("network"));
        assert_eq!(nearest("work-dir", &known), Some("workdir"));
        assert_eq!(nearest("usr", &known), Some("user"));
        assert_eq!(nearest("privileged", &known), None);
        assert_eq!(nearest("x", &known), None);
        assert_eq!(nearest("gpus", &["cpus"]), None);
        assert_eq!(nearest("cups", &["cpus"]), Some("cpus"));
        assert_eq!(nearest("pcus", &["cpus"]), Some("cpus"));
        assert_eq!(nearest("etwork", &known), Some("network"));
    }
}
