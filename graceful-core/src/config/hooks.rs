//! The timeouts of hooks: settings of which only the program knows how many there are, and what they are called.

use std::time::Duration;

use super::Settings;
use super::source::Source;
use super::table::Unit;
use crate::error::StartError;
use crate::text::{owned, shown};

/// What somebody says about the timeout of a hook, before it is known which hook that is.
#[derive(Clone, Debug)]
pub(super) struct HookTimeout {
    /// Whom it is for, in capitals: `DB`.
    pub(super) called: String,
    /// As it was written.
    pub(super) text: String,
    /// What it comes to, or what to write instead: an error only once there is such a hook.
    pub(super) timeout: Result<Duration, String>,
    pub(super) source: Source,
}

/// What a hook may be called without.
const CLOSE: &str = "CLOSE_";

/// A hook that has a variable of a name of its own.
const EXTERNAL_SERVICES: &str = "EXTERNAL_SERVICES";

impl Settings {
    /// Whether there is any timeout of a hook.
    pub(crate) fn speaks_of_hooks(&self) -> bool {
        !self.hook_timeouts.is_empty()
    }

    /// The timeout that the environment or the file sets for a hook, and which of them. `hooks`: the names of all.
    #[inline(never)]
    pub(crate) fn hook_timeout(&self, hook: &str, hooks: &[&str]) -> Result<Option<(Duration, &Source)>, StartError> {
        let mut said: Option<(Duration, &Source)> = None;
        for line in self.hook_timeouts.iter().filter(|line| is_called(hook, hooks, &line.called)) {
            let timeout = match &line.timeout {
                Ok(timeout) => *timeout,
                Err(expected) => return Err(line.unusable(expected.clone())),
            };
            match said {
                Some((_, source)) if source.strength() > line.source.strength() => {}
                Some((first, source)) if source.strength() == line.source.strength() && first != timeout => {
                    let expected = format_args!("{source} sets the same to another value; set one of them");
                    return Err(line.unusable(shown(&expected)));
                }
                _ => said = Some((timeout, &line.source)),
            }
        }
        Ok(said)
    }

    /// What sets the timeout of a hook that is not there. Variables that only end like ours are somebody else's.
    #[inline(never)]
    pub(crate) fn idle_hook_settings(&self, hooks: &[&str]) -> Vec<String> {
        let mut idle = Vec::new();
        for line in &self.hook_timeouts {
            if hooks.iter().any(|hook| is_called(hook, hooks, &line.called)) {
                continue;
            }
            match &line.source {
                Source::Environment { name } if !name.starts_with("SHUTDOWN_") => {}
                Source::Environment { name } => idle.push(name.clone()),
                source => idle.push(shown(source)),
            }
        }
        idle
    }
}

impl HookTimeout {
    #[cold]
    #[inline(never)]
    fn unusable(&self, expected: String) -> StartError {
        match &self.source {
            Source::File { path, line } => StartError::File {
                path: path.clone(),
                place: Some((*line, 1)),
                problem: shown(&format_args!("the timeout {} cannot be used: {expected}", self.text)),
            },
            Source::Environment { name } => {
                StartError::Environment { name: owned(name), value: owned(&self.text), expected }
            }
            // Nobody else says such things this way.
            source => StartError::Environment { name: shown(source), value: owned(&self.text), expected },
        }
    }
}

/// Whom a variable sets the timeout of, and what a bare number counts in it: `DB` for `SHUTDOWN_DB_TIMEOUT`.
pub(super) fn named_by(variable: &str) -> Option<(&str, Unit)> {
    if let Some(name) = variable.strip_prefix("SHUTDOWN_").and_then(|rest| rest.strip_suffix("_TIMEOUT")) {
        return Some((name, Unit::Seconds));
    }
    let name = variable.strip_suffix("_SHUTDOWN_TIMEOUT_MS");
    let own = || variable.strip_suffix("_TIMEOUT_MS").filter(|name| *name == EXTERNAL_SERVICES);
    name.or_else(own).map(|name| (name, Unit::Milliseconds))
}

/// The variables that set the timeout of a hook.
#[inline(never)]
pub(super) fn variables(hook: &str) -> Vec<String> {
    let name = in_capitals(hook);
    let name = name.strip_prefix(CLOSE).unwrap_or(&name);
    let mut variables = Vec::with_capacity(3);
    variables.push(shown(&format_args!("SHUTDOWN_{name}_TIMEOUT")));
    variables.push(shown(&format_args!("{name}_SHUTDOWN_TIMEOUT_MS")));
    if name == EXTERNAL_SERVICES {
        variables.push(shown(&format_args!("{name}_TIMEOUT_MS")));
    }
    variables
}

/// Whether a hook is meant: `close_db` by `CLOSE_DB`, and by `DB` where no other hook is called so.
#[inline(never)]
fn is_called(hook: &str, hooks: &[&str], name: &str) -> bool {
    let own = in_capitals(hook);
    own == name
        || own.strip_prefix(CLOSE).is_some_and(|short| short == name)
            && !hooks.iter().any(|other| in_capitals(other) == name)
}

#[inline(never)]
pub(super) fn in_capitals(hook: &str) -> String {
    let mut name = String::new();
    for c in hook.chars() {
        name.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    name
}
