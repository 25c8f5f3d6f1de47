//! What was probably meant.

use super::table::Setting;

/// The key of the table that is a slip of the finger away from `word`, in capitals where `word` is a variable's name; as the
/// variable that is called like that key, or like one of its other names.
#[inline(never)]
pub(super) fn nearest(word: &str, table: &[&'static Setting]) -> Option<&'static str> {
    // A third of the letters may differ: more, and the suggestion is a guess.
    let mut closest = (word.len() / 3).max(1) + 1;
    let mut nearest = None;
    for setting in table {
        let aliases = setting.aliases.iter().map(|alias| alias.name);
        for name in std::iter::once(setting.key).chain(aliases) {
            let distance = distance(word.as_bytes(), name.as_bytes());
            if distance < closest {
                closest = distance;
                nearest = Some(name);
            }
        }
    }
    nearest
}

/// How many bytes must be added, removed or replaced, in capitals or not.
#[inline(never)]
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
    use super::super::table::SETTINGS;
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_guesses_are_not_made() {
        let table: Vec<_> = SETTINGS.iter().collect();
        let check = |word: &str, expected: Option<&str>| assert_eq!(nearest(word, &table), expected, "{word}");
        check("SHUTDOWN_TIMOUT", Some("shutdown_timeout"));
        check("shutdown-drain", Some("shutdown_drain"));
        check("SHUTDOWN_DRIAN", Some("shutdown_drain"));
        check("ENABLE_CONNECTIONS_DRAINING", Some("ENABLE_CONNECTION_DRAINING"));
        check("GRACEFULL", Some("graceful"));
        check("GRACEFUL_LOGS", Some("graceful_log"));
        check("SHUTDOWN_HOOK_ORDER_OF_MINE", None);
        check("", None);
    }
}
