//! The settings as they are in effect: for `GRACEFUL=config`, and for whoever shows them.

use std::fmt::Write as _;

use super::Settings;
use super::hooks;
use super::source::Source;
use crate::lifecycle::hooks::{DEFAULT_HOOK_TIMEOUT, PlannedHook};
use crate::lifecycle::json::{Item, Json};
use crate::observe::show;
use crate::text::{owned, shown};

/// A setting with what it is set to, and who said so. Secrets are shown as `***`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EffectiveSetting {
    /// Its key in a settings file; `hooks.close_db` for the timeout of a hook.
    pub key: String,
    /// What it is set to. Empty: nothing.
    pub value: String,
    /// Who said so: `default`, `attribute`, `service.toml:3`, `environment SHUTDOWN_DRAIN`, `builder`.
    pub source: String,
    /// What holds when nobody says anything.
    pub default: &'static str,
    /// The environment variables that set it.
    pub variables: Vec<String>,
    /// What it does.
    pub about: &'static str,
}

impl Settings {
    /// Every setting of the table, and the timeouts of these hooks.
    #[inline(never)]
    pub(crate) fn effective(&self, planned: &[PlannedHook]) -> Vec<EffectiveSetting> {
        let mut all = Vec::new();
        for setting in self.table() {
            let (value, source) = match self.said(setting.key) {
                Some((value, source)) => (shown(value), source),
                None => (owned(setting.default), &Source::Default),
            };
            all.push(EffectiveSetting {
                key: owned(setting.key),
                value,
                source: shown(source),
                default: setting.default,
                variables: setting.variables(),
                about: setting.about,
            });
        }
        let names: Vec<&str> = planned.iter().map(|hook| hook.name.as_str()).collect();
        for hook in planned {
            // What cannot be read was refused when the hook was added.
            let said = match self.hook_timeout(&hook.name, &names) {
                Ok(Some((_, source))) => source,
                _ => unsaid(hook),
            };
            all.push(EffectiveSetting {
                key: shown(&format_args!("hooks.{}", hook.name)),
                value: show(hook.timeout),
                source: shown(said),
                default: "5s",
                variables: hooks::variables(&hook.name),
                about: "the timeout of the hook",
            });
        }
        all
    }
}

/// Who set the timeout of a hook that neither environment nor file speaks of.
fn unsaid(hook: &PlannedHook) -> &'static Source {
    match hook.origin {
        _ if hook.timeout == DEFAULT_HOOK_TIMEOUT => &Source::Default,
        Some(_) => &Source::Attribute,
        None => &Source::Builder,
    }
}

/// The settings as a table.
pub(crate) fn text(service: &str, settings: &[EffectiveSetting]) -> String {
    let width = settings.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
    let mut text = format!("settings of {service}:\n");
    for EffectiveSetting { key, value, source, .. } in settings {
        let value = if value.is_empty() { "-" } else { value };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {key:<width$}  {value:<10}  {source}");
    }
    text
}

/// The settings as JSON.
pub(crate) fn json(service: &str, settings: &[EffectiveSetting]) -> String {
    // Members are in the order of the alphabet.
    Json::document(|json| {
        json.put("schema", Item::Number(1));
        json.put("service", Item::Text(service));
        json.list("settings", settings, |json, setting| {
            json.put("about", Item::Text(setting.about));
            json.put("default", Item::Text(setting.default));
            json.put("key", Item::Text(&setting.key));
            json.put("source", Item::Text(&setting.source));
            json.put("value", Item::Text(&setting.value));
            json.texts("variables", &setting.variables);
        });
    })
}
