//! The settings of pools.

use graceful_core::__private::{Contribution, inventory};
use graceful_core::{Setting, SettingKind};

static SETTINGS: &[Setting] = &[Setting {
    key: "db_force_close",
    kind: SettingKind::Switch,
    default: "true",
    aliases: &[],
    about: "off: queries that run when a pool closes are waited for, and never cancelled",
}];

inventory::submit! { Contribution { feature: "pool", settings: SETTINGS, reader: None } }
