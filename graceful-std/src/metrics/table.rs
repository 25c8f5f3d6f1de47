//! The settings of metrics.

use graceful_core::__private::{Contribution, inventory};
use graceful_core::{Setting, SettingKind};

static SETTINGS: &[Setting] = &[
    Setting {
        key: "graceful_metrics_file",
        kind: SettingKind::Path,
        default: "",
        aliases: &[],
        about: "where the metrics of the shutdown are kept, from one run to the next",
    },
    Setting {
        key: "graceful_metrics_push_url",
        // It may hold a password.
        kind: SettingKind::Secret,
        default: "",
        aliases: &[],
        about: "where the last metrics are pushed to",
    },
];

inventory::submit! { Contribution { feature: "metrics", settings: SETTINGS, reader: None } }
