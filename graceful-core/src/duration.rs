//! Durations as people write them: what `humantime` reads and writes, in a tenth of its code.

use std::fmt::Write as _;
use std::time::Duration;

use crate::text::word;

const SECOND: u64 = 1_000_000_000;

/// From the longest to the shortest, in seconds: what whole seconds are written in.
const WRITTEN: [(u64, &str); 6] =
    [(31_557_600, "year"), (2_630_016, "month"), (86_400, "day"), (3600, "h"), (60, "m"), (1, "s")];

/// What each unit may be called, and its nanoseconds. A month is a twelfth of a year, a year has a quarter of a day more than 365.
const UNITS: [(&str, u64); 10] = [
    ("nanos nsec ns", 1),
    ("usec us µs", 1000),
    ("millis msec ms", 1_000_000),
    ("seconds second secs sec s", SECOND),
    ("minutes minute mins min m", 60 * SECOND),
    ("hours hour hrs hr h", 3600 * SECOND),
    ("days day d", 86_400 * SECOND),
    ("weeks week wks wk w", 604_800 * SECOND),
    ("months month M", 2_630_016 * SECOND),
    ("years year yrs yr y", 31_557_600 * SECOND),
];

/// `20s`, `1m 30s`, `1.5h`: numbers with units, of which the sum is meant.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut nanos = 0_u64;
    let mut rest = text.trim_end();
    loop {
        let (number, behind) = divide(rest, false);
        let (name, behind) = divide(behind, true);
        nanos = nanos.checked_add(amount(number, unit(name)?)?)?;
        rest = behind;
        if rest.is_empty() {
            return Some(Duration::from_nanos(nanos));
        }
    }
}

/// What of it are letters at the beginning, or is none, and the rest.
#[inline(never)]
fn divide(text: &str, letters: bool) -> (&str, &str) {
    let end = text.find(|c: char| (c.is_ascii_alphabetic() || c == 'µ') != letters);
    text.split_at(end.unwrap_or(text.len()))
}

/// Whole seconds: `1h 30m`. Zero is nothing at all.
pub(crate) fn whole(mut seconds: u64) -> String {
    let mut text = String::new();
    for (unit, name) in WRITTEN {
        let number = seconds / unit;
        seconds %= unit;
        if number > 0 {
            append(&mut text, number, name);
        }
    }
    text
}

// Not inlined: the loop above is unrolled.
#[inline(never)]
fn append(text: &mut String, number: u64, unit: &str) {
    let space = if text.is_empty() { "" } else { " " };
    // What is written as a word has a plural.
    let plural = if number > 1 && unit.len() > 1 { "s" } else { "" };
    let _ = write!(text, "{space}{number}{unit}{plural}");
}

/// So many nanoseconds. There may be white space between the digits.
fn amount(number: &str, unit: u64) -> Option<u64> {
    let (mut whole, mut fraction) = (0_u64, 0_u64);
    // What the last digit behind the point was worth; `None` before the point.
    let mut worth = None;
    let mut has_digit = false;
    for c in number.chars() {
        match (c, worth) {
            ('0'..='9', _) => {
                has_digit = true;
                let digit = u64::from(u32::from(c) - u32::from('0'));
                match &mut worth {
                    None => whole = whole.checked_mul(10)?.checked_add(digit)?,
                    Some(worth) if *worth % 10 == 0 => {
                        *worth /= 10;
                        fraction += digit * *worth;
                    }
                    // Less than a nanosecond cannot be kept.
                    Some(_) if digit > 0 => return None,
                    Some(_) => {}
                }
            }
            ('.', None) if has_digit => {
                worth = Some(unit);
                has_digit = false;
            }
            _ if c.is_whitespace() => {}
            _ => return None,
        }
    }
    let whole = has_digit.then_some(whole)?;
    whole.checked_mul(unit)?.checked_add(fraction)
}

/// Its nanoseconds.
fn unit(name: &str) -> Option<u64> {
    UNITS.iter().find(|(names, _)| is_one_of(names, name)).map(|(_, nanos)| *nanos)
}

// Not inlined: the loop above is unrolled.
#[inline(never)]
fn is_one_of(names: &str, name: &str) -> bool {
    (0..).map_while(|place| word(names, place)).any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Vec<&'static str> {
        UNITS.iter().flat_map(|(names, _)| names.split(' ')).collect()
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            " ",
            "s",
            "1",
            "1.",
            "1.s",
            ".5s",
            "1 m s",
            "1,5s",
            "-1s",
            "1..5s",
            "1.5.5s",
            "1ss",
            "1s.5m",
            "1s 2",
            "0.5ns",
            "99999999999999999999s",
            "1µ",
            "１s",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
            assert!(humantime::parse_duration(text).is_err(), "{text:?}");
        }
        // There is room for five centuries.
        assert_eq!(parse("9999999999years"), None);
    }

    proptest! {
        #[test]
        fn reads_what_humantime_reads(
            parts in proptest::collection::vec(
                (0..100_000_u32, "(\\.[0-9]{1,9})?", "[ \t]{0,2}", proptest::sample::select(names()), " {0,2}"), 1..4),
        ) {
            let text: String = parts
                .iter()
                .map(|(number, fraction, space, unit, behind)| format!("{number}{fraction}{space}{unit}{behind}"))
                .collect();
            let ours = parse(&text);
            match humantime::parse_duration(&text) {
                // Longer ones than there is room for are beyond every limit.
                Ok(theirs) if theirs.as_nanos() <= u64::MAX.into() => prop_assert_eq!(ours, Some(theirs), "{}", text),
                Ok(_) => prop_assert_eq!(ours, None, "{}", text),
                // It keeps no fraction of a second of the long units.
                Err(humantime::DurationError::NumberOverflow) => {}
                Err(_) => prop_assert_eq!(ours, None, "{}", text),
            }
        }

        #[test]
        fn refuses_what_humantime_refuses(text in "[0-9a-zµ .]{0,8}") {
            // It takes this one without a unit; here that is for the variable to say.
            prop_assume!(text != "0");
            match humantime::parse_duration(&text) {
                Ok(theirs) if theirs.as_nanos() <= u64::MAX.into() => prop_assert_eq!(parse(&text), Some(theirs)),
                Ok(_) | Err(humantime::DurationError::NumberOverflow) => {}
                Err(_) => prop_assert_eq!(parse(&text), None),
            }
        }

        #[test]
        fn writes_what_humantime_writes(seconds in 1_u64..200_000_000_000) {
            for seconds in [seconds, seconds % 100_000 + 1] {
                let theirs = humantime::format_duration(Duration::from_secs(seconds)).to_string();
                prop_assert_eq!(whole(seconds), theirs);
            }
        }
    }
}
