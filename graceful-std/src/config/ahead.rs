//! Settings of features whose modules are on their way. Each table goes beside its module when that is there.

#[cfg(feature = "admin")]
mod admin {
    use graceful_core::__private::{Contribution, inventory};
    use graceful_core::{Setting, SettingKind};

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
}

#[cfg(feature = "process")]
mod process {
    use graceful_core::__private::{Contribution, inventory};
    use graceful_core::{Setting, SettingKind};

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
}
