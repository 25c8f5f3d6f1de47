//! What a service is asked about its settings, and what it tells of them.

use super::app::{App, Lifecycle};
use crate::config::{Access, EffectiveSetting, OfProcess, SettingValue};
use crate::observe::{Field, add};
use crate::text::shown;

/// Settings.
impl App {
    /// What a setting is set to, by its key in a settings file: what the strongest source says, or the default of the table.
    ///
    /// `None` when nobody said anything and there is no default, and for a key that is in no table. The timeout of a hook is in
    /// the plan, and not here.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<SettingValue> {
        self.inner.settings.value(key)
    }

    /// Every setting in effect, with who said so: the table, then the timeouts of the hooks.
    #[must_use]
    pub fn settings(&self) -> Vec<EffectiveSetting> {
        let hooks = self.inner.lifecycle().machine.plan().hooks().to_vec();
        self.inner.settings.effective(&hooks)
    }

    /// Tells what of the settings is worth a line: the file, and what nobody knows.
    #[inline(never)]
    pub(crate) fn tell_settings(&self) {
        let settings = &self.inner.settings;
        if let Some(path) = settings.file() {
            self.observer().info("settings file read", [("path", shown(&path.display()).into())]);
        }
        if settings.access == Access::Closed {
            return;
        }
        for (name, meant) in settings.unknown_variables(&OfProcess) {
            let mut fields: Vec<Field> = vec![("name", name.into())];
            if let Some(meant) = meant {
                add(&mut fields, "did_you_mean", meant.to_ascii_uppercase().into());
            }
            self.observer().warn("unknown variable", fields);
        }
    }

    /// Tells which timeouts are those of hooks that nobody added until now.
    #[inline(never)]
    pub(crate) fn tell_idle_settings(&self, lifecycle: &Lifecycle) {
        let hooks: Vec<&str> = lifecycle.machine.plan().hooks().iter().map(|hook| hook.name.as_str()).collect();
        for name in self.inner.settings.idle_hook_settings(&hooks) {
            self.observer()
                .warn("timeout of an unknown hook", [("name", name.into()), ("hooks", hooks.join(",").into())]);
        }
    }
}
