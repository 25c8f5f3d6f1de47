//! What the user probably meant.

/// The candidate that is a slip of the finger away from `word`.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may differ: more, and the suggestion is a guess.
    let close = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= close)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, removed, replaced or swapped with their neighbour, ignoring case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut next = vec![i];
        for j in 1..=right.len() {
            let same = left[i - 1] == right[j - 1];
            let mut cost = (row[j - 1] + usize::from(!same)).min(row[j] + 1).min(next[j - 1] + 1);
            let swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                cost = cost.min(before[j - 2] + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn check(word: &str, expected: Option<&str>) {
        let keys = ["order", "timeout", "name", "phase", "crate", "lame_duck"];
        assert_eq!(nearest(word, keys), expected, "{word}");
    }

    #[test]
    fn slips_are_recognised_and_guesses_are_not_made() {
        check("timout", Some("timeout"));
        check("tiemout", Some("timeout"));
        check("Timeout", Some("timeout"));
        check("time_out", Some("timeout"));
        check("oder", Some("order"));
        check("lame-duck", Some("lame_duck"));
        check("nam", Some("name"));
        check("priority", None);
        check("x", None);
        check("", None);
    }
}
