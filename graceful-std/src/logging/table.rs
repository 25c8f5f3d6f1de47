//! The settings of the logger.

use graceful_core::__private::{Contribution, inventory};
use graceful_core::{Setting, SettingKind};

static SETTINGS: &[Setting] = &[
    Setting {
        key: "log_format",
        kind: SettingKind::Choice(&["json", "text"]),
        default: "text on a terminal, else json",
        aliases: &[],
        about: "how records are written",
    },
    Setting {
        key: "log_level",
        kind: SettingKind::Text,
        default: "info",
        aliases: &[],
        about: "which records are written: a level, and others for some targets, as in info,my_crate::db=debug",
    },
];

inventory::submit! { Contribution { feature: "logging", settings: SETTINGS, reader: None } }
