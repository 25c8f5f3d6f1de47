//! The environment: what its variables say, and which of them nobody knows.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::Settings;
use super::source::Source;
use super::suggest::nearest;
use super::table::{Setting, SettingKind, Unit};
use super::value::{HIDDEN, SettingValue};
use crate::error::StartError;

/// Where variables are looked up.
pub(crate) trait Environment {
    fn value(&self, name: &str) -> Option<OsString>;
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
            names.extend(name.into_string());
        }
        names
    }
}

/// The lame duck inside a cluster, when nothing is said: endpoints take some seconds to hear that a pod is not ready.
const CLUSTER_LAME_DUCK: Duration = Duration::from_secs(5);

/// Variables whose presence says that an orchestrator routes traffic here.
const CLUSTER: [&str; 3] = ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4", "NOMAD_ALLOC_ID"];

/// Variables that begin so are meant for us.
const OURS: [&str; 2] = ["SHUTDOWN_", "GRACEFUL_"];

impl Settings {
    /// Takes what the variables say.
    pub(super) fn read_environment(&mut self, environment: &dyn Environment) -> Result<(), StartError> {
        for setting in self.table() {
            if let Some((value, name)) = said(environment, setting)? {
                self.say(setting.key, value, Source::Environment { name });
            }
        }
        Ok(())
    }

    /// Variables that look like ours and are not, with what was probably meant. Those of hooks are left out: see
    /// [`idle_hook_settings`](Settings::idle_hook_settings).
    pub(crate) fn unknown_variables(&self, environment: &dyn Environment) -> Vec<(String, Option<String>)> {
        let table = self.table();
        let known: Vec<String> = table.iter().flat_map(|setting| setting.variables()).collect();
        let mut unknown = Vec::new();
        for name in environment.names() {
            let ours = OURS.iter().any(|prefix| name.starts_with(prefix));
            if ours && !known.contains(&name) && super::hooks::named_by(&name).is_none() {
                let meant = nearest(&name, &mut known.iter().map(String::as_str)).map(str::to_owned);
                unknown.push((name, meant));
            }
        }
        unknown
    }
}

/// The lame duck, when nobody says anything.
pub(super) fn lame_duck(environment: &dyn Environment) -> Duration {
    let in_cluster = CLUSTER.iter().any(|name| environment.value(name).is_some());
    if in_cluster { CLUSTER_LAME_DUCK } else { Duration::ZERO }
}

/// What the variables of a setting say, and which of them it is. All that are set must say the same.
fn said(environment: &dyn Environment, setting: &Setting) -> Result<Option<(SettingValue, String)>, StartError> {
    let own = [(setting.key.to_ascii_uppercase(), setting.unit())];
    let aliases = setting.aliases.iter().map(|alias| (alias.name.to_owned(), alias.unit));
    agreed(environment, own.into_iter().chain(aliases), setting.kind)
}

/// What variables say that mean the same.
pub(super) fn agreed(
    environment: &dyn Environment,
    variables: impl Iterator<Item = (String, Unit)>,
    kind: SettingKind,
) -> Result<Option<(SettingValue, String)>, StartError> {
    let mut said: Option<(SettingValue, String)> = None;
    for (name, unit) in variables {
        let Some(value) = read(environment, &name, unit, kind)? else { continue };
        match &said {
            None => said = Some((value, name)),
            Some((first, _)) if *first == value => {}
            Some((_, other)) => {
                let expected = format!("{other} sets the same to another value; set one of them");
                return Err(unusable(environment, name, kind, expected));
            }
        }
    }
    Ok(said)
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

fn unusable(environment: &dyn Environment, name: String, kind: SettingKind, expected: String) -> StartError {
    let value = match kind {
        SettingKind::Secret => HIDDEN.to_owned(),
        _ => environment.value(&name).unwrap_or_default().to_string_lossy().into_owned(),
    };
    StartError::Environment { name, value, expected }
}
