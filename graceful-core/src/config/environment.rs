//! The environment: what its variables say, and which of them nobody knows.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::hooks::{HookTimeout, named_by};
use super::source::Source;
use super::suggest::nearest;
use super::table::{Setting, SettingKind, Unit};
use super::value::{HIDDEN, SettingValue};
use super::{SECONDS, Settings};
use crate::error::StartError;

/// Where variables are looked up.
pub(crate) trait Environment {
    /// Empty ones say nothing.
    fn value(&self, name: &str) -> Option<OsString>;
    /// Names of all.
    fn names(&self) -> Vec<String>;
}

/// That of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfProcess;

impl Environment for OfProcess {
    fn value(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (name, _) in std::env::vars_os() {
            // Ours are all text.
            if let Ok(name) = name.into_string() {
                names.push(name);
            }
        }
        names
    }
}

/// The lame duck inside a cluster, when nothing is said: endpoints take some seconds to hear that a pod is not ready.
const CLUSTER_LAME_DUCK: Duration = Duration::from_secs(5);

/// Variables whose presence says that an orchestrator routes traffic here.
const CLUSTER: [&str; 3] = ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4", "NOMAD_ALLOC_ID"];

impl Settings {
    /// Takes what the variables say.
    #[inline(never)]
    pub(super) fn read_environment(&mut self, environment: &dyn Environment) -> Result<(), StartError> {
        let table = self.table();
        for setting in &table {
            let mut said: Option<(SettingValue, String)> = None;
            for (name, unit) in names(setting) {
                let Some(value) = read(environment, &name, unit, setting.kind)? else { continue };
                match &said {
                    None => said = Some((value, name)),
                    Some((first, _)) if *first == value => {}
                    Some((_, other)) => {
                        let expected = format!("{other} sets the same to another value; set one of them");
                        return Err(unusable(environment, name, setting.kind, expected));
                    }
                }
            }
            if let Some((value, name)) = said {
                self.say(setting.key, value, Source::Environment { name });
            }
        }
        for name in environment.names() {
            // What has a meaning already keeps it: SHUTDOWN_BACKGROUND_TIMEOUT is not that of a hook `background`.
            let Some((called, unit)) = named_by(&name).filter(|_| !is_known(&table, &name)) else { continue };
            let text = environment.value(&name).unwrap_or_default().to_string_lossy().into_owned();
            if text.is_empty() {
                continue;
            }
            let timeout = SECONDS.parse(&text, unit).map(|value| value.duration().unwrap_or_default());
            let called = called.to_owned();
            self.hook_timeouts.push(HookTimeout { called, text, timeout, source: Source::Environment { name } });
        }
        Ok(())
    }

    /// Variables that look like ours and are not, with what was probably meant. Those of hooks are left out: see
    /// [`idle_hook_settings`](Settings::idle_hook_settings).
    #[inline(never)]
    pub(crate) fn unknown_variables(&self, environment: &dyn Environment) -> Vec<(String, Option<&'static str>)> {
        let table = self.table();
        let mut unknown = Vec::new();
        for name in environment.names() {
            let ours = name.starts_with("SHUTDOWN_") || name.starts_with("GRACEFUL_");
            if ours && !is_known(&table, &name) && named_by(&name).is_none() {
                let meant = nearest(&name, &table);
                unknown.push((name, meant));
            }
        }
        unknown
    }
}

/// The variables of a setting.
#[inline(never)]
pub(super) fn names(setting: &Setting) -> Vec<(String, Unit)> {
    let mut names = vec![(setting.key.to_ascii_uppercase(), setting.unit())];
    for alias in setting.aliases {
        names.push((alias.name.to_owned(), alias.unit));
    }
    names
}

#[inline(never)]
fn is_known(table: &[&'static Setting], name: &str) -> bool {
    table.iter().any(|setting| {
        let own = setting.key.eq_ignore_ascii_case(name) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
        own || setting.aliases.iter().any(|alias| alias.name == name)
    })
}

/// The lame duck, when nobody says anything.
pub(super) fn lame_duck(environment: &dyn Environment) -> Duration {
    let in_cluster = CLUSTER.iter().any(|name| environment.value(name).is_some());
    if in_cluster { CLUSTER_LAME_DUCK } else { Duration::ZERO }
}

/// What one variable says. An empty one says nothing.
fn read(
    environment: &dyn Environment,
    name: &str,
    unit: Unit,
    kind: SettingKind,
) -> Result<Option<SettingValue>, StartError> {
    let Some(value) = environment.value(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    if matches!(kind, SettingKind::Path) {
        return Ok(Some(SettingValue::Path(PathBuf::from(value))));
    }
    let read = match value.to_str() {
        Some(text) => kind.parse(text, unit),
        None => Err("it is not UTF-8".to_owned()),
    };
    read.map(Some).map_err(|expected| unusable(environment, name.to_owned(), kind, expected))
}

#[cold]
#[inline(never)]
fn unusable(environment: &dyn Environment, name: String, kind: SettingKind, expected: String) -> StartError {
    let value = match kind {
        SettingKind::Secret => HIDDEN.to_owned(),
        _ => environment.value(&name).unwrap_or_default().to_string_lossy().into_owned(),
    };
    StartError::Environment { name, value, expected }
}
