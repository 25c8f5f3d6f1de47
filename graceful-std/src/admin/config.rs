//! The settings in effect, each with who said so.

use graceful_core::{App, EffectiveSetting};
use serde_json::{Value, json};

/// A secret is `***` in there already.
pub(super) fn config(app: &App) -> Value {
    app.settings().iter().map(shown).collect()
}

fn shown(setting: &EffectiveSetting) -> Value {
    let EffectiveSetting { key, value, source, default, variables, about, .. } = setting;
    json!({"key": key, "value": value, "source": source, "default": default, "variables": variables, "about": about})
}
