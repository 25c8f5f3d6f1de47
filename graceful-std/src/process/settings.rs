//! The settings of monitoring.

use graceful_core::__private::{Contribution, inventory};
use graceful_core::{App, Setting, SettingKind, Switch};

static SETTINGS: &[Setting] = &[
    Setting {
        key: "process_monitoring_enabled",
        kind: SettingKind::Switch,
        default: "true",
        aliases: &[],
        about: "off: memory and processor time of the process are not watched",
    },
    Setting {
        key: "memory_threshold_mb",
        kind: SettingKind::Number { least: 1, most: 1 << 30 },
        default: "",
        aliases: &[],
        about: "above so many megabytes of resident memory the service is degraded",
    },
    Setting {
        key: "cpu_threshold_percent",
        kind: SettingKind::Number { least: 1, most: 1_000_000 },
        default: "",
        aliases: &[],
        about: "above so many percent of one processor the service is degraded",
    },
];

inventory::submit! { Contribution { feature: "process", settings: SETTINGS, reader: None } }

/// What was said; `None` is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) monitoring: Switch,
    pub(super) memory_mb: Option<u64>,
    pub(super) cpu_percent: Option<u64>,
}

impl Settings {
    pub(super) fn of(app: &App) -> Self {
        let number = |key| app.setting(key)?.number();
        Self {
            monitoring: app
                .setting("process_monitoring_enabled")
                .and_then(|value| value.switch())
                .unwrap_or(Switch::On),
            memory_mb: number("memory_threshold_mb"),
            cpu_percent: number("cpu_threshold_percent"),
        }
    }
}
