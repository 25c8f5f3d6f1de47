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
use crate::text::{owned, same, shown};

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
            self.read_setting(environment, setting)?;
        }
        for name in environment.names() {
            // What has a meaning already keeps it: SHUTDOWN_BACKGROUND_TIMEOUT is not that of a hook `background`.
            if let Some((called, unit)) = named_by(&name)
                && !is_known(&table, &name)
            {
                self.note_hook(environment, called, unit, &name);
            }
        }
        Ok(())
    }

    /// Takes what the variables of one setting say, which must all be the same.
    #[inline(never)]
    fn read_setting(&mut self, environment: &dyn Environment, setting: &Setting) -> Result<(), StartError> {
        let mut first: Option<&str> = None;
        let names = names(setting);
        for (name, unit) in &names {
            let Some(value) = read(environment, name, *unit, setting.kind)? else { continue };
            let Some(other) = first else {
                first = Some(name);
                self.say(setting.key, value, Source::Environment { name: owned(name) });
                continue;
            };
            if read(environment, other, unit_of(&names, other), setting.kind)? != Some(value) {
                let expected = shown(&format_args!("{other} sets the same to another value; set one of them"));
                return Err(unusable(environment, name, setting.kind, expected));
            }
        }
        Ok(())
    }

    /// Notes what a variable says of a hook, which may come later.
    #[inline(never)]
    fn note_hook(&mut self, environment: &dyn Environment, called: &str, unit: Unit, name: &str) {
        let text = text(environment, name);
        if text.is_empty() {
            return;
        }
        let timeout = SECONDS.parse(&text, unit).map(|value| value.duration().unwrap_or_default());
        let source = Source::Environment { name: owned(name) };
        self.hook_timeouts.push(HookTimeout { called: owned(called), text, timeout, source });
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
    let mut names = Vec::with_capacity(1 + setting.aliases.len());
    let mut own = owned(setting.key);
    own.make_ascii_uppercase();
    names.push((own, setting.unit()));
    for alias in setting.aliases {
        names.push((owned(alias.name), alias.unit));
    }
    names
}

fn unit_of(names: &[(String, Unit)], name: &str) -> Unit {
    names.iter().find(|(known, _)| known == name).map_or(Unit::Seconds, |(_, unit)| *unit)
}

#[inline(never)]
fn is_known(table: &[&'static Setting], name: &str) -> bool {
    table.iter().any(|setting| {
        let own = same(setting.key.as_bytes(), name.as_bytes()) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
        own || setting.aliases.iter().any(|alias| alias.name == name)
    })
}

/// The lame duck, when nobody says anything.
pub(super) fn lame_duck(environment: &dyn Environment) -> Duration {
    let in_cluster = CLUSTER.iter().any(|name| environment.value(name).is_some());
    if in_cluster { CLUSTER_LAME_DUCK } else { Duration::ZERO }
}

/// What one variable says. An empty one says nothing.
#[inline(never)]
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
        None => Err(owned("it is not UTF-8")),
    };
    read.map(Some).map_err(|expected| unusable(environment, name, kind, expected))
}

/// What stands there, as far as it is text.
#[inline(never)]
fn text(environment: &dyn Environment, name: &str) -> String {
    environment.value(name).unwrap_or_default().to_string_lossy().into_owned()
}

#[cold]
#[inline(never)]
fn unusable(environment: &dyn Environment, name: &str, kind: SettingKind, expected: String) -> StartError {
    let value = match kind {
        SettingKind::Secret => owned(HIDDEN),
        _ => text(environment, name),
    };
    StartError::Environment { name: owned(name), value, expected }
}
