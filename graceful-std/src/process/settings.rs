//! What the environment says of monitoring.

use std::env;
use std::ops::RangeInclusive;

use graceful_core::StartError;

/// A petabyte: more is a slip of the pen.
const MEMORY: RangeInclusive<u64> = 1..=1 << 30;

/// A thousand cores.
const CPU: RangeInclusive<u64> = 1..=100_000;

/// Whether there are checks at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Monitoring {
    Off,
    On,
}

/// What was said; `None` is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) monitoring: Monitoring,
    pub(super) memory_mb: Option<u64>,
    pub(super) cpu_percent: Option<u64>,
}

impl Settings {
    pub(super) fn from_env() -> Result<Self, StartError> {
        Self::read(|name| {
            let value = env::var_os(name)?;
            // What is no text is no value of any of them either, and is shown as far as it can be.
            Some(value.to_string_lossy().into_owned())
        })
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        // Nothing but blanks is how a template leaves a variable out.
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let number = |name: &str, range: RangeInclusive<u64>, unit: &str| {
            variable(name).map(|value| number(name, value, range, unit)).transpose()
        };
        Ok(Self {
            monitoring: match variable("PROCESS_MONITORING_ENABLED") {
                Some(value) => switch("PROCESS_MONITORING_ENABLED", value)?,
                None => Monitoring::On,
            },
            memory_mb: number("MEMORY_THRESHOLD_MB", MEMORY, "megabytes")?,
            cpu_percent: number("CPU_THRESHOLD_PERCENT", CPU, "percent of a core")?,
        })
    }
}

fn switch(name: &str, value: String) -> Result<Monitoring, StartError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "on" | "true" | "yes" => Ok(Monitoring::On),
        "0" | "false" | "no" | "off" => Ok(Monitoring::Off),
        _ => Err(unusable(name, value, "write true or false".to_owned())),
    }
}

fn number(name: &str, value: String, range: RangeInclusive<u64>, unit: &str) -> Result<u64, StartError> {
    match value.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => {
            let (least, most) = range.into_inner();
            Err(unusable(name, value, format!("write a whole number of {unit} from {least} to {most}, without a unit")))
        }
    }
}

fn unusable(name: &str, value: String, expected: String) -> StartError {
    StartError::Environment { name: name.to_owned(), value, expected }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_said_counts() {
        let nothing = Settings { monitoring: Monitoring::On, memory_mb: None, cpu_percent: None };
        assert_eq!(read(&[]), Ok(nothing));
        assert_eq!(read(&[("MEMORY_THRESHOLD_MB", " ")]), Ok(nothing));
        assert_eq!(
            read(&[("MEMORY_THRESHOLD_MB", "512"), ("CPU_THRESHOLD_PERCENT", " 90 ")]),
            Ok(Settings { memory_mb: Some(512), cpu_percent: Some(90), ..nothing })
        );
        for (word, monitoring) in [("OFF", Monitoring::Off), ("no", Monitoring::Off), ("True", Monitoring::On)] {
            assert_eq!(read(&[("PROCESS_MONITORING_ENABLED", word)]), Ok(Settings { monitoring, ..nothing }));
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_with_what_to_write() {
        let check = |name: &str, value: &str, expected: &str| {
            let error = read(&[(name, value)]).expect_err("refused");
            assert_eq!(error, format!("environment variable {name}={value:?} cannot be used: {expected}"));
        };
        let memory = "write a whole number of megabytes from 1 to 1073741824, without a unit";
        for value in ["512MB", "0", "-1", "0.5", "1073741825", "99999999999999999999", "much"] {
            check("MEMORY_THRESHOLD_MB", value, memory);
        }
        check(
            "CPU_THRESHOLD_PERCENT",
            "90%",
            "write a whole number of percent of a core from 1 to 100000, without a unit",
        );
        check("PROCESS_MONITORING_ENABLED", "perhaps", "write true or false");
    }

    proptest! {
        #[test]
        fn a_value_within_bounds_or_an_error_that_names_it(value in "\\PC{0,20}|[0-9]{1,22}") {
            match read(&[("MEMORY_THRESHOLD_MB", &value)]) {
                Ok(Settings { memory_mb: Some(number), .. }) => prop_assert!(MEMORY.contains(&number)),
                Ok(_) => prop_assert!(value.trim().is_empty()),
                Err(error) => prop_assert!(error.contains("MEMORY_THRESHOLD_MB"), "{error}"),
            }
        }
    }
}
