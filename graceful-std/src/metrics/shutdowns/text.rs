//! Reading the figures back: Prometheus' text, as far as we write it ourselves.
//!
//! A line that is not of that form spoils the whole, since what counts would be less than what was. What is of the form and not
//! known is left out: a later version may have written it.

use std::collections::BTreeMap;
use std::fmt;

use super::history::{BOUNDS, Durations, History, HookFigures, Last};

/// Where a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// From 1; 0: no line alone.
    line: usize,
    what: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(self.what),
            line => write!(f, "line {line} {}", self.what),
        }
    }
}

/// What is put together from several samples.
#[derive(Default)]
struct Pieces {
    /// Bound and count, as they come.
    buckets: Vec<(f64, u64)>,
    count: u64,
    sum: f64,
    at: Option<u64>,
    exit_code: Option<u8>,
    open: u64,
    /// Time and outcome of each hook, in the order of their names' first appearance.
    hooks: Vec<HookFigures>,
}

/// The figures of a text.
pub(super) fn read(text: &str) -> Result<History, Damage> {
    let mut history = History::default();
    let mut pieces = Pieces::default();
    for (nth, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let damage = |what| Damage { line: nth + 1, what };
        let sample = Sample::read(line).ok_or(damage("is no sample"))?;
        take(&sample, &mut history, &mut pieces).ok_or(damage("has a value that it cannot have"))?;
    }
    let Pieces { buckets, count, sum, at, exit_code, open, hooks } = pieces;
    let damage = Damage { line: 0, what: "the buckets of the duration do not add up" };
    history.durations = durations(&buckets, count, sum).ok_or(damage)?;
    history.last = at.map(|requested_at_unix_ms| Last { requested_at_unix_ms, exit_code, open, hooks });
    Ok(history)
}

fn take(sample: &Sample<'_>, history: &mut History, pieces: &mut Pieces) -> Option<()> {
    match sample.name {
        "graceful_shutdown_success_total" => history.successes = sample.whole()?,
        "graceful_shutdown_failure_total" => history.failures = sample.whole()?,
        "graceful_forced_shutdown_total" => history.forced = sample.whole()?,
        "graceful_shutdown_errors_total" => {
            // Those that never failed are known from elsewhere.
            if let count @ 1.. = sample.whole()? {
                history.errors.insert(sample.label("component")?.to_owned(), count);
            }
        }
        "graceful_shutdown_duration_seconds_bucket" => {
            let bound = sample.label("le")?.parse().ok()?;
            pieces.buckets.push((bound, sample.whole()?));
        }
        "graceful_shutdown_duration_seconds_count" => pieces.count = sample.whole()?,
        "graceful_shutdown_duration_seconds_sum" => pieces.sum = sample.seconds()?,
        "graceful_active_connections_at_shutdown" => pieces.open = sample.whole()?,
        "graceful_last_shutdown_timestamp_seconds" => {
            pieces.at = Some((sample.seconds()? * 1000.0).round() as u64);
        }
        "graceful_last_shutdown_exit_code" => pieces.exit_code = Some(sample.value.parse().ok()?),
        "graceful_hook_duration_seconds" => {
            let name = sample.label("name")?.to_owned();
            pieces.hooks.push(HookFigures { name, took: sample.seconds()?, outcome: String::new() });
        }
        "graceful_hook_outcome" => {
            let (name, outcome) = (sample.label("name")?, sample.label("outcome")?);
            // Their times come first, in the same order.
            let hook = pieces.hooks.iter_mut().find(|hook| hook.name == name && hook.outcome.is_empty())?;
            outcome.clone_into(&mut hook.outcome);
        }
        _ => {}
    }
    Some(())
}

/// What is in each bucket alone. Buckets with other bounds than ours begin anew: they cannot be told apart.
fn durations(buckets: &[(f64, u64)], count: u64, sum: f64) -> Option<Durations> {
    let ours = BOUNDS.into_iter().chain([f64::INFINITY]);
    if !buckets.iter().map(|(bound, _)| *bound).eq(ours) {
        return Some(Durations::default());
    }
    let mut counts = [0; BOUNDS.len() + 1];
    let mut below = 0;
    for (place, (_, up_to)) in counts.iter_mut().zip(buckets) {
        *place = up_to.checked_sub(below)?;
        below = *up_to;
    }
    (below == count).then_some(Durations { counts, sum })
}

/// `name{label="value"} 7`.
struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, String>,
    value: &'a str,
}

impl<'a> Sample<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (name, mut rest) = word(line)?;
        let mut labels = BTreeMap::new();
        if let Some(mut inside) = rest.strip_prefix('{') {
            while !inside.starts_with('}') {
                let (label, after) = word(inside)?;
                let (value, after) = quoted(after.strip_prefix("=\"")?)?;
                labels.insert(label, value);
                inside = match after.strip_prefix(',') {
                    Some(after) => after,
                    None if after.starts_with('}') => after,
                    None => return None,
                };
            }
            rest = inside.strip_prefix('}')?;
        }
        let value = rest.strip_prefix(' ')?.trim();
        (!value.is_empty() && !value.contains(char::is_whitespace)).then_some(Self { name, labels, value })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    fn whole(&self) -> Option<u64> {
        self.value.parse().ok()
    }

    fn seconds(&self) -> Option<f64> {
        self.value.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
    }
}

/// A name, and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The value of a label up to its quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Families;
    use super::super::file::page;
    use super::*;

    fn hook() -> impl Strategy<Value = HookFigures> {
        let outcome = prop::sample::select(vec!["completed", "failed", "panicked", "skipped", "timed_out"]);
        (".{0,12}", 0.0..1e6, outcome).prop_map(|(name, took, outcome)| HookFigures {
            name,
            took,
            outcome: outcome.to_owned(),
        })
    }

    fn last() -> impl Strategy<Value = Last> {
        let code = prop::option::of(any::<u8>());
        (0..10_000_000_000_000_u64, code, any::<u64>(), prop::collection::vec(hook(), 0..5)).prop_map(
            |(requested_at_unix_ms, exit_code, open, hooks)| Last { requested_at_unix_ms, exit_code, open, hooks },
        )
    }

    fn history() -> impl Strategy<Value = History> {
        let durations = (prop::array::uniform14(0..u64::from(u32::MAX)), 0.0..1e12)
            .prop_map(|(counts, sum)| Durations { counts, sum });
        // Names are the user's: quotes, line breaks and everything else.
        let errors = prop::collection::btree_map("(?s).{0,12}", 1..u64::MAX, 0..5);
        (any::<[u64; 3]>(), errors, durations, prop::option::of(last())).prop_map(
            |([successes, failures, forced], errors, durations, last)| History {
                successes,
                failures,
                forced,
                errors,
                durations,
                last,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(history in history(), service in ".{0,12}") {
            let components = vec!["connections".to_owned(), "a \"quoted\"\nname\\".to_owned()];
            let families = Families { history: history.clone(), components };
            prop_assert_eq!(read(&page(families, &service)), Ok(history));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn a_text_that_was_changed_is_read_or_refused(history in history(), at in any::<prop::sample::Index>(), c in any::<char>()) {
            let text = page(Families { history, components: Vec::new() }, "shop");
            let mut chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            chars[at] = c;
            let _ = read(&chars.iter().collect::<String>());
            let _ = read(&chars[..at].iter().collect::<String>());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, expected: &str| match read(text) {
            Ok(history) => panic!("{text:?} is {history:?}"),
            Err(damage) => assert_eq!(damage.to_string(), expected),
        };
        check("# HELP a b\n\0\0\0\0", "line 2 is no sample");
        check("a{b=\"c\"", "line 1 is no sample");
        check("a{b=\"\\x\"} 1", "line 1 is no sample");
        check("graceful_shutdown_success_total -1", "line 1 has a value that it cannot have");
        check("graceful_shutdown_success_total NaN", "line 1 has a value that it cannot have");
        let text = page(Families { history: History::default(), components: Vec::new() }, "shop");
        let text = text.replace("graceful_shutdown_duration_seconds_count{service=\"shop\"} 0", "x 0");
        assert_eq!(read(&text), Ok(History::default()));
        let text = text.replace("le=\"+Inf\"} 0", "le=\"+Inf\"} 3");
        check(&text, "the buckets of the duration do not add up");
    }

    #[test]
    fn nothing_is_no_shutdown() {
        assert_eq!(read(""), Ok(History::default()));
        assert_eq!(read("of_a_later_version{a=\"b\"} 1e9\n"), Ok(History::default()));
    }
}
