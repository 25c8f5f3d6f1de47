//! The settings of the admin API.

use std::path::PathBuf;

use graceful_core::__private::{Contribution, inventory};
use graceful_core::{App, Setting, SettingKind};

static SETTINGS: &[Setting] = &[
    Setting {
        key: "admin_prefix",
        kind: SettingKind::Text,
        default: "/admin",
        aliases: &[],
        about: "where the admin API is mounted",
    },
    Setting {
        key: "admin_token",
        kind: SettingKind::Secret,
        default: "",
        aliases: &[],
        about: "the bearer token of the admin API; it needs one on any address but a loopback one",
    },
    Setting {
        key: "admin_token_file",
        kind: SettingKind::Path,
        default: "",
        aliases: &[],
        about: "a file with the bearer token of the admin API",
    },
];

inventory::submit! { Contribution { feature: "admin", settings: SETTINGS, reader: None } }

/// What was said.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) token: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) prefix: Option<String>,
}

impl Settings {
    pub(super) fn of(app: &App) -> Self {
        let text = |key| Some(app.setting(key)?.text()?.to_owned());
        Self {
            token: text("admin_token"),
            token_file: app.setting("admin_token_file").and_then(|value| Some(value.path()?.to_owned())),
            prefix: text("admin_prefix"),
        }
    }
}
