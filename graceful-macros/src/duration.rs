//! Durations written as text: `"250ms"`, `"5s"`, `"1m 30s"`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;
use crate::options::Key;
use crate::spanned::Spanned;

/// No budget of a shutdown is longer than this; what is, is a slip (`"30h"`, or `"1M"`, a month, for a minute).
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest interval of a periodic task.
pub(crate) const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Which durations make sense for an option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) zero: Zero,
    pub(crate) most: Duration,
}

/// What `"0s"` means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Zero {
    /// The step is left out.
    Allowed,
    /// It would make no sense, and this is what to do instead.
    Refused(&'static str),
}

/// Reads the duration that `key` was given.
pub(crate) fn resolve(text: &Spanned<String>, key: Key, bounds: Bounds, errors: &mut Errors) -> Option<Duration> {
    match check(&text.value, key, bounds) {
        Ok(duration) => Some(duration),
        Err(message) => {
            errors.at(text, message);
            None
        }
    }
}

/// The expression that makes the duration again, usable in a constant.
pub(crate) fn expand(duration: Duration) -> TokenStream {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanos))
}

/// The expression for a duration that may be absent.
pub(crate) fn expand_option(duration: Option<Duration>) -> TokenStream {
    match duration.map(expand) {
        Some(duration) => quote!(::core::option::Option::Some(#duration)),
        None => quote!(::core::option::Option::None),
    }
}

fn check(text: &str, key: Key, bounds: Bounds) -> Result<Duration, String> {
    let Key { name, .. } = key;
    let trimmed = text.trim();
    if !trimmed.is_empty() && trimmed.chars().all(|char| char.is_ascii_digit()) {
        let write = key.write(&format!("\"{trimmed}s\""));
        return Err(format!("`{name} = \"{text}\"` has no unit; write {write}"));
    }
    let duration = humantime::parse_duration(trimmed).map_err(|error| {
        let write = key.written();
        format!("`{name} = \"{text}\"` is not a duration ({error}); write for example {write}")
    })?;
    if let (Duration::ZERO, Zero::Refused(instead)) = (duration, bounds.zero) {
        return Err(format!("`{name}` must be longer than zero; {instead}"));
    }
    if duration > bounds.most {
        let most = bounds.most.as_secs() / (60 * 60);
        let write = key.written();
        return Err(format!(
            "`{name} = \"{text}\"` is longer than {most}h; write for example {write} (`m` is a minute, `M` a month)"
        ));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { name: "timeout", example: "\"5s\"" };

    fn check(text: &str, zero: Zero, expected: Result<Duration, &str>) {
        let bounds = Bounds { zero, most: DAY };
        let actual = super::check(text, KEY, bounds);
        match (&actual, expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(*actual, expected, "{text}"),
            (Err(actual), Err(part)) => assert!(actual.contains(part), "{text}: {actual}"),
            _ => panic!("{text}: {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn durations_need_a_unit_and_sense() {
        let refused = Zero::Refused("remove it");
        check("5s", refused, Ok(Duration::from_secs(5)));
        check(" 250ms ", refused, Ok(Duration::from_millis(250)));
        check("1m 30s", refused, Ok(Duration::from_secs(90)));
        check("24h", refused, Ok(DAY));
        check("0s", Zero::Allowed, Ok(Duration::ZERO));
        check("0s", refused, Err("longer than zero; remove it"));
        check("0ms", refused, Err("longer than zero"));
        check("5", refused, Err("has no unit; write `timeout = \"5s\"`"));
        check("0", Zero::Allowed, Err("has no unit; write `timeout = \"0s\"`"));
        check("", refused, Err("is not a duration (value was empty)"));
        check("soon", refused, Err("is not a duration"));
        check("5 parsecs", refused, Err("is not a duration"));
        check("-5s", refused, Err("is not a duration"));
        check("99999999999999999999s", refused, Err("is not a duration"));
        check("25h", refused, Err("is longer than 24h"));
        check("1M", refused, Err("`m` is a minute, `M` a month"));
    }
}
