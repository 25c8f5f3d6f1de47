//! What a setting is set to, and how it is written.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LONGEST;
use super::table::{SettingKind, Unit};
use crate::observe::show;
use crate::text::{number, owned, same, shown};

/// What a setting is set to.
#[derive(Clone)]
#[non_exhaustive]
pub enum SettingValue {
    /// Of [`SettingKind::Duration`].
    Duration(Duration),
    /// Of [`SettingKind::Number`].
    Number(u64),
    /// Of [`SettingKind::Path`].
    Path(PathBuf),
    /// Of [`SettingKind::Secret`]. Neither `Debug` nor `Display` shows it.
    Secret(String),
    /// Of [`SettingKind::Switch`].
    Switch(Switch),
    /// Of [`SettingKind::Choice`] (as the table spells it) and [`SettingKind::Text`].
    Text(String),
}

/// A setting that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `false`, `0`, `no`, `off`.
    Off,
    /// `true`, `1`, `yes`, `on`.
    On,
}

/// What stands for a secret wherever it would be shown.
pub(super) const HIDDEN: &str = "***";

impl SettingValue {
    /// The span of time, if it is one.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        if let Self::Duration(duration) = self { Some(*duration) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The path, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        if let Self::Path(path) = self { Some(path) } else { None }
    }

    /// The position of the switch, if it is one.
    #[must_use]
    pub fn switch(&self) -> Option<Switch> {
        if let Self::Switch(switch) = self { Some(*switch) } else { None }
    }

    /// The text, if it is one; a secret too.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Secret(text) | Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Paths are the same when they are written the same: to compare their parts takes kilobytes of code.
impl PartialEq for SettingValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Duration(one), Self::Duration(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => one == other,
            (Self::Path(one), Self::Path(other)) => one.as_os_str() == other.as_os_str(),
            (Self::Switch(one), Self::Switch(other)) => one == other,
            (Self::Secret(one), Self::Secret(other)) | (Self::Text(one), Self::Text(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for SettingValue {}

/// As it would be written; `***` for a secret.
impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(duration) => f.write_str(&show(*duration)),
            Self::Number(number) => number.fmt(f),
            Self::Path(path) => path.display().fmt(f),
            Self::Secret(_) => f.write_str(HIDDEN),
            Self::Switch(Switch::Off) => f.write_str("false"),
            Self::Switch(Switch::On) => f.write_str("true"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// As [`Display`](fmt::Display): what is in a log by accident must not be a secret.
impl fmt::Debug for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl SettingKind {
    /// Reads a value, a bare number in `unit`. The error says what to write.
    #[inline(never)]
    pub(crate) fn parse(&self, text: &str, unit: Unit) -> Result<SettingValue, String> {
        let word = text.trim();
        match *self {
            Self::Choice(words) => {
                if let Some(known) = words.iter().find(|known| same(known.as_bytes(), word.as_bytes())) {
                    return Ok(SettingValue::Text(owned(known)));
                }
            }
            Self::Duration { least, .. } => return duration(word, unit, least).map(SettingValue::Duration),
            Self::Number { least, most } => match number(word, 10) {
                Some(number) if (least..=most).contains(&number) => return Ok(SettingValue::Number(number)),
                _ => {}
            },
            Self::Path => return Ok(SettingValue::Path(PathBuf::from(owned(text)))),
            Self::Secret => return Ok(SettingValue::Secret(owned(text))),
            Self::Switch => {
                if let Some(switch) = switch(word) {
                    return Ok(SettingValue::Switch(switch));
                }
            }
            Self::Text => return Ok(SettingValue::Text(owned(text))),
        }
        Err(self.cure())
    }

    /// What to write, where a word is not one of them.
    #[cold]
    #[inline(never)]
    fn cure(&self) -> String {
        match self {
            Self::Choice(words) => {
                let mut cure = owned("write one of");
                for word in *words {
                    cure.push_str(if cure.ends_with("of") { " " } else { ", " });
                    cure.push_str(word);
                }
                cure
            }
            Self::Number { least, most } => format!("write a number from {least} to {most}"),
            _ => owned("write true or false"),
        }
    }
}

fn switch(word: &str) -> Option<Switch> {
    const WORDS: [&str; 8] = ["false", "0", "no", "off", "true", "1", "yes", "on"];
    let place = WORDS.iter().position(|known| same(known.as_bytes(), word.as_bytes()))?;
    Some(if place < 4 { Switch::Off } else { Switch::On })
}

#[inline(never)]
fn duration(word: &str, unit: Unit, least: Duration) -> Result<Duration, String> {
    let name = match unit {
        Unit::Milliseconds => "milliseconds",
        Unit::Seconds => "seconds",
    };
    let read = match (number(word, 10), unit) {
        (Some(number), Unit::Milliseconds) => Some(Duration::from_millis(number)),
        (Some(number), Unit::Seconds) => Some(Duration::from_secs(number)),
        _ => crate::duration::parse(word),
    };
    match read {
        None => Err(shown(&format_args!("write a whole number of {name}, or a duration as in 20s or 1m 30s"))),
        Some(duration) if duration > LONGEST => Err(owned("at most 24h")),
        Some(duration) if duration < least => Err(shown(&format_args!("at least {}", show(least)))),
        Some(duration) => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: SettingKind = SettingKind::Duration { unit: Unit::Seconds, least: Duration::from_millis(5) };

    #[test]
    fn what_is_written() {
        let check = |kind: SettingKind, text: &str, expected: Result<SettingValue, &str>| {
            assert_eq!(kind.parse(text, Unit::Seconds), expected.map_err(str::to_owned), "{text:?}");
        };
        let words = SettingKind::Choice(&["json", "text"]);
        check(words, " JSON ", Ok(SettingValue::Text("json".into())));
        check(words, "xml", Err("write one of json, text"));
        for word in ["true", "1", "Yes", "ON"] {
            check(SettingKind::Switch, word, Ok(SettingValue::Switch(Switch::On)));
        }
        for word in ["FALSE", "0", "no", "off "] {
            check(SettingKind::Switch, word, Ok(SettingValue::Switch(Switch::Off)));
        }
        check(SettingKind::Switch, "2", Err("write true or false"));
        let number = SettingKind::Number { least: 1, most: 9 };
        check(number, " 9", Ok(SettingValue::Number(9)));
        for wrong in ["0", "10", "-1", "1.5", "many", ""] {
            check(number, wrong, Err("write a number from 1 to 9"));
        }
        check(DURATION, "20", Ok(SettingValue::Duration(Duration::from_secs(20))));
        check(DURATION, "1m 30s", Ok(SettingValue::Duration(Duration::from_secs(90))));
        check(DURATION, "4ms", Err("at least 5ms"));
        check(DURATION, "25h", Err("at most 24h"));
        check(DURATION, "soon", Err("write a whole number of seconds, or a duration as in 20s or 1m 30s"));
        assert_eq!(DURATION.parse("1500", Unit::Milliseconds), Ok(SettingValue::Duration(Duration::from_millis(1500))));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = SettingKind::Secret.parse("hunter2", Unit::Seconds).expect("any text");
        assert_eq!((format!("{secret} {secret:?}"), secret.text()), ("*** ***".to_owned(), Some("hunter2")));
    }

    proptest::proptest! {
        /// What is shown can be written: to the precision that people read, it is the same again.
        #[test]
        fn what_is_shown_reads_back(millis in 5..86_400_000_u64, number in 1..9_u64) {
            let value = SettingValue::Duration(Duration::from_millis(millis));
            let again = DURATION.parse(&value.to_string(), Unit::Seconds).expect("a duration");
            let exact = again.duration().expect("a duration").as_millis();
            proptest::prop_assert!(exact.abs_diff(u128::from(millis)) <= 5, "{}: {}", value, exact);
            let value = SettingValue::Number(number);
            let again = SettingKind::Number { least: 1, most: 9 }.parse(&value.to_string(), Unit::Seconds);
            proptest::prop_assert_eq!(again, Ok(value));
        }
    }
}
