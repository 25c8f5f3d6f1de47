//! What was probably meant.

/// The candidate that is a slip of the finger away from `word`.
pub(super) fn nearest<'a>(word: &str, candidates: &mut dyn Iterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may differ: more, and the suggestion is a guess.
    let mut closest = (word.len() / 3).max(1) + 1;
    let mut nearest = None;
    for candidate in candidates {
        let distance = distance(word.as_bytes(), candidate.as_bytes());
        if distance < closest {
            closest = distance;
            nearest = Some(candidate);
        }
    }
    nearest
}

/// How many bytes must be added, removed or replaced.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(!l.eq_ignore_ascii_case(r));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_guesses_are_not_made() {
        let check = |word: &str, expected: Option<&str>| {
            let keys = ["SHUTDOWN_TIMEOUT", "SHUTDOWN_DRAIN", "GRACEFUL", "GRACEFUL_LOG"];
            assert_eq!(nearest(word, &mut keys.into_iter()), expected, "{word}");
        };
        check("SHUTDOWN_TIMOUT", Some("SHUTDOWN_TIMEOUT"));
        check("shutdown-drain", Some("SHUTDOWN_DRAIN"));
        check("SHUTDOWN_DRIAN", Some("SHUTDOWN_DRAIN"));
        check("GRACEFULL", Some("GRACEFUL"));
        check("GRACEFUL_LOGS", Some("GRACEFUL_LOG"));
        check("SHUTDOWN_HOOK_ORDER_OF_MINE", None);
        check("", None);
    }
}
