//! The timeouts of hooks: settings of which only the program knows how many there are, and what they are called.

use std::time::Duration;

use super::environment::{Environment, OfProcess, agreed};
use super::source::Source;
use super::table::Unit;
use super::value::SettingValue;
use super::{Access, SECONDS, Settings};
use crate::error::StartError;

/// The timeout of a hook, as a file says it.
#[derive(Clone, Debug)]
pub(super) struct HookTimeout {
    pub(super) hook: String,
    pub(super) timeout: Duration,
    pub(super) source: Source,
}

/// What a hook may be called without.
const CLOSE: &str = "CLOSE_";

/// A hook that has a variable of a name of its own.
const EXTERNAL_SERVICES: &str = "EXTERNAL_SERVICES";

impl Settings {
    /// The timeout that the environment or the file sets for a hook, and which of them. `hooks`: the names of all.
    pub(crate) fn hook_timeout(&self, hook: &str, hooks: &[&str]) -> Result<Option<(Duration, Source)>, StartError> {
        let from_environment = match self.access {
            Access::Closed => None,
            Access::Open => self.hook_variable(&OfProcess, hook, hooks)?,
        };
        if from_environment.is_some() {
            return Ok(from_environment);
        }
        let callings = callings(hook, hooks);
        let mut said: Option<&HookTimeout> = None;
        for line in self.hook_timeouts.iter().filter(|line| callings.contains(&in_capitals(&line.hook))) {
            match said {
                Some(first) if first.timeout != line.timeout => {
                    let Source::File { path, line: number } = &line.source else { continue };
                    let problem = format!(
                        "hooks.{} and hooks.{} set the same to different values; set one of them",
                        first.hook, line.hook
                    );
                    return Err(StartError::File { path: path.clone(), place: Some((*number, 1)), problem });
                }
                _ => said = Some(line),
            }
        }
        Ok(said.map(|line| (line.timeout, line.source.clone())))
    }

    pub(super) fn hook_variable(
        &self,
        environment: &dyn Environment,
        hook: &str,
        hooks: &[&str],
    ) -> Result<Option<(Duration, Source)>, StartError> {
        let mut variables = variables(hook, hooks);
        // What has a meaning already keeps it: SHUTDOWN_BACKGROUND_TIMEOUT is not that of a hook `background`.
        let table = self.table();
        variables.retain(|(name, _)| !table.iter().any(|setting| setting.variables().contains(name)));
        Ok(match agreed(environment, variables.into_iter(), SECONDS)? {
            Some((SettingValue::Duration(timeout), name)) => Some((timeout, Source::Environment { name })),
            _ => None,
        })
    }

    /// What sets the timeout of a hook that is not there: variables, and lines of the file; with the hook's name.
    pub(crate) fn idle_hook_settings(&self, environment: &dyn Environment, hooks: &[&str]) -> Vec<String> {
        let mut idle = Vec::new();
        if self.access == Access::Open {
            let table = self.table();
            let mut used: Vec<String> = table.iter().flat_map(|setting| setting.variables()).collect();
            for hook in hooks {
                used.extend(variables(hook, hooks).into_iter().map(|(name, _)| name));
            }
            idle.extend(
                environment.names().into_iter().filter(|name| named_by(name).is_some() && !used.contains(name)),
            );
        }
        for line in &self.hook_timeouts {
            let name = in_capitals(&line.hook);
            if !hooks.iter().any(|hook| callings(hook, hooks).contains(&name)) {
                idle.push(format!("hooks.{}", line.hook));
            }
        }
        idle
    }
}

/// The variables that set the timeout of a hook.
pub(super) fn variables(hook: &str, hooks: &[&str]) -> Vec<(String, Unit)> {
    let mut variables = Vec::new();
    for name in callings(hook, hooks) {
        variables.push((format!("SHUTDOWN_{name}_TIMEOUT"), Unit::Seconds));
        variables.push((format!("{name}_SHUTDOWN_TIMEOUT_MS"), Unit::Milliseconds));
        if name == EXTERNAL_SERVICES {
            variables.push((format!("{name}_TIMEOUT_MS"), Unit::Milliseconds));
        }
    }
    variables
}

/// The hook that a variable seems to be for: `DB` of `SHUTDOWN_DB_TIMEOUT`.
pub(super) fn named_by(variable: &str) -> Option<&str> {
    variable.strip_prefix("SHUTDOWN_")?.strip_suffix("_TIMEOUT")
}

/// What a hook is called by those who set its timeout: `close_db` is `CLOSE_DB`, and `DB` where no other hook is.
fn callings(hook: &str, hooks: &[&str]) -> Vec<String> {
    let name = in_capitals(hook);
    let short = name.strip_prefix(CLOSE).filter(|short| !hooks.iter().any(|hook| in_capitals(hook) == *short));
    let mut callings: Vec<String> = Vec::new();
    callings.extend(short.map(str::to_owned));
    callings.push(name);
    callings
}

fn in_capitals(hook: &str) -> String {
    hook.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
