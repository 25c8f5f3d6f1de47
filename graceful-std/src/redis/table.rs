//! The settings of Redis.

use graceful_core::__private::{Contribution, inventory};
use graceful_core::{Setting, SettingKind};

static SETTINGS: &[Setting] = &[Setting {
    key: "redis_graceful_close",
    kind: SettingKind::Switch,
    default: "true",
    aliases: &[],
    about: "off: what is pending is not sent, and connections are closed at once",
}];

inventory::submit! { Contribution { feature: "redis", settings: SETTINGS, reader: None } }
